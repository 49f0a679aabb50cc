package restart

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/lightcloud/kvm2openstack/testdata/sshserver"
)

// A stalling connection takes no more from a moment on, and is not closed.
type stalling struct {
	net.Conn
	stalled atomic.Bool
	end     <-chan struct{}
}

func (s *stalling) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	if s.stalled.Load() {
		<-s.end
		return 0, net.ErrClosed
	}
	return n, err
}

// logIn is a login at a server that says of every program that it was begun:
// "true" ends at once, all others when they are told to. It stalls after the
// login, or with the first program.
func logIn(t *testing.T, stall string) (v there, begun <-chan struct{}) {
	t.Helper()
	l, config, _ := sshserver.Listen(t)
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theirs.Close() })
	started := make(chan struct{}, 8)
	go serve(&stalling{Conn: theirs, end: t.Context().Done()}, config, stall, started)
	c, channels, requests, err := ssh.NewClientConn(ours, "h", &ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		t.Fatal(err)
	}
	client := ssh.NewClient(c, channels, requests)
	t.Cleanup(func() { _ = client.Close() })
	return there{client}, started
}

func serve(conn *stalling, config *ssh.ServerConfig, stall string, started chan<- struct{}) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	if stall == "login" {
		conn.stalled.Store(true)
		started <- struct{}{}
	}
	for c := range channels {
		session, asked, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range asked {
				conn.stalled.Store(stall == "program")
				_ = r.Reply(true, nil)
				started <- struct{}{}
				if strings.HasSuffix(string(r.Payload), "'true'") {
					_, _ = session.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
					_ = session.Close()
				}
			}
		}()
	}
}

// ended waits for what must not take for ever.
func ended(t *testing.T, run func() error) error {
	t.Helper()
	got := make(chan error, 1)
	go func() { got <- run() }()
	select {
	case err := <-got:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("it waits on")
		return nil
	}
}

// givenUp runs a program that does not end, until the context does.
func givenUp(t *testing.T, v there, begun <-chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("no answer")
	err := ended(t, func() error {
		go func() { <-begun; cancel(enough) }()
		_, err := v.Run(ctx, "sleep", "inf")
		return err
	})
	if !errors.Is(err, enough) {
		t.Errorf("Run = %v, want %v", err, enough)
	}
}

// A host that lets in and then stalls is waited for no longer than the context
// allows, and the next to ask it is told.
func TestVantageStalls(t *testing.T) {
	for _, stall := range []string{"login", "program"} {
		t.Run(stall, func(t *testing.T) {
			v, begun := logIn(t, stall)
			givenUp(t, v, begun)
			err := ended(t, func() error { _, err := v.Run(t.Context(), "true"); return err })
			if err == nil || !strings.Contains(err.Error(), "true: the connection has ended") {
				t.Errorf("the next Run = %v", err)
			}
		})
	}
}

// A program that hangs on a host that does not takes nobody else's way: a probe
// asks again.
func TestVantageOutlivesProgram(t *testing.T) {
	v, begun := logIn(t, "")
	for range 2 {
		givenUp(t, v, begun)
		if err := ended(t, func() error { _, err := v.Run(t.Context(), "true"); return err }); err != nil {
			t.Errorf("the next Run = %v", err)
		}
		<-begun
	}
}
