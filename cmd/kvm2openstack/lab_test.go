//go:build lab

package main

import (
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// adoptable are the shapes of the fleet that an import takes as they are, and
// their states in Nova.
var adoptable = map[string]string{
	"leg-web01": "ACTIVE", "leg-sata01": "ACTIVE", "leg-ide01": "ACTIVE", "leg-uefi01": "ACTIVE",
	"leg-win01": "ACTIVE", "leg-auto01": "ACTIVE", "leg-deaf01": "ACTIVE", "leg-two01": "ACTIVE",
	"leg-vnc01": "ACTIVE", "leg-q35": "ACTIVE", "leg-uefi02": "ACTIVE", "leg-paused01": "PAUSED", "leg-off01": "SHUTOFF",
}

// blocked are the others, with the rule that says why.
var blocked = map[string]string{
	"leg-raw01":       "K2O-221",
	"leg-tpl01":       "K2O-226",
	"leg-snap01":      "K2O-103",
	"leg-saved01":     "K2O-102",
	"leg-transient01": "K2O-101",
	"leg-otherfs01":   "K2O-212",
}

// TestLab goes the whole way with the whole fleet in a real cloud: the guests
// must not notice, the cloud's own client must see them right, and release
// must leave the databases as they were.
func TestLab(t *testing.T) {
	l := newLab(t, nil)
	before := l.dumpCloud()
	running := l.inState("running")
	boots := l.boots(running)
	t.Cleanup(func() { l.releaseWhatIsLeft() })

	l.assessed(l.command(exitBlocked, "audit", "--explain"))
	l.command(exitAttention, "plan", "-O", l.plan, "--only", labPrefix+"*")
	l.planned()
	l.command(exitClean, "import", l.plan, "--dry-run")
	if diff := before.diff(l.dumpCloud()); diff != "" {
		t.Fatalf("audit, plan or dry run changed the cloud:\n%s", diff)
	}

	nova := l.markNova()
	stop := l.startPings(running)
	began := time.Now()
	t.Log(l.command(exitClean, "import", l.plan, "--yes"))
	took := time.Since(began)
	sent := stop()
	t.Logf("import took %.1f s; pings sent to each guest: %v", took.Seconds(), sent)
	l.sameBoots(running, boots, "import")

	l.phase("lists and shows", l.listed, l.shown)
	l.phase("Nova's own checks", l.consistent)
	l.command(exitClean, "verify", l.plan)
	t.Log(l.command(exitClean, "status"))
	l.phase("day two", func() { l.dayTwo(boots) })
	l.phase("restart of nova-compute", func() { l.computeRestarts(nova) })
	l.command(exitClean, "verify", l.plan)

	for _, g := range running {
		boots[g.name] = l.state(g.nics[0].address)["boots"] // after the soft reboots
	}
	stop = l.startPings(running)
	l.command(exitClean, "release", l.plan, "--yes")
	stop()
	l.sameBoots(running, boots, "release")
	if diff := before.diff(l.dumpCloud()); diff != "" {
		t.Errorf("the cloud is not as it was before the import:\n%s", diff)
	}
	l.nothingLinked()
}

// phase does a part of a test and says how long it took.
func (l *lab) phase(name string, parts ...func()) {
	l.t.Helper()
	began := time.Now()
	for _, part := range parts {
		part()
	}
	l.t.Logf("%s: %.0f s", name, time.Since(began).Seconds())
}

// releaseWhatIsLeft keeps one failed test from spoiling the next.
func (l *lab) releaseWhatIsLeft() {
	for range 3 { // Each goes on where the last one ended.
		status, text := l.try("release", l.plan, "--yes")
		if status <= exitAttention {
			return
		}
		l.t.Logf("release after the test ended with status %d:\n%s", status, text)
	}
}

// boots are the boot counts of guests.
func (l *lab) boots(guests []*legacy) map[string]string {
	l.t.Helper()
	m := map[string]string{}
	for _, g := range guests {
		m[g.name] = l.state(g.nics[0].address)["boots"]
		if m[g.name] == "" {
			l.t.Fatalf("%s does not say how often it was booted", g.name)
		}
	}
	return m
}

func (l *lab) sameBoots(guests []*legacy, want map[string]string, after string) {
	l.t.Helper()
	for name, count := range l.boots(guests) {
		if count != want[name] {
			l.t.Errorf("%s was booted %s times before %s and %s times after it", name, want[name], after, count)
		}
	}
}

// assessed holds the audit against what is known of the shapes.
func (l *lab) assessed(text string) {
	l.t.Helper()
	for name := range l.fleet {
		line := lineOf(text, name)
		_, ok := adoptable[name]
		_, not := blocked[name]
		switch {
		case ok == not:
			l.t.Errorf("this test does not say whether %s can be adopted", name)
		case ok && !strings.Contains(line, "ready") && !strings.Contains(line, "attention"):
			l.t.Errorf("%s cannot be adopted: %s", name, line)
		case not && !strings.Contains(line, "blocked"):
			l.t.Errorf("%s is not blocked: %s", name, line)
		case not && !strings.Contains(line, blocked[name]):
			l.t.Errorf("%s is not blocked by %s: %s", name, blocked[name], line)
		}
	}
	if l.t.Failed() {
		l.t.Fatal(text)
	}
}

// lineOf is the first line with the word in it.
func lineOf(text, word string) string {
	for line := range strings.Lines(text) {
		if slices.Contains(strings.Fields(line), word) {
			return line
		}
	}
	return ""
}

// listed compares "openstack server list --long" with libvirt.
func (l *lab) listed() {
	l.t.Helper()
	all := l.servers()
	for name, status := range adoptable {
		g := l.fleet[name]
		if g == nil {
			l.t.Errorf("the fleet has no %s", name)
			continue
		}
		s, ok := all[g.uuid]
		if !ok {
			l.t.Errorf("the client does not list %s", name)
			continue
		}
		if s.Name != name || s.Status != status || s.Task != nil {
			l.t.Errorf("%s is listed as %q, %s, task %v; want %s without a task", name, s.Name, s.Status, s.Task, status)
		}
		var want []string
		for _, n := range g.nics {
			want = append(want, n.address)
		}
		got := s.Networks["legacy-net"]
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			l.t.Errorf("%s is listed with the addresses %q, want %q", name, got, want)
		}
		if !strings.HasPrefix(s.Flavor, "legacy.") {
			l.t.Errorf("%s is listed with the flavor %q", name, s.Flavor)
		}
		if power := map[string]string{"ACTIVE": "1", "PAUSED": "3", "SHUTOFF": "4"}[status]; powerText(s.Power) != power {
			l.t.Errorf("%s is listed with power state %v, want %s", name, s.Power, power)
		}
	}
	for id, s := range all {
		if strings.HasPrefix(s.Name, labPrefix) && adoptable[s.Name] == "" {
			l.t.Errorf("%s (%s) was adopted, and should not", s.Name, id)
		}
	}
}

