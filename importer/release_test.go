package importer

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// What can have happened to domain 0 since its import.
var since = []struct {
	name    string
	happen  func(w *world)
	outcome Outcome
	err     error
	text    string
	stays   bool // its row and its link
}{
	{"nothing", func(w *world) {}, Released, nil, "", false},
	{"renamed by Nova", func(w *world) { w.domain(0).Name = "instance-00000001" }, Refused, ErrRegenerated, "instance-00000001", true},
	{"disk is Nova's", func(w *world) {
		w.domain(0).Disks = []discover.Disk{{Target: "vda", Path: "/var/lib/nova/instances/" + uuidOf(0) + "/disk"}}
	}, Refused, ErrRegenerated, "vda", true},
	{"gone from libvirt", func(w *world) { w.domain(0).UUID = uuidOf(99) }, Refused, ErrGone, "journal", true},
	{"host does not answer", func(w *world) { w.hosts.dead["kvm01"] = errBoom }, Refused, ErrHostUnread, "boom", true},
	{"moved", func(w *world) { r := w.nova.rows[uuidOf(0)]; r.host = "kvm02"; w.nova.rows[uuidOf(0)] = r }, Refused, ErrMoved, "kvm02", true},
	{"volume attached", func(w *world) { r := w.nova.rows[uuidOf(0)]; r.volume = true; w.nova.rows[uuidOf(0)] = r }, Refused, nova.ErrInUse, "volume", true},
	{"rows are somebody else's", func(w *world) { w.nova.rows[uuidOf(0)] = fakeRow{stage: nova.Foreign} }, Refused, ErrForeign, "", true},
	{"renamed by the operator", func(w *world) { w.domain(0).Name = "better-name" }, Released, nil, "", false},
	{"being renamed", func(w *world) { w.setState(journal.StateRenaming, uuidOf(0)) }, Refused, ErrRestarting, "rename again", true},
	{"on its way back", func(w *world) { w.setState(journal.StateReturning, uuidOf(0)) }, Refused, ErrRestarting, "rename again", true},
	{"delete fails", func(w *world) { w.nova.refuse["Delete "+uuidOf(0)] = errBoom }, Half, errBoom, "boom", true},
	{"console.log", func(w *world) {
		w.must(os.WriteFile(filepath.Join(w.root, "kvm01/var/lib/nova/instances", uuidOf(0), "console.log"), nil, 0o644))
	}, Released, nil, "console.log", false},
}

// setState is somebody else's word in the journal.
func (w *world) setState(state journal.State, uuid string) {
	w.t.Helper()
	j, err := journal.Open(w.t.Context(), w.path)
	w.must(err)
	run, err := j.Start(w.t.Context(), journal.Run{Command: "test"})
	w.must(err)
	w.must(run.Write(w.t.Context(), func(tx *journal.Tx) error { return tx.SetState(state, "", uuid) }))
	w.must(errors.Join(run.End(w.t.Context(), ""), j.Close()))
}

// What was restarted since is imported all the same.
func TestImportLeavesRestartedAlone(t *testing.T) {
	for _, state := range []journal.State{journal.StateRenaming, journal.StateRenamed, journal.StateReturning, journal.StateFinalized} {
		w := newCloudWorld(t, 1)
		if _, err := w.imports(nil); err != nil {
			t.Fatal(err)
		}
		w.setState(state, uuidOf(0))
		w.domain(0).Digest = "sha256:other"
		before := w.dump()
		if s, err := w.imports(nil); err != nil || s.Count(Already) != 3 || w.dump() != before || w.journalStates()[uuidOf(0)] != state {
			t.Errorf("Import of what is %s = %v, %v, and then %s, want it left alone", state, s, err, w.journalStates()[uuidOf(0)])
		}
	}
}

