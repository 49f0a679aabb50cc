package restart

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// renamed is a world after a restart that went well, and what it was before.
func renamed(t *testing.T, s shape) (w *fakeWorld, before string) {
	t.Helper()
	w = newWorld(t, openJournal(t), s)
	w.job(s)
	before = w.dump()
	if r, _ := w.call(0, 0, w.forward(s)); r.Outcome != Renamed {
		t.Fatalf("%s: %v", r.Outcome, r.Err)
	}
	return w, before
}

// A renamed domain that cannot be brought back stays as it is.
func TestBackRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		world func(w *fakeWorld)
		want  error
		says  string
	}{
		{"Nova has resized it", func(w *fakeWorld) {
			w.create(w.dir()+"/disk", "root disk, larger")
		}, ErrUnlinked, "another file"},
		{"the disk is gone", func(w *fakeWorld) { delete(w.files, w.dir()+"/disk.eph0") }, ErrUnlinked, "gone"},
		{"the legacy disk is another one", func(w *fakeWorld) { w.create("/srv/images/web.qcow2", "root disk of long ago") }, rename.ErrMoved, "web.qcow2"},
		{"QEMU has lost its machine type", func(w *fakeWorld) { w.noMachine = rename.ErrMachine }, rename.ErrMachine, ""},
		{"it runs on something else", func(w *fakeWorld) {
			d := w.domains[w.uuid]
			d.live = strings.Replace(d.live, "/disk'", "/disk.rescue'", 1)
		}, ErrChanged, "does not run on"},
		{"rescued", func(w *fakeWorld) { w.row.vm = "rescued" }, ErrInNova, "rescued"},
		{"busy", func(w *fakeWorld) { w.row.task = "pausing" }, nova.ErrBusy, "pausing"},
		{"paused", func(w *fakeWorld) {
			w.domains[w.uuid].paused = true
			w.row.vm, w.row.power = "paused", nova.PowerPaused
		}, rename.ErrPaused, ""},
		{"renamed by somebody", func(w *fakeWorld) { w.domains[w.uuid].name = "web-new" }, ErrStranger, "web-new"},
		{"the guest does not shut down", func(w *fakeWorld) { w.deaf = always }, rename.ErrStillRunning, ""},
		{"a volume is attached", func(w *fakeWorld) { w.claim = fmt.Errorf("%w: a volume is attached", nova.ErrInUse) }, nova.ErrInUse, "volume"},
		{"the database is away", func(w *fakeWorld) { w.dbDown = true }, errDown, ""},
		{"the host is away", func(w *fakeWorld) { w.away = true }, ErrAway, ""},
	} {
		for _, s := range []shape{byLibvirt, byNova} {
			w, _ := renamed(t, s)
			c.world(w)
			before := w.dump()
			r, _ := w.call(0, 0, w.back(s))
			context := fmt.Sprintf("%s, started by %s", c.name, s.name)
			if r.Outcome != Refused || !errors.Is(r.Err, c.want) || !strings.Contains(r.Reason, c.says) {
				t.Errorf("%s: %s at %s: %v; want refused with %v", context, r.Outcome, r.Step, r.Err, c.want)
			}
			if told := strings.Contains(strings.Join(r.Warnings, "\n"), "may still go off"); told != errors.Is(c.want, rename.ErrStillRunning) {
				t.Errorf("%s: that the guest may still go off: told %v", context, told)
			}
			if diff := cmp.Diff(before, w.dump()); diff != "" || w.state().State != journal.StateRenamed || w.stops != 1 {
				t.Errorf("%s: %s, stopped %d times; something was changed:\n%s", context, w.state().State, w.stops, diff)
			}
		}
	}
}

