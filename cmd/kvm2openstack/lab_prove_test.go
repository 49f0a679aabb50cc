//go:build lab

package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// proven are guests of either firmware, as many as are restarted at a time, which
// TestLabProve has libvirt start. LAB_FULL=1 adds other disks.
var proven = map[bool][]string{
	false: {one, "leg-uefi01"},
	true:  {one, "leg-sata01", "leg-uefi01", "leg-two01"},
}[full]

// TestLabProve renames guests by libvirt, has Nova rebuild them in the same
// window, swaps their interfaces by both and back, and gives up the legacy names
// of their disks; a release still brings them back.
func TestLabProve(t *testing.T) {
	l := newLab(t, func(text string) string { return strings.Replace(answering(text), "45s", "5m", 1) })
	l.dropConsoles()
	cloud := l.dumpCloud()
	before := map[string]look{}
	args := []string{"plan", "-O", l.plan}
	for _, name := range proven {
		before[name] = l.look(l.fleet[name])
		args = append(args, "--only", name)
	}
	if status, text := l.try(args...); status > exitAttention {
		t.Fatalf("plan ended with status %d:\n%s", status, text)
	}
	t.Cleanup(func() { l.releaseWhatIsLeft() })
	nova := l.markNova()
	l.command(exitClean, "import", l.plan, "--yes")

	l.phase("restart and proof", func() {
		l.through(len(proven), "renamed", "rename", l.plan, "--yes", "--start-by", "libvirt", "--prove")
	})
	l.restarted(before, "nova", 2)
	l.phase("swap by libvirt", func() { l.swap(before, "e1000", "libvirt", 3) })
	bios, uefi := maps.Clone(before), map[string]look{"leg-uefi01": before["leg-uefi01"]}
	delete(bios, "leg-uefi01")
	l.phase("swap back by Nova", func() { l.swap(bios, "virtio", "nova", 4) })
	// Nova would begin the variables of this one anew.
	l.says(exitBlocked, "leg-uefi01|EFI variables|--start-by libvirt", "rename", l.plan, "--yes", "--only", "leg-uefi01", "--nic", "virtio", "--start-by", "nova")
	l.phase("swap of UEFI back", func() { l.swap(uefi, "virtio", "libvirt", 4) })
	l.command(exitClean, "verify", l.plan)

	l.through(len(proven), "finalized", "rename", l.plan, "--yes", "--unlink-legacy")
	for _, name := range proven {
		if path := "/var/lib/libvirt/images/" + name + ".qcow2"; l.isFile(path) {
			t.Errorf("%s is still there", path)
		}
	}
	l.command(exitClean, "verify", l.plan)
	l.phase("release", func() { l.released() })
	for _, name := range proven {
		was, now := before[name], l.look(l.fleet[name])
		l.onceMore(name, was, now, 5)
		for _, line := range passing {
			now.guest[line] = was.guest[line]
		}
		l.same(name, was, now)
	}
	l.novaSaysNothing(nova, nil)
	l.dropConsoles()
	if diff := cloud.diff(l.dumpCloud()); diff != "" {
		t.Errorf("the cloud is not as it was:\n%s", diff)
	}
	l.nothingLinked()
}

// through: that is what became of so many guests. A warning may be among it, of
// a bridge that Neutron has yet to make.
func (l *lab) through(n int, outcome string, args ...string) {
	l.t.Helper()
	status, text := l.try(args...)
	l.t.Log(text)
	if want := fmt.Sprintf("%d %s\n", n, outcome); status > exitAttention || !strings.Contains(text, want) || strings.Contains(text, "not proven") {
		l.t.Fatalf("%v ended with status %d, want at most %d and %q", args, status, exitAttention, want)
	}
}

// swap gives the guests other interfaces, and holds them against what they were.
func (l *lab) swap(guests map[string]look, model, by string, boots int) {
	l.t.Helper()
	args := []string{"rename", l.plan, "--yes", "--nic", model, "--start-by", by}
	want := map[string]look{}
	for name, k := range guests {
		args = append(args, "--only", name)
		k.guest = withDriver(k.guest, map[string]string{"virtio": "virtio_net", "e1000": "e1000"}[model])
		want[name] = k
	}
	l.through(len(guests), "swapped", args...)
	l.restarted(want, "nova", boots)
}

var driverOf = regexp.MustCompile(`driver=\S+`)

// withDriver is a guest's state with another driver for all interfaces.
func withDriver(guest map[string]string, driver string) map[string]string {
	m := maps.Clone(guest)
	for line, value := range guest {
		if strings.HasPrefix(line, "nic ") {
			m[line] = driverOf.ReplaceAllString(value, "driver="+driver)
		}
	}
	return m
}

// restarted: the guests run under Nova's names, were booted so many times more,
// and see the hardware that they are to see.
func (l *lab) restarted(want map[string]look, by string, boots int) {
	l.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		now := l.look(l.fleet[name])
		if !strings.HasPrefix(now.name, "instance-") || now.state != "running" {
			l.t.Errorf("%s is called %s and is %s", name, now.name, now.state)
			continue
		}
		l.onceMore(name, want[name], now, boots)
		if diff := cmp.Diff(hardware(want[name].guest, by), hardware(now.guest, by)); diff != "" {
			l.t.Errorf("%s sees other hardware (-before +after):\n%s", name, diff)
		}
		l.plugged(l.fleet[name])
	}
}

func (l *lab) isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
