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

	"github.com/google/go-cmp/cmp"
)

// halves are the steps of an import in which one is killed, each with a guest
// of another shape; the other shapes are imported to the end.
var halves = []struct{ step, shape string }{
	{"ports", "web01"}, {"records", "sata01"}, {"mappings", "ide01"}, {"directory", "uefi01"}, {"bind", "win01"},
	{"allocation", "two01"}, {"final", "vnc01"}, {"verify", "auto01"}, {"unlock", "uefi02"},
}

var wholes = []string{"off01", "paused01", "deaf01", "q35"}

// named are those of the wholes that are renamed, too: one that Nova has started,
// and one that is off.
var named = []string{"q35", "off01"}

// openRule has the one guest unlocked that is killed in that step.
const openRule = "  - {match: {name: day-uefi02}, lock: none, port_security: true}\n"

// tasks are Nova's own, by their names in its log, and how the configuration
// says how often each runs.
var tasks = []struct{ name, section, interval string }{
	{"_sync_power_states", "DEFAULT", "sync_power_state_interval"},
	{"_cleanup_running_deleted_instances", "DEFAULT", "running_deleted_instance_poll_interval"},
	{"_run_image_cache_manager_pass", "image_cache", "manager_interval"},
	{"update_available_resource", "DEFAULT", "update_resources_interval"},
	{"_heal_instance_info_cache", "DEFAULT", "heal_instance_info_cache_interval"},
}

// cycles is how often each of them runs: as often as in an hour.
func cycles() int {
	if full {
		return 60
	}
	return 12
}

// TestFullPeriodic has Nova's own tasks run at short intervals over guests that
// are adopted, over some that are renamed, over some whose adoption was killed at
// every step, and over the fleet that Nova does not know. Nobody is stopped,
// destroyed or lost, and Nova says of each what it said before; and the same
// command again completes what was killed.
func TestFullPeriodic(t *testing.T) {
	l := newLab(t, restartConfiguration)
	l.must(appendRules(l.config, openRule+dayBatch.rules()))
	r := &round{lab: l, users: &users{l.newAPI(administrator), l.newAPI(owner)}}
	t.Cleanup(r.forget)
	r.guests = l.clones(dayBatch, shapes)
	l.greet()
	_, text := l.try("plan", "-O", l.plan, "--only", "day-*")
	t.Log(text)
	t.Cleanup(func() { l.releaseWhatIsLeft() }) // Nova deletes none that is half adopted.
	nova := l.markNova()
	l.command(exitClean, append([]string{"import", l.plan, "--yes"}, only(wholes)...)...)
	t.Log(l.command(exitClean, append([]string{"rename", l.plan, "--yes", "--start-by", "nova"}, only(named)...)...))
	for _, h := range halves {
		l.killedAt(h.step, l.fleet["day-"+h.shape])
	}

	states, boots, statuses := l.everyState(), l.boots(l.inState("running")), l.statuses()
	compute := l.markLog("nova-compute")
	l.hasten()
	for _, task := range tasks {
		l.eventually(20*time.Minute, fmt.Sprintf("nova-compute has run %s %d times", task.name, cycles()), func() bool {
			return runs(l.logged(compute), task.name) >= cycles()
		})
	}
	for uuid, want := range states {
		if got := l.virsh("domstate", uuid); got != want {
			t.Errorf("%s was %s and is %s", uuid, want, got)
		}
	}
	l.sameBoots(l.inState("running"), boots, fmt.Sprintf("%d rounds of Nova's periodic tasks", cycles()))
	l.novaSaysNothing(nova, nil)
	if diff := cmp.Diff(statuses, l.statuses()); diff != "" || len(statuses) < len(wholes) {
		t.Errorf("after that Nova says otherwise of these (-before +after):\n%s", diff)
	}
	text = l.command(exitClean, "import", l.plan, "--yes")
	t.Log(text)
	if want := fmt.Sprintf("%d imported, %d already there\n", len(halves), len(wholes)); !strings.Contains(text, want) {
		t.Errorf("the import that goes on does not say %q", want)
	}
	l.command(exitClean, "verify", l.plan)
	l.released()
}

// statuses are what Nova says of every server, by its UUID.
func (l *lab) statuses() map[string]string {
	l.t.Helper()
	all := map[string]string{}
	for id, s := range l.servers() {
		task := "no task"
		if s.Task != nil {
			task = *s.Task
		}
		all[id] = s.Name + " " + s.Status + ", power " + powerText(s.Power) + ", " + task
	}
	return all
}

// runs is how often nova-compute has begun one of its tasks.
func runs(log, task string) int {
	return strings.Count(log, "Running periodic task ComputeManager."+task+" ")
}

func only(shapes []string) (args []string) {
	for _, shape := range shapes {
		args = append(args, "--only", "day-"+shape)
	}
	return args
}

// killedAt imports one guest in a process that is killed in the step, and leaves
// it so: the journal has that step as the last one, and the adoption as begun.
// Some steps take as long as a kill: an import that has come further is
// released, and begun again.
func (l *lab) killedAt(step string, g *legacy) {
	l.t.Helper()
	journal, err := sql.Open("sqlite", "file:"+filepath.Join(l.dir, "kvm2openstack.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	l.must(err)
	defer journal.Close()
	var beyond []string
	for range 15 {
		last, state := l.killedAbout(journal, step, g)
		if last == step && state == "begun" {
			l.t.Logf("%s was killed in the step %s, after %q", g.name, step, beyond)
			return
		}
		beyond = append(beyond, last+", "+state)
		l.command(exitClean, "release", l.plan, "--yes", "--only", g.name)
	}
	l.t.Fatalf("no import of %s was killed in the step %s, but: %q", g.name, step, beyond)
}

// killedAbout imports the guest in a process of its own and kills that as soon
// as the journal has the step. It gives how far the process has come.
func (l *lab) killedAbout(journal *sql.DB, step string, g *legacy) (last, state string) {
	l.t.Helper()
	var before int
	l.must(journal.QueryRow("SELECT COALESCE(MAX(id), 0) FROM k2o_steps").Scan(&before))
	p := l.process("import", l.plan, "--yes", "--only", g.name)
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Microsecond) {
		var n int
		_ = journal.QueryRow("SELECT COUNT(*) FROM k2o_steps WHERE id > ? AND step = ?", before, step).Scan(&n) // busy: the next time
		if n > 0 {
			p.kill()
			break
		}
		if time.Now().After(end) {
			l.t.Fatalf("the import of %s does not come to %s:\n%s", g.name, step, p.said())
		}
	}
	l.must(journal.QueryRow("SELECT step FROM k2o_steps WHERE id > ? ORDER BY id DESC LIMIT 1", before).Scan(&last))
	l.must(journal.QueryRow("SELECT state FROM k2o_adoptions WHERE uuid = ?", g.uuid).Scan(&state))
	return last, state
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

// hasten restarts nova-compute with short intervals, and a line in its log for
// each task that it runs, until the test ends.
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
	b.WriteString("\n[DEFAULT]\ndefault_log_levels = oslo_service.periodic_task=DEBUG\n")
	for _, task := range tasks {
		fmt.Fprintf(&b, "[%s]\n%s = 5\n", task.section, task.interval)
	}
	l.must(os.WriteFile(file, slices.Concat(text, []byte(b.String())), 0o640))
	l.script("service.sh", "restart", "nova-compute")
}