// Whatever Nova has made of a renamed domain since, the legacy one comes back.
func TestBackAfterNova(t *testing.T) {
	for _, c := range []struct {
		name  string
		world func(w *fakeWorld)
		off   bool // and is to end so
		warns string
	}{
		{"as it was", func(*fakeWorld) {}, false, ""},
		{"stopped in Nova", func(w *fakeWorld) {
			w.domains[w.uuid].live = ""
			w.stops++
			w.row.vm, w.row.power = "stopped", nova.PowerShutdown
		}, true, ""},
		{"undefined, and Nova does not bring it back", func(w *fakeWorld) {
			delete(w.domains, w.uuid)
			w.novaFails = "define"
			w.stops++
			w.row.vm, w.row.power = "stopped", nova.PowerShutdown
		}, false, ""},
		{"a disk was attached", func(w *fakeWorld) {
			d := w.domains[w.uuid]
			for _, text := range []*string{&d.definition, &d.live} {
				*text = strings.Replace(*text, "    <graphics", "    <disk type='file' device='disk'><source file='/srv/volume'/><target dev='vdc'/></disk>\n    <graphics", 1)
			}
		}, false, "/srv/volume"},
		{"the legacy names are gone", func(w *fakeWorld) {
			delete(w.files, "/srv/images/web.qcow2")
			delete(w.files, "/srv/images/data.qcow2")
		}, false, ""},
		{"unlocked by a person", func(w *fakeWorld) { w.row.locked = false }, false, ""},
	} {
		for _, s := range []shape{byLibvirt, byNova} {
			w, before := renamed(t, s)
			c.world(w)
			r, _ := w.call(0, 0, w.back(s))
			context := fmt.Sprintf("%s, started by %s", c.name, s.name)
			if r.Outcome != Returned || !strings.Contains(strings.Join(r.Warnings, "\n"), c.warns) {
				t.Errorf("%s: %s at %s: %v, %q", context, r.Outcome, r.Step, r.Err, r.Warnings)
			}
			if c.off {
				if d := w.domains[w.uuid]; d.live != "" || d.definition != w.legacyDef || w.row.vm != "stopped" || !d.autostart {
					t.Errorf("%s: it runs, or is not what it was: %+v", context, w.row)
				}
				w.wantSound(context)
				continue
			}
			w.wantBefore(before, context)
		}
	}
}

// What a guest has written to its EFI variables under Nova's name is not the
// legacy domain's, and is not lost either.
func TestBackKeepsVariables(t *testing.T) {
	for _, c := range []struct {
		name    string
		content string
		full    string // where nothing can be written
		warns   string
		kept    string
	}{
		{"changed", "later variables", "", "is kept as /var/lib/kvm2openstack/", "/var/lib/kvm2openstack/%s/%s_VARS.fd"},
		{"changed, and the disk is full", "later variables", "/var/lib/kvm2openstack/", "stays where Nova had it", "/var/lib/libvirt/qemu/nvram/%[2]s_VARS.fd"},
		{"the same", "the guest's variables", "", "", ""},
	} {
		for _, s := range []shape{byLibvirt, byNova} {
			context := fmt.Sprintf("%s, started by %s", c.name, s.name)
			w, before := renamed(t, s)
			w.create(rename.DefaultNVRAM(w.instance), c.content)
			w.full = c.full
			r, _ := w.call(0, 0, w.back(s))
			told := strings.Join(r.Warnings, "\n")
			if r.Outcome != Returned || !strings.Contains(told, c.warns) || c.warns == "" && told != "" {
				t.Errorf("%s: %s at %s: %v, %q", context, r.Outcome, r.Step, r.Err, r.Warnings)
			}
			if c.kept != "" {
				kept := fmt.Sprintf(c.kept, w.uuid, w.instance)
				if f := w.files[kept]; f == nil || f.content != c.content || !strings.Contains(told, kept) {
					t.Errorf("%s: not kept as %s: %v, told %q", context, kept, sortedPaths(w.files), told)
				}
				delete(w.files, kept)
			}
			w.wantBefore(before, context)
		}
	}
}

// The same of variables that the import has linked: they change in one file under
// two names, of which Nova's undefine may take one.
func TestBackKeepsLinkedVariables(t *testing.T) {
	for _, c := range []struct {
		shape
		stays bool // the domain goes on with what the guest has changed
	}{
		{shape{name: "libvirt", efi: "explicit", linked: true}, true}, // It was the domain's own all the time.
		{shape{name: "nova", efi: "explicit", linked: true, opt: Options{StartBy: ByNova}}, false},
		{shape{name: "nova that keeps them", efi: "explicit", linked: true, keeps: true, opt: Options{StartBy: ByNova}}, false},
	} {
		w, before := renamed(t, c.shape)
		at := rename.DefaultNVRAM(w.instance)
		legacy := w.files[w.linked]
		if c.opt.StartBy == ByNova && !c.keeps && legacy != nil || w.files[at] == nil || legacy != nil && legacy != w.files[at] {
			t.Fatalf("%s: after the rename there are %v", c.name, sortedPaths(w.files))
		}
		w.files[at].content = "later variables"
		r, _ := w.call(0, 0, w.back(c.shape))
		if r.Outcome != Returned || c.stays == (len(r.Warnings) > 0) {
			t.Errorf("%s: %s at %s: %v, %q", c.name, r.Outcome, r.Step, r.Err, r.Warnings)
		}
		kept := fmt.Sprintf("/var/lib/kvm2openstack/%s/%s_VARS.fd", w.uuid, w.instance)
		if f := w.files[kept]; c.stays != (f == nil) || f != nil && f.content != "later variables" {
			t.Errorf("%s: kept %+v", c.name, f)
		}
		delete(w.files, kept)
		if c.stays {
			before = strings.ReplaceAll(before, "the guest's variables", "later variables")
			w.wrong = slices.DeleteFunc(w.wrong, func(s string) bool { return strings.Contains(s, "started with later variables in "+w.linked) })
		}
		w.wantBefore(before, c.name)
	}
}

