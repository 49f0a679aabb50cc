package onboard

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// somebodyMaps is a world in which a scheduler maps the host first.
type somebodyMaps struct{ *fakeWorld }

func (s somebodyMaps) MapHost(context.Context, string, string) (int64, bool, error) {
	s.records.Mappings = append(s.records.Mappings, nova.HostMapping{ID: 5, Host: "kvm07", Cell: cell1, CellName: "cell1"})
	return 5, false, nil
}

// A mapping that somebody else makes at the same moment is not taken back.
func TestUndoLeavesMappingOfOthers(t *testing.T) {
	f := newFakeWorld(t)
	f.records = sound().c.Records
	f.records.Mappings = f.records.Mappings[:1]
	f.running = "normal"
	o := f.onboarder(journalFile(t))
	o.Writer = somebodyMaps{f}
	_ = o.Onboard(t.Context(), []Job{f.job(ByFirstStart)}) // of what it lacks besides nothing is asked here
	if len(f.records.Mappings) != 2 {
		t.Fatalf("mappings are %+v", f.records.Mappings)
	}
	o.Writer = f
	wantOutcome(t, o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0], Undone)
	if len(f.records.Mappings) != 2 {
		t.Errorf("somebody's mapping is gone: %+v", f.records.Mappings)
	}
}

// Of several runs the last that has made something is the one that counts.
func TestEarlierOfSeveralRuns(t *testing.T) {
	path := journalFile(t)
	j, err := journal.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	o := &Onboarder{}
	for _, made := range []string{`{"id":1}`, `{"id":2}`, ""} {
		r, err := j.Start(t.Context(), journal.Run{Command: "test"})
		if err != nil {
			t.Fatal(err)
		}
		o.Journal = r
		if err := o.noteDone(t.Context(), stepMap, journal.Ending{UUID: Key("kvm07"), Made: made}); err != nil {
			t.Fatal(err)
		}
		if made != "" {
			if err := r.End(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			continue
		}
		defer func() { _ = r.End(context.Background(), "") }()
	}
	_, begun, _, err := o.earlier(t.Context(), "kvm07")
	if err != nil || len(begun) != 1 || begun[0].Made != `{"id":2}` {
		t.Errorf("earlier = %+v, %v, want one step that made row 2", begun, err)
	}
	if got := made(standing{}); got != "" {
		t.Errorf("made of nothing = %q", got)
	}
}

// killed is the journal of a run that ends before it notes how its first start
// went.
type killed struct{ Ledger }

func (k killed) Write(ctx context.Context, f func(*journal.Tx) error) error {
	if steps, err := k.Steps(ctx, Key("kvm07")); err != nil || len(steps) > 1 {
		return errors.Join(errors.New("killed"), err)
	}
	return k.Ledger.Write(ctx, f)
}

// What no run has noted goes only if it is this host's.
func TestUndoOfWhatWasNotNoted(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fakeWorld)
		ours   bool
	}{
		"this host's":       {func(*fakeWorld) {}, true},
		"another machine's": {func(f *fakeWorld) { f.records.Nodes[len(f.records.Nodes)-1].UUID = stray }, false},
		"no node":           {func(f *fakeWorld) { f.records.Nodes = f.records.Nodes[:len(f.records.Nodes)-1] }, false},
		"no compute_id":     {func(f *fakeWorld) { delete(f.files, idFile) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeWorld(t)
			before := f.is()
			o := f.onboarder(journalFile(t))
			sound := o.Journal
			o.Journal = killed{sound}
			wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0], Half)
			o.Journal = sound
			c.change(f)
			r := o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0]
			if !c.ours {
				if !errors.Is(r.Err, ErrNotOurs) || f.own() < 0 {
					t.Errorf("Undo = %s, %v:\n%s", r.Outcome, r.Err, f.is())
				}
				return
			}
			wantOutcome(t, r, Undone)
			if diff := cmp.Diff(before, f.is()); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		})
	}
}

// An undo gives a service back that was only disabled, but where somebody else
// has had a hand in it; and says so.
func TestUndoOfDisable(t *testing.T) {
	for name, c := range map[string]struct {
		before, after func(*fakeWorld, *nova.HostService)
		disabled      bool
		reason, left  string
	}{
		"nova-compute had disabled it": {before: func(_ *fakeWorld, s *nova.HostService) { s.Disabled, s.Reason = true, "AUTO: lost" }, disabled: true, reason: "AUTO: lost"},
		"somebody had":                 {before: func(_ *fakeWorld, s *nova.HostService) { s.Disabled, s.Reason = true, "a new disk" }, disabled: true, reason: "a new disk"},
		"somebody has enabled it":      {after: func(_ *fakeWorld, s *nova.HostService) { s.Disabled, s.Reason = false, "" }},
		"somebody has disabled it": {
			after: func(_ *fakeWorld, s *nova.HostService) { s.Reason = "a new disk" }, disabled: true, reason: "a new disk", left: "somebody else has done that meanwhile (a new disk)",
		},
		"somebody has mapped it": {
			after:    func(f *fakeWorld, _ *nova.HostService) { f.records.Mappings[1].ID = 5 },
			disabled: true, reason: DisabledReason, left: "somebody has mapped the host to cell1: enabled, the scheduler would take it for empty. If that is meant: openstack compute service set --enable kvm07 nova-compute",
		},
		"it is gone": {after: func(_ *fakeWorld, s *nova.HostService) { s.Deleted = true }, disabled: true, reason: DisabledReason},
	} {
		t.Run(name, func(t *testing.T) {
			f := onlyUnmapped(t)
			own := &f.records.Services[f.own()]
			if c.before != nil {
				c.before(f, own)
			}
			o := f.onboarder(journalFile(t))
			wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0], Onboarded)
			if c.after != nil {
				c.after(f, own)
			}
			f.calls = nil
			r := o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0]
			wantOutcome(t, r, Undone)
			if own.Disabled != c.disabled || own.Reason != c.reason {
				t.Errorf("its service is %+v after %q", own, f.calls)
			}
			if left := strings.Join(r.Left, "; "); (left == "") != (c.left == "") || !strings.Contains(left, c.left) {
				t.Errorf("left is %q, want %q", left, c.left)
			}
		})
	}
}
