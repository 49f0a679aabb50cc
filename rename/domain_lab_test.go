//go:build lab

package rename

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// guestImage is what testdata/lab/guest-image.sh makes: a system that answers
// the power button and says on its serial port how often it was booted.
func guestImage(t *testing.T) string {
	t.Helper()
	path := cmp.Or(os.Getenv("K2O_LAB_GUEST_IMAGE"), "/var/lib/k2o-lab/guest.qcow2")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the lab's guest image is missing; run testdata/lab/up.sh: %v", err)
	}
	return path
}

// localFiles are this machine's.
type localFiles struct{}

func (localFiles) Stat(_ context.Context, path string) (File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return File{}, err
	}
	st := info.Sys().(*syscall.Stat_t)
	return File{Path: path, Device: st.Dev, Inode: st.Ino, Bytes: info.Size()}, nil
}

func (localFiles) Copy(context.Context, string, string) error { return errors.ErrUnsupported }

func (localFiles) Read(_ context.Context, path string, offset int64, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.NewSectionReader(f, offset, int64(limit)))
}

// The guest takes the address that goes with its MAC, on the lab's bridge. The
// fleet's end far below.
const (
	labMAC     = "52:54:00:10:00:f0"
	labAddress = "10.66.0.240"
)

// A labGuest is a domain with the lab's system on a disk of its own.
type labGuest struct {
	*Domain
	host         *realHost
	events       *Events
	dir, console string
}

func newLabGuest(t *testing.T, name string) *labGuest {
	t.Helper()
	h := openHost(t)
	dir := h.folder()
	g := &labGuest{host: h, events: h.watch(), dir: dir, console: filepath.Join(dir, "console")}
	g.Domain = h.add(name, `<memory unit='MiB'>128</memory><devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='`+overlay(t, dir, guestImage(t))+`'/><target dev='vda' bus='virtio'/></disk>
<interface type='bridge'><mac address='`+labMAC+`'/><source bridge='br-legacy'/><model type='virtio'/></interface>
<serial type='file'><source path='`+g.console+`'/></serial><memballoon model='none'/></devices>`)
	return g
}

// start waits until the guest is up, and says what it wrote.
func (g *labGuest) start(t *testing.T) (Started, string) {
	t.Helper()
	mark := must[ConsoleMark](t)(MarkConsole(t.Context(), localFiles{}, g.console))
	started := must[Started](t)(g.Start(t.Context(), false))
	const within = 5 * time.Minute // without KVM, beside a whole OpenStack
	address := netip.MustParseAddr(labAddress)
	h := Health{Steady: time.Second, Console: &Console{Files: localFiles{}, Mark: mark, Text: "guest: ready", Within: within}, Probes: []Probe{
		{Ping: address, Within: within},
		{ARP: &ARP{Address: address, MAC: labMAC}, Within: within},
		{TCP: labAddress + ":80", Within: within},
		{HTTP: &HTTP{URL: "http://" + labAddress + "/state"}, Within: within},
	}}
	r := must[Report](t)(g.CheckHealth(t.Context(), h, started.Issued, g.events))
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	for _, a := range r.Answers {
		t.Logf("%s: %s, %v after the start", a.Asked, a.Said, a.Took.Round(time.Millisecond))
	}
	text := must[[]byte](t)(os.ReadFile(g.console))
	return started, string(text)
}

// stop is a shutdown by the power button, as the plan of a Linux would have it.
func (g *labGuest) stop(t *testing.T) Stopped {
	t.Helper()
	s := must[Stopped](t)(g.Shutdown(t.Context(), Shutdown{Presses: PressesFor("linux")}, g.events))
	if !s.Clean() || !s.Heard || s.By != byACPI {
		t.Errorf("stopped %+v", s)
	}
	return s
}

