package importer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
)

func TestImportWithCloud(t *testing.T) {
	w := newCloudWorld(t, 2)
	before := w.dump()
	s, err := w.imports(nil)
	if err != nil || s.Count(Imported) != 6 || s.Warnings() != 0 {
		t.Fatalf("Import = %v, %v, want 6 imported: %+v", s, err, s.Results)
	}
	w.check("after the import")
	j, err := journal.Open(t.Context(), w.path)
	w.must(err)
	steps, err := j.Steps(t.Context(), uuidOf(2))
	w.must(errors.Join(err, j.Close()))
	var names []string
	for _, x := range steps {
		names = append(names, x.Step)
	}
	want := []string{"ports", "records", "mappings", "directory", "bind", "allocation", "final", "verify", "unlock"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if made := steps[0].Made; strings.Count(made, `"id"`) != 2 || !strings.Contains(made, idOf(102)) || !strings.Contains(steps[5].Made, `"VCPU":1`) {
		t.Errorf("the journal has %s of ports and %s of allocation, want both ports and what was taken", made, steps[5].Made)
	}
	if s, err := w.imports(nil); err != nil || s.Count(Already) != 6 {
		t.Fatalf("second Import = %v, %v, want 6 already there", s, err)
	}
	if s, err := w.releases(nil); err != nil || s.Count(Released) != 6 || s.Warnings() != 0 {
		t.Fatalf("Release = %v, %v, want 6 released: %+v", s, err, s.Results)
	}
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("not as before (-before +after):\n%s", diff)
	}
}

// TestImportWithCloudCostsByBatch: questions that can be asked for a whole
// batch are, whatever its size.
func TestImportWithCloudCostsByBatch(t *testing.T) {
	asked := func(perHost int) map[string]int {
		w := newCloudWorld(t, perHost)
		if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3*perHost {
			t.Fatalf("Import = %v, %v", s, err)
		}
		maps.DeleteFunc(w.cloud.calls, func(method string, _ int) bool { return method != "PortsOf" && method != "Allocations" })
		return w.cloud.calls
	}
	if diff := cmp.Diff(asked(1), asked(15)); diff != "" {
		t.Errorf("questions for 3 and for 45 domains in two cells differ (-3 +45):\n%s", diff)
	}
}

// TestCloudGoesDown stops the cloud's APIs before and after each of their
// effects. Nothing may be left that the same command, or a release, does not
// finish once they are back.
func TestCloudGoesDown(t *testing.T) {
	t.Parallel()
	whole := newCloudWorld(t, 1)
	if s, err := whole.imports(nil); err != nil || s.Count(Imported) != 3 {
		t.Fatalf("Import = %v, %v, want 3 imported", s, err)
	}
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			w := newCloudWorld(t, 1)
			before := w.dump()
			w.cloud.left, w.cloud.after = n, after
			s, err := w.imports(nil)
			if w.cloud.down == nil {
				if err != nil || n < 12 {
					t.Fatalf("an import without a fault = %v with %d effects", err, n-1)
				}
				break
			}
			at := fmt.Sprintf("down at effect %d, after %v", n, after)
			w.check(at)
			w.wantTold(at, s, err)
			// A release cannot do anything without them either, and says so.
			if n%3 == 0 {
				s, err := w.releases(nil)
				w.check(at + ", and a release")
				w.wantTold(at+", and a release", s, err)
			}
			w.cloud.down, w.cloud.left = nil, 0
			if n%2 == 0 {
				if s, err := w.imports(nil); err != nil || s.Count(Imported)+s.Count(Already) != 3 {
					t.Fatalf("%s: second Import = %v, %v, want all there: %+v", at, s, err, s.Results)
				}
				if diff := cmp.Diff(whole.dump(), w.dump()); diff != "" {
					t.Fatalf("%s: the rerun ended elsewhere (-want +got):\n%s", at, diff)
				}
			}
			w.wantReleased(at, before)
		}
	}
}

