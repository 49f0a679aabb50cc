package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

func TestImport(t *testing.T) {
	w := newWorld(t, 1)
	var progress []Progress
	s, err := w.do(nil, func(x session) (Summary, error) {
		x.Progress = func(p Progress) { progress = append(progress, p) }
		return x.Import(t.Context(), w.plan, plan.Filter{})
	})
	if err != nil || s.String() != "3 imported" || len(s.Results) != 3 {
		t.Fatalf("Import = %v, %v, want 3 imported", s, err)
	}
	if len(progress) != 3 || progress[2].Done != 3 || progress[2].Total != 3 || progress[0].Result.InstanceName != "instance-00000001" {
		t.Errorf("progress = %+v, want one of 3 for each domain", progress)
	}
	size := [4]int{1, 2048, 20, 0}
	want := []fakeRow{ // running and unlocked by the plan, off and locked, paused and unlocked
		{stage: nova.Finished, id: 1, cell: "cell-a", display: "Guest guest-0", host: "kvm01", vm: "active", power: nova.PowerRunning, flavor: 1, model: "virtio", size: size},
		{stage: nova.Finished, id: 2, cell: "cell-a", display: "Guest guest-1", host: "kvm02", vm: "stopped", power: nova.PowerShutdown, locked: true, flavor: 1, model: "virtio", size: size},
		{stage: nova.Finished, id: 3, cell: "cell-b", display: "Guest guest-2", host: "kvm03", vm: "paused", power: nova.PowerPaused, flavor: 1, model: "virtio", size: size},
	}
	for n, row := range want {
		if got := w.nova.rows[uuidOf(n)]; got != row {
			t.Errorf("row of domain %d = %+v, want %+v", n, got, row)
		}
	}
	j, err := journal.Open(t.Context(), w.path)
	w.must(err)
	defer j.Close()
	xml, err := j.Definition(t.Context(), uuidOf(1))
	if err != nil || xml != "<domain><name>guest-1</name><os firmware='efi'><type>hvm</type></os></domain>" {
		t.Errorf("Definition in the journal = %q, %v, want the one from before", xml, err)
	}
	a, err := j.Adoptions(t.Context(), uuidOf(1))
	if err != nil || a[0].InstanceID != 2 || a[0].InstanceName != "instance-00000002" || a[0].State != journal.StateImported {
		t.Errorf("adoption in the journal = %+v, %v, want instance 2, imported", a, err)
	}
	steps, err := j.Steps(t.Context(), uuidOf(1))
	if err != nil || len(steps) != 5 || !strings.Contains(steps[2].Made, "guest-1.qcow2") {
		t.Errorf("steps in the journal = %+v, %v, want 5, the third with the link", steps, err)
	}
	if s, err := w.imports(nil); err != nil || s.String() != "3 already there" {
		t.Errorf("second Import = %v, %v, want 3 already there", s, err)
	}
}

// TestImportCostsByBatch: more domains in a batch cost no more questions.
func TestImportCostsByBatch(t *testing.T) {
	counts := func(perHost int) (map[string]int, int) {
		w := newWorld(t, perHost)
		if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3*perHost {
			t.Fatalf("Import = %v, %v", s, err)
		}
		return w.nova.calls, w.hosts.asked
	}
	few, asked := counts(1)
	many, askedMany := counts(20) // 60 domains: 40 in one cell, 20 in the other
	if diff := cmp.Diff(few, many); diff != "" || asked != askedMany {
		t.Errorf("calls for 3 and for 60 domains in two cells differ (-3 +60), states asked %d and %d times:\n%s", asked, askedMany, diff)
	}
}

var errBoom = errors.New("boom")

