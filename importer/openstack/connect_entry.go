package openstack

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
)

// An entry is one cloud of clouds.yaml, or the OS_* variables: key and value,
// those of "auth" among them. So they come from the environment, and
// openstacksdk takes either form from the file.
type entry struct {
	name   string
	from   string // file or environment, for errors
	values map[string]string
}

// get is the first of these keys that has a value.
func (e entry) get(keys ...string) string {
	for _, key := range keys {
		if v := e.values[key]; v != "" {
			return v
		}
	}
	return ""
}

// problem is an error about the entry. It never quotes a value: it might be
// the password on the wrong line.
func (e entry) problem(format string, args ...any) error {
	return fmt.Errorf("cloud %s (%s): %s", e.name, e.from, fmt.Sprintf(format, args...))
}

// secretKeys are the keys whose values nobody may see.
var secretKeys = []string{"password", "application_credential_secret", "token", "passcode"}

func (e entry) secrets() (list []string) {
	for _, key := range secretKeys {
		if v := e.values[key]; v != "" {
			list = append(list, v)
		}
	}
	return list
}

// checkAuthURL says what is wrong with the address of Keystone.
func (e entry) checkAuthURL() error {
	text := e.get("auth_url")
	if text == "" {
		return e.problem("names no auth_url, the address of Keystone (vendor profiles are not known here)")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return e.problem("auth_url is not a URL such as https://keystone.example.org:5000/v3")
	case u.User != nil:
		return e.problem("auth_url has a user name in it: set username and password instead")
	}
	return nil
}

// authOptions is the login: a token, an application credential, or user and
// password.
func (e entry) authOptions() (gophercloud.AuthOptions, error) {
	auth := gophercloud.AuthOptions{IdentityEndpoint: e.get("auth_url"), AllowReauth: true}
	switch {
	case e.get("token") != "" && e.get("password") == "":
		auth.TokenID = e.get("token")
		auth.Scope = e.scope()
		auth.AllowReauth = false // a token cannot outlive itself
		return auth, nil
	case e.get("application_credential_id", "application_credential_name") != "":
		return e.applicationCredential(auth)
	}
	auth.Password = e.get("password")
	auth.Passcode = e.get("passcode")
	e.user(&auth)
	auth.Scope = e.scope()
	switch {
	case auth.Username == "" && auth.UserID == "":
		return auth, e.problem("names no username (or application_credential_id)")
	case auth.Password == "":
		return auth, e.problem("has no password for user %q; it may stand in secure.yaml beside it", e.get("username", "user_id"))
	case auth.Scope == nil:
		return auth, e.problem("names no project to work in: set project_name, the administrators' own (admin)")
	}
	return auth, nil
}

// applicationCredential is of one project, so that it has no scope.
func (e entry) applicationCredential(auth gophercloud.AuthOptions) (gophercloud.AuthOptions, error) {
	auth.ApplicationCredentialID = e.get("application_credential_id")
	auth.ApplicationCredentialSecret = e.get("application_credential_secret")
	if auth.ApplicationCredentialSecret == "" {
		return auth, e.problem("has no application_credential_secret; it may stand in secure.yaml beside it")
	}
	if auth.ApplicationCredentialID == "" {
		auth.ApplicationCredentialName = e.get("application_credential_name")
		if e.user(&auth); auth.Username == "" && auth.UserID == "" {
			return auth, e.problem("names an application credential but not whose: set its id, or username")
		}
	}
	return auth, nil
}

// user fills in who logs in. A name is one of a domain, "default" where none
// is said.
func (e entry) user(auth *gophercloud.AuthOptions) {
	if auth.UserID = e.get("user_id"); auth.UserID != "" {
		return
	}
	auth.Username = e.get("username", "user_name")
	auth.DomainID = e.get("user_domain_id", "domain_id")
	auth.DomainName = e.get("user_domain_name", "domain_name")
	e.oneDomain(&auth.DomainID, &auth.DomainName)
}

// scope is what the token is for; nil when the entry does not say.
func (e entry) scope() *gophercloud.AuthScope {
	s := &gophercloud.AuthScope{}
	switch {
	case e.get("trust_id") != "":
		s.TrustID = e.get("trust_id")
	case e.get("system_scope") != "":
		s.System = true
	case e.get("project_id", "tenant_id") != "":
		s.ProjectID = e.get("project_id", "tenant_id")
	case e.get("project_name", "tenant_name") != "":
		s.ProjectName = e.get("project_name", "tenant_name")
		s.DomainID = e.get("project_domain_id", "domain_id")
		s.DomainName = e.get("project_domain_name", "domain_name")
		e.oneDomain(&s.DomainID, &s.DomainName)
	default:
		return nil
	}
	return s
}

// oneDomain takes care that a name has exactly one Keystone domain.
func (e entry) oneDomain(id, name *string) {
	switch {
	case *id != "":
		*name = ""
	case *name == "":
		if *id = e.get("default_domain"); *id == "" {
			*id = "default"
		}
	}
}

// availability is the interface of the endpoints.
func (e entry) availability() string {
	kind := strings.TrimSuffix(e.get("interface", "endpoint_type"), "URL")
	if kind == "" {
		return "public"
	}
	return kind
}

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
			return nil, fmt.Errorf("%w", e.problem("cacert: %v", err))
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