// A link that cannot be made again is no reason to keep a domain from its way
// back, and told where it is not the import's own limit.
func TestBackWithoutLink(t *testing.T) {
	for fails, told := range map[error]int{instancedir.ErrOtherFileSystem: 0, syscall.EMLINK: 1} {
		s := shape{efi: "explicit", linked: true, opt: Options{StartBy: ByNova}}
		w, before := renamed(t, s)
		at := rename.DefaultNVRAM(w.instance)
		w.noLink = fails
		r, _ := w.call(0, 0, w.back(s))
		if r.Outcome != Returned || len(r.Warnings) != told || w.files[at] != nil {
			t.Errorf("%v: %s: %v, told %q", fails, r.Outcome, r.Err, r.Warnings)
		}
		w.files[at] = w.files[w.linked]
		w.wantBefore(before, fails.Error())
	}
}

// However often the way back is killed, the guest's last variables are kept,
// and the call that ends it says where.
func TestBackKeepsVariablesKilled(t *testing.T) {
	for k, n := 0, 0; k <= n; k++ {
		w, before := renamed(t, byNova)
		w.create(rename.DefaultNVRAM(w.instance), "later variables")
		r, at := w.call(k, 0, w.back(byNova))
		if k == 0 {
			n = len(w.points)
		} else {
			r, _ = w.call(0, 0, w.back(byNova))
		}
		kept := fmt.Sprintf("/var/lib/kvm2openstack/%s/%s_VARS.fd", w.uuid, w.instance)
		if f := w.files[kept]; f == nil || f.content != "later variables" {
			t.Errorf("killed %s: not kept: %v", at, sortedPaths(w.files))
		}
		if !strings.Contains(strings.Join(r.Warnings, "\n"), kept) {
			t.Errorf("killed %s: %s: told %q", at, r.Outcome, r.Warnings)
		}
		delete(w.files, kept)
		w.wantBefore(before, "killed "+at)
	}
}

// A domain that is neither renamed nor on its way has nothing to go back from.
func TestBackAlready(t *testing.T) {
	w := newWorld(t, openJournal(t), byLibvirt)
	w.job(byLibvirt)
	before := w.dump()
	w.create(renameShelf.file(w.uuid), "of a call that was killed") // with a console's password
	if r, _ := w.call(0, 0, w.back(byLibvirt)); r.Outcome != Already {
		t.Errorf("%s: %v", r.Outcome, r.Err)
	}
	w.wantBefore(before, "never renamed")
}

// Disks are looked at again by the call that goes on: nothing is started on
// files that are not the guest's.
func TestBackLooksAgain(t *testing.T) {
	w, _ := renamed(t, byLibvirt)
	w.on["shutdown"] = func() { panic(killed{"shutdown"}) }
	w.call(0, 0, w.back(byLibvirt))
	w.on = nil
	w.create("/srv/images/web.qcow2", "root disk of long ago")
	boots := w.boots
	r, _ := w.call(0, 0, w.back(byLibvirt))
	if r.Outcome != Half || !errors.Is(r.Err, rename.ErrMoved) || w.boots != boots || w.state().State != journal.StateReturning {
		t.Errorf("%s: %v; booted %d times more", r.Outcome, r.Err, w.boots-boots)
	}
	w.wantSound("a disk was replaced")
}