// Each case spoils domain 0 and leaves the others to be imported.
var spoilt = []struct {
	name    string
	spoil   func(w *world)
	outcome Outcome
	err     error
	text    string
	state   journal.State
}{
	{"changed", func(w *world) { w.domain(0).Digest = "sha256:other" }, Refused, ErrChanged, "vcpus is new", ""},
	{"gone", func(w *world) { w.domain(0).UUID = uuidOf(99) }, Refused, ErrGone, "", ""},
	{"crashed", func(w *world) { w.domain(0).State = discover.StateCrashed }, Refused, ErrState, "crashed", ""},
	{"shutting down", func(w *world) { w.domain(0).State = discover.StateShutdown }, Refused, ErrState, "shut down", ""},
	{"managed save", func(w *world) { w.domain(0).ManagedSave = true }, Refused, ErrChanged, "managed save", ""},
	{"snapshot", func(w *world) { w.domain(0).Snapshots = true }, Refused, ErrChanged, "snapshot", ""},
	{"transient", func(w *world) { w.domain(0).Persistent = false }, Refused, ErrChanged, "transient", ""},
	{"deleted in Nova", func(w *world) { w.nova.presence[uuidOf(0)] = nova.Presence{Deleted: true} }, Refused, ErrDeleted, "destroys", ""},
	{"building", func(w *world) { w.nova.presence[uuidOf(0)] = nova.Presence{BuildRequest: true} }, Refused, ErrForeign, "build", ""},
	{"migrating", func(w *world) { w.nova.presence[uuidOf(0)] = nova.Presence{Migration: "running"} }, Refused, ErrForeign, "migration", ""},
	{"Nova's own", func(w *world) {
		w.nova.rows[uuidOf(0)] = fakeRow{stage: nova.Foreign, host: "kvm09", display: "theirs"}
	}, Refused, ErrForeign, "theirs", ""},
	{"no flavor", func(w *world) { w.plan.Domains[0].Flavor.Name = "m9" }, Refused, ErrNotPlanned, "m9", ""},
	{"flavor of another size", func(w *world) { w.plan.Domains[0].Flavor.VCPUs = 3 }, Refused, ErrNotPlanned, "m1.small", ""},
	{"unreadable by Nova", func(w *world) { w.plan.Domains[0].ImageProperties["hw_machine_type"] = "" }, Refused, ErrNotRecorded, "hw_machine_type", ""},
	{"no compute host", func(w *world) { w.nova.computes[0].Host = "other" }, Refused, ErrNoCompute, "kvm01", ""},
	{"unusable compute host", func(w *world) { w.nova.computes[0].Problem = "two nodes" }, Refused, ErrNoCompute, "two nodes", ""},
	{"host unread", func(w *world) { w.hosts.dead["kvm01"] = errBoom }, Refused, ErrHostUnread, "boom", ""},
	{"records fail", func(w *world) { w.nova.refuse["InsertInstances "+uuidOf(0)] = errBoom }, RolledBack, errBoom, "", journal.StateFailed},
	{"mappings fail", func(w *world) { w.nova.refuse["InsertMappings "+uuidOf(0)] = errBoom }, RolledBack, errBoom, "", journal.StateFailed},
	{"disk missing", func(w *world) { w.must(os.Remove(filepath.Join(w.root, "kvm01/data/guest-0.qcow2"))) }, Refused, instancedir.ErrNoDisk, "missing", ""},
	{"name taken", func(w *world) {
		w.must(os.MkdirAll(filepath.Join(w.root, "kvm01/var/lib/nova/instances", uuidOf(0)), 0o755))
		w.must(os.WriteFile(filepath.Join(w.root, "kvm01/var/lib/nova/instances", uuidOf(0), "disk"), []byte("somebody's"), 0o644))
	}, Refused, instancedir.ErrOccupied, "not the disk", ""},
	{"disk full", func(w *world) { w.hosts.full[uuidOf(0)] = true }, RolledBack, errFull, "", journal.StateFailed},
	{"no files", func(w *world) { w.plan.Hosts[0].Files = ""; w.plan.Hosts[0].URI = "qemu+tls://kvm01/system" }, Refused, instancedir.ErrNoFiles, "", ""},
	{"rollback fails", func(w *world) {
		w.nova.refuse["InsertMappings "+uuidOf(0)] = errBoom
		w.nova.refuse["Delete "+uuidOf(0)] = errors.New("no delete")
	}, Half, errBoom, "no delete", journal.StateHalf},
	{"gone at the end", func(w *world) { w.hosts.gone[uuidOf(0)] = true }, Half, ErrGone, "rerun completes", journal.StateHalf},
	{"final fails", func(w *world) { w.nova.refuse["Finish "+uuidOf(0)] = errBoom }, Half, errBoom, "", journal.StateHalf},
	{"violation", func(w *world) {
		w.nova.violate = []nova.Violation{{UUID: uuidOf(0), Code: "V6", What: "flavor", Expected: "1", Found: "2"}}
	}, Half, ErrViolated, "V6 flavor", journal.StateHalf},
	{"harmless violation", func(w *world) {
		w.nova.violate = []nova.Violation{{UUID: uuidOf(0), Code: "V16", What: "hostname, unique in scope project", Expected: "web", Found: "also that of another"}}
	}, Imported, nil, "", journal.StateImported},
	{"name missing", func(w *world) {
		w.nova.violate = []nova.Violation{{UUID: uuidOf(0), Code: "V16", What: "hostname", Expected: "a name", Found: "none"}}
	}, Half, ErrViolated, "V16 hostname", journal.StateHalf},
	{"unlock fails", func(w *world) { w.nova.refuse["Unlock "+uuidOf(0)] = errBoom }, Half, errBoom, "", journal.StateHalf},
}

