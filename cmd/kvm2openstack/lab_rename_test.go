//go:build lab

package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// deaf is the guest that ignores the power button: it is left running.
const deaf = "leg-deaf01"

// restartConfiguration makes the deaf guest give up soon, and all restarts at
// the same time. Guests run in emulation: there Nova could not start a Windows,
// for QEMU refuses the Hyper-V features that Nova gives it ("kernel doesn't allow
// setting HyperV VP_INDEX"). The guest that is off is alone in the first wave:
// it passes where all others are to fail.
func restartConfiguration(text string) string {
	text = strings.Replace(text, "rules:\n", "rules:\n  - {match: {name: leg-win01}, os_type: linux, nic_model: e1000, wave: 2}\n", 1)
	text = strings.Replace(text, "{match: {name: leg-paused01},", "{match: {name: leg-paused01}, wave: 2,", 1)
	text += "  - {match: {name: \"leg-*\"}, wave: 2}\n"
	return text + "restart: {shutdown_timeout: 45s, max_per_host: 12, max_unavailable: 12, stop_after: 0}\n"
}

// TestFleetRename restarts the whole fleet in both ways: once in vain, so that
// every guest goes back by itself, and once for good, with a process that is
// killed on the way; then a release takes it back.
func TestFleetRename(t *testing.T) {
	for _, by := range []string{"nova", "libvirt"} {
		t.Run("start by "+by, func(t *testing.T) {
			l := newLab(t, restartConfiguration)
			l.dropConsoles() // of a test that was ended
			cloud := l.dumpCloud()
			before := l.lookAtFleet()
			l.command(exitAttention, "plan", "-O", l.plan, "--only", labPrefix+"*")
			foretold := l.foretell()
			t.Cleanup(func() { l.releaseWhatIsLeft() })
			l.command(exitClean, "import", l.plan, "--yes")
			compute := l.markLog("nova-compute")

			off := before["leg-off01"]
			delete(before, "leg-off01")
			l.phase("restarts in vain", func() { l.renamedInVain(by) })
			l.phase("looks", func() { l.back(before) })
			before = l.lookAtFleet()
			before["leg-off01"] = off
			l.phase("restarts", func() { l.renamedDespiteKill(by) })
			l.phase("looks", func() { l.renamed(before, by) })
			if by == "nova" {
				l.phase("what Nova made", func() { l.rebuiltAsForetold(before, foretold, restarted(before)) })
			}
			l.command(exitClean, "verify", l.plan)
			l.computeSaysNothing(compute)

			l.phase("release", func() { t.Log(l.command(consoles[by], "release", l.plan, "--yes")) })
			l.phase("looks", func() { l.back(before) })
			l.dropConsoles()
			if diff := cloud.diff(l.dumpCloud()); diff != "" {
				t.Errorf("the cloud is not as it was:\n%s", diff)
			}
			l.nothingLinked()
		})
	}
}

// renamedInVain restarts all guests that run, none of which passes its probe.
func (l *lab) renamedInVain(by string) {
	l.t.Helper()
	text, err := os.ReadFile(l.config)
	l.must(err)
	usual := l.config
	l.config = filepath.Join(l.dir, "strict.yaml")
	strict := strings.Replace(string(text), "restart: {", "restart: {probes: [{command: \"false\"}], health_timeout: 1s, ", 1)
	l.must(os.WriteFile(l.config, []byte(strict), 0o600))
	out := l.command(exitUndone, "rename", l.plan, "--yes", "--start-by", by, "--skip", deaf, "--skip", "leg-paused01")
	l.t.Log(out)
	if want := "1 renamed, 10 rolled back\n"; !strings.Contains(out, want) || strings.Count(out, "health: not healthy: command false") < 10 {
		l.t.Errorf("it does not say %q, and why", want)
	}
	l.config = usual
	l.command(exitClean, "verify", l.plan)
	servers := l.servers()
	for name, status := range adoptable {
		if s := servers[l.fleet[name].uuid]; s.Status != status || s.Task != nil {
			l.t.Errorf("%s is listed as %s, task %v after it went back", name, s.Status, s.Task)
		}
	}
}

// renamedDespiteKill renames the fleet by a process that is killed, and by one
// that goes on. A look at the cloud's own list meanwhile shows a guest that is
// being restarted with a task.
func (l *lab) renamedDespiteKill(by string) {
	l.t.Helper()
	args := []string{"rename", l.plan, "--yes", "--start-by", by}
	first := l.process(args...)
	first.until(deaf + ": shutdown")
	// The API makes a status of that task, of all the one that Nova's own
	// periodic tasks keep off from and a restart of nova-compute only clears.
	if s := l.servers()[l.fleet[deaf].uuid]; s.Task == nil || *s.Task != "migrating" || s.Status != "MIGRATING" {
		l.t.Errorf("while %s is asked to shut down it is listed as %s, task %v", deaf, s.Status, s.Task)
	}
	first.until("renamed, down", "start")
	first.kill()
	l.t.Logf("until it was killed:\n%s", first.said())
	out := l.command(exitPerson, "status")
	if !strings.Contains(out, "renaming") || !strings.Contains(out, "next: rename PLAN") {
		l.t.Errorf("status does not say how it goes on:\n%s", out)
	}
	status, out := l.try(args...)
	l.t.Log(out)
	if status != exitUndone || strings.Contains(out, "half done") {
		l.t.Fatalf("the run that goes on ended with status %d, want %d", status, exitUndone)
	}
}

