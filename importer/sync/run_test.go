package sync

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

const (
	uuidH1  = "69a1d87b-999c-4eb7-a1b2-3e552d4fd4d0" // on kvm01
	uuidWeb = "7134a9db-3779-4a90-99a7-cac33bd584c5" // web-01 on kvm01
)

// untouched expects the drifts of an adopted world that nobody has touched:
// those of domains that nobody has adopted.
func untouched(t *testing.T, r Result) {
	t.Helper()
	for _, d := range r.Drifts {
		if !slices.Contains([]Code{NewReady, NewNotReady, Twice}, d.Code) {
			t.Errorf("drift %+v, want only what is not adopted", d)
		}
	}
}

func TestSyncReadOnly(t *testing.T) {
	w := newWorld(t)
	before := w.dump()
	r := w.syncs(everything, false)
	if w.dump() != before {
		t.Error("a comparison has changed something")
	}
	if len(r.Hosts) != 4 || r.Here != 4 || !r.Closed || len(with(r, NewReady)) != 24 || with(r, NewReady)[0].Outcome != "" {
		t.Errorf("sync = %s with %d hosts, %d new and ready, want 24 on 4 hosts and nothing tried", r, len(r.Hosts), len(with(r, NewReady)))
	}
	for _, d := range r.Drifts {
		if !d.New || d.Since.IsZero() {
			t.Errorf("first run: %+v, want it new, with a date", d)
		}
	}
	for _, d := range w.syncs(everything, false).Drifts {
		if d.New {
			t.Errorf("second run: %+v, want it known", d)
		}
	}
}

func TestSyncImports(t *testing.T) {
	w := newWorld(t)
	p := Policy{Import: []plan.Match{{Name: "web*"}, {Host: "kvm03", Name: "h*"}}}
	r := w.syncs(p, true)
	var imported []string
	for _, d := range r.Drifts {
		if d.Healed {
			imported = append(imported, d.Domain)
		}
	}
	slices.Sort(imported)
	if diff := cmp.Diff([]string{"h3", "web-01", "web-03", "web-04"}, imported); diff != "" || r.Failed != 0 {
		t.Errorf("imported (-want +got):\n%s%d failed", diff, r.Failed)
	}
	if n := w.ask("SELECT COUNT(*) FROM instances WHERE deleted = 0 AND host = 'kvm01' AND vm_state = 'active' AND task_state IS NULL AND uuid = ?", uuidWeb); n != "1" {
		t.Errorf("%s rows of web-01, want 1", n)
	}
	before := w.dump()
	if r := w.syncs(p, true); len(with(r, NewReady)) != 20 || r.Failed != 0 || w.dump() != before {
		t.Errorf("second run: %s, %d ready, want 20 and nothing changed", r, len(with(r, NewReady)))
	}
	// What somebody has given back is not taken again.
	w.release(t, "web-01")
	if r := w.syncs(p, true); len(of(r, "web-01")) != 0 || w.ask("SELECT COUNT(*) FROM instances WHERE uuid = ?", uuidWeb) != "0" {
		t.Errorf("after its release: %+v, want it left alone", of(r, "web-01"))
	}
}