func TestReleaseSince(t *testing.T) {
	for _, c := range since {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 2)
			if _, err := w.imports(nil); err != nil {
				t.Fatal(err)
			}
			c.happen(w)
			s, err := w.releases(nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range s.Results {
				if r.UUID == uuidOf(0) && (r.Outcome != c.outcome || !errors.Is(r.Err, c.err) || !strings.Contains(r.Reason+strings.Join(r.Warnings, " "), c.text)) {
					t.Errorf("result = %+v, want %s, %v that says %q", r, c.outcome, c.err, c.text)
				}
				if r.Host != "kvm01" && r.Outcome != Released {
					t.Errorf("result of another host = %+v, want it released", r)
				}
			}
			_, row := w.nova.rows[uuidOf(0)]
			_, link := os.Lstat(filepath.Join(w.root, "kvm01/var/lib/nova/instances", uuidOf(0), "disk"))
			if row != c.stays || (link == nil) != c.stays {
				t.Errorf("row there %v, link %v, want both to stay: %v", row, link, c.stays)
			}
			if _, err := os.Stat(filepath.Join(w.root, "kvm01/data/guest-0.qcow2")); err != nil {
				t.Errorf("the disk's own name: %v", err)
			}
		})
	}
}

// Somebody hard-reboots the instance between the look at its host and the
// removal of its rows. Its link is then the only name that the domain uses.
func TestReleaseSeesALateReboot(t *testing.T) {
	for name, reboot := range map[string]func(*world){
		"renamed": func(w *world) { w.domain(0).Name = "instance-00000001" },
		"on its links": func(w *world) {
			w.domain(0).Disks = []discover.Disk{{Target: "vda", Path: "/var/lib/nova/instances/" + uuidOf(0) + "/disk"}}
		},
		"being made anew": func(w *world) { w.domain(0).UUID = uuidOf(99) },
		"nobody answers":  func(w *world) { w.hosts.dead["kvm01"] = errBoom },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 1)
			if _, err := w.imports(nil); err != nil {
				t.Fatal(err)
			}
			w.nova.deleted = func(uuid string) {
				if uuid == uuidOf(0) {
					reboot(w)
				}
			}
			s, err := w.releases(nil)
			if err != nil || s.Count(Half) != 1 || s.Count(Released) != 2 {
				t.Fatalf("Release = %v, %v, want 1 half done and 2 released", s, err)
			}
			if r := s.Results[0]; r.Outcome != Half || !strings.Contains(r.Reason, "links to its disks stay") {
				t.Errorf("result = %+v, want it half done, and why", r)
			}
			if _, err := os.Lstat(w.link(0)); err != nil {
				t.Errorf("the link: %v, want it to stay", err)
			}
			if got := w.journalStates()[uuidOf(0)]; got != journal.StateReleasing {
				t.Errorf("journal has it as %q, want %q", got, journal.StateReleasing)
			}
		})
	}
}

// TestReleaseWithoutJournal: the rows carry our mark, and the plan says the rest.
func TestReleaseWithoutJournal(t *testing.T) {
	w := newWorld(t, 1)
	before := w.dump()
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	w.path = filepath.Join(t.TempDir(), "new.db")
	if s, err := w.releases(nil); err != nil || s.Count(Released) != 3 || w.dump() != before {
		t.Errorf("Release without a journal = %v, %v, want 3 released and all as before", s, err)
	}
}

// TestReleaseWithoutPlan: the journal has kept it.
func TestReleaseWithoutPlan(t *testing.T) {
	w := newWorld(t, 1)
	before := w.dump()
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), w.path)
	w.must(err)
	all, err := j.Adoptions(t.Context())
	w.must(err)
	w.must(j.Close())
	if w.plan, err = PlanOf(all); err != nil {
		t.Fatal(err)
	}
	if s, err := w.releases(nil); err != nil || s.Count(Released) != 3 || w.dump() != before {
		t.Errorf("Release by the journal alone = %v, %v, want 3 released and all as before", s, err)
	}
}

// TestReleaseFollowsTheJournal: a plan edited since the import does not send
// the release to other files.
func TestReleaseFollowsTheJournal(t *testing.T) {
	w := newWorld(t, 1)
	before := w.dump()
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	w.plan.Domains[0].Disks[0].Path = "/data/other.qcow2"
	w.plan.Domains[1].Decision = plan.Skip
	w.plan.Made.InstancesPath = "/elsewhere"
	if s, err := w.releases(nil); err != nil || s.Count(Released) != 3 || w.dump() != before {
		t.Errorf("Release with an edited plan = %v, %v, want 3 released and all as before", s, err)
	}
}

