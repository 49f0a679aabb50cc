package onboard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

var ways = []Way{ByFirstStart, ByRecords}

// onboarded is how a world stands whose host was onboarded.
const onboarded = `service kvm01 11111111-1111-4111-8111-111111111111 disabled=false up=true
service kvm07 11111111-1111-4111-8111-111111111111 disabled=true up=true
node kvm01 kvm01.example.org
node kvm07 kvm07.example.org
mapping kvm01 11111111-1111-4111-8111-111111111111
mapping kvm07 11111111-1111-4111-8111-111111111111
provider kvm01.example.org 0
provider kvm07.example.org 3
file /var/lib/nova/compute_id
running "normal"
`

func wantOutcome(t *testing.T, r Result, want Outcome) {
	t.Helper()
	if r.Outcome != want || (r.Err == nil) != (want == Onboarded || want == Already || want == Undone) {
		t.Fatalf("outcome %s at %q, %v; want %s", r.Outcome, r.Step, r.Err, want)
	}
}

func TestOnboardAndBack(t *testing.T) {
	for _, way := range ways {
		t.Run(string(way), func(t *testing.T) {
			f := newFakeWorld(t)
			before := f.is()
			o := f.onboarder(journalFile(t))
			r := o.Onboard(t.Context(), []Job{f.job(way)})[0]
			wantOutcome(t, r, Onboarded)
			if diff := cmp.Diff(onboarded, f.is()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(f.log) > 0 || f.owners[idFile] != "nova" || len(r.Checks) != 8 {
				t.Errorf("nova-compute says %q, compute_id is %q's, checks %+v", f.log, f.owners[idFile], r.Checks)
			}
			if i := slices.Index(f.calls, "DisableService first"); way == ByFirstStart && (i < 0 || i > slices.Index(f.calls, "start")) {
				t.Errorf("the service was not disabled before the guests were seen: %q", f.calls)
			}
			wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(way)})[0], Already)

			wantOutcome(t, o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0], Undone)
			if diff := cmp.Diff(before, f.is()); diff != "" {
				t.Errorf("after the undo (-before +after):\n%s", diff)
			}
			if r := o.Undo(t.Context(), []Return{{ComputeHost: "kvm07"}})[0]; !errors.Is(r.Err, ErrNothing) || r.Outcome != NotTried {
				t.Errorf("a second undo: %s, %v, want %v", r.Outcome, r.Err, ErrNothing)
			}
			// It can be done again.
			wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(way)})[0], Onboarded)
		})
	}
}

// Whatever call fails: the same command goes on to the same end, and an undo
// leads back to the beginning.
func TestOnboardFailsAnywhere(t *testing.T) {
	broken := errors.New("broken")
	for _, way := range ways {
		count := func() int {
			f := newFakeWorld(t)
			f.onboarder(journalFile(t)).Onboard(t.Context(), []Job{f.job(way)})
			return len(f.calls)
		}()
		for n := range count {
			t.Run(fmt.Sprint(way, " ", n), func(t *testing.T) {
				f := newFakeWorld(t)
				before, path := f.is(), journalFile(t)
				o := f.onboarder(path)
				o.Settings.Timeout = 1 // a wait that sees an error does not wait for long
				failing := failAt(o, f, n, broken)
				r := o.Onboard(t.Context(), []Job{f.job(way)})[0]
				failing.n = -1
				if r.Outcome == Half && f.running == "first" && failing.failed != "first-stop" {
					t.Error("a first start that failed runs on")
				}
				o.Settings.Timeout = 2e9
				switch n % 2 {
				case 0:
					r = o.Onboard(t.Context(), []Job{f.job(way)})[0]
					if r.Outcome != Onboarded && r.Outcome != Already || f.is() != onboarded {
						t.Errorf("again: %s at %q, %v:\n%s", r.Outcome, r.Step, r.Err, f.is())
					}
				case 1:
					wantOutcome(t, o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0], Undone)
					if diff := cmp.Diff(before, f.is()); diff != "" {
						t.Errorf("after the undo (-before +after):\n%s", diff)
					}
				}
			})
		}
	}
}

// failAt lets the n-th call of the world fail.
func failAt(o *Onboarder, f *fakeWorld, n int, err error) *nthFails {
	c := &nthFails{fakeWorld: f, n: n, err: err}
	o.Nova, o.Writer, o.API = f, c, c
	o.Open = c.open
	return c
}