// renamed gives the domain another name and its disk another path, prepared
// before it is stopped.
func (g *labGuest) renamed(t *testing.T, saved Saved, name string) (func(), Change) {
	t.Helper()
	linked := filepath.Join(g.dir, name)
	if err := os.Link(saved.Disks[0], linked); err != nil {
		t.Fatal(err)
	}
	c := Change{Name: name, Disks: map[string]string{"vda": linked}}
	text := must[string](t)(Apply(saved.Definition, c))
	return func() {
		err := g.Rename(t.Context(), name)
		err = errors.Join(err, g.Define(t.Context(), Definition{
			Text: text,
			Fits: func(present string) error { return Check(saved.Definition, present, Change{Name: name}) },
			Proves: func(defined string) error {
				_, err := CheckDefined(saved.Definition, defined, c)
				return err
			},
		}))
		if err != nil {
			t.Fatal(err)
		}
	}, c
}

var boots = regexp.MustCompile(`guest: boots=(\d+)\s+guest: last_stop=(\S+)`)

// booted makes sure that the guest was started so often and stopped cleanly.
func booted(t *testing.T, console string, times int, last string) {
	t.Helper()
	found := boots.FindStringSubmatch(console)
	if found == nil || found[1] != fmt.Sprint(times) || found[2] != last {
		t.Errorf("the guest says %q, want %d boots, last stop %s", found, times, last)
	}
}

// A real guest goes the way there and back: one boot each, each after a
// shutdown in good order, and at the end the very definition from before.
func TestLabRestart(t *testing.T) {
	g := newLabGuest(t, "ren-lab")
	_, console := g.start(t)
	booted(t, console, 1, "none")
	saved := must[Saved](t)(g.Save(t.Context()))
	if !slices.Equal(saved.Consoles, []string{g.console}) {
		t.Errorf("consoles %q", saved.Consoles)
	}
	files := must[[]File](t)(SaveFiles(t.Context(), localFiles{}, saved))

	rename, change := g.renamed(t, saved, "ren-instance-00000001")
	stopped := g.stop(t)
	rename()
	started, console := g.start(t)
	booted(t, console, 2, "clean")
	t.Logf("shutdown %v, gap %v, create %v", stopped.Took, started.Gap(stopped), started.Took)
	now := must[Saved](t)(g.Save(t.Context()))
	if now.Name != change.Name || now.Disks[0] != change.Disks["vda"] {
		t.Errorf("renamed to %+v", now)
	}
	if err := CheckFiles(t.Context(), localFiles{}, files); err != nil {
		t.Error(err)
	}

	g.stop(t)
	if err := g.Restore(t.Context(), saved, nil); err != nil {
		t.Fatal(err)
	}
	_, console = g.start(t)
	booted(t, console, 3, "clean")
	if back := must[Saved](t)(g.Save(t.Context())); back.Definition != saved.Definition {
		t.Errorf("the definition is not the one from before")
	}
}

// The promise about downtime, on a machine that is otherwise busy.
func TestLabGap(t *testing.T) {
	h := openHost(t)
	gaps := measureGaps(t, h, h.watch(), 15)
	slices.Sort(gaps)
	t.Logf("gaps %v, median %v", gaps, gaps[len(gaps)/2])
	if median := gaps[len(gaps)/2]; median > 25*time.Millisecond {
		t.Errorf("median %v", median)
	}
}

// A guest that takes longer than the deadline is left to it.
func TestLabSlow(t *testing.T) {
	g := newLabGuest(t, "ren-slow")
	g.start(t)
	how := Shutdown{Deadline: 50 * time.Millisecond, Presses: PressesFor("linux")}
	_, err := g.Shutdown(t.Context(), how, g.events)
	if !errors.Is(err, ErrStillRunning) || !strings.Contains(err.Error(), "pressed the power button 1 times") {
		t.Fatalf("Shutdown = %v", err)
	}
	// The guest goes off a little later all the same, and the same call finds
	// that there is nothing left to do.
	s := must[Stopped](t)(g.Shutdown(t.Context(), Shutdown{Deadline: time.Minute}, g.events))
	if !s.Clean() || !isOff(t, g.Domain) {
		t.Errorf("stopped %+v", s)
	}
}
