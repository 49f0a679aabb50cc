package restart

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

var shapes = []shape{
	{name: "libvirt", autostart: true},
	{name: "libvirt, implicit EFI", efi: "implicit", lock: plan.Keep},
	{name: "libvirt, explicit EFI, swapped NIC", efi: "explicit", linked: true, swap: true},
	{name: "libvirt, NIC planned since", replan: true, lock: plan.None},
	{name: "libvirt, proven", opt: Options{Prove: true}, efi: "explicit", linked: true},
	{name: "libvirt, paused", paused: true, opt: Options{Resume: true}},
	{name: "off", off: true, autostart: true, efi: "implicit", linked: true},
	{name: "nova", autostart: true, opt: Options{StartBy: ByNova}},
	{name: "nova, implicit EFI", efi: "implicit", opt: Options{StartBy: ByNova}, lock: plan.None},
	{name: "nova, explicit EFI, NIC planned since", efi: "explicit", linked: true, replan: true, opt: Options{StartBy: ByNova}},
	{name: "nova, off", off: true, opt: Options{StartBy: ByNova}},
	{name: "libvirt, Open vSwitch", ovs: true, efi: "implicit", swap: true},
	{name: "nova, Open vSwitch", ovs: true, opt: Options{StartBy: ByNova}},
	{name: "nova that keeps variables", efi: "implicit", linked: true, keeps: true, opt: Options{StartBy: ByNova}},
}

// fewShapes go every way there is; the others differ in what is on it.
var fewShapes = []shape{shapes[2], shapes[4], shapes[6], shapes[9], shapes[13]}

func (w *fakeWorld) forward(s shape) func(*Restarter) Result {
	return func(r *Restarter) Result { return r.Forward(w.t.Context(), w.job(s), quick(s.opt)) }
}

func (w *fakeWorld) back(s shape) func(*Restarter) Result {
	return func(r *Restarter) Result { return r.Back(w.t.Context(), w.job(s), quick(s.opt)) }
}

// pointsOf is how many points a call comes to that nobody kills.
func pointsOf(t *testing.T, j *journal.Journal, s shape, f func(w *fakeWorld) func(*Restarter) Result) int {
	t.Helper()
	w := newWorld(t, j, s)
	w.job(s)
	if r, _ := w.call(0, 0, f(w)); r.Outcome != Renamed {
		t.Fatalf("nobody is killed: %s at %s: %v", r.Outcome, r.Step, r.Err)
	}
	return len(w.points)
}

// wantRenamed: it has its new name, what was meant and nothing else is
// different, and its guest was off once.
func (w *fakeWorld) wantRenamed(s shape, context string) {
	w.t.Helper()
	say := func(format string, args ...any) {
		w.t.Helper()
		w.t.Errorf("%s: %s", context, fmt.Sprintf(format, args...))
	}
	w.wantSound(context)
	d := w.domains[w.uuid]
	if len(w.domains) != 1 || d == nil || d.name != w.instance || d.autostart || (d.live == "") != s.off {
		say("domains %v, %+v", len(w.domains), d)
		return
	}
	if want := w.meant(s); d.definition != want {
		say("definition (-want +got):\n%s", cmp.Diff(want, d.definition))
	}
	want := fakeRow{vm: "active", power: nova.PowerRunning, locked: s.lock == plan.Keep}
	if s.off {
		want.vm, want.power = "stopped", nova.PowerShutdown
	}
	if w.row != want {
		say("row %+v, want %+v", w.row, want)
	}
	model := "virtio"
	if s.swap || s.replan {
		model = "e1000"
	}
	if w.model != model || w.spec != model {
		say("recorded models %s and %s, want %s", w.model, w.spec, model)
	}
	w.wantRecorded(context)
	if a := w.state(); a.State != journal.StateRenamed || a.Reason != "" {
		say("journal: %s, %q", a.State, a.Reason)
	}
	boots := 1
	if s.off {
		boots = 0
	}
	if s.opt.Prove {
		boots = 2
	}
	if w.boots != boots {
		say("booted %d times, want %d", w.boots, boots)
	}
	if f := w.files[renameShelf.file(w.uuid)]; f == nil || !strings.Contains(f.content, "hunter2") {
		say("nothing is kept")
	}
}