// A row that is deleted after the host was judged costs no guest its life.
func TestOnboardSparesGuests(t *testing.T) {
	for _, way := range ways {
		for says, change := range map[string]func(*fakeWorld){
			"db (g2)":                 func(f *fakeWorld) { f.presence = map[string]nova.Presence{"g2": {Deleted: true}} },
			"web (g1)":                func(f *fakeWorld) { f.presence = map[string]nova.Presence{"g1": {Migration: "accepted"}} },
			"ask Nova about the gues": func(f *fakeWorld) { f.fail["Presence"] = errors.New("gone away") },
		} {
			f := newFakeWorld(t)
			o := f.onboarder(journalFile(t))
			j := f.job(way)
			change(f)
			r := o.Onboard(t.Context(), []Job{j})[0]
			if r.Outcome != Half || r.Step != stepStart || !strings.Contains(fmt.Sprint(r.Err), says) || slices.Contains(f.calls, "start") || f.running != "" {
				t.Errorf("%s: Onboard = %s at %q, %v, and did %q; want no start: %q", way, r.Outcome, r.Step, r.Err, f.calls, says)
			}
			f.presence, f.fail = nil, map[string]error{}
			wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(way)})[0], Onboarded)
		}
	}
}

// A nova-compute of another release than the cell's is told, whichever way.
func TestOnboardComparesVersions(t *testing.T) {
	for _, way := range ways {
		f := newFakeWorld(t)
		j := f.job(way)
		j.Cloud.Records.Conductors = map[string]int{cell1: 68}
		f.records.Conductors = map[string]int{cell1: 70} // the fake nova-compute is of 68
		r := f.onboarder(journalFile(t)).Onboard(t.Context(), []Job{j})[0]
		if r.Outcome != Half || r.Step != "check" || !strings.Contains(fmt.Sprint(r.Err), "68, and nova-conductor's is 70") {
			t.Errorf("%s: Onboard = %s at %q, %v", way, r.Outcome, r.Step, r.Err)
		}
	}
}

func TestUndoRefusesHostInUse(t *testing.T) {
	f := newFakeWorld(t)
	o := f.onboarder(journalFile(t))
	wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0], Onboarded)
	f.instances = 2
	r := o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0]
	if !errors.Is(r.Err, nova.ErrHostInUse) || r.Outcome != NotTried || f.is() != onboarded {
		t.Errorf("Undo = %s, %v, want it refused and nothing done:\n%s", r.Outcome, r.Err, f.is())
	}
}

// What somebody else has made meanwhile stays.
func TestUndoLeavesOthers(t *testing.T) {
	t.Run("compute_id", func(t *testing.T) {
		f := newFakeWorld(t)
		o := f.onboarder(journalFile(t))
		wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(ByRecords)})[0], Onboarded)
		f.files[idFile] = stray
		r := o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0]
		if !errors.Is(r.Err, ErrNotOurs) || r.Outcome != Half || r.Step != stepIdentity || f.files[idFile] != stray {
			t.Errorf("Undo = %s at %q, %v, and the file says %q", r.Outcome, r.Step, r.Err, f.files[idFile])
		}
	})
	for _, way := range ways {
		t.Run("service "+string(way), func(t *testing.T) {
			f := newFakeWorld(t)
			o := f.onboarder(journalFile(t))
			wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(way)})[0], Onboarded)
			f.records.Services[f.own()].UUID = stray
			r := o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0]
			if !errors.Is(r.Err, ErrNotOurs) || r.Outcome != Half || f.own() < 0 || f.files[idFile] == "" {
				t.Errorf("Undo = %s at %q, %v:\n%s", r.Outcome, r.Step, r.Err, f.is())
			}
		})
	}
	t.Run("compute_id of another host", func(t *testing.T) {
		f := newFakeWorld(t)
		o := f.onboarder(journalFile(t))
		wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0], Onboarded)
		f.files[idFile] = foreign
		r := o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0]
		if !errors.Is(r.Err, ErrNotOurs) || f.files[idFile] != foreign {
			t.Errorf("Undo = %s, %v, and the file says %q", r.Outcome, r.Err, f.files[idFile])
		}
	})
	t.Run("a mapping of before", func(t *testing.T) {
		f := newFakeWorld(t)
		f.records.Mappings = append(f.records.Mappings, nova.HostMapping{ID: 5, Host: "kvm07", Cell: cell1, CellName: "cell1"})
		before := f.is()
		o := f.onboarder(journalFile(t))
		wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(ByRecords)})[0], Onboarded)
		f.records.Services[f.own()].Reports = 0 // so that Nova is not asked to delete it
		f.records.Nodes = f.records.Nodes[:1]
		f.providers = f.providers[:1]
		wantOutcome(t, o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0], Undone)
		if diff := cmp.Diff(before, f.is()); diff != "" {
			t.Errorf("(-before +after):\n%s", diff)
		}
	})
	t.Run("a compute_id of before", func(t *testing.T) {
		for _, way := range ways {
			f := newFakeWorld(t)
			f.files[idFile] = stray
			before := f.is()
			o := f.onboarder(journalFile(t))
			wantOutcome(t, o.Onboard(t.Context(), []Job{f.job(way)})[0], Onboarded)
			wantOutcome(t, o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0], Undone)
			if f.is() != before || f.files[idFile] != stray {
				t.Errorf("%s: the file says %q:\n%s", way, f.files[idFile], f.is())
			}
		}
	})
}