// TestReleaseOfALaterPlan: what was adopted before a plan was made, the plan
// skips, and does not take out. Only its own name does.
func TestReleaseOfALaterPlan(t *testing.T) {
	for _, c := range []struct {
		name  string
		words []string
		want  []string // that are released
		stay  int
	}{
		{"the whole plan", nil, []string{"guest-1", "guest-2"}, 1},
		{"by a pattern", []string{"guest-*"}, []string{"guest-1", "guest-2"}, 1},
		{"by its host", []string{"kvm01"}, nil, 1},
		{"by its name", []string{"guest-0"}, []string{"guest-0"}, 0},
		{"by its UUID", []string{uuidOf(0)}, []string{"guest-0"}, 0},
		{"by name and pattern", []string{"name=guest-0", "guest-*"}, []string{"guest-0", "guest-1", "guest-2"}, 0},
		{"by another's name", []string{"guest-1"}, []string{"guest-1"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 1)
			if _, err := w.imports(nil); err != nil {
				t.Fatal(err)
			}
			w.plan.Domains[0].Decision = plan.Skip
			w.plan.Domains[0].Findings = []plan.Finding{{Code: "K2O-900", Severity: check.Info}}
			w.plan.Domains[1].Decision = plan.Skip // by hand, since its import
			var choice ReleaseChoice
			s, err := w.do(nil, func(s session) (Summary, error) {
				choice = ChooseRelease(w.plan, s.Earlier, plan.Filter{Only: c.words})
				return s.Release(t.Context(), w.plan, plan.Filter{Only: c.words})
			})
			var got []string
			for _, r := range s.Results {
				got = append(got, r.Domain)
			}
			if err != nil || !slices.Equal(got, c.want) || s.Count(Released) != len(c.want) {
				t.Errorf("Release = %v, %v, of %v, want %v released", s, err, got, c.want)
			}
			if choice.Known != len(c.want) || choice.Stay != c.stay {
				t.Errorf("the journal has %d of them and %d stay, want %d and %d", choice.Known, choice.Stay, len(c.want), c.stay)
			}
			_, adopted := w.nova.rows[uuidOf(0)]
			if want := !slices.Contains(c.want, "guest-0"); adopted != want {
				t.Errorf("guest-0 is adopted: %v, want %v", adopted, want)
			}
		})
	}
}

func TestReleaseOfNothing(t *testing.T) {
	w := newWorld(t, 1)
	before := w.dump()
	if s, err := w.releases(nil); err != nil || s.Count(Already) != 3 || w.dump() != before {
		t.Errorf("Release of what was never imported = %v, %v, want nothing done", s, err)
	}
}

func TestImportAfterRelease(t *testing.T) {
	w := newWorld(t, 1)
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.releases(nil); err != nil {
		t.Fatal(err)
	}
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3 {
		t.Errorf("Import after a release = %v, %v, want 3 imported", s, err)
	}
	if s, err := w.releases(nil); err != nil || s.Count(Released) != 3 {
		t.Errorf("Release of the second import = %v, %v, want 3 released", s, err)
	}
}

// A domain that is known to be gone for good leaves Nova's records. The last
// name of its disk stays, whoever has removed the other.
func TestReleaseOfVanished(t *testing.T) {
	for _, legacyGone := range []bool{false, true} {
		w := newWorld(t, 1)
		if _, err := w.imports(nil); err != nil {
			t.Fatal(err)
		}
		w.hosts.domains["kvm01"] = nil
		if legacyGone {
			w.must(os.Remove(filepath.Join(w.root, "kvm01/data/guest-0.qcow2")))
		}
		s, err := w.do(nil, func(s session) (Summary, error) {
			s.Vanished = map[string]bool{uuidOf(0): true}
			return s.Release(t.Context(), w.plan, plan.Filter{Only: []string{"guest-0"}})
		})
		_, row := w.nova.rows[uuidOf(0)]
		if err != nil || s.Count(Released) != 1 || row {
			t.Errorf("Release of a vanished domain = %v, %v, want its row gone: %+v", s, err, s.Results)
		}
		_, there := os.Stat(w.link(0))
		if legacyGone != (there == nil) {
			t.Errorf("legacy name gone %v: the link: %v, want it to stay exactly where it is the last name", legacyGone, there)
		}
	}
}
