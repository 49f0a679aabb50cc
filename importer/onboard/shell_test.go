package onboard

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/lightcloud/kvm2openstack/testdata/sshserver"
)

// sshHost answers every script, but for those that hang, of which it tells.
func sshHost(t *testing.T, hangs chan<- struct{}) (dial func(context.Context) (*ssh.Client, error)) {
	t.Helper()
	l, config, key := sshserver.Listen(t)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveSSH(conn, config, hangs)
		}
	}()
	return func(context.Context) (*ssh.Client, error) {
		return ssh.Dial("tcp", l.Addr().String(), &ssh.ClientConfig{HostKeyCallback: ssh.FixedHostKey(key)})
	}
}

func serveSSH(conn net.Conn, config *ssh.ServerConfig, hangs chan<- struct{}) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, in, err := c.Accept()
		if err != nil {
			return
		}
		for r := range in {
			_ = r.Reply(true, nil)
			if strings.Contains(string(r.Payload), "hang") {
				hangs <- struct{}{}
				continue
			}
			status := byte(0)
			if strings.Contains(string(r.Payload), "false") {
				status = 1
			}
			_, _ = channel.Write([]byte("said"))
			_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, status})
			_ = channel.Close()
		}
	}
}

// An interruption closes the connection; what was begun is ended over a new one.
func TestRemoteComesBack(t *testing.T) {
	hangs := make(chan struct{}, 1)
	dials, dial := 0, sshHost(t, hangs)
	r := &remote{dial: func(ctx context.Context) (*ssh.Client, error) { dials++; return dial(ctx) }}
	var exit *ssh.ExitError
	if _, err := r.run(t.Context(), "false"); !errors.As(err, &exit) || dials != 1 {
		t.Fatalf("a command that fails: %v, %d dials", err, dials)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-hangs; cancel() }()
	if _, err := r.run(ctx, "hang"); err == nil || dials != 1 {
		t.Fatalf("a command that hangs: %v, %d dials", err, dials)
	}
	out, err := r.run(context.WithoutCancel(ctx), "true")
	if err != nil || string(out) != "said" || dials != 2 {
		t.Fatalf("afterwards: %q, %v, %d dials", out, err, dials)
	}
	if err := r.close(); err != nil || r.close() != nil {
		t.Errorf("close: %v", err)
	}
}
