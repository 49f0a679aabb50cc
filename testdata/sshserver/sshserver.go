// Package sshserver begins SSH servers for tests of hosts that misbehave: what
// such a server does with who has logged in is each test's own.
package sshserver

import (
	"crypto/ed25519"
	"crypto/rand"
	"net"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Listen is the listener of a server on loopback, its configuration, which lets
// everybody in, and its host key. It is closed when the test ends.
func Listen(t *testing.T) (net.Listener, *ssh.ServerConfig, ssh.PublicKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, config, signer.PublicKey()
}
