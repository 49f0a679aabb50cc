package discover

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/digitalocean/go-libvirt"
)

func TestDialer(t *testing.T) {
	d := &fakeDaemon{}
	h := d.start(t, "kvm01")
	_, err := Dialer(h)(context.Background())
	if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), "host kvm01") {
		t.Errorf("dial a read-only socket: %v", err)
	}

	writable := filepath.Join(filepath.Dir(d.socket), "libvirt-sock")
	if err := os.Link(d.socket, writable); err != nil {
		t.Fatal(err)
	}
	h.URI = "qemu:///system?socket=" + writable
	conn, err := Dialer(h)(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	lv := libvirt.NewWithDialer(oneConn{&conn.(*ownConn).frames})
	if err := lv.Connect(); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	<-lv.Disconnected() // hangs if the end of the connection wakes nobody
}

func TestDialerRefusesFolders(t *testing.T) {
	_, err := Dialer(Host{Name: "kvm03", URI: "dir:///tmp"})(context.Background())
	if err == nil || !strings.Contains(err.Error(), "no daemon") {
		t.Errorf("dial a folder: %v", err)
	}
}