// wantTold: whatever did not come to its end is named with host, domain and
// step, and the journal knows of all that is left.
func (w *world) wantTold(at string, s Summary, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatalf("%s: %v, want the run to go on", at, err)
	}
	states := w.journalStates()
	for _, r := range s.Results {
		if r.Err != nil && !strings.HasPrefix(r.Err.Error(), r.Host+": domain "+r.Domain+": "+r.Step+": ") {
			w.t.Fatalf("%s: error = %v, want host, domain and step", at, r.Err)
		}
		if r.Outcome == Half && states[r.UUID] != journal.StateHalf && states[r.UUID] != journal.StateReleasing {
			w.t.Fatalf("%s: %s is half done, and the journal says %q", at, r.Domain, states[r.UUID])
		}
	}
	for _, p := range w.cloud.ports {
		if state := states[p.DeviceID]; p.Ours() && (state == "" || state == journal.StateFailed || state == journal.StateReleased) {
			w.t.Fatalf("%s: port %s is there, and the journal says %q of its domain", at, p.MAC, state)
		}
	}
}

// wantReleased takes all back and expects the world of before.
func (w *world) wantReleased(at, before string) {
	w.t.Helper()
	if s, err := w.releases(nil); err != nil || s.Count(Released)+s.Count(Already) != len(w.plan.Domains) {
		w.t.Fatalf("%s: Release = %v, %v, want all out: %+v", at, s, err, s.Results)
	}
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		w.t.Fatalf("%s: not as before (-before +after):\n%s", at, diff)
	}
	if left := w.shared(); len(left) != 0 {
		w.t.Fatalf("%s: the journal has %+v, want nothing shared any more", at, left)
	}
}

// shared is what the journal says is there for several adoptions.
func (w *world) shared() []journal.Shared {
	w.t.Helper()
	j, err := journal.Open(w.t.Context(), w.path)
	w.must(err)
	defer j.Close()
	run, err := j.Start(w.t.Context(), journal.Run{Command: "look"})
	w.must(err)
	all, err := run.Shared(w.t.Context())
	w.must(errors.Join(err, run.End(w.t.Context(), "")))
	return all
}

