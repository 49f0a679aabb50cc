//go:build integration

package rename

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// The whole way of a domain whose guest does not answer: refused, forced,
// renamed, changed, started, and back to the very bytes that were saved.
func TestRealWay(t *testing.T) {
	h := openHost(t)
	events := h.watch()
	dir := h.folder()
	disk := overlay(t, dir, "")
	d := h.add("ren-way", `<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='`+disk+`'/><target dev='vda' bus='virtio'/></disk>
<graphics type='vnc' passwd='hunter2' listen='127.0.0.1'/><memballoon model='none'/></devices>`)
	ctx := t.Context()
	if err := d.SetAutostart(ctx, true); err != nil {
		t.Fatal(err)
	}
	must[Started](t)(d.Start(ctx, false))
	saved := must[Saved](t)(d.Save(ctx))
	if !saved.Persistent || !saved.Autostart || saved.ManagedSave || saved.State != StateRunning || !slices.Equal(saved.Disks, []string{disk}) ||
		!strings.Contains(saved.Definition, "hunter2") || strings.Contains(saved.Live, "hunter2") {
		t.Errorf("saved %+v", saved)
	}
	if err := errors.Join(saved.Restartable(), d.Idle(ctx), d.FreeName(ctx, "ren-instance-0000000a")); err != nil {
		t.Error(err)
	}

	deaf := Shutdown{Deadline: 3 * time.Second, Presses: Presses{Most: 2, Every: time.Second}}
	if _, err := d.Shutdown(ctx, deaf, events); !errors.Is(err, ErrStillRunning) || !strings.Contains(err.Error(), "2 times") || isOff(t, d) {
		t.Fatalf("Shutdown of a guest that is deaf: %v", err)
	}
	deaf.Force = true
	stopped, err := d.Shutdown(ctx, deaf, events)
	if err != nil || !stopped.Heard || stopped.By != byTerm || stopped.Reason != reasonDestroyed || stopped.Clean() {
		t.Fatalf("Shutdown = %+v, %v", stopped, err)
	}

	change(t, h, d, saved, dir)
	started := must[Started](t)(d.Start(ctx, false))
	report := must[Report](t)(d.CheckHealth(ctx, Health{Steady: time.Second}, started.Issued, events))
	if err := report.Err(); err != nil {
		t.Error(err)
	}
	must[Stopped](t)(d.Shutdown(ctx, deaf, events))
	if err := d.Restore(ctx, saved, nil); err != nil {
		t.Fatal(err)
	}
	back := must[Saved](t)(d.Save(ctx))
	if back.Definition != saved.Definition || back.Name != saved.Name || !back.Autostart || !back.Off() {
		t.Errorf("back again: %+v", back)
	}
}