// libvirt ends a process that it has just started when it comes too late to the
// end of the one before. It is asked again.
func TestStartAgain(t *testing.T) {
	w := newWorld(t, openJournal(t), byLibvirt)
	failures := 2
	w.refuse = func(string) error {
		if failures--; failures >= 0 {
			return errors.New("internal error: process exited while connecting to monitor")
		}
		return nil
	}
	r, _ := w.call(0, 0, func(r *Restarter) Result {
		o := quick(byLibvirt.opt)
		o.Patience = time.Second
		return r.Forward(t.Context(), w.job(byLibvirt), o)
	})
	if r.Outcome != Renamed || !strings.Contains(strings.Join(r.Warnings, "\n"), "first attempt") {
		t.Errorf("%s: %v, %q", r.Outcome, r.Err, r.Warnings)
	}
	w.wantRenamed(byLibvirt, "started again")
}

// A guest that a call had asked to shut down when it was killed goes off when it
// is ready. The way back sees to that, and starts it.
func TestBackOfAsked(t *testing.T) {
	w := newWorld(t, openJournal(t), byLibvirt)
	w.job(byLibvirt)
	before, boots := w.dump(), w.boots
	live := w.domains[w.uuid].live
	w.on["shutdown"] = func() {
		w.domains[w.uuid].live = live // on its way down
		panic(killed{"shutdown"})
	}
	if _, at := w.call(0, 0, w.forward(byLibvirt)); at != "shutdown" || w.domains[w.uuid].live == "" {
		t.Fatalf("it was killed at %q", at)
	}
	w.on = nil
	r, _ := w.call(0, 0, w.back(byLibvirt))
	if r.Outcome != Returned || w.boots != boots+1 || w.domains[w.uuid].live == "" {
		t.Errorf("%s: %v; booted %d times more, want once", r.Outcome, r.Err, w.boots-boots)
	}
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// What goes off when it is all but back is started once more, and Nova is told
// how it is in the end.
func TestBackGoesOff(t *testing.T) {
	w, before := renamed(t, byLibvirt)
	ended := false
	r, _ := w.call(0, 0, func(r *Restarter) Result {
		r.Progress = func(p Progress) {
			if p.Step == stepClear && !ended {
				ended = true
				w.domains[w.uuid].live = ""
			}
		}
		return r.Back(t.Context(), w.job(byLibvirt), quick(byLibvirt.opt))
	})
	if r.Outcome != Returned || !strings.Contains(strings.Join(r.Warnings, "\n"), "started once more") || w.row.vm != "active" {
		t.Errorf("%s: %v, %q; Nova has it as %s", r.Outcome, r.Err, r.Warnings, w.row.vm)
	}
	if diff := cmp.Diff(before, w.dump()); diff != "" || !ended {
		t.Errorf("ended %t (-before +after):\n%s", ended, diff)
	}
}

// A release that was killed is not gone on with by a rename.
func TestForwardDuringRelease(t *testing.T) {
	w, before := renamed(t, byLibvirt)
	w.on["hold"] = func() { panic(killed{"hold"}) }
	w.call(0, 0, w.back(byLibvirt))
	w.on = nil
	if r, _ := w.call(0, 0, w.forward(byLibvirt)); r.Outcome != Half || !errors.Is(r.Err, ErrState) || w.stops != 1 {
		t.Errorf("%s: %v", r.Outcome, r.Err)
	}
	if r, _ := w.call(0, 0, w.back(byLibvirt)); r.Outcome != Returned {
		t.Errorf("%s: %v", r.Outcome, r.Err)
	}
	w.wantBefore(before, "released")
}

// A libvirt that writes its own text in another order is no failure, and said.
func TestRestoredInAnotherOrder(t *testing.T) {
	w := &walk{}
	a := "<domain type='kvm'><name>a</name><uuid>1e6ac700-0000-4000-8000-000000000001</uuid><devices><controller type='usb' index='0'/><controller type='sata' index='0'/></devices></domain>"
	b := strings.Replace(a, "<controller type='usb' index='0'/><controller type='sata' index='0'/>", "<controller type='sata' index='0'/><controller type='usb' index='0'/>", 1)
	if err := w.restored(a, b); err != nil || len(w.result.Warnings) != 1 {
		t.Errorf("restored = %v, %q", err, w.result.Warnings)
	}
	if err := w.restored(a, strings.Replace(b, "sata", "scsi", 1)); !errors.Is(err, rename.ErrDiffers) {
		t.Errorf("restored with a difference = %v", err)
	}
}

func (w *fakeWorld) finalize(s shape) func(*Restarter) Result {
	return func(r *Restarter) Result { return r.Finalize(w.t.Context(), w.job(s)) }
}

// The legacy names go, the disks stay, and even then there is a way back.
func TestFinalize(t *testing.T) {
	for _, s := range []shape{byLibvirt, byNova} {
		for k, n := 0, 0; k <= n; k++ {
			w, before := renamed(t, s)
			_, at := w.call(k, 0, w.finalize(s))
			if k == 0 {
				n = len(w.points)
			}
			r, _ := w.call(0, 0, w.finalize(s))
			if r.Outcome != Finalized && r.Outcome != Already || w.state().State != journal.StateFinalized {
				t.Errorf("killed %s: %s: %v", at, r.Outcome, r.Err)
			}
			if w.files["/srv/images/web.qcow2"] != nil || w.files["/srv/images/data.qcow2"] != nil || w.files[w.dir()+"/disk"] == nil || w.files[w.dir()+"/disk.eph0"] == nil {
				t.Errorf("killed %s: the files are %q", at, sortedPaths(w.files))
			}
			if r, _ := w.call(0, 0, w.forward(s)); r.Outcome != Already {
				t.Errorf("killed %s: renamed once more: %s", at, r.Outcome)
			}
			if r, _ := w.call(0, 0, w.back(s)); r.Outcome != Returned {
				t.Errorf("killed %s: back: %s: %v", at, r.Outcome, r.Err)
			}
			w.wantBefore(before, at)
		}
	}
}

func TestFinalizeRefused(t *testing.T) {
	for name, world := range map[string]func(w *fakeWorld){
		"it still runs on a legacy name": func(w *fakeWorld) {
			d := w.domains[w.uuid]
			d.live = strings.Replace(d.live, w.dir()+"/disk'", "/srv/images/web.qcow2'", 1)
		},
		"Nova has resized it": func(w *fakeWorld) { w.create(w.dir()+"/disk", "root disk, larger") },
		"it has another name": func(w *fakeWorld) { w.domains[w.uuid].name = w.name },
		"it is gone":          func(w *fakeWorld) { delete(w.domains, w.uuid) },
	} {
		w, _ := renamed(t, byLibvirt)
		world(w)
		before := w.dump()
		if r, _ := w.call(0, 0, w.finalize(byLibvirt)); r.Outcome != Refused || r.Err == nil || w.dump() != before || w.state().State != journal.StateRenamed {
			t.Errorf("%s: %s: %v", name, r.Outcome, r.Err)
		}
	}
	w := newWorld(t, openJournal(t), byLibvirt)
	if r, _ := w.call(0, 0, w.finalize(byLibvirt)); r.Outcome != Refused || !errors.Is(r.Err, ErrState) {
		t.Errorf("not renamed: %s: %v", r.Outcome, r.Err)
	}
}

// The lock of before the restart comes back, whatever the plan says of after.
func TestLocks(t *testing.T) {
	for lock, after := range map[plan.Lock]bool{plan.UntilRenamed: false, plan.Keep: true, plan.None: false} {
		s := shape{lock: lock}
		w, before := renamed(t, s)
		if w.row.locked != after {
			t.Errorf("%s: locked %v after the restart, want %v", lock, w.row.locked, after)
		}
		w.call(0, 0, w.back(s))
		w.wantBefore(before, string(lock))
	}
}

// The way back tells how long its guest was down: a failed restart from the
// guest's first end on, for under Nova's name it did not work.
func TestTimesBack(t *testing.T) {
	for _, s := range []shape{byLibvirt, byNova} {
		w, _ := renamed(t, s)
		r, _ := w.call(0, 0, w.back(s))
		if x := r.Times; r.Outcome != Returned || x.Shutdown == 0 || x.Gap <= 0 || x.Down < x.Gap+x.Start || x.Total < x.Down {
			t.Errorf("%s, returned: %s: %+v", s.name, r.Outcome, x)
		}

		w = newWorld(t, openJournal(t), s)
		w.sick = onlyNew
		r, _ = w.call(0, 0, w.forward(s))
		firstEnd := w.stoppedAt[0]
		if x := r.Times; r.Outcome != RolledBack || w.stops != 2 || x.Gap <= 0 || x.Down < w.stoppedAt[1].Sub(firstEnd)+x.Gap || x.Total < x.Down {
			t.Errorf("%s, rolled back: %s after %d stops: %+v", s.name, r.Outcome, w.stops, x)
		}

		w = newWorld(t, openJournal(t), s)
		w.deaf = always
		if r, _ = w.call(0, 0, w.forward(s)); r.Outcome != RolledBack || r.Times.Down != 0 || r.Times.Gap != 0 {
			t.Errorf("%s, never off: %s: %+v", s.name, r.Outcome, r.Times)
		}
	}
}

// What another has taken in the moment that the guest was off keeps it from no
// start: it does without until its next one, and its definition stays.
func TestBackWithLess(t *testing.T) {
	taken := errors.New("Failed to bind socket: Address already in use")
	for _, s := range []shape{byLibvirt, byNova} {
		w := newWorld(t, openJournal(t), s)
		w.legacyDef = strings.Replace(w.legacyDef, "port='-1' autoport='yes'", "port='5917' autoport='no'", 1)
		w.domains[w.uuid].definition, w.domains[w.uuid].live = w.legacyDef, w.liveOf(w.legacyDef)
		w.job(s)
		before := w.dump()
		w.refuse = func(definition string) error {
			if strings.Contains(definition, "5917") {
				return taken
			}
			return nil
		}
		w.sick = func(live string) bool { return onlyNew(live) }
		r, _ := w.call(0, 0, w.forward(s))
		d := w.domains[w.uuid]
		if said := strings.Join(r.Warnings, "\n"); r.Outcome != RolledBack || !strings.Contains(said, "port 5917 of its vnc console") || !strings.Contains(said, taken.Error()) {
			t.Errorf("%s: %s at %s: %v, %q", s.name, r.Outcome, r.Step, r.Err, r.Warnings)
		}
		if d.live == "" || strings.Contains(d.live, "5917") || !strings.Contains(d.live, "hunter2") {
			t.Errorf("%s runs as %s", s.name, d.live)
		}
		d.live = w.liveOf(w.legacyDef)
		w.wantBefore(before, s.name)
	}
}

// A libvirt that was upgraded since the domain was defined fills in more at a
// define. No guest is left off for that, and it is said.
func TestBackThoughLibvirtAdds(t *testing.T) {
	const more = "<audio id='1' type='none'/>"
	for _, s := range []shape{byLibvirt, byNova} {
		w := newWorld(t, openJournal(t), s)
		w.job(s)
		w.sick, w.adds = onlyNew, more
		rolledBack, _ := w.call(0, 0, w.forward(s))

		x, _ := renamed(t, s)
		x.adds = more
		returned, _ := x.call(0, 0, x.back(s))
		for _, c := range []struct {
			w    *fakeWorld
			r    Result
			want Outcome
		}{{w, rolledBack, RolledBack}, {x, returned, Returned}} {
			d := c.w.domains[c.w.uuid]
			if said := strings.Join(c.r.Warnings, "\n"); c.r.Outcome != c.want || !strings.Contains(said, "libvirt has added") || !strings.Contains(said, "audio") {
				t.Errorf("%s: %s at %s, want %s: %v, %q", s.name, c.r.Outcome, c.r.Step, c.want, c.r.Err, c.r.Warnings)
			}
			if d.live == "" || strings.Replace(d.definition, more, "", 1) != c.w.legacyDef {
				t.Errorf("%s, %s: it runs as %q, defined as %s", s.name, c.want, d.live, d.definition)
			}
		}
	}
}

// A guest that was just started may overhear the button until it has booted.
func TestPressesBack(t *testing.T) {
	s := shape{opt: Options{Prove: true}}
	w := newWorld(t, openJournal(t), s)
	w.call(0, 0, w.forward(s))
	if len(w.asked) != 2 || w.asked[0].Presses == whileBooting || w.asked[1].Presses != whileBooting {
		t.Errorf("for a proof it is asked by %+v", w.asked)
	}
	for family, again := range map[string]bool{"linux": true, "": true, "other": false} {
		w := newWorld(t, openJournal(t), byLibvirt)
		w.sick = onlyNew
		w.call(0, 0, func(r *Restarter) Result {
			j := w.job(byLibvirt)
			j.Plan.MadeFrom.OS = family
			return r.Forward(t.Context(), j, quick(byLibvirt.opt))
		})
		if len(w.asked) != 2 || w.asked[0].Presses != rename.PressesFor(family) || (w.asked[1].Presses == whileBooting) != again {
			t.Errorf("%q is asked by %+v", family, w.asked)
		}
	}
}