// happenings are what can befall an adopted domain, in the world.
var happenings = []struct {
	name   string
	happen func(w *world)
	domain string
	code   Code
	healed bool
	check  func(w *world) string // what is wrong in the end
}{
	{"started by hand", func(w *world) {
		w.cell("UPDATE instances SET vm_state = 'stopped', power_state = 4 WHERE uuid = ?", uuidH1)
	}, "h1", PowerDiffers, true, want("active 1", "SELECT vm_state || ' ' || power_state FROM instances WHERE uuid = ?")},
	{"shut down by its user", func(w *world) { w.say("kvm01", "h1", "state", "shutoff") }, "h1", PowerDiffers, false,
		want("active 1", "SELECT vm_state || ' ' || power_state FROM instances WHERE uuid = ?")},
	{"allocation gone", func(w *world) { delete(w.api.allocations, uuidH1) }, "h1", AllocationDiffers, true, func(w *world) string {
		if a := w.api.allocations[uuidH1]; a.Resources["VCPU"] != 8 || a.Resources["DISK_GB"] != 300 {
			return "it has " + diff(a.Resources)
		}
		return ""
	}},
	{"port gone", func(w *world) { delete(w.api.ports, w.portOf(uuidH1)) }, "h1", PortGone, true, func(w *world) string {
		if id := w.portOf(uuidH1); id == "" || w.ask("SELECT COUNT(*) FROM virtual_interfaces WHERE instance_uuid = ? AND uuid = ?", uuidH1, id) != "1" {
			return "Nova does not know port " + id
		}
		return ""
	}},
	{"port bound elsewhere", func(w *world) {
		_, _ = w.api.BindPort(w.t.Context(), w.portOf(uuidH1), "kvm04")
	}, "h1", PortDiffers, true, func(w *world) string {
		if p := w.api.ports[w.portOf(uuidH1)]; p.HostID != "kvm01" {
			return "it is bound to " + p.HostID
		}
		return ""
	}},
	{"info cache emptied", func(w *world) {
		w.cell("UPDATE instance_info_caches SET network_info = '[]' WHERE instance_uuid = ?", uuidH1)
	}, "h1", CacheDiffers, true, want("1", "SELECT network_info LIKE '%203.0.113.11%' FROM instance_info_caches WHERE instance_uuid = ?")},
	{"disk grown, into a flavor that is there", func(w *world) {
		w.say("kvm01", "web-01", "disks", map[string]any{"vda": map[string]any{"capacity_bytes": uint64(60 * gib)}})
	}, "web-01", DiskDiffers, true, want("60", "SELECT root_gb FROM instances WHERE uuid = '"+uuidWeb+"' AND ? <> ''")},
	{"disk shrunk", func(w *world) {
		w.say("kvm01", "web-01", "disks", map[string]any{"vda": map[string]any{"capacity_bytes": uint64(20 * gib)}})
	}, "web-01", DiskDiffers, false, want("40", "SELECT root_gb FROM instances WHERE uuid = '"+uuidWeb+"' AND ? <> ''")},
	{"unlocked", func(w *world) { w.cell("UPDATE instances SET locked = 0, locked_by = NULL WHERE uuid = ?", uuidH1) }, "h1", LockDiffers, false,
		want("0", "SELECT locked FROM instances WHERE uuid = ?")},
	{"deleted in Nova", func(w *world) { w.cell("UPDATE instances SET deleted = id WHERE uuid = ?", uuidH1) }, "h1", DeletedInNova, false, nil},
	{"moved by hand", func(w *world) { w.move("kvm01", "kvm02", "h1") }, "h1", Elsewhere, false,
		want("kvm01", "SELECT host FROM instances WHERE uuid = ?")},
	{"destroyed", func(w *world) { w.destroy("kvm01", "h1") }, "h1", Vanished, false, want("kvm01", "SELECT host FROM instances WHERE uuid = ?")},
	{"given another MAC address", func(w *world) {
		w.edit("kvm01", "web-01", "52:54:00:f2:04|<mac address='52:54:00:..:..:..'/>", "<mac address='52:54:00:ff:ff:ff'/>")
	}, "web-01", InterfaceDiffers, false, nil},
	{"given more memory, and no flavor of that size can be made", func(w *world) {
		w.edit("kvm01", "web-01", "4194304", "8388608")
	}, "web-01", SizeDiffers, false, want("4096", "SELECT memory_mb FROM instances WHERE uuid = '"+uuidWeb+"' AND ? <> ''")},
}

func want(value, query string) func(*world) string {
	return func(w *world) string {
		if got := w.ask(query, uuidH1); got != value {
			return query + " = " + got + ", want " + value
		}
		return ""
	}
}

func diff(v any) string { return cmp.Diff(nil, v) }

