//go:build integration || lab

package rename

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"
	"github.com/google/uuid"
)

// A realHost is a libvirtd that guests of this test's own run on.
type realHost struct {
	t      *testing.T
	socket string
	lv     *libvirt.Libvirt // for what is no part of this package
	conn   net.Conn
}

// openHost finds the private libvirtd of the integration tests, or that of the
// lab.
func openHost(t *testing.T) *realHost {
	t.Helper()
	h := &realHost{t: t, socket: os.Getenv("K2O_TEST_LIBVIRT_SOCKET")}
	if h.socket == "" {
		uri, err := url.Parse(os.Getenv("LIBVIRT_DEFAULT_URI"))
		if err != nil || uri.Path != "/system" {
			t.Fatal("neither K2O_TEST_LIBVIRT_SOCKET nor LIBVIRT_DEFAULT_URI is set; run testdata/services/with.sh go test -tags integration ./rename/, or make lab-test")
		}
		h.socket = cmp.Or(uri.Query().Get("socket"), "/run/libvirt/libvirt-sock")
	}
	h.reconnect()
	t.Cleanup(func() { h.conn.Close() })
	return h
}

// reconnect is for after the daemon was killed.
func (h *realHost) reconnect() {
	h.t.Helper()
	var err error
	if h.conn, err = h.dial(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	h.lv = libvirt.NewWithDialer(oneConn{h.conn})
	if err := h.lv.Connect(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *realHost) dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", h.socket)
}

// folder is one that QEMU may write to, whoever it runs as.
func (h *realHost) folder() string {
	h.t.Helper()
	dir, err := os.MkdirTemp("", "k2o-rename")
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		h.t.Fatal(err)
	}
	return dir
}

// add defines a domain of 16 MiB, or as more says, that is off. Nothing of it
// is left when the test ends.
func (h *realHost) add(name, more string) *Domain {
	h.t.Helper()
	id := uuid.New()
	if !strings.Contains(more, "<memory") {
		more = "<memory unit='MiB'>16</memory>" + more
	}
	text := fmt.Sprintf(`<domain type='qemu'><name>%s</name><uuid>%s</uuid><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>%s</domain>`, name, id, more)
	if !strings.Contains(more, "<devices>") {
		text = strings.Replace(text, "</domain>", "<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/><memballoon model='none'/></devices></domain>", 1)
	}
	if _, err := h.lv.DomainDefineXML(text); err != nil {
		h.t.Fatalf("define %s: %v", name, err)
	}
	h.t.Cleanup(func() { h.remove(libvirt.UUID(id)) })
	d, err := Open(h.t.Context(), h.dial, id.String(), Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(d.Close)
	return d
}

func (h *realHost) remove(id libvirt.UUID) {
	d, err := h.lv.DomainLookupByUUID(id)
	if libvirt.IsNotFound(err) {
		return
	}
	h.lv.DomainDestroy(d) // an error says that it is off
	const all = libvirt.DomainUndefineManagedSave | libvirt.DomainUndefineSnapshotsMetadata | libvirt.DomainUndefineNvram
	if err := h.lv.DomainUndefineFlags(d, all); err != nil {
		h.t.Errorf("remove %s: %v", d.Name, err)
	}
}

func (h *realHost) watch() *Events {
	h.t.Helper()
	e, err := Watch(h.t.Context(), h.dial, Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(e.Close)
	return e
}

// overlay is a disk that begins as base, or empty.
func overlay(t *testing.T, dir, base string) string {
	t.Helper()
	path := filepath.Join(dir, "disk.qcow2")
	args := []string{"create", "-q", "-f", "qcow2", path}
	if base == "" {
		args = append(args, "64M")
	} else {
		args = append(args, "-b", base, "-F", "qcow2")
	}
	if out, err := exec.Command("qemu-img", args...).CombinedOutput(); err != nil {
		t.Fatalf("qemu-img: %v\n%s", err, out)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// isOff asks a domain's state.
func isOff(t *testing.T, d *Domain) bool {
	t.Helper()
	return must[State](t)(d.State(t.Context())) == StateShutoff
}

// measureGaps restarts a domain without an operating system, to and fro between
// two names and two definitions.
func measureGaps(t *testing.T, h *realHost, events *Events, times int) (gaps []time.Duration) {
	t.Helper()
	ctx := t.Context()
	dir := h.folder()
	disk := overlay(t, dir, "")
	linked := filepath.Join(dir, "linked")
	if err := os.Link(disk, linked); err != nil {
		t.Fatal(err)
	}
	d := h.add("ren-gap", `<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='`+disk+`'/><target dev='vda' bus='virtio'/></disk><memballoon model='none'/></devices>`)
	must[Started](t)(d.Start(ctx, false))
	for i := range times {
		saved := must[Saved](t)(d.Save(ctx))
		c := Change{Name: fmt.Sprintf("ren-gap-%d", i), Disks: map[string]string{"vda": []string{linked, disk}[i%2]}}
		text := must[string](t)(Apply(saved.Definition, c))
		want := Definition{
			Text: text,
			Fits: func(present string) error { return Check(saved.Definition, present, Change{Name: c.Name}) },
			Proves: func(defined string) error {
				_, err := CheckDefined(saved.Definition, defined, c)
				return err
			},
		}
		stopped := must[Stopped](t)(d.Shutdown(ctx, Shutdown{Deadline: time.Millisecond, Force: true}, events))
		if err := errors.Join(d.Rename(ctx, c.Name), d.Define(ctx, want)); err != nil {
			t.Fatal(err)
		}
		started := must[Started](t)(d.Start(ctx, false))
		if !stopped.Heard || started.WasActive {
			t.Fatalf("%+v, %+v", stopped, started)
		}
		gaps = append(gaps, started.Gap(stopped))
	}
	return gaps
}
