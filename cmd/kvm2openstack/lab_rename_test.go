//go:build lab

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// deaf is the guest that ignores the power button: it is left running.
const deaf = "leg-deaf01"

// restartConfiguration makes the deaf guest give up soon, and all restarts at
// the same time. Guests run in emulation: there Nova could not start a Windows,
// for QEMU refuses the Hyper-V features that Nova gives it ("kernel doesn't allow
// setting HyperV VP_INDEX").
func restartConfiguration(text string) string {
	text = strings.Replace(text, "rules:\n", "rules:\n  - {match: {name: leg-win01}, os_type: linux, nic_model: e1000, wave: 2}\n", 1)
	text = strings.Replace(text, "{match: {name: leg-paused01},", "{match: {name: leg-paused01}, wave: 2,", 1)
	text += "  - {match: {name: \"leg-*\"}, wave: 2}\n"
	return text + "restart: {shutdown_timeout: 45s, max_per_host: 12, max_unavailable: 12, stop_after: 0}\n"
}

// canaries are the guests that are restarted alone, before all others, and pass
// where all others are to fail: another one each way, so that each guest goes
// back in one of them. In the restarts for good the first by name is alone,
// which must not be the deaf one.
var canaries = map[string]string{"nova": one, "libvirt": "leg-vnc01"}

// withCanary is answering with that guest in the first wave.
func withCanary(name string) func(string) string {
	return func(text string) string {
		return strings.Replace(answering(text), "rules:\n", "rules:\n  - {match: {name: "+name+"}, probes: [{command: \"true\"}]}\n", 1)
	}
}

// answering is restartConfiguration with guests that have to answer at their
// address, however busy this machine is.
func answering(text string) string {
	return strings.Replace(restartConfiguration(text), "restart: {", "restart: {"+mustAnswer+", ", 1)
}

const mustAnswer = "probes: [{ping: true}], health_timeout: 5m"

// restartedBy are the shapes that are restarted that way: all, but for those that
// another test has libvirt start. LAB_FULL=1 leaves out none.
func restartedBy(by string) map[string]string {
	shapes := maps.Clone(adoptable)
	if by == "libvirt" && !full {
		maps.DeleteFunc(shapes, func(name, _ string) bool { return slices.Contains(proven, name) })
	}
	return shapes
}

// TestFleetRename restarts the fleet in both ways: once in vain, so that every
// guest goes back by itself, and once for good, with a process that is killed on
// the way; then a release takes it back. It is run by itself, for it takes long:
// make lab-test RUN=TestFleetRename.
func TestFleetRename(t *testing.T) {
	for _, by := range []string{"nova", "libvirt"} {
		t.Run("start by "+by, func(t *testing.T) {
			canary, shapes := canaries[by], restartedBy(by)
			l := newLab(t, withCanary(canary))
			l.dropConsoles() // of a test that was ended
			cloud := l.dumpCloud()
			before := l.lookAt(shapes)
			l.command(exitClean, append([]string{"plan", "-O", l.plan}, onlyThese(shapes)...)...)
			foretold := l.foretell()
			t.Cleanup(func() { l.releaseWhatIsLeft() })
			nova := l.markNova()
			l.command(exitClean, "import", l.plan, "--yes")

			through := map[string]look{canary: before[canary], "leg-off01": before["leg-off01"]}
			maps.DeleteFunc(before, func(name string, _ look) bool { _, ok := through[name]; return ok })
			l.phase("restarts in vain", func() { l.renamedInVain(by, shapes) })
			l.phase("looks", func() { l.back(before); l.renamed(through, by) })
			before = l.lookAt(shapes)
			maps.Copy(before, through)
			l.phase("restarts", func() { l.renamedDespiteKill(by) })
			l.phase("looks", func() { l.renamed(before, by) })
			if by == "nova" {
				l.phase("what Nova made", func() { l.rebuiltAsForetold(before, foretold, restarted(before)) })
			}
			l.command(exitClean, "verify", l.plan)
			l.novaSaysNothing(nova, nil)

			l.phase("release", func() { l.released() })
			l.phase("looks", func() { l.back(before) })
			l.dropConsoles()
			if diff := cloud.diff(l.dumpCloud()); diff != "" {
				t.Errorf("the cloud is not as it was:\n%s", diff)
			}
			l.nothingLinked()
		})
	}
}