// portOf is the port of an instance on the public network.
func (w *world) portOf(uuid string) string {
	for id, p := range w.api.ports {
		if p.DeviceID == uuid && strings.HasPrefix(p.FixedIPs[0].Address.String(), "203.") {
			return id
		}
	}
	return ""
}

// withAPI puts Neutron and Placement beside a world.
func (w *world) withAPI() *world {
	w.api = newFakeAPI(w.snapshot())
	return w
}

func TestSyncHeals(t *testing.T) {
	for _, c := range happenings {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t).withAPI()
			none := "none"
			w.Defaults.PlaceholderImage = none
			w.exec("nova_api.sqlite", `INSERT INTO flavors (id, name, flavorid, vcpus, memory_mb, root_gb, ephemeral_gb, swap, rxtx_factor, vcpu_weight, disabled, is_public)
				VALUES (77, 'web.larger', 'web.larger', 2, 4096, 60, 0, 0, 1, 0, 0, 1)`)
			policy := w.small()
			if r := w.syncs(policy, true); r.Failed != 0 || r.Left() == len(r.Drifts) {
				t.Fatalf("first run: %s, %+v", r, r.Drifts)
			}
			untouched(t, w.syncs(policy, true))
			c.happen(w)
			before := w.dump()
			seen := w.syncs(policy, false)
			found := of(seen, c.domain)
			if len(found) != 1 || found[0].Code != c.code || !found[0].New || w.dump() != before {
				t.Fatalf("sync found %+v, want one new %s and nothing changed", found, c.code)
			}
			r := w.syncs(policy, true)
			if found := of(r, c.domain); len(found) != 1 || found[0].Healed != c.healed || found[0].New {
				t.Errorf("sync --apply found %+v, want it healed: %v", found, c.healed)
			}
			if !c.healed && w.dump() != before {
				t.Error("something was changed that nothing may heal")
			}
			if c.check != nil {
				if wrong := c.check(w); wrong != "" {
					t.Errorf("after sync --apply: %s", wrong)
				}
			}
			if again := w.syncs(policy, true); c.healed {
				untouched(t, again)
			}
		})
	}
}

// Without a policy nothing is healed, whatever has drifted.
func TestSyncHealsWhatThePolicyAllows(t *testing.T) {
	w := newWorld(t)
	w.syncs(w.small(), true)
	w.cell("UPDATE instances SET vm_state = 'stopped', power_state = 4 WHERE uuid = ?", uuidH1)
	before := w.dump()
	for _, p := range []Policy{{}, {Heal: []Remedy{"allocations", "ports", "info_cache", "sizes", "unfinished"}, Vanished: VanishedRelease}} {
		if r := w.syncs(p, true); of(r, "h1")[0].Healed || w.dump() != before {
			t.Errorf("policy %+v: %+v, want it left alone", p, of(r, "h1"))
		}
	}
	if r := w.syncs(Policy{Heal: []Remedy{"power"}}, true); !of(r, "h1")[0].Healed {
		t.Errorf("policy power: %+v, want it healed", of(r, "h1"))
	}
}

// Three runs and an hour, all hosts read, and then the records go.
func TestSyncReleasesVanished(t *testing.T) {
	w := newWorld(t)
	everything := w.small()
	everything.StopAbove = "50%"
	w.now = noon
	w.syncs(everything, true)
	w.destroy("kvm01", "h1")
	for n, after := range []time.Duration{10 * time.Minute, 40 * time.Minute, 69 * time.Minute, 71 * time.Minute} {
		w.now = noon.Add(after)
		r := w.syncs(everything, true)
		gone := n == 3
		if found := of(r, "h1"); len(found) != 1 || found[0].Code != Vanished || found[0].Healed != gone || (w.ask("SELECT COUNT(*) FROM instances WHERE uuid = ?", uuidH1) == "0") != gone {
			t.Fatalf("run %d, after %v: %+v, want its record gone: %v", n+1, after, found, gone)
		}
	}
	// Its data is where it was: nobody knows whether it is wanted.
	if _, err := os.Stat(filepath.Join(w.dir, "hosts/kvm01/root/var/lib/libvirt/images/h1.qcow2")); err != nil {
		t.Errorf("its disk: %v", err)
	}
	w.now = noon.Add(80 * time.Minute)
	if r := w.syncs(everything, true); len(of(r, "h1")) != 0 {
		t.Errorf("after that: %+v, want nothing to say", of(r, "h1"))
	}
}

