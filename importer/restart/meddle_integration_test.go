//go:build integration

package restart

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/rename"
)

// What somebody does to a real domain, or to its host, between plan and restart
// or in the middle of one.

// wantRefused: it runs on, and nothing of it was touched.
func (d *realDomain) wantRefused(what string, want error) {
	d.t.Helper()
	started := d.process()
	r, _, err := d.call()
	if err != nil || r.Outcome != Refused || !errors.Is(r.Err, want) {
		d.t.Errorf("%s: %s at %s: %v %v; want refused with %v", what, r.Outcome, r.Step, r.Err, err, want)
	}
	if now := d.process(); now != started {
		d.t.Errorf("%s: its process is %q, and was %q", what, now, started)
	}
	d.wantBefore(what)
}

// process tells one run of a guest from the next, "" for one that is off.
func (d *realDomain) process() string {
	d.t.Helper()
	found, err := filepath.Glob(filepath.Join(filepath.Dir(d.Socket), "qemu", "*.pid"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, file := range found {
		pid, _ := os.ReadFile(file)
		text, _ := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/cmdline")
		if strings.Contains(string(text), d.UUID) {
			return string(pid)
		}
	}
	return ""
}

func TestRealRefused(t *testing.T) {
	t.Run("renamed by somebody", func(t *testing.T) {
		d := addReal(t, "stranger", shape{off: true})
		d.must("domrename", d.Name, d.Name+" now")
		r, _, err := d.call()
		if err != nil || r.Outcome != Refused || !errors.Is(r.Err, ErrStranger) || !strings.Contains(r.Reason, d.Name+" now") {
			t.Errorf("%s: %v %v", r.Outcome, r.Err, err)
		}
		d.must("domrename", d.Name+" now", d.Name)
		d.wantBefore("renamed back")
	})
	t.Run("instance name of a stranger", func(t *testing.T) {
		d := addReal(t, "taken", shape{})
		defer d.stranger(d.Instance)()
		d.wantRefused("its new name is taken", rename.ErrNameTaken)
	})
	t.Run("disk moved", func(t *testing.T) {
		d := addReal(t, "moved", shape{})
		disk := filepath.Join(d.Dir, "leg-web01.qcow2")
		text, err := os.ReadFile(disk)
		if err := errors.Join(err, os.Rename(disk, disk+".old"), os.WriteFile(disk, text, 0o666)); err != nil {
			t.Fatal(err)
		}
		back := func() error { return os.Rename(disk+".old", disk) }
		r, _, err := d.call()
		if err != nil || r.Outcome != Refused || !errors.Is(r.Err, ErrUnlinked) {
			t.Errorf("%s: %v %v", r.Outcome, r.Err, err)
		}
		if err := back(); err != nil {
			t.Fatal(err)
		}
		d.wantBefore("disk moved")
	})
	t.Run("medium missing", func(t *testing.T) {
		d := addReal(t, "medium", shape{fleet: "leg-ide01"})
		d.insert()
		if err := os.Remove(d.medium()); err != nil {
			t.Fatal(err)
		}
		d.wantRefused("its medium is missing", ErrMissing)
	})
	t.Run("machine type missing", func(t *testing.T) {
		d := addReal(t, "machine", shape{})
		domain, err := (&Libvirt{}).Domain(t.Context(), d.host(), d.UUID)
		if err != nil {
			t.Fatal(err)
		}
		defer domain.Close()
		definition := d.must("dumpxml", "--inactive", d.UUID)
		gone := strings.Replace(definition, "machine='pc-i440fx-5.2'", "machine='pc-i440fx-1.2'", 1)
		if gone == definition {
			t.Fatalf("it has another machine type:\n%s", definition)
		}
		if err := domain.CheckMachine(t.Context(), definition); err != nil {
			t.Errorf("its own: %v", err)
		}
		if err := domain.CheckMachine(t.Context(), gone); !errors.Is(err, rename.ErrMachine) || !strings.Contains(err.Error(), "pc-i440fx-1.2") {
			t.Errorf("one that QEMU has not: %v", err)
		}
	})
}

// stranger is another domain of that name, until it is called.
func (d *realDomain) stranger(name string) (gone func()) {
	d.t.Helper()
	text := "<domain type='qemu'><name>" + name + "</name><memory unit='MiB'>16</memory><os><type arch='x86_64' machine='pc'>hvm</type></os></domain>"
	if _, err := d.define(text); err != nil {
		d.t.Fatal(err)
	}
	return func() { d.must("undefine", name) }
}

func (d *realDomain) medium() string { return filepath.Join(d.Dir, "medium.iso") }

// insert has a medium in the drive, in the definition and in the guest, as it
// was planned.
func (d *realDomain) insert() {
	d.t.Helper()
	if err := os.WriteFile(d.medium(), make([]byte, 1<<16), 0o666); err != nil {
		d.t.Fatal(err)
	}
	d.must("change-media", d.UUID, "hdc", d.medium(), "--insert", "--live", "--config")
	d.again()
}

// again plans the domain as it is now.
func (d *realDomain) again() {
	d.t.Helper()
	d.before = d.now()
	if err := d.setUp(shape{}); err != nil {
		d.t.Fatal(err)
	}
}

// wantRolledBack: its guest runs as before, whatever was taken from it.
func (d *realDomain) wantRolledBack(what string, then map[string]func(), says ...string) {
	d.t.Helper()
	r, _, err := d.callWith(&killer{then: then})
	said := fmt.Sprint(r.Reason, r.Warnings)
	if err != nil || r.Outcome != RolledBack {
		d.t.Errorf("%s: %s at %s: %v %v", what, r.Outcome, r.Step, r.Err, err)
	}
	for _, word := range says {
		if !strings.Contains(said, word) {
			d.t.Errorf("%s: it does not say %q: %s", what, word, said)
		}
	}
	d.wantBefore(what)
}

func TestRealTaken(t *testing.T) {
	t.Run("port of the console", func(t *testing.T) {
		d := addReal(t, "port", shape{})
		port := d.fixPort()
		// The guest has the port until its end.
		var taken net.Listener
		take := func() {
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
				if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
					taken = l
					return
				}
			}
		}
		d.wantRolledBack("its port is taken", map[string]func(){"shutdown": take}, "start", "port "+port+" of its vnc console")
		if taken == nil {
			t.Fatal("nobody took the port")
		}
		taken.Close()
		if live := d.must("dumpxml", d.UUID); strings.Contains(live, "port='"+port+"'") {
			t.Errorf("it runs with the port:\n%s", live)
		}
		if r := d.goOn("forward", Renamed); len(r.Warnings) > 0 && strings.Contains(fmt.Sprint(r.Warnings), "console") {
			t.Errorf("with the port free again: %q", r.Warnings)
		}
		if live := d.must("dumpxml", d.UUID); !strings.Contains(live, "port='"+port+"'") {
			t.Errorf("it runs without its port:\n%s", live)
		}
		d.goOn("back", Returned)
		d.wantBefore("with the port free again")
	})
	t.Run("medium", func(t *testing.T) {
		d := addReal(t, "medium gone", shape{fleet: "leg-ide01"})
		d.insert()
		remove := func() { _ = os.Remove(d.medium()) }
		d.wantRolledBack("its medium is taken", map[string]func(){"shutdown": remove}, "start", "medium.iso")
	})
	t.Run("name", func(t *testing.T) {
		d := addReal(t, "name gone", shape{autostart: true})
		var gone func()
		d.wantRolledBack("its name is taken", map[string]func(){"shutdown": func() { gone = d.stranger(d.Instance) }}, d.Instance)
		gone()
	})
}