// powerText: the client prints a number, or the word for it.
func powerText(v any) string {
	text := fmt.Sprint(v)
	if n, ok := map[string]string{"Running": "1", "Paused": "3", "Shutdown": "4"}[text]; ok {
		return n
	}
	return text
}

// consistent asks Nova's and Placement's own checkers.
func (l *lab) consistent() {
	l.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(adoptable)) {
		if out := l.novaManage("cell_v2", "verify_instance", "--uuid", l.fleet[name].uuid); !strings.Contains(out, "is in cell: cell1") {
			l.t.Errorf("verify_instance of %s: %s", name, out)
		}
	}
	l.healed()
	l.novaManage("placement", "audit", "--verbose") // its status is 3 when there are orphans
	if out := l.as("nova-status", "upgrade", "check"); strings.Contains(out, "Failure") || strings.Contains(out, "Warning") {
		l.t.Errorf("nova-status upgrade check:\n%s", out)
	}
}

// healed: Nova finds every allocation as it would have made it. Its status is
// 4 when there is nothing to do.
func (l *lab) healed() {
	l.t.Helper()
	cmd := asNova("nova-manage", "placement", "heal_allocations", "--dry-run", "--verbose")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 4 {
		l.t.Errorf("heal_allocations: %v\n%s", err, out)
	}
	for _, name := range slices.Sorted(maps.Keys(adoptable)) {
		if want := "The allocation of instance " + l.fleet[name].uuid + " is up-to-date"; !strings.Contains(string(out), want) {
			l.t.Errorf("heal_allocations does not say %q:\n%s", want, out)
		}
	}
}

func (l *lab) novaManage(args ...string) string {
	l.t.Helper()
	return l.as("nova-manage", args...)
}

// as runs one of Nova's own tools as its user.
func (l *lab) as(name string, args ...string) string {
	l.t.Helper()
	cmd := asNova(name, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func asNova(name string, args ...string) *exec.Cmd {
	return exec.Command("setpriv", append([]string{"--reuid", "nova", "--regid", "nova", "--init-groups", "--", "env", "HOME=/var/lib/nova", name}, args...)...)
}

// computeRestarts: a nova-compute that begins anew with the adopted instances
// has nothing to say about them, and its periodic tasks leave them alone.
func (l *lab) computeRestarts(since []logMark) {
	l.t.Helper()
	states := map[string]string{}
	for name := range adoptable {
		states[name] = l.virsh("domstate", l.fleet[name].uuid)
	}
	restarted := l.markLog("nova-compute")
	l.script("service.sh", "restart", "nova-compute")
	l.eventually(2*time.Minute, "nova-compute has compared its power states with libvirt's", func() bool {
		return strings.Contains(l.logged(restarted), "While synchronizing instance power states")
	})
	time.Sleep(20 * time.Second) // Every other periodic task has its turn, too: they run every quarter of a minute.
	l.novaSaysNothing(since, nil)
	for name, want := range states {
		if got := l.virsh("domstate", l.fleet[name].uuid); got != want {
			l.t.Errorf("%s was %s before the restart of nova-compute and is %s", name, want, got)
		}
	}
}

func (l *lab) eventually(limit time.Duration, what string, ok func() bool) {
	l.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(time.Second) {
		if time.Now().After(end) {
			l.t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