// wholeHosts removes what cannot be read from the demonstration.
func (w *world) wholeHosts() {
	w.t.Helper()
	for _, h := range w.hosts {
		for inv := range discover.Scan(w.t.Context(), []discover.Host{h}, discover.Options{SkipFiles: true}) {
			for _, u := range inv.Unreadable {
				_ = os.Remove(w.definition(h.Name, u.Name))
			}
			w.must(inv.Err)
		}
	}
}

// bad are worlds that cannot be believed: each is named, and nothing is done.
var bad = []struct {
	name   string
	happen func(w *world, yesterday func())
	code   Code
	text   string
}{
	{"an inventory that shrank to half", func(w *world, _ func()) { w.hosts = w.hosts[2:] }, TooMuch, "with adopted domains not in the inventory"},
	{"a dead network", func(w *world, _ func()) { w.hosts[0].URI, w.hosts[1].URI = "dir:///nowhere", "dir:///nowhere" }, TooMuch, "hosts could not be read"},
	{"a host that answers with another host's name", func(w *world, _ func()) {
		w.hosts[0].URI, w.hosts[0].Files = w.hosts[2].URI, w.hosts[2].Files
	}, HostRenamed, `answers as "kvm03.example.net"`},
	{"two hosts with the same UUID", func(w *world, _ func()) {
		text, err := os.ReadFile(w.definition("kvm01", "h1"))
		w.must(err)
		w.must(os.WriteFile(w.definition("kvm02", "h1-copy"), []byte(strings.Replace(string(text), "<name>h1<", "<name>h1-copy<", 1)), 0o644))
	}, Twice, "kvm01 and kvm02"},
	{"a database of yesterday", func(w *world, yesterday func()) { yesterday() }, TooMuch, "restored"},
	{"a database of this morning", func(w *world, _ func()) {
		w.cell("UPDATE instances SET updated_at = datetime(updated_at, '-1 day') WHERE host = 'kvm01'")
	}, Older, "restored"},
	{"a clock that jumps back", func(w *world, _ func()) { w.now = w.now.Add(-24 * time.Hour) }, ClockBack, "the clock says"},
}

func TestSyncBadInput(t *testing.T) {
	for _, c := range bad {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.now = time.Now()
			var before [][]byte
			files := []string{"nova_api.sqlite", "nova_cell1.sqlite"}
			for _, f := range files {
				text, err := os.ReadFile(filepath.Join(w.dir, f))
				w.must(err)
				before = append(before, text)
			}
			w.syncs(everything, true)
			w.syncs(everything, true)
			// There is something to heal and something to import, besides.
			w.cell("UPDATE instances SET vm_state = 'stopped', power_state = 4 WHERE uuid = ?", uuidH1)
			w.now = w.now.Add(2 * time.Hour)
			c.happen(w, func() {
				for n, f := range files {
					w.must(os.WriteFile(filepath.Join(w.dir, f), before[n], 0o600))
				}
			})
			dump := w.dump()
			for run := range 4 { // Patience does not make it true.
				r := w.syncs(everything, true)
				named := with(r, c.code)
				if !slices.ContainsFunc(named, func(d Drift) bool { return strings.Contains(d.Text, c.text) }) {
					t.Fatalf("run %d: %+v, want %s that says %q", run, named, c.code, c.text)
				}
				if diff := cmp.Diff(dump, w.dump()); diff != "" {
					t.Fatalf("run %d: something was changed (-before +after):\n%s", run, diff)
				}
				w.now = w.now.Add(30 * time.Minute)
			}
		})
	}
}