// swapped is what the Windows guest's state is to say of its interface after
// the restart that gives it an e1000.
func swapped(name string, guest map[string]string) map[string]string {
	if name != "leg-win01" {
		return guest
	}
	return withDriver(guest, "e1000")
}

// consoles: what a guest wrote since Nova started it stays, with a warning.
var consoles = map[string]int{"nova": exitAttention, "libvirt": exitClean}

// dropConsoles removes those files as an operator would, and only those.
func (l *lab) dropConsoles() {
	l.t.Helper()
	for _, g := range l.fleet {
		dir := filepath.Join("/var/lib/nova/instances", g.uuid)
		if err := os.Remove(filepath.Join(dir, "console.log")); err == nil {
			l.must(os.Remove(dir)) // It is empty now, or something else was left.
		}
	}
}

// A look is all of a guest that must come through.
type look struct {
	name, state, definition, autostart string
	guest                              map[string]string // what it says of itself; nil when it does not run
}

func (l *lab) lookAtFleet() map[string]look {
	l.t.Helper()
	all := map[string]look{}
	for name := range adoptable {
		all[name] = l.look(l.fleet[name])
	}
	return all
}

func (l *lab) look(g *legacy) look {
	l.t.Helper()
	k := look{
		name: l.virsh("domname", g.uuid), state: l.virsh("domstate", g.uuid),
		definition: l.virsh("dumpxml", "--inactive", "--security-info", g.uuid),
	}
	for line := range strings.Lines(l.virsh("dominfo", g.uuid)) {
		if value, ok := strings.CutPrefix(line, "Autostart:"); ok {
			k.autostart = strings.TrimSpace(value)
		}
	}
	if k.state == "running" {
		k.guest = l.state(g.nics[0].address)
	}
	return k
}

// passing are the lines of a guest's state that a restart changes.
var passing = []string{"boots", "last_stop"}

// renumbered are those that change when Nova makes the definition anew: its
// SMBIOS says OpenStack, and devices may come to other slots.
var renumbered = []string{"vendor", "product", "machine", "serial", "memory_kib"}

// hardware is what a guest sees, as far as it must stay.
func hardware(guest map[string]string, by string) map[string]string {
	h := inAnyOrder(guest)
	for _, name := range passing {
		delete(h, name)
	}
	if by != "nova" {
		return h
	}
	for _, name := range renumbered {
		delete(h, name)
	}
	without := map[string]string{}
	for name, value := range h {
		without[withoutSlot(name)] = withoutSlot(value)
	}
	return without
}

// inAnyOrder has the disks by what they are: which of two on SATA or IDE the
// guest's kernel finds first, and calls sda, is another at every boot.
func inAnyOrder(guest map[string]string) map[string]string {
	h := map[string]string{}
	for name, value := range guest {
		switch {
		case name == "root":
		case strings.HasPrefix(name, "disk "):
			h["disk "+value] = ""
		default:
			h[name] = value
		}
	}
	return h
}

// withoutSlot leaves out where on the PCI bus a device is.
func withoutSlot(value string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(value), func(f string) bool { return strings.HasPrefix(f, "pci=") }), " ")
}

// renamed holds what became of the fleet against what it was.
func (l *lab) renamed(before map[string]look, by string) {
	l.t.Helper()
	names := l.instanceNames()
	servers := l.servers()
	for _, name := range slices.Sorted(maps.Keys(before)) {
		g, was := l.fleet[name], before[name]
		now := l.look(g)
		s := servers[g.uuid]
		if now.state != was.state {
			l.t.Errorf("%s was %s and is %s", name, was.state, now.state)
			continue
		}
		if s.Status != adoptable[name] || s.Task != nil {
			l.t.Errorf("%s is listed as %s, task %v", name, s.Status, s.Task)
		}
		if was.guest == nil {
			continue
		}
		if name == deaf {
			l.same(name, was, now)
			continue
		}
		if now.name != names[g.uuid] {
			l.t.Errorf("%s is called %s, want %s", name, now.name, names[g.uuid])
		}
		l.onceMore(name, was, now, 1)
		if diff := cmp.Diff(hardware(swapped(name, was.guest), by), hardware(now.guest, by)); diff != "" {
			l.t.Errorf("%s sees other hardware (-before +after):\n%s", name, diff)
		}
	}
}