// Each case spoils what the cloud has for domain 2, which has a port to be
// made and one to be taken, and leaves the others to be imported.
var spoiltCloud = []struct {
	name    string
	spoil   func(w *world)
	outcome Outcome
	step    string
	err     error
	text    string
}{
	{"network gone", func(w *world) { w.cloud.networks = w.cloud.networks[1:] }, Refused, "check", ErrNotPlanned, "network"},
	{"address outside", func(w *world) { w.plan.Domains[2].NICs[0].Addresses[0] = "198.51.100.1" }, Refused, "check", ErrNotPlanned, "198.51.100.1"},
	{"port gone", func(w *world) { delete(w.cloud.ports, idOf(102)) }, Refused, "check", ErrNotPlanned, idOf(102)},
	{"port of somebody else", func(w *world) { w.port(102, func(p *cloud.Port) { p.DeviceID = "theirs" }) }, Refused, "check", ErrNotPlanned, "theirs"},
	{"port of another project", func(w *world) { w.port(102, func(p *cloud.Port) { p.ProjectID = "theirs" }) }, Refused, "check", ErrNotPlanned, "theirs"},
	{"port with another address", func(w *world) { w.port(102, func(p *cloud.Port) { p.MAC = "52:54:00:ff:ff:ff" }) }, Refused, "check", ErrNotPlanned, "52:54:00:ff:ff:ff"},
	{"address taken", func(w *world) {
		w.cloud.ports[idOf(99)] = cloud.Port{ID: idOf(99), MAC: "52:54:00:00:00:02", NetworkID: idOf(1), DeviceID: "theirs"}
	}, Refused, "check", ErrNotPlanned, "theirs"},
	{"network without a project", func(w *world) { w.cloud.networks[0].ProjectID = "" }, Refused, "check", ErrNotRecorded, "project of network"},
	{"project unknown", func(w *world) { w.plan.Domains[2].ProjectID = strings.Repeat("c", 32) }, Refused, "check", ErrNotPlanned, "project"},
	{"user unknown", func(w *world) { w.plan.Domains[2].UserID = strings.Repeat("c", 32) }, Refused, "check", ErrNotPlanned, "user"},
	{"create fails", func(w *world) { w.cloud.refuse["CreatePort "+uuidOf(2)] = errBoom }, RolledBack, "ports", errBoom, "52:54:00:00:00:02"},
	{"create is lost", func(w *world) { w.cloud.broken["CreatePort "+uuidOf(2)] = errBoom }, RolledBack, "ports", errBoom, ""},
	{"take fails", func(w *world) { w.cloud.refuse["TakePort "+uuidOf(2)] = cloud.ErrTaken }, RolledBack, "ports", cloud.ErrTaken, "52:54:00:00:01:02"},
	{"take is lost", func(w *world) { w.cloud.broken["TakePort "+uuidOf(2)] = errBoom }, RolledBack, "ports", errBoom, ""},
	{"bind fails", func(w *world) { w.cloud.refuse["BindPort "+uuidOf(2)] = cloud.ErrUnbound }, RolledBack, "bind", cloud.ErrUnbound, "52:54:00:00:00:02"},
	{"bind is lost", func(w *world) { w.cloud.broken["BindPort "+uuidOf(2)] = errBoom }, RolledBack, "bind", errBoom, ""},
	{"cache fails", func(w *world) { w.nova.refuse["SetInfoCache "+uuidOf(2)] = errBoom }, RolledBack, "bind", errBoom, ""},
	{"no room", func(w *world) { w.cloud.refuse["Allocate "+uuidOf(2)] = cloud.ErrNoRoom }, RolledBack, "allocation", cloud.ErrNoRoom, "compute host kvm01"},
	{"conflicts", func(w *world) { w.cloud.refuse["Allocate "+uuidOf(2)] = cloud.ErrConflict }, RolledBack, "allocation", cloud.ErrConflict, ""},
	{"allocation is lost", func(w *world) { w.cloud.broken["Allocate "+uuidOf(2)] = errBoom }, RolledBack, "allocation", errBoom, ""},
	{"mappings fail", func(w *world) { w.nova.refuse["InsertMappings "+uuidOf(2)] = errBoom }, RolledBack, "mappings", errBoom, ""},
	{"ports cannot be taken back", func(w *world) {
		w.cloud.refuse["BindPort "+uuidOf(2)], w.cloud.refuse["FreePort "+uuidOf(2)] = cloud.ErrUnbound, errBoom
	}, Half, "bind", cloud.ErrUnbound, "could not be taken back"},
	{"allocation cannot be taken back", func(w *world) {
		w.cloud.broken["Allocate "+uuidOf(2)], w.cloud.refuse["Deallocate "+uuidOf(2)] = errBoom, errors.New("no")
	}, Half, "allocation", errBoom, "could not be taken back"},
	{"gone at the end", func(w *world) { w.hosts.gone[uuidOf(2)] = true }, Half, "final", ErrGone, "rerun completes"},
	{"port changes under it", func(w *world) {
		w.nova.inserted = func() { w.port(102, func(p *cloud.Port) { p.ProjectID = "theirs" }) }
	},
		RolledBack, "bind", nil, "theirs"},
	{"port deleted under it", func(w *world) { w.nova.inserted = func() { delete(w.cloud.ports, idOf(102)) } }, RolledBack, "bind", nil, "all of its ports"},
}

// port changes a port.
func (w *world) port(n int, change func(*cloud.Port)) {
	p := w.cloud.ports[idOf(n)]
	change(&p)
	w.cloud.ports[idOf(n)] = p
}