// A clock that was a year ahead when a run went by holds everything up, until
// somebody says that it is right by now. Nothing is missed for long by that.
func TestSyncClockWasAhead(t *testing.T) {
	w := newWorld(t)
	policy := w.small()
	w.now = noon.AddDate(1, 0, 0)
	w.syncs(policy, true)
	w.destroy("kvm01", "h1")
	for range 4 {
		w.syncs(policy, false)
	}
	w.now = noon
	w.cell("UPDATE instances SET vm_state = 'stopped', power_state = 4 WHERE uuid = ?", uuidWeb)
	if r := w.syncs(policy, true); len(with(r, ClockBack)) != 1 || of(r, "web-01")[0].Healed {
		t.Fatalf("with a clock of today: %+v, want it named, and nothing healed", r.Drifts)
	}
	w.extra = func(r *Runner) { r.Accept = true }
	r := w.syncs(policy, true)
	if found := of(r, "web-01"); len(with(r, ClockBack)) != 0 || len(found) != 1 || !found[0].Healed {
		t.Errorf("accepted: %s, %+v, want it healed", r.Stopped, found)
	}
	w.extra = nil
	w.now = noon.Add(30 * time.Minute)
	if r := w.syncs(policy, true); r.Stopped != "" || len(of(r, "h1")) != 1 || of(r, "h1")[0].Healed {
		t.Errorf("half an hour later: %q, %+v, want what is gone not gone for long", r.Stopped, of(r, "h1"))
	}
	w.now = noon.Add(time.Hour)
	if r := w.syncs(policy, true); !of(r, "h1")[0].Healed {
		t.Errorf("an hour later: %+v, want it released", of(r, "h1"))
	}
}

// A domain that Nova has made is nobody else's, ready as it may look, and
// whatever the policy matches.
func TestSyncLeavesNovasOwn(t *testing.T) {
	w := newFarm(t, 1, 2)
	w.change("cell", `INSERT INTO instances (uuid, deleted, host, node, project_id, user_id, display_name, vm_state, power_state, vcpus, memory_mb, root_gb, ephemeral_gb)
		VALUES (?, 0, 'kvm00', 'kvm00', 'p', 'u', 'made-by-nova', 'stopped', 4, 1, 512, 1, 0)`, uuidOf(0))
	for run := range 2 {
		r := w.syncs(farmPolicy, true)
		if of(r, "guest-00-00") != nil || run == 0 && len(with(r, NewReady)) != 1 || r.Failed != 0 {
			t.Errorf("run %d: %+v, want the other one imported, and nothing said of Nova's own", run, r.Drifts)
		}
		db := w.open("cell")
		var state string
		w.must(db.QueryRow("SELECT vm_state || ' ' || power_state || ' ' || display_name FROM instances WHERE uuid = ?", uuidOf(0)).Scan(&state))
		w.must(db.Close())
		if state != "stopped 4 made-by-nova" {
			t.Errorf("run %d: Nova's own is %q", run, state)
		}
	}
}

// A host is known by the name that it answered with, or by what its domains were
// imported on; one that the inventory gives another name in Nova only by the
// first.
func TestSyncAnotherHostAnswers(t *testing.T) {
	for _, c := range []struct {
		name, forget, computeHost string
		known                     bool
	}{
		{"as it answered before", "DELETE FROM k2o_adoptions", "", true},
		{"as its domains were imported", "DELETE FROM k2o_places", "", true},
		{"as it answered before, with another name in Nova", "SELECT 1", "kvm00", true},
		{"for the first time, with another name in Nova", "DELETE FROM k2o_places", "kvm00", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newFarm(t, 3, 2)
			for _, h := range w.hosts {
				w.must(os.WriteFile(filepath.Join(w.dir, "hosts", h.Name, "host.yaml"), []byte("hostname: "+h.Name+"\n"), 0o644))
			}
			w.hosts[0].ComputeHost = c.computeHost
			if r := w.syncs(farmPolicy, true); r.Failed != 0 || len(with(r, NewReady)) != 6 {
				t.Fatalf("first run: %+v, want six imported", r.Drifts)
			}
			w.exec("journal.db", c.forget)
			w.hosts[0].URI, w.hosts[0].Files = w.hosts[2].URI, w.hosts[2].Files
			w.hosts = w.hosts[:1]
			before := w.dumpFarm()
			r := w.syncs(farmPolicy, true)
			renamed := with(r, HostRenamed)
			if known := len(renamed) == 1 && renamed[0].Text == `it answers as "kvm02", and as "kvm00" before`; known != c.known {
				t.Errorf("sync = %+v, want it known: %v", r.Drifts, c.known)
			}
			if c.known && w.dumpFarm() != before {
				t.Error("something was changed")
			}
			// Somebody says that it is so, once.
			for _, accept := range []bool{true, false} {
				w.extra = func(r *Runner) { r.Accept = accept }
				if r := w.syncs(farmPolicy, false); len(with(r, HostRenamed)) != 0 {
					t.Errorf("accepted: %+v, want its new name believed", r.Drifts)
				}
			}
		})
	}
}