// onlyUnmapped is a world that knows the host, and has not mapped it.
func onlyUnmapped(t *testing.T) *fakeWorld {
	f := newFakeWorld(t)
	f.records = sound().c.Records
	f.records.Mappings = f.records.Mappings[:1]
	f.providers = append(f.providers, cloud.Provider{UUID: mine, Name: "kvm07.example.org", Inventories: map[string]cloud.Inventory{"VCPU": {Total: 1}, "MEMORY_MB": {Total: 1}, "DISK_GB": {Total: 1}}})
	f.files[idFile] = mine
	return f
}

// A host in production whose mapping was lost, and one without guests, are mapped
// and stay enabled.
func TestOnboardMapsEnabled(t *testing.T) {
	for name, change := range map[string]func(*fakeWorld, *Job){
		"in use": func(f *fakeWorld, _ *Job) { f.instances, f.presence = 3, sound().c.Presence },
		"empty":  func(_ *fakeWorld, j *Job) { j.Host.Domains, j.Host.Guests = 0, nil },
	} {
		f := onlyUnmapped(t)
		j := f.job(ByFirstStart)
		change(f, &j)
		r := f.onboarder(journalFile(t)).Onboard(t.Context(), []Job{j})[0]
		wantOutcome(t, r, Onboarded)
		if diff := cmp.Diff([]string{"MapHost kvm07"}, f.calls); diff != "" || len(r.Checks) != 6 {
			t.Errorf("%s: checks %+v, calls (-want +got):\n%s", name, r.Checks, diff)
		}
	}
}

// One guest that is not adopted is not counted, whatever instances Nova has there:
// the host is disabled, as the verdict and the commands for a person say.
func TestOnboardDisablesUncounted(t *testing.T) {
	f := onlyUnmapped(t)
	f.instances, f.presence = 2, sound().c.Presence
	delete(f.presence, "g3")
	j := f.job(ByFirstStart)
	j.Cloud.Presence = f.presence
	if m := (Settings{}).Manuals(j.Host, j.Cloud, ByFirstStart); len(m) != 3 || m[0].Line != disable("kvm07") {
		t.Errorf("by hand it is %+v", m)
	}
	r := f.onboarder(journalFile(t)).Onboard(t.Context(), []Job{j})[0]
	wantOutcome(t, r, Onboarded)
	if diff := cmp.Diff([]string{"DisableService ", "MapHost kvm07"}, f.calls); diff != "" || len(r.Checks) != 7 {
		t.Errorf("checks %+v, calls (-want +got):\n%s", r.Checks, diff)
	}
}

// A host that Nova knows, and that is only not mapped: nobody is started, and it
// is disabled before the scheduler finds it.
func TestOnboardMapsAlone(t *testing.T) {
	f := onlyUnmapped(t)
	before := f.is()
	o := f.onboarder(journalFile(t))
	r := o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0]
	wantOutcome(t, r, Onboarded)
	if diff := cmp.Diff([]string{"DisableService ", "MapHost kvm07"}, f.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if len(r.Checks) != 7 || !f.records.Services[f.own()].Disabled {
		t.Errorf("checks %+v:\n%s", r.Checks, f.is())
	}
	r = o.Undo(t.Context(), []Return{{Host: "seven", ComputeHost: "kvm07"}})[0]
	wantOutcome(t, r, Undone)
	if diff := cmp.Diff(before, f.is()); diff != "" || len(r.Left) > 0 {
		t.Errorf("after the undo, which has left %q (-before +after):\n%s", r.Left, diff)
	}
}

func TestOnboardSaysWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*fakeWorld)
		way    Way
		says   string
		step   string
	}{
		"nova-compute does nothing": {func(f *fakeWorld) { f.mute = true }, ByFirstStart, "there is no service of it in Nova", stepFirstStart},
		"a provider left over": {func(f *fakeWorld) {
			f.providers = append(f.providers, cloud.Provider{UUID: stray, Name: "kvm07.example.org"})
		}, ByFirstStart, "Placement's provider of that name is " + stray, stepFirstStart},
		"one left over, by records": {func(f *fakeWorld) {
			f.providers = append(f.providers, cloud.Provider{UUID: stray, Name: "kvm07.example.org"})
		}, ByRecords, "Placement's provider of that name is " + stray, stepRecords},
		"it cannot be disabled": {func(f *fakeWorld) { f.fail["DisableService"] = errors.New("it answered 403") }, ByFirstStart, "it answered 403", stepFirstStart},
		"no start":              {func(f *fakeWorld) { f.fail["start"] = errors.New("Unit nova-compute.service not found") }, ByRecords, "not found", stepStart},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeWorld(t)
			c.change(f)
			o := f.onboarder(journalFile(t))
			o.Settings.Timeout = 100e6
			r := o.Onboard(t.Context(), []Job{f.job(c.way)})[0]
			if r.Outcome != Half || r.Step != c.step || r.Err == nil || !strings.Contains(r.Err.Error(), c.says) {
				t.Errorf("Onboard = %s at %q, %v; want it half done at %q: %q", r.Outcome, r.Step, r.Err, c.step, c.says)
			}
			if f.running == "first" || f.files[FirstStartFile] != "" {
				t.Errorf("%q runs, files %q", f.running, f.files)
			}
		})
	}
}

func TestOnboardRefusesBeforeAnything(t *testing.T) {
	f := newFakeWorld(t)
	o := f.onboarder(journalFile(t))
	two := f.job(ByRecords)
	two.Cloud.Open = append(two.Cloud.Open, nova.OpenCell{UUID: "c2", Name: "cell2"})
	none := f.job(ByRecords)
	none.Cell = "cell9"
	mute := f.job(ByRecords)
	mute.Cloud.Records.Conductors, mute.Cloud.Release.Services = nil, 0
	nowhere := f.job(ByRecords)
	nowhere.Host.Conf, nowhere.Host.Wanted = NovaConf{}, "kvm07"
	for says, j := range map[string]Job{"there are 2 cells: say with --cell": two, "no open cell cell9": none, "no nova-conductor has reported": mute, "where it looks for its compute_id": nowhere} {
		r := o.Onboard(t.Context(), []Job{j})[0]
		if r.Outcome != NotTried || r.Err == nil || !strings.Contains(r.Err.Error(), says) {
			t.Errorf("Onboard = %s, %v, want %q", r.Outcome, r.Err, says)
		}
	}
	two.Cell = "cell1"
	wantOutcome(t, o.Onboard(t.Context(), []Job{two})[0], Onboarded)
	if r := o.Onboard(t.Context(), []Job{f.job(ByFirstStart)})[0]; r.Err == nil || !strings.Contains(r.Err.Error(), "begun with --way records") {
		t.Errorf("the other way afterwards: %v", r.Err)
	}
	f.fail["Open"] = errors.New("no route to host")
	if r := o.Onboard(t.Context(), []Job{two})[0]; r.Outcome != NotTried || r.Err == nil || !strings.Contains(r.Err.Error(), "reach host seven: no route") {
		t.Errorf("a host that is away: %s, %v", r.Outcome, r.Err)
	}
}

func TestOnboardInterrupted(t *testing.T) {
	f := newFakeWorld(t)
	f.mute = true
	path := journalFile(t)
	o := f.onboarder(path)
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(string, string) { cancel() }
	r := o.Onboard(ctx, []Job{f.job(ByFirstStart)})[0]
	if r.Outcome != Half || !errors.Is(r.Err, ErrInterrupted) || f.running != "" {
		t.Errorf("Onboard = %s, %v, and %q runs", r.Outcome, r.Err, f.running)
	}
	if r := o.Onboard(ctx, []Job{f.job(ByFirstStart)})[0]; r.Outcome != NotTried || !errors.Is(r.Err, ErrInterrupted) {
		t.Errorf("one that is not begun: %s, %v", r.Outcome, r.Err)
	}
	begun, err := Begun(t.Context(), o.Journal, []string{"kvm07", "KVM01"})
	if err != nil || !begun["kvm07"] || begun["kvm01"] {
		t.Errorf("Begun = %v, %v", begun, err)
	}
	steps, err := o.Journal.Steps(t.Context(), Key("KVM07"))
	if err != nil || len(steps) != 2 || steps[1].Step != stepFirstStart || steps[1].Error == "" {
		t.Errorf("the journal has %+v, %v", steps, err)
	}
}

// Without a journal nothing is changed.
func TestOnboardNeedsItsJournal(t *testing.T) {
	f := newFakeWorld(t)
	o := f.onboarder(journalFile(t))
	full := errors.New("disk full")
	o.Journal = fullLedger{o.Journal, full}
	r := o.Onboard(t.Context(), []Job{f.job(ByRecords)})[0]
	if !errors.Is(r.Err, full) || !slices.Equal(f.calls, []string{"running"}) {
		t.Errorf("Onboard = %v, and did %q", r.Err, f.calls)
	}
}

type fullLedger struct {
	Ledger
	err error
}

func (l fullLedger) Write(context.Context, func(*journal.Tx) error) error { return l.err }