// meant is the definition that a domain of this shape is to have.
func (w *fakeWorld) meant(s shape) string {
	if (s.opt.StartBy == ByNova || s.opt.Prove) && !s.off {
		return w.novaDefinition()
	}
	c := rename.Change{
		Name: w.instance, Disks: map[string]string{"vda": w.dir() + "/disk", "vdb": w.dir() + "/disk.eph0"},
		NICs: map[string]rename.NIC{"52:54:00:10:00:50": {Bridge: "brqfc4c19ff-92", Target: "tap95d105a7-3d"}},
	}
	if s.ovs {
		c.NICs["52:54:00:10:00:50"] = rename.NIC{Bridge: "br-int", Target: "tap95d105a7-3d", OVSPort: portID}
	}
	if s.swap || s.replan {
		nic := c.NICs["52:54:00:10:00:50"]
		nic.Model = "e1000"
		c.NICs["52:54:00:10:00:50"] = nic
	}
	if s.efi == "implicit" {
		c.NVRAM = rename.DefaultNVRAM(w.name)
	}
	text, err := rename.Apply(w.legacyDef, c)
	w.must(err)
	return text
}

// wantSound: at no moment anything was lost or there twice, and Nova had no
// cause to act.
func (w *fakeWorld) wantSound(context string) {
	w.t.Helper()
	for _, text := range w.wrong {
		w.t.Errorf("%s: %s", context, text)
	}
}

// wantBefore: it is exactly as it was.
func (w *fakeWorld) wantBefore(before, context string) {
	w.t.Helper()
	w.wantSound(context)
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		w.t.Errorf("%s: not as before (-before +now):\n%s", context, diff)
	}
	w.wantRecorded(context)
	a := w.state()
	if a.State != journal.StateImported || a.Reason != "" {
		w.t.Errorf("%s: journal: %s, %q", context, a.State, a.Reason)
	}
	steps, err := w.journal.Steps(w.t.Context(), w.uuid)
	w.must(err)
	for _, s := range steps {
		if strings.HasPrefix(s.Step, prefix) && s.Step != prefix+stepSave || s.Step == prefix+stepSave && s.Ended != nil {
			w.t.Errorf("%s: step %s is left in the journal", context, s.Step)
		}
	}
	if len(steps) == 0 {
		w.t.Errorf("%s: the import's own step is gone", context)
	}
	if w.stops != w.boots {
		w.t.Errorf("%s: stopped %d times and booted %d times", context, w.stops, w.boots)
	}
}

// A process is killed before and after each of its effects, and the same call
// again ends where it would have ended.
func TestKilledForward(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			j := openJournal(t)
			n := pointsOf(t, j, s, func(w *fakeWorld) func(*Restarter) Result { return w.forward(s) })
			for k := 1; k <= n; k++ {
				w := newWorld(t, j, s)
				w.job(s)
				_, at := w.call(k, 0, w.forward(s))
				r, _ := w.call(0, 0, w.forward(s))
				context := fmt.Sprintf("killed %s", at)
				if r.Outcome != Renamed && (r.Outcome != Already || k < n) {
					t.Errorf("%s: then %s at %s: %v", context, r.Outcome, r.Step, r.Err)
				}
				w.wantRenamed(s, context)
			}
			t.Logf("%d kills", n)
		})
	}
}

// A process is killed at each point on its way forward, and a release brings
// the domain back to the byte.
func TestKilledThenBack(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			j := openJournal(t)
			n := pointsOf(t, j, s, func(w *fakeWorld) func(*Restarter) Result { return w.forward(s) })
			for k := 1; k <= n; k++ {
				w := newWorld(t, j, s)
				w.job(s)
				before := w.dump()
				_, at := w.call(k, 0, w.forward(s))
				if w.state().State == journal.StateRenamed {
					// It was woken, and as a renamed domain it runs.
					before = strings.NewReplacer("paused true", "paused false", "paused task: power:3", "active task: power:1").Replace(before)
				}
				r, _ := w.call(0, 0, w.back(s))
				context := fmt.Sprintf("killed %s", at)
				if r.Outcome != Returned && r.Outcome != Already {
					t.Errorf("%s: then %s at %s: %v", context, r.Outcome, r.Step, r.Err)
				}
				w.wantBefore(before, context)
			}
			t.Logf("%d kills", n)
		})
	}
}

// A release is killed at each of its points, and the same call again ends it.
func TestKilledBack(t *testing.T) {
	for _, s := range fewShapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			j := openJournal(t)
			for k, n := 0, 0; k <= n; k++ {
				w := newWorld(t, j, s)
				w.job(s)
				before := w.dump()
				if r, _ := w.call(0, 0, w.forward(s)); r.Outcome != Renamed {
					t.Fatalf("%s: %v", r.Outcome, r.Err)
				}
				_, at := w.call(k, 0, w.back(s))
				if k == 0 {
					n = len(w.points)
				}
				context := fmt.Sprintf("killed %s", at)
				if r, _ := w.call(0, 0, w.back(s)); r.Outcome != Returned && r.Outcome != Already {
					t.Errorf("%s: then %s at %s: %v", context, r.Outcome, r.Step, r.Err)
				}
				// Nova has locked it for good, or unlocked it: the lock of before counts.
				w.wantBefore(before, context)
			}
		})
	}
}