func TestCloudFailureIsNotTheOthers(t *testing.T) {
	t.Parallel()
	for _, c := range spoiltCloud {
		t.Run(c.name, func(t *testing.T) {
			w := newCloudWorld(t, 3)
			c.spoil(w)
			broken := w.dump()
			s, err := w.imports(nil)
			if err != nil || len(s.Results) != 9 {
				t.Fatalf("Import = %v, %v, want a result for each of 9", s, err)
			}
			r := s.Results[slices.IndexFunc(s.Results, func(r Result) bool { return r.UUID == uuidOf(2) })]
			if r.Outcome != c.outcome || r.Step != c.step || c.err != nil && !errors.Is(r.Err, c.err) || !strings.Contains(r.Reason, c.text) {
				t.Errorf("result = %+v, want %s at %s, %v that says %q", r, c.outcome, c.step, c.err, c.text)
			}
			if s.Count(Imported) != 8 && !strings.HasPrefix(c.name, "network") {
				t.Errorf("%d others were imported, want 8: %v", s.Count(Imported), outcomesOf(s))
			}
			row, there := w.nova.rows[uuidOf(2)]
			if c.outcome != Half && there {
				t.Errorf("%s, and Nova has %+v", c.outcome, row)
			}
			clear(w.cloud.refuse)
			clear(w.cloud.broken)
			clear(w.nova.refuse)
			clear(w.hosts.gone)
			w.nova.inserted = nil
			if c.outcome == Half {
				if s, err := w.imports(nil); err != nil || s.Count(Imported) != 1 || s.Count(Already) != 8 {
					t.Fatalf("Import after the cause was removed = %v, %v, want 1 imported, 8 already there: %+v", s, err, s.Results)
				}
				w.check("after the cause was removed")
			}
			if strings.Contains(c.name, "under it") {
				broken = "" // The port is another one now.
			}
			s, err = w.releases(nil)
			if err != nil || s.Count(Released)+s.Count(Already) != 9 {
				t.Fatalf("Release = %v, %v: %+v", s, err, s.Results)
			}
			if diff := cmp.Diff(broken, w.dump()); diff != "" && broken != "" {
				t.Errorf("after release not as before (-before +after):\n%s", diff)
			}
		})
	}
}

// TestHalfNamesWhatIsLeft: an undo that fails is in the journal, for status.
func TestHalfNamesWhatIsLeft(t *testing.T) {
	w := newCloudWorld(t, 1)
	w.cloud.refuse["BindPort "+uuidOf(2)], w.cloud.refuse["FreePort "+uuidOf(2)] = cloud.ErrUnbound, errBoom
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	rows, err := Status(t.Context(), w.adoptions(), w.nova)
	w.must(err)
	row := rows[slices.IndexFunc(rows, func(r StatusRow) bool { return r.UUID == uuidOf(2) })]
	if !strings.Contains(row.Reason, "boom") || !strings.HasSuffix(row.Reason, "left of it, whole or in part: ports "+w.portOf("52:54:00:00:00:02")+" "+idOf(102)) {
		t.Errorf("reason = %q, want the cause and both ports, and nothing else", row.Reason)
	}
	// Its rows are gone, its instance directory too; a release frees the ports.
	if s, err := w.releases(nil); err != nil || s.Count(Released) != 2 || s.Count(Half) != 1 {
		t.Errorf("Release while it still fails = %v, %v, want 2 released and 1 half done", s, err)
	}
	clear(w.cloud.refuse)
	if s, err := w.releases(nil); err != nil || s.Count(Released) != 1 || s.Count(Already) != 2 {
		t.Errorf("Release = %v, %v, want 1 released", s, err)
	}
}

// portOf is the id of the port with a MAC address.
func (w *world) portOf(mac string) string {
	for id, p := range w.cloud.ports {
		if p.MAC == mac {
			return id
		}
	}
	return ""
}

