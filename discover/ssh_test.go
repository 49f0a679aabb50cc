package discover

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func newKey(t *testing.T) (ed25519.PrivateKey, ssh.PublicKey) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return key, p
}

func write(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func testKey(t *testing.T) string {
	t.Helper()
	key, _ := newKey(t)
	block, err := ssh.MarshalPrivateKey(key, "")
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "id", pem.EncodeToMemory(block))
}

func testKnownHosts(t *testing.T, addr string) string {
	t.Helper()
	_, pub := newKey(t)
	return write(t, "known_hosts", []byte(knownhosts.Line([]string{knownhosts.Normalize(addr)}, pub)+"\n"))
}

func TestIdentityFiles(t *testing.T) {
	key, _ := newKey(t)
	locked, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, says string }{
		{"good", testKey(t), ""},
		{"locked", write(t, "locked", pem.EncodeToMemory(locked)), "protected by a passphrase; load it into an agent"},
		{"no key", write(t, "junk", []byte("hello")), "junk"},
		{"missing", filepath.Join(t.TempDir(), "none"), "none"},
	} {
		_, err := identities(context.Background(), Host{KeyFile: c.file})
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: identities = %v, want %q", c.name, err, c.says)
		}
	}
}

func TestIdentityWithoutAnyKey(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("SSH_AUTH_SOCK", "/nonexistent/agent")
	_, err := identities(context.Background(), Host{})
	if err == nil || !strings.Contains(err.Error(), "no key to log in with") || !strings.Contains(err.Error(), "ask SSH agent") {
		t.Errorf("identities = %v", err)
	}
}

func TestHostKeyRefusals(t *testing.T) {
	_, shown := newKey(t)
	const addr = "10.0.0.1:22"
	for _, c := range []struct{ name, file, says string }{
		{"known", write(t, "known", []byte(knownhosts.Line([]string{"10.0.0.1"}, shown)+"\n")), ""},
		{"other key", testKnownHosts(t, addr), "line 1 has SHA256:"},
		{"unknown", testKnownHosts(t, "10.0.0.2:22"), "10.0.0.1 is not in "},
		{"revoked", write(t, "revoked", []byte("@revoked "+knownhosts.Line([]string{"10.0.0.1"}, shown)+"\n")), "evoked"},
	} {
		keys, err := hostKeys(Host{KnownHosts: c.file})
		if err != nil {
			t.Fatal(err)
		}
		err = keys.check(addr, fakeAddr(addr), shown)
		if c.says == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if !errors.Is(err, ErrHostKey) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), ssh.FingerprintSHA256(shown)) {
			t.Errorf("%s: check = %v, want %q and the fingerprint", c.name, err, c.says)
		}
	}
}

// Left to itself the client would ask for another kind of key than the known
// one, and refuse what it then gets.
func TestHostKeyAlgorithms(t *testing.T) {
	keys, err := hostKeys(Host{KnownHosts: testKnownHosts(t, "10.0.0.1:22")})
	if err != nil {
		t.Fatal(err)
	}
	if got := keys.algorithms("10.0.0.1:22"); len(got) != 1 || got[0] != ssh.KeyAlgoED25519 {
		t.Errorf("algorithms of a known host = %v", got)
	}
	if got := keys.algorithms("10.0.0.2:22"); got != nil {
		t.Errorf("algorithms of an unknown host = %v", got)
	}
}

func TestExpandHome(t *testing.T) {
	t.Setenv("HOME", "/home/op")
	for in, want := range map[string]string{"~/.ssh/id": "/home/op/.ssh/id", "/a/~/b": "/a/~/b", "~op/x": "~op/x", "": ""} {
		if got := expand(in); got != want {
			t.Errorf("expand(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestHostKeysMissingFile(t *testing.T) {
	if _, err := hostKeys(Host{KnownHosts: "/nonexistent/known_hosts"}); err == nil || !strings.Contains(err.Error(), "/nonexistent/known_hosts") {
		t.Errorf("hostKeys = %v", err)
	}
}

type fakeAddr string

func (a fakeAddr) Network() string { return "tcp" }
func (a fakeAddr) String() string  { return string(a) }