// restarted are those that Nova has made anew: all that run, but for the one
// that does not hear.
func restarted(before map[string]look) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if before[name].guest != nil && name != deaf {
			names = append(names, name)
		}
	}
	return names
}

// onceMore: the guest was shut down in good order and booted, so many times.
func (l *lab) onceMore(name string, was, now look, times int) {
	l.t.Helper()
	n, err := strconv.Atoi(was.guest["boots"])
	l.must(err)
	if now.guest["boots"] != strconv.Itoa(n+times) {
		l.t.Errorf("%s had been booted %d times, and now %s times, want %d", name, n, now.guest["boots"], n+times)
	}
	if now.guest["last_stop"] != "clean" {
		l.t.Errorf("%s was stopped last by a %s", name, now.guest["last_stop"])
	}
}

// same: nothing at all is different.
func (l *lab) same(name string, was, now look) {
	l.t.Helper()
	was.guest, now.guest = inAnyOrder(was.guest), inAnyOrder(now.guest)
	if diff := cmp.Diff(was, now, cmp.AllowUnexported(look{})); diff != "" {
		l.t.Errorf("%s is not as it was (-before +after):\n%s", name, diff)
	}
}

// back: name, definition, autostart and hardware are those from before.
func (l *lab) back(before map[string]look) {
	l.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(before)) {
		was, now := before[name], l.look(l.fleet[name])
		if was.guest != nil && name != deaf {
			if now.guest == nil {
				l.t.Errorf("%s does not run: it is %s", name, now.state)
				continue
			}
			l.onceMore(name, was, now, 2)
			for _, line := range passing {
				now.guest[line] = was.guest[line]
			}
		}
		l.same(name, was, now)
	}
}

// instanceNames are Nova's names of the fleet's domains.
func (l *lab) instanceNames() map[string]string {
	l.t.Helper()
	names := slices.Sorted(maps.Keys(adoptable))
	m := map[string]string{}
	for i, v := range l.openstack("k2o-lab", l.all(names, "server show -f json -c OS-EXT-SRV-ATTR:instance_name %s")...) {
		var s struct {
			Name string `json:"OS-EXT-SRV-ATTR:instance_name"`
		}
		l.must(json.Unmarshal(v, &s))
		m[l.fleet[names[i]].uuid] = s.Name
	}
	if len(m) != len(names) {
		l.t.Fatalf("%d instance names for %d instances", len(m), len(names))
	}
	return m
}

// computeSaysNothing: nova-compute has met nothing that it calls an error.
func (l *lab) computeSaysNothing(since logMark) {
	l.t.Helper()
	for line := range strings.Lines(withoutEmptyDrives(l.logged(since))) {
		if !inventoryRaced(line) && strings.Contains(line, " ERROR ") || strings.Contains(line, "Traceback") || strings.Contains(line, " CRITICAL ") {
			l.t.Errorf("nova-compute: %s", line)
		}
	}
}

// provable are guests of different firmware and disks, as many as are restarted
// at a time.
var provable = []string{one, "leg-sata01", "leg-uefi01", "leg-two01"}

// TestFleetProve renames guests by libvirt, has Nova rebuild them in the same
// window, swaps their interfaces by both and back, and gives up the legacy names
// of their disks; a release still brings them back.
func TestFleetProve(t *testing.T) {
	l := newLab(t, restartConfiguration)
	l.dropConsoles()
	cloud := l.dumpCloud()
	before := map[string]look{}
	args := []string{"plan", "-O", l.plan}
	for _, name := range provable {
		before[name] = l.look(l.fleet[name])
		args = append(args, "--only", name)
	}
	if status, text := l.try(args...); status > exitAttention {
		t.Fatalf("plan ended with status %d:\n%s", status, text)
	}
	t.Cleanup(func() { l.releaseWhatIsLeft() })
	l.command(exitClean, "import", l.plan, "--yes")

	l.phase("restart and proof", func() {
		t.Log(l.command(exitClean, "rename", l.plan, "--yes", "--start-by", "libvirt", "--prove"))
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

	l.command(exitClean, "rename", l.plan, "--yes", "--unlink-legacy")
	for _, name := range provable {
		if path := "/var/lib/libvirt/images/" + name + ".qcow2"; l.isFile(path) {
			t.Errorf("%s is still there", path)
		}
	}
	l.command(exitClean, "verify", l.plan)
	l.phase("release", func() { t.Log(l.command(exitAttention, "release", l.plan, "--yes")) })
	for _, name := range provable {
		was, now := before[name], l.look(l.fleet[name])
		l.onceMore(name, was, now, 5)
		for _, line := range passing {
			now.guest[line] = was.guest[line]
		}
		l.same(name, was, now)
	}
	l.dropConsoles()
	if diff := cloud.diff(l.dumpCloud()); diff != "" {
		t.Errorf("the cloud is not as it was:\n%s", diff)
	}
	l.nothingLinked()
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
	l.t.Log(l.command(exitClean, args...))
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
	}
}

func (l *lab) isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