// A journal of yesterday does not know what was imported since: nothing is
// imported twice, and nothing of it is touched.
func TestSyncOldJournal(t *testing.T) {
	w := newWorld(t)
	w.syncs(Policy{}, false)
	var old []byte
	text, err := os.ReadFile(w.journalURL)
	w.must(err)
	old = text
	w.syncs(everything, true)
	for _, f := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(w.journalURL + f)
	}
	w.must(os.WriteFile(w.journalURL, old, 0o600))
	w.cell("UPDATE instances SET vm_state = 'stopped', power_state = 4 WHERE uuid = ?", uuidH1)
	before := w.dump()
	r := w.syncs(everything, true)
	if len(with(r, Unjournalled)) != 24 || w.dump() != before {
		t.Errorf("%d are not in the journal, want 24 and nothing changed", len(with(r, Unjournalled)))
	}
}

// APIs that do not answer are named once; what needs them waits.
func TestSyncWithoutAnswer(t *testing.T) {
	w := newWorld(t).withAPI()
	w.Defaults.PlaceholderImage = "none"
	everything := w.small()
	w.syncs(everything, true)
	delete(w.api.allocations, uuidH1)
	w.cell("UPDATE instances SET vm_state = 'stopped', power_state = 4 WHERE uuid = ?", uuidH1)
	w.api.down = errors.New("connection refused")
	r := w.syncs(everything, true)
	if got := with(r, CloudUnread); len(got) != 1 || !strings.Contains(got[0].Text, "connection refused") || len(with(r, AllocationDiffers)) != 0 || !of(r, "h1")[0].Healed {
		t.Errorf("while they are down: %+v and %+v, want them named once, and the power healed", got, of(r, "h1"))
	}
	w.api.down = nil
	if r := w.syncs(everything, true); !of(r, "h1")[0].Healed || w.api.allocations[uuidH1].Provider == "" {
		t.Errorf("when they are back: %+v, want it healed", of(r, "h1"))
	}
}

// What is new is told once, what is over is forgotten, and what comes back is
// new again.
func TestSyncDates(t *testing.T) {
	w := newWorld(t)
	w.syncs(w.small(), true)
	stop := func(state string) { w.say("kvm01", "h1", "state", state) }
	stop("shutoff")
	first := of(w.syncs(Policy{}, false), "h1")
	second := of(w.syncs(Policy{}, false), "h1")
	uri := w.hosts[0].URI
	w.hosts[0].URI = "dir:///nowhere" // What nobody can see is not over.
	w.syncs(Policy{}, false)
	w.hosts[0].URI = uri
	unread := of(w.syncs(Policy{}, false), "h1")
	stop("running")
	w.syncs(Policy{}, false)
	stop("shutoff")
	third := of(w.syncs(Policy{}, false), "h1")
	if !first[0].New || second[0].New || !second[0].Since.Equal(first[0].Since) || !third[0].New ||
		unread[0].New || !unread[0].Since.Equal(first[0].Since) {
		t.Errorf("%+v\n%+v\n%+v\n%+v\nwant new, known since then, known still, new", first, second, unread, third)
	}
}
