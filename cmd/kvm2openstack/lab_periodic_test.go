//go:build lab

package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// halves are the steps of an import in which one is killed, each with a guest
// of another shape; the other shapes are imported to the end.
var halves = []struct{ step, shape string }{
	{"ports", "web01"}, {"records", "sata01"}, {"mappings", "ide01"}, {"directory", "uefi01"}, {"bind", "win01"},
	{"allocation", "two01"}, {"final", "vnc01"}, {"verify", "auto01"}, {"unlock", "uefi02"},
}

var wholes = []string{"off01", "paused01", "deaf01", "q35"}

// cycles is how often each of Nova's periodic tasks runs: those of an hour.
func cycles() int {
	if full {
		return 60
	}
	return 12
}

// TestFullPeriodic has Nova's own tasks run at short intervals over guests that
// are adopted, over some whose adoption was killed at every step, and over the
// fleet that Nova does not know. Nobody is stopped, destroyed or lost; and the
// same command again completes what was killed.
func TestFullPeriodic(t *testing.T) {
	l := newLab(t, restartConfiguration)
	l.must(appendRules(l.config, dayBatch.rules()))
	r := &round{lab: l, users: &users{l.newAPI(administrator), l.newAPI(owner)}}
	t.Cleanup(r.forget)
	r.guests = l.clones(dayBatch, shapes)
	l.greet()
	_, text := l.try("plan", "-O", l.plan, "--only", "day-*")
	t.Log(text)
	nova := l.markNova()
	l.command(exitClean, append([]string{"import", l.plan, "--yes"}, only(wholes)...)...)
	var reached []string
	for _, h := range halves {
		reached = append(reached, h.step+": "+l.killedAt(h.step, l.fleet["day-"+h.shape]))
	}
	t.Logf("imports were killed in the step … and left:\n%s", strings.Join(reached, "\n"))

	states, boots := l.everyState(), l.boots(l.inState("running"))
	compute := l.markLog("nova-compute")
	l.hasten()
	l.eventually(20*time.Minute, fmt.Sprintf("Nova has compared power states %d times", cycles()), func() bool {
		return strings.Count(l.logged(compute), "While synchronizing instance power states") >= cycles()
	})
	for uuid, want := range states {
		if got := l.virsh("domstate", uuid); got != want {
			t.Errorf("%s was %s and is %s", uuid, want, got)
		}
	}
	l.sameBoots(l.inState("running"), boots, fmt.Sprintf("%d rounds of Nova's periodic tasks", cycles()))
	l.novaSaysNothing(nova, nil)
	for id, s := range l.servers() {
		if s.Status == "ERROR" {
			t.Errorf("%s (%s) is in ERROR", s.Name, id)
		}
	}
	t.Log(l.command(exitClean, "import", l.plan, "--yes"))
	l.command(exitClean, "verify", l.plan)
	l.command(exitClean, "release", l.plan, "--yes")
}

func only(shapes []string) (args []string) {
	for _, shape := range shapes {
		args = append(args, "--only", "day-"+shape)
	}
	return args
}

// killedAt imports one guest in a process of its own and kills that as soon as
// the journal has the step. It gives what became of it.
func (l *lab) killedAt(step string, g *legacy) string {
	l.t.Helper()
	journal, err := sql.Open("sqlite", "file:"+filepath.Join(l.dir, "kvm2openstack.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	l.must(err)
	defer journal.Close()
	p := l.process("import", l.plan, "--yes", "--only", g.name)
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Millisecond) {
		var state string
		var n int
		_ = journal.QueryRow("SELECT state FROM k2o_adoptions WHERE uuid = ?", g.uuid).Scan(&state) // no row is no state
		_ = journal.QueryRow("SELECT COUNT(*) FROM k2o_steps WHERE uuid = ? AND step = ?", g.uuid, step).Scan(&n)
		if n > 0 || state == "imported" {
			p.kill()
			break
		}
		if time.Now().After(end) {
			l.t.Fatalf("the import of %s does not come to %s:\n%s", g.name, step, p.said())
		}
	}
	var state string
	l.must(journal.QueryRow("SELECT state FROM k2o_adoptions WHERE uuid = ?", g.uuid).Scan(&state))
	return state
}

// everyState is the state of every domain of the host, by its UUID.
func (l *lab) everyState() map[string]string {
	l.t.Helper()
	states := map[string]string{}
	for _, uuid := range strings.Fields(l.virsh("list", "--all", "--uuid")) {
		states[uuid] = l.virsh("domstate", uuid)
	}
	if len(states) < len(shapes)+15 {
		l.t.Fatalf("libvirt has %d domains", len(states))
	}
	return states
}

// hasten restarts nova-compute with short intervals, until the test ends.
func (l *lab) hasten() {
	l.t.Helper()
	const file = "/var/lib/k2o-lab/nova-compute.conf"
	text, err := os.ReadFile(file)
	l.must(err)
	l.t.Cleanup(func() {
		l.must(os.WriteFile(file, text, 0o640))
		l.script("service.sh", "restart", "nova-compute")
	})
	var b strings.Builder
	b.WriteString("\n[DEFAULT]\n")
	for _, task := range []string{"sync_power_state", "heal_instance_info_cache", "update_resources", "running_deleted_instance_poll"} {
		fmt.Fprintf(&b, "%s_interval = 5\n", task)
	}
	b.WriteString("\n[image_cache]\nmanager_interval = 5\n")
	l.must(os.WriteFile(file, slices.Concat(text, []byte(b.String())), 0o640))
	l.script("service.sh", "restart", "nova-compute")
}