var aConsole = regexp.MustCompile(`(?s)<graphics type='vnc'.*</graphics>`)

// fixPort gives the guest a console at a port of its own, as it was planned.
func (d *realDomain) fixPort() (port string) {
	d.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	text := aConsole.ReplaceAllString(d.must("dumpxml", "--inactive", "--security-info", d.UUID),
		"<graphics type='vnc' port='"+port+"' autoport='no' listen='127.0.0.1' passwd='hunter2'><listen type='address' address='127.0.0.1'/></graphics>")
	if _, err := d.define(text); err != nil {
		d.t.Fatal(err)
	}
	d.must("destroy", d.UUID)
	d.must("start", d.UUID)
	d.again()
	return port
}

// A host that is gone after the shutdown leaves a journal that finishes the
// restart once it is back.
func TestRealHostGone(t *testing.T) {
	for _, way := range []struct {
		call string
		want Outcome
	}{{"forward", Renamed}, {"back", Returned}} {
		d := addReal(t, "gone "+way.call, shape{autostart: true})
		r, _, err := d.callWith(&killer{then: map[string]func(){"shutdown": d.killDaemon}, patience: 300 * time.Millisecond})
		if err != nil || r.Outcome != Half || !errors.Is(r.Err, ErrAway) {
			t.Errorf("%s at %s: %v %v", r.Outcome, r.Step, r.Err, err)
		}
		if a := d.adoption(); a.State != journal.StateRenaming || a.Reason == "" {
			t.Errorf("the journal says %s: %q", a.State, a.Reason)
		}
		d.startDaemon()
		d.goOn(way.call, way.want)
		if way.want == Renamed {
			d.wantRenamed("the host is back")
			d.goOn("back", Returned)
		}
		d.wantBefore("the host is back")
	}
}

// daemonDir is that of the private daemon, DIR/libvirt/a of
// DIR/libvirt/a/run/libvirt/libvirt-sock.
func (d *realDomain) daemonDir() string { return filepath.Dir(filepath.Dir(filepath.Dir(d.Socket))) }

func (d *realDomain) killDaemon() {
	text, err := os.ReadFile(filepath.Join(d.daemonDir(), "run/libvirtd.pid"))
	if err != nil {
		d.t.Error(err)
		return
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if exe, readErr := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || readErr != nil || filepath.Base(exe) != "libvirtd" {
		d.t.Errorf("process %d is %s, not the daemon (%v, %v)", pid, exe, err, readErr)
		return
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		d.t.Error(err)
	}
}

func (d *realDomain) startDaemon() {
	d.t.Helper()
	up := "../../testdata/services/libvirt-up.sh"
	out, err := exec.CommandContext(context.WithoutCancel(d.t.Context()), up, filepath.Dir(filepath.Dir(d.daemonDir()))).CombinedOutput()
	if err != nil {
		d.t.Fatalf("start the daemon again: %v\n%s", err, out)
	}
}
