package openstack

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

// The fake's certificate is for example.com and 127.0.0.1, of an authority that
// nobody knows.
func TestTLS(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, f *fakeCloud)
		failed string
	}{
		{"unknown authority", func(*testing.T, *fakeCloud) {}, "is of an unknown authority: name the authority's file with cacert in clouds.yaml"},
		{"cacert", func(t *testing.T, f *fakeCloud) { addToConfig(t, "cacert: "+certificate(t, f)) }, ""},
		{"verify", func(t *testing.T, _ *fakeCloud) { addToConfig(t, "verify: false") }, ""},
		{"insecure", func(t *testing.T, _ *fakeCloud) { addToConfig(t, "insecure: true") }, ""},
		{"another name", func(t *testing.T, f *fakeCloud) {
			addToConfig(t, "cacert: "+certificate(t, f))
			replaceInConfig(t, "127.0.0.1", "localhost")
		}, "is for another name"},
		{"http to https", func(t *testing.T, _ *fakeCloud) { replaceInConfig(t, "https://", "http://") }, "it answered 400, Client sent an HTTP request to an HTTPS server"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.StartTLS()
			cfg := f.config(t)
			test.change(t, f)
			_, err := Open(t.Context(), cfg)
			if test.failed == "" && err != nil || test.failed != "" && (err == nil || !strings.Contains(err.Error(), test.failed)) {
				t.Errorf("Open = %v, want %q", err, test.failed)
			}
		})
	}
}

func TestNotTLS(t *testing.T) {
	f := newFake(t)
	cfg := f.config(t)
	replaceInConfig(t, "http://", "https://")
	if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "does not speak TLS: should it be http://?") {
		t.Errorf("Open = %v, want that it is no TLS", err)
	}
}

// A server that wants to know its clients' certificates.
func TestClientCertificate(t *testing.T) {
	f := newFake(t)
	f.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	f.StartTLS()
	cfg := f.config(t)
	addToConfig(t, "insecure: true")
	if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "refuses TLS: tls: certificate required; it may want a client's certificate (cert and key in clouds.yaml)") {
		t.Errorf("Open = %v, want that a certificate is missing", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(f.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	key := t.TempDir() + "/key.pem"
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	addToConfig(t, "cert: "+certificate(t, f)+"\n    key: "+key)
	if _, err := Open(t.Context(), cfg); err != nil {
		t.Error(err)
	}
}

func addToConfig(t *testing.T, line string) {
	t.Helper()
	replaceInConfig(t, "region_name:", line+"\n    region_name:")
}

// certificate writes the fake's certificate to a file.
func certificate(t *testing.T, f *fakeCloud) string {
	t.Helper()
	file := t.TempDir() + "/ca.pem"
	write(t, file, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})))
	return file
}