// change renames a domain that is off and gives its disk another path.
func change(t *testing.T, h *realHost, d *Domain, saved Saved, dir string) {
	t.Helper()
	linked := filepath.Join(dir, "linked")
	if err := os.Link(saved.Disks[0], linked); err != nil {
		t.Fatal(err)
	}
	c := Change{Name: "ren-instance-0000000a", Disks: map[string]string{"vda": linked}}
	text := must[string](t)(Apply(saved.Definition, c))
	if err := d.Rename(t.Context(), c.Name); err != nil {
		t.Fatal(err)
	}
	err := d.Define(t.Context(), Definition{
		Text: text,
		Fits: func(present string) error { return Check(saved.Definition, present, Change{Name: c.Name}) },
		Proves: func(defined string) error {
			_, err := CheckDefined(saved.Definition, defined, c)
			return err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	now := must[Saved](t)(d.Save(t.Context()))
	if now.Name != c.Name || now.Disks[0] != linked || !now.Autostart || !strings.Contains(now.Definition, "hunter2") {
		t.Errorf("changed to %+v", now)
	}
}

// What libvirt refuses is what this package says it refuses.
func TestRealRefusals(t *testing.T) {
	h := openHost(t)
	ctx := t.Context()
	other := h.add("ren-taken", "")
	d := h.add("ren-refused", "")
	if err := d.Rename(ctx, "ren-taken"); !errors.Is(err, ErrNameTaken) || !strings.Contains(err.Error(), other.UUID()) {
		t.Errorf("a name that is taken: %v", err)
	}
	if err := d.FreeName(ctx, "ren-taken"); !errors.Is(err, ErrNameTaken) {
		t.Errorf("FreeName = %v", err)
	}
	must[Started](t)(d.Start(ctx, true))
	if s := must[Started](t)(d.Start(ctx, false)); !s.WasActive {
		t.Errorf("started twice: %+v", s)
	}
	if err := d.Rename(ctx, "ren-other"); !errors.Is(err, ErrActive) {
		t.Errorf("a running domain: %v", err)
	}
	if _, err := d.Shutdown(ctx, Shutdown{Deadline: time.Second}, nil); !errors.Is(err, ErrPaused) {
		t.Errorf("a paused domain: %v", err)
	}
	if err := d.Resume(ctx); err != nil {
		t.Error(err)
	}
	id := libvirt.UUID(d.id)
	l := must[libvirt.Domain](t)(h.lv.DomainLookupByUUID(id))
	if err := h.lv.DomainManagedSave(l, 0); err != nil {
		t.Fatal(err)
	}
	if err := d.Rename(ctx, "ren-other"); !errors.Is(err, ErrManagedSave) {
		t.Errorf("a managed save image: %v", err)
	}
	if s := must[Saved](t)(d.Save(ctx)); !errors.Is(s.Restartable(), ErrManagedSave) {
		t.Errorf("Restartable of %+v = %v", s, s.Restartable())
	}
}

// A transient domain would be gone for good.
func TestRealTransient(t *testing.T) {
	h := openHost(t)
	d := h.add("ren-transient", "")
	ctx := t.Context()
	must[Started](t)(d.Start(ctx, false))
	saved := must[Saved](t)(d.Save(ctx))
	l := must[libvirt.Domain](t)(h.lv.DomainLookupByUUID(d.id))
	if err := h.lv.DomainUndefine(l); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Shutdown(ctx, Shutdown{Deadline: time.Second, Force: true}, nil); !errors.Is(err, ErrTransient) || isOff(t, d) {
		t.Fatalf("Shutdown = %v", err)
	}
	// What was saved makes it persistent again, while it runs.
	if err := d.Restore(ctx, saved, nil); err != nil {
		t.Fatal(err)
	}
	if now := must[Saved](t)(d.Save(ctx)); !now.Persistent || now.Definition != saved.Definition {
		t.Errorf("restored to %+v", now)
	}
}

// A domain that somebody undefined comes back under its UUID.
func TestRealUndefined(t *testing.T) {
	h := openHost(t)
	d := h.add("ren-undefined", "")
	saved := must[Saved](t)(d.Save(t.Context()))
	h.remove(d.id)
	if _, err := d.Save(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("Save = %v", err)
	}
	if err := d.Restore(t.Context(), saved, nil); err != nil {
		t.Fatal(err)
	}
}

// A start that libvirt refuses leaves the domain off, and says why.
func TestRealStartRefused(t *testing.T) {
	h := openHost(t)
	d := h.add("ren-iso", `<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='cdrom'><source file='/nonexistent/tools.iso'/><target dev='hda' bus='ide'/></disk><memballoon model='none'/></devices>`)
	if _, err := d.Start(t.Context(), false); err == nil || !strings.Contains(err.Error(), "tools.iso") || Unanswered(err) || !isOff(t, d) {
		t.Errorf("Start = %v", err)
	}
}

// A wire is a way to the daemon that can be cut after a request has passed it,
// so that the daemon does what was asked and nobody hears of it.
type wire struct {
	*realHost
	answers int // that still come through; below 0 all
}

type wireConn struct {
	net.Conn
	w *wire
}

func (w *wire) dial(ctx context.Context) (net.Conn, error) {
	conn, err := w.realHost.dial(ctx)
	return wireConn{conn, w}, err
}

func (c wireConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.w.answers == 0 {
		c.w.answers = -1
		c.Close()
		return 0, io.EOF
	}
	return n, err
}

// Every change is done by the daemon, the answer is lost, and the same call
// finds that there is nothing left to do.
func TestRealAnswerLost(t *testing.T) {
	h := openHost(t)
	w := &wire{h, -1}
	ctx := t.Context()
	plain := h.add("ren-lost", "")
	d := must[*Domain](t)(Open(ctx, w.dial, plain.UUID(), Options{Call: 5 * time.Second}))
	defer d.Close()
	saved := must[Saved](t)(d.Save(ctx))
	text := must[string](t)(Apply(saved.Definition, Change{Name: "ren-found"}))
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"rename", func() error { return d.Rename(ctx, "ren-found") }},
		{"define", func() error {
			return d.Define(ctx, Definition{Text: text, Proves: func(is string) error { return identical(text, is) }})
		}},
		{"autostart", func() error { return d.SetAutostart(ctx, true) }},
		{"start", func() error { _, err := d.Start(ctx, false); return err }},
		{"stop", func() error { _, err := d.Shutdown(ctx, Shutdown{Deadline: time.Second, Force: true}, nil); return err }},
		{"restore", func() error { return d.Restore(ctx, saved, nil) }},
	} {
		w.answers = 0
		if err := step.do(); err != nil {
			if !Unanswered(err) {
				t.Errorf("%s: %v", step.name, err)
			}
			if err := step.do(); err != nil {
				t.Errorf("%s again: %v", step.name, err)
			}
		}
	}
	if back := must[Saved](t)(plain.Save(ctx)); back.Definition != saved.Definition || back.Name != "ren-lost" || !back.Off() {
		t.Errorf("in the end it is %+v", back)
	}
}

// process is that of a running domain; its UUID is on the command line.
func process(t *testing.T, d *Domain) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, _ := os.ReadFile(file) // processes end
		if strings.Contains(string(text), "qemu") && strings.Contains(string(text), "\x00-uuid\x00"+d.UUID()+"\x00") {
			pid, err := strconv.Atoi(strings.Split(file, "/")[2])
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("domain %s has no process", d.UUID())
	return 0
}

// A QEMU process that hangs: the call to it is never answered, the others are,
// and it can be ended.
func TestRealHungProcess(t *testing.T) {
	h := openHost(t)
	events := h.watch()
	plain := h.add("ren-hung", "")
	ctx := t.Context()
	// libvirt gives up SIGTERM after 45 s here, of which the test waits for few.
	d := must[*Domain](t)(Open(ctx, h.dial, plain.UUID(), Options{Call: 2 * time.Second, Destroy: 25 * time.Second}))
	defer d.Close()
	must[Started](t)(d.Start(ctx, false))
	if err := syscall.Kill(process(t, d), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	how := Shutdown{Deadline: 4 * time.Second, Presses: Presses{Most: 3, Every: time.Second}}
	_, err := d.Shutdown(ctx, how, events)
	if !errors.Is(err, ErrStillRunning) || !errors.Is(err, ErrNoAnswer) && !strings.Contains(err.Error(), ErrNoAnswer.Error()) {
		t.Errorf("Shutdown = %v", err)
	}
	how.Force, how.Deadline = true, time.Second
	s, err := d.Shutdown(ctx, how, events)
	if err != nil || s.By != byKill {
		t.Errorf("Shutdown by force = %+v, %v", s, err)
	}
}

// A guest that starts anew instead of shutting down, as seen from outside.
func TestRealReboot(t *testing.T) {
	h := openHost(t)
	d := h.add("ren-reboot", "")
	must[Started](t)(d.Start(t.Context(), false))
	l := must[libvirt.Domain](t)(h.lv.DomainLookupByUUID(d.id))
	time.AfterFunc(time.Second, func() { h.lv.DomainReset(l, 0) })
	_, err := d.Shutdown(t.Context(), Shutdown{Deadline: 10 * time.Second, Force: true}, h.watch())
	if !errors.Is(err, ErrRebooted) || isOff(t, d) {
		t.Errorf("Shutdown = %v", err)
	}
}

// kill kills the private daemon and starts it again.
func (h *realHost) kill() error {
	base := h.socket
	for range 3 { // DIR/libvirt/a, of DIR/libvirt/a/run/libvirt/libvirt-sock
		base = filepath.Dir(base)
	}
	text, err := os.ReadFile(filepath.Join(base, "run/libvirtd.pid"))
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || filepath.Base(exe) != "libvirtd" {
		return fmt.Errorf("process %d is %s, not the daemon (%w)", pid, exe, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	out, err := exec.Command("../testdata/services/libvirt-up.sh", filepath.Dir(filepath.Dir(base))).CombinedOutput()
	if err != nil {
		return fmt.Errorf("start the daemon again: %w\n%s", err, out)
	}
	return nil
}

// The daemon is killed somewhere in each of the steps of the way. The step is
// called again until it is answered, the way goes on, and at the end the domain
// is what it was, once.
func TestRealDaemonKilled(t *testing.T) {
	h := openHost(t)
	ctx := t.Context()
	d := h.add("ren-killed", "")
	saved := must[Saved](t)(d.Save(ctx))
	text := must[string](t)(Apply(saved.Definition, Change{Name: "ren-instance-00000002"}))
	text = strings.Replace(text, "<vcpu", "<title>changed</title>\n  <vcpu", 1)
	titled := func(is string) error {
		if !strings.Contains(is, "<title>changed</title>") {
			return errors.New("there is no title")
		}
		return nil
	}
	steps := []struct {
		name string
		last time.Duration // about how long it takes
		do   func(context.Context) error
	}{
		{"rename", 6 * time.Millisecond, func(ctx context.Context) error { return d.Rename(ctx, "ren-instance-00000002") }},
		{"define", 12 * time.Millisecond, func(ctx context.Context) error { return d.Define(ctx, Definition{Text: text, Proves: titled}) }},
		{"start", 600 * time.Millisecond, func(ctx context.Context) error { _, err := d.Start(ctx, false); return err }},
		{"stop", 300 * time.Millisecond, func(ctx context.Context) error {
			_, err := d.Shutdown(ctx, Shutdown{Deadline: time.Millisecond, Force: true}, nil)
			return err
		}},
		{"restore", 15 * time.Millisecond, func(ctx context.Context) error { return d.Restore(ctx, saved, nil) }},
	}
	for victim, v := range steps {
		for _, part := range []time.Duration{1, 2} {
			for i, step := range steps {
				killed := make(chan error, 1)
				if i == victim {
					time.AfterFunc(v.last*part/3, func() { killed <- h.kill() })
				} else {
					killed <- nil
				}
				if err := Insist(ctx, 30*time.Second, step.do); err != nil {
					t.Errorf("%s, with the daemon killed in %s: %v", step.name, v.name, err)
				}
				if err := <-killed; err != nil {
					t.Fatal(err)
				}
			}
			if now := must[Saved](t)(d.Save(ctx)); now.Definition != saved.Definition || !now.Off() || !now.Persistent {
				t.Fatalf("after the daemon was killed in %s the domain is %+v", v.name, now)
			}
		}
	}
	h.reconnect()
	if _, err := h.lv.DomainLookupByName("ren-instance-00000002"); !libvirt.IsNotFound(err) {
		t.Errorf("there is a second domain: %v", err)
	}
}

// The time that a rename adds to a restart: from the end of the old process to
// the order for the new one, with a new name and a new definition in between.
func TestRealGap(t *testing.T) {
	h := openHost(t)
	events := h.watch()
	gaps := measureGaps(t, h, events, 5)
	slices.Sort(gaps)
	t.Logf("gaps %v, median %v", gaps, gaps[len(gaps)/2])
	// The promise is 25 ms on the lab's machine, where TestLabGap holds it. Here
	// only a look at the state in place of an event would be as slow as this.
	if median := gaps[len(gaps)/2]; median > 150*time.Millisecond {
		t.Errorf("median %v", median)
	}
}
