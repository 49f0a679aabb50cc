package nova

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// newCertificate makes a certificate that is its own CA, and its PEM file.
func newCertificate(t *testing.T, name string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// What each option lets through, in a real handshake.
func TestTLSHandshake(t *testing.T) {
	server, ca := newCertificate(t, "db1.example")
	_, otherCA := newCertificate(t, "db1.example")
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{server}})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			_ = conn.(*tls.Conn).Handshake() // the client tells how it went
			_ = conn.Close()
		}
	}()
	tests := []struct {
		host, options string
		ok            bool
	}{
		{"db1.example", "?ssl_ca=" + ca, true},
		{"db2.example", "?ssl_ca=" + ca, false},
		{"db2.example", "?ssl_ca=" + ca + "&ssl_check_hostname=false", true},
		{"db2.example", "?ssl_ca=" + ca + "&ssl_verify_identity=false", true},
		{"db1.example", "?ssl_ca=" + otherCA, false},
		{"db1.example", "?ssl_ca=" + otherCA + "&ssl_check_hostname=false", false},
		{"db1.example", "?ssl_ca=" + otherCA + "&ssl_verify_cert=false", true},
		{"db1.example", "?ssl_verify_cert=true", false}, // the system does not know it
	}
	for _, tt := range tests {
		d, err := parseURL("mysql+pymysql://nova:x@" + tt.host + "/nova" + tt.options)
		if err != nil {
			t.Fatal(err)
		}
		config, err := d.tlsConfig()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		err = tls.Client(conn, config).Handshake()
		if (err == nil) != tt.ok {
			t.Errorf("%s%s: %v, want success: %v", tt.host, tt.options, err, tt.ok)
		}
		_ = conn.Close()
	}
}
