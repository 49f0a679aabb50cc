package openstack

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
)

// tlsConfig is how servers are verified: verify and insecure, cacert, cert
// and key.
func (e entry) tlsConfig() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if v := e.get("verify"); v != "" {
		cfg.InsecureSkipVerify = !truth(v)
	}
	if truth(e.get("insecure")) {
		cfg.InsecureSkipVerify = true
	}
	if file := e.get("cacert"); file != "" {
		pem, err := os.ReadFile(expandHome(file))
		if err != nil {
			return nil, e.problem("cacert: %v", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, e.problem("cacert: %s has no certificate in PEM form", file)
		}
	}
	if file := e.get("cert"); file != "" {
		key := e.get("key")
		if key == "" {
			key = file // both in one file
		}
		pair, err := tls.LoadX509KeyPair(expandHome(file), expandHome(key))
		if err != nil {
			return nil, e.problem("cert and key: %v", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// truth reads a boolean as YAML and shells write it.
func truth(s string) bool {
	switch strings.ToLower(s) {
	case "true", "yes", "on", "1":
		return true
	}
	return false
}

// expandHome is for "~/", which os does not know.
func expandHome(file string) string {
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return file
}
