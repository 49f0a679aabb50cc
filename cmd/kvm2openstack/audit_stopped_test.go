package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAuditInterrupted: an audit that somebody ends while a host does not
// answer has a status of its own, which is no verdict and asks for nobody. The
// page of an earlier one stays, and no other file.
func TestAuditInterrupted(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "audit.html")
	if err := os.WriteFile(page, []byte("earlier"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"audit", "--html", page, "--save", filepath.Join(dir, "audit.json")}, {"audit", "-o", "json"}, {"explain", "web-1"}} {
		host := silentHost(t)
		ctx, interrupt := context.WithCancel(t.Context())
		go func() {
			<-host.asked
			interrupt()
		}()
		var out, errOut bytes.Buffer
		t.Setenv("KVM2OPENSTACK_CONFIG", "")
		args := append(command, "--insecure", "--host", "qemu+tcp://"+host.address+"/system")
		status := run(ctx, args, streams{in: strings.NewReader(""), out: &out, err: &errOut})
		if status != exitStopped || out.Len() > 0 || !strings.Contains(errOut.String(), "interrupted, nothing was written") {
			t.Errorf("%v: status %d, want %d; it printed %q and said %q", command, status, exitStopped, &out, &errOut)
		}
	}
	left, err := os.ReadDir(dir)
	text, _ := os.ReadFile(page)
	if err != nil || len(left) != 1 || string(text) != "earlier" {
		t.Errorf("%d files are left (%v), the page says %q", len(left), left, text)
	}
}

// A mute is a host that takes a connection and says nothing.
type mute struct {
	address string
	asked   chan struct{} // closed when somebody has called
}

func silentHost(t *testing.T) mute {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	d := mute{l.Addr().String(), make(chan struct{})}
	go func() {
		if c, err := l.Accept(); err == nil {
			t.Cleanup(func() { c.Close() })
			close(d.asked)
		}
	}()
	return d
}