func TestOneFailureIsNotTheOthers(t *testing.T) {
	for _, c := range spoilt {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 3)
			before := w.files()
			c.spoil(w)
			broken := w.files()
			s, err := w.imports(nil)
			if err != nil || len(s.Results) != 9 {
				t.Fatalf("Import = %v, %v, want a result for each of 9", s, err)
			}
			others := 0 // on the same host a dead host takes two more down
			for _, r := range s.Results {
				if r.UUID != uuidOf(0) {
					if r.Outcome == Imported {
						others++
					}
					continue
				}
				if r.Outcome != c.outcome || !errors.Is(r.Err, c.err) || !strings.Contains(r.Reason, c.text) {
					t.Errorf("result = %+v, want %s, %v that says %q", r, c.outcome, c.err, c.text)
				}
				if e := (*Error)(nil); c.err != nil && (!errors.As(r.Err, &e) || !strings.HasPrefix(r.Err.Error(), "kvm01: domain guest-0: "+e.Step+": ")) {
					t.Errorf("error = %v, want host, domain and step first", r.Err)
				}
			}
			if w.plan.Domains[1].Host == "kvm01" && others != 8 && !strings.Contains("host unread|no compute host|unusable compute host|no files", c.name) {
				t.Errorf("%d others were imported, want 8: %v", others, outcomesOf(s))
			}
			if got := w.journalStates()[uuidOf(0)]; got != c.state {
				t.Errorf("journal has it as %q, want %q", got, c.state)
			}
			if row, there := w.nova.rows[uuidOf(0)]; c.outcome == RolledBack && there {
				t.Errorf("rolled back, and Nova still has %+v", row)
			}
			if _, err := w.releases(nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(broken, w.files()); diff != "" && before != "" && c.name != "no files" {
				t.Errorf("after release the hosts are not as before (-before +after):\n%s", diff)
			}
		})
	}
}

// TestHalfIsCompleted: what stood in the way is gone, the same command again.
func TestHalfIsCompleted(t *testing.T) {
	for _, c := range spoilt {
		if c.outcome != Half {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 2)
			c.spoil(w)
			if _, err := w.imports(nil); err != nil {
				t.Fatal(err)
			}
			clear(w.nova.refuse)
			clear(w.hosts.gone)
			w.nova.violate = nil
			s, err := w.imports(nil)
			if err != nil || s.Count(Imported) != 1 || s.Count(Already) != 5 {
				t.Errorf("Import after the cause was removed = %v, %v, want 1 imported, 5 already there", s, err)
			}
			if row := w.nova.rows[uuidOf(0)]; row.stage != nova.Finished || row.locked {
				t.Errorf("row = %+v, want it final and unlocked", row)
			}
		})
	}
}

func TestCancelStopsBetweenSteps(t *testing.T) {
	w := newWorld(t, 2)
	ctx, cancel := context.WithCancelCause(t.Context())
	s, err := w.do(nil, func(x session) (Summary, error) {
		x.Writer = cancelling{w.nova, func() { cancel(errors.New("somebody pressed Ctrl-C")) }}
		return x.Import(ctx, w.plan, plan.Filter{})
	})
	if !errors.Is(err, ErrInterrupted) || !strings.Contains(err.Error(), "Ctrl-C") {
		t.Errorf("Import = %v, want %v with its cause", err, ErrInterrupted)
	}
	// The four of the first batch were mapped, and the other cell was not begun.
	if s.Count(Half) != 4 || s.Count(NotTried) != 2 || w.nova.rows[uuidOf(0)].stage != nova.Mapped {
		t.Errorf("Import = %v with %+v, want 4 half done and 2 not tried", s, w.nova.rows)
	}
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 6 {
		t.Errorf("second Import = %v, %v, want all", s, err)
	}
}

// cancelling asks the run to stop while it writes mappings.
type cancelling struct {
	*fakeNova
	stop func()
}

func (c cancelling) InsertMappings(ctx context.Context, in []nova.Instance) error {
	c.stop()
	if ctx.Err() != nil {
		return ctx.Err() // a signal must not reach into a step
	}
	return c.fakeNova.InsertMappings(ctx, in)
}

func TestJournalThatFailsStopsTheRun(t *testing.T) {
	w := newWorld(t, 1)
	before := w.dump()
	s, err := w.do(nil, func(x session) (Summary, error) {
		x.Journal = full{}
		return x.Import(t.Context(), w.plan, plan.Filter{})
	})
	if !errors.Is(err, errBoom) || s.Count(NotTried) != 3 || w.dump() != before {
		t.Errorf("Import with a journal that cannot be written = %v, %v, want nothing changed", s, err)
	}
}

type full struct{}

func (full) Shared(context.Context) ([]journal.Shared, error) { return nil, nil }

func (full) Write(context.Context, func(*journal.Tx) error) error { return errBoom }

func TestLostLockStopsTheRun(t *testing.T) {
	w := newWorld(t, 2)
	w.nova.refuse["InsertMappings "+uuidOf(1)] = nova.ErrLockLost
	s, err := w.imports(nil)
	if !errors.Is(err, nova.ErrLockLost) || s.Count(Half) != 4 || s.Count(NotTried) != 2 || w.nova.calls["Delete"] != 0 {
		t.Errorf("Import that lost its lock = %v, %v, %d deletes, want 4 half done, 2 not tried, none deleted", s, err, w.nova.calls["Delete"])
	}
}

func TestSecondRunIsRefused(t *testing.T) {
	w := newWorld(t, 1)
	first := w.start(nil)
	defer first.close(t)
	j, err := journal.Open(t.Context(), w.path)
	w.must(err)
	defer j.Close()
	_, err = j.Start(t.Context(), journal.Run{Command: "second"})
	if !errors.Is(err, journal.ErrHeld) || !strings.Contains(err.Error(), fmt.Sprintf("pid %d", os.Getpid())) {
		t.Errorf("second run = %v, want it refused and the first one named", err)
	}
}