func onlyThese(shapes map[string]string) (args []string) {
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		args = append(args, "--only", name)
	}
	return args
}

// renamedInVain restarts all guests that run, of which none but the canary
// passes its probe.
func (l *lab) renamedInVain(by string, shapes map[string]string) {
	l.t.Helper()
	text, err := os.ReadFile(l.config)
	l.must(err)
	usual := l.config
	l.config = filepath.Join(l.dir, "strict.yaml")
	strict := strings.NewReplacer(
		mustAnswer, "probes: [{command: \"false\"}], health_timeout: 1s",
		"shutdown_timeout: 45s", "shutdown_timeout: 5m", // They are still on their way up.
	).Replace(string(text))
	l.must(os.WriteFile(l.config, []byte(strict), 0o600))
	out := l.command(exitUndone, "rename", l.plan, "--yes", "--start-by", by, "--skip", deaf, "--skip", "leg-paused01")
	l.t.Log(out)
	failing := len(shapes) - len([]string{canaries[by], "leg-off01", deaf, "leg-paused01"})
	if want := fmt.Sprintf("2 renamed, %d rolled back\n", failing); !strings.Contains(out, want) || strings.Count(out, "health: not healthy: command false") < failing {
		l.t.Errorf("it does not say %q, and why", want)
	}
	l.config = usual
	l.command(exitClean, "verify", l.plan)
	servers := l.servers()
	for name, status := range shapes {
		if s := servers[l.fleet[name].uuid]; s.Status != status || s.Task != nil {
			l.t.Errorf("%s is listed as %s, task %v after it went back", name, s.Status, s.Task)
		}
	}
}

// renamedDespiteKill renames the fleet by a process that is killed, and by one
// that goes on. A look at Nova meanwhile shows a guest that is
// being restarted with a task.
func (l *lab) renamedDespiteKill(by string) {
	l.t.Helper()
	args := []string{"rename", l.plan, "--yes", "--start-by", by}
	nova := l.newAPI(administrator) // The client would need seconds, of which there are few.
	first := l.process(args...)
	first.until(deaf + ": shutdown")
	// The API makes a status of that task, of all the one that Nova's own
	// periodic tasks keep off from and a restart of nova-compute only clears.
	s, err := nova.show(l.fleet[deaf].uuid)
	l.must(err)
	if s.Task == nil || *s.Task != "migrating" || s.Status != "MIGRATING" {
		l.t.Errorf("while %s is asked to shut down it is shown as %v", deaf, s)
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

// released takes all of the plan back. There may be warnings of what stays:
// consoles that guests wrote under Nova, and UEFI variables that they have
// changed. What an API of the cloud did not answer in time, on a machine that is
// this busy, the same command ends.
func (l *lab) released() {
	l.t.Helper()
	status, text := l.try("release", l.plan, "--yes")
	l.t.Log(text)
	for range 3 {
		if status != exitPerson || !unanswered(text) {
			break
		}
		status, text = l.try("release", l.plan, "--yes")
		l.t.Log(text)
	}
	if status > exitAttention {
		l.t.Fatalf("release ended with status %d, want at most %d", status, exitAttention)
	}
}

// unanswered: every domain that is half done is so for that reason.
func unanswered(text string) bool {
	for line := range strings.Lines(text) {
		if strings.Contains(line, "  half done  ") && !strings.Contains(line, "no answer from") {
			return false
		}
	}
	return true
}

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

// renamed holds what became of the fleet against what it was.
func (l *lab) renamed(before map[string]look, by string) {
	l.t.Helper()
	names := l.instanceNames(slices.Sorted(maps.Keys(before)))
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
		l.plugged(g)
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

// instanceNames are Nova's names of domains, by UUID.
func (l *lab) instanceNames(names []string) map[string]string {
	l.t.Helper()
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
