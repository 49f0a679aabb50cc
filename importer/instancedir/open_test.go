package instancedir

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/testdata/sshserver"
)

// silentServer lets everybody log in, and answers nothing that is asked then.
func silentServer(t *testing.T, asked chan<- struct{}) net.Conn {
	t.Helper()
	l, config, _ := sshserver.Listen(t)
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		theirs, err := l.Accept()
		if err != nil {
			return
		}
		_, channels, requests, err := ssh.NewServerConn(theirs, config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for c := range channels {
			_, in, err := c.Accept()
			if err != nil {
				return
			}
			go func() {
				for range in {
					asked <- struct{}{}
				}
			}()
		}
	}()
	return ours
}

// A host that lets in and then says nothing is waited for no longer than the
// context allows: its guest may be off.
func TestOpenSilentHost(t *testing.T) {
	asked := make(chan struct{}, 8)
	conn := silentServer(t, asked)
	dial := func(context.Context, discover.Host) (*ssh.Client, error) {
		c, channels, requests, err := ssh.NewClientConn(conn, "h", &ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey()})
		if err != nil {
			return nil, err
		}
		return ssh.NewClient(c, channels, requests), nil
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("no answer")
	ended := make(chan error, 1)
	go func() {
		_, err := Open(ctx, discover.Host{Name: "kvm01", URI: "qemu+ssh://kvm01/system"}, dial)
		ended <- err
	}()
	<-asked
	cancel(enough)
	select {
	case err := <-ended:
		if !errors.Is(err, enough) {
			t.Errorf("Open = %v, want %v", err, enough)
		}
	case <-time.After(time.Minute):
		t.Fatal("Open waits on")
	}
}