// TestCloudDownFromTheBeginning: nothing is written.
func TestCloudDownFromTheBeginning(t *testing.T) {
	w := newCloudWorld(t, 2)
	before := w.dump()
	w.cloud.down = errDown
	s, err := w.imports(nil)
	if err != nil || s.Count(Refused) != 6 || w.dump() != before {
		t.Fatalf("Import = %v, %v, want 6 refused and nothing changed: %+v", s, err, s.Results)
	}
	if len(w.journalStates()) != 0 {
		t.Error("the journal has adoptions of what was not begun")
	}
	w.cloud.down = nil
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 6 {
		t.Fatalf("Import once it is up = %v, %v, want 6 imported", s, err)
	}
	imported := w.dump()
	w.cloud.down = errDown
	if s, err := w.releases(nil); err != nil || s.Count(Refused) != 6 || w.dump() != imported {
		t.Errorf("Release while it is down = %v, %v, want 6 refused and nothing changed: %+v", s, err, s.Results)
	}
	w.cloud.down, w.cloud.left = nil, 1
	if s, err := w.releases(nil); err != nil || s.Count(Half) != 6 || len(w.nova.rows) != 0 {
		t.Errorf("Release that it goes down under = %v, %v, want 6 half done, without rows: %+v", s, err, s.Results)
	}
	w.cloud.down, w.cloud.left = nil, 0
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 6 {
		t.Fatalf("Import of what is half released = %v, %v, want 6 imported: %+v", s, err, s.Results)
	}
	if diff := cmp.Diff(imported, w.dump()); diff != "" {
		t.Errorf("not as it was imported first (-want +got):\n%s", diff)
	}
	w.wantReleased("in the end", before)
}

// TestAllocationOfNobody: what was there is replaced, and told.
func TestAllocationOfNobody(t *testing.T) {
	w := newCloudWorld(t, 1)
	w.cloud.allocations[uuidOf(1)] = cloud.Allocation{Instance: uuidOf(1), Provider: "elsewhere", Resources: map[string]int{"VCPU": 7}}
	s, err := w.imports(nil)
	if err != nil || s.Count(Imported) != 3 || s.Warnings() != 1 || !strings.Contains(fmt.Sprint(resultOf(s, 1).Warnings), "7 VCPU on resource provider elsewhere") {
		t.Errorf("Import = %v, %v, want the allocation named: %+v", s, err, s.Results)
	}
}

// TestSilenceEndsTheRun: a cloud that does not answer costs its deadlines for
// two groups of hosts, and not for all.
func TestSilenceEndsTheRun(t *testing.T) {
	w := newCloudWorld(t, 50) // each host is a group
	before := w.dump()
	w.cloud.down = errDown
	s, err := w.imports(nil)
	if !errors.Is(err, ErrCloudUnread) || s.Count(Refused) != 100 || s.Count(NotTried) != 50 || w.dump() != before {
		t.Errorf("Import = %v, %v, want two groups refused and one not tried: %+v", s, err, s.Results[:3])
	}
}

// TestLoosePort: a port that was the instance's, and on no host, is so again.
func TestLoosePort(t *testing.T) {
	for _, kill := range []bool{false, true} {
		w := newCloudWorld(t, 2)
		w.port(104, func(p *cloud.Port) { p.HostID, p.VIFType = "", "unbound" })
		before := w.dump()
		w.hosts.gone[uuidOf(4)] = kill
		if s, err := w.imports(nil); err != nil || s.Count(Imported)+s.Count(Half) != 6 || w.cloud.ports[idOf(104)].HostID == "" {
			t.Fatalf("Import = %v, %v, want all there, with the port bound: %+v", s, err, s.Results)
		}
		clear(w.hosts.gone)
		if s, err := w.imports(nil); err != nil || s.Count(Imported)+s.Count(Already) != 6 {
			t.Fatalf("second Import = %v, %v, want all there: %+v", s, err, s.Results)
		}
		w.wantReleased(fmt.Sprintf("killed %t", kill), before)
	}
}
