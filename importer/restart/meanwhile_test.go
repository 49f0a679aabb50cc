package restart

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// What somebody else does in between is not undone, and the guest not touched.
func TestMeanwhile(t *testing.T) {
	killedAfter := func(t *testing.T, s shape, effect string) *fakeWorld {
		w := newWorld(t, openJournal(t), s)
		w.job(s)
		w.on[effect] = func() { panic(killed{effect}) }
		w.call(0, 0, w.forward(s))
		w.on = nil
		return w
	}
	t.Run("renamed by somebody", func(t *testing.T) {
		w := killedAfter(t, byLibvirt, "shutdown")
		w.domains[w.uuid].name = "web-old"
		r, _ := w.call(0, 0, w.forward(byLibvirt))
		if r.Outcome != Half || !errors.Is(r.Err, ErrStranger) || w.domains[w.uuid].name != "web-old" {
			t.Errorf("%s: %v", r.Outcome, r.Err)
		}
	})
	t.Run("what was kept is changed", func(t *testing.T) {
		w := killedAfter(t, byLibvirt, "hold")
		w.files[renameShelf.file(w.uuid)].content += " "
		for _, call := range []func(*Restarter) Result{w.forward(byLibvirt), w.back(byLibvirt)} {
			if r, _ := w.call(0, 0, call); r.Outcome != Half || !errors.Is(r.Err, ErrKept) {
				t.Errorf("%s: %v", r.Outcome, r.Err)
			}
		}
		delete(w.files, renameShelf.file(w.uuid))
		if r, _ := w.call(0, 0, w.forward(byLibvirt)); r.Outcome != Half || !errors.Is(r.Err, ErrKept) || !errors.Is(r.Err, fs.ErrNotExist) {
			t.Errorf("%s: %v", r.Outcome, r.Err)
		}
	})
	t.Run("a guest that was off is started", func(t *testing.T) {
		s := shape{off: true}
		w := killedAfter(t, s, "define")
		w.must(w.start(w.domains[w.uuid].definition, false))
		r, _ := w.call(0, 0, w.forward(s))
		d := w.domains[w.uuid]
		if r.Outcome != RolledBack || !errors.Is(r.Err, ErrMeanwhile) || d.live == "" || w.stops != 0 || d.definition != w.legacyDef || w.row.vm != "active" {
			t.Errorf("%s: %v; stopped %d times, row %+v", r.Outcome, r.Err, w.stops, w.row)
		}
		w.wantSound("started by somebody")
	})
	t.Run("nova-compute clears our task", func(t *testing.T) {
		w := killedAfter(t, byNova, "shutdown")
		w.row.task, w.row.vm, w.row.power = "", "stopped", nova.PowerShutdown // and its power sync comes by
		if r, _ := w.call(0, 0, w.forward(byNova)); r.Outcome != Renamed {
			t.Errorf("%s: %v", r.Outcome, r.Err)
		}
		w.wantRenamed(byNova, "task cleared")
	})
	t.Run("a watchdog starts what is staged, and its guest is deaf", func(t *testing.T) {
		w := killedAfter(t, shape{}, "define")
		w.domains[w.uuid].live = ""
		w.stops++
		w.must(w.start(w.domains[w.uuid].definition, false))
		w.deaf = always
		r, _ := w.call(0, 0, w.back(shape{}))
		d := w.domains[w.uuid]
		if r.Outcome != Returned || d.definition != w.legacyDef || d.live == "" || w.stops != 1 || w.row.task != "" || !strings.Contains(strings.Join(r.Warnings, ""), "until its next start") {
			t.Errorf("%s: %v, %q; stopped %d times, %+v", r.Outcome, r.Err, r.Warnings, w.stops, w.row)
		}
	})
	t.Run("the host reboots and starts what is staged", func(t *testing.T) {
		s := shape{autostart: true}
		w := killedAfter(t, s, "define")
		w.domains[w.uuid].live = "" // power loss
		w.stops++
		w.must(w.start(w.domains[w.uuid].definition, false))
		r, _ := w.call(0, 0, w.back(s))
		d := w.domains[w.uuid]
		if r.Outcome != Returned || d.definition != w.legacyDef || d.live == "" || !strings.Contains(d.live, "/srv/images/web.qcow2") || w.stops != 2 {
			t.Errorf("%s: %v; stopped %d times", r.Outcome, r.Err, w.stops)
		}
	})
}

// A guest that somebody migrates in the middle is not started here a second
// time, by whichever call, until its domain is here again and off.
func TestMigratedMeanwhile(t *testing.T) {
	for name, leave := range map[string]func(w *fakeWorld, d *fakeDomain){
		"and undefined": func(w *fakeWorld, d *fakeDomain) { delete(w.domains, w.uuid) },
		"and left off":  func(w *fakeWorld, d *fakeDomain) { d.live, d.elsewhere = "", "migrated" },
		"saved":         func(w *fakeWorld, d *fakeDomain) { d.live, d.elsewhere = "", "saved" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, openJournal(t), byLibvirt)
			w.job(byLibvirt)
			w.migrates = func(d *fakeDomain) { leave(w, d) }
			for _, call := range []func(*Restarter) Result{w.forward(byLibvirt), w.forward(byLibvirt), w.back(byLibvirt), w.back(byLibvirt)} {
				if r, _ := w.call(0, 0, call); r.Outcome != Half || !errors.Is(r.Err, rename.ErrElsewhere) {
					t.Errorf("%s: %v", r.Outcome, r.Err)
				}
				if d := w.domains[w.uuid]; w.boots != 0 || d != nil && d.live != "" || name == "and undefined" && d != nil {
					t.Fatalf("started %d times; %+v", w.boots, d)
				}
			}
			w.migrates = nil
			w.domains[w.uuid] = &fakeDomain{name: w.name, definition: w.legacyDef}
			w.stops++
			if r, _ := w.call(0, 0, w.back(byLibvirt)); r.Outcome != Returned || w.domains[w.uuid].live == "" {
				t.Errorf("it is here again: %s: %v", r.Outcome, r.Err)
			}
		})
	}
}

// A killed call is gone on with by what was decided then, whatever the options
// of now say.
func TestOptionsOfThen(t *testing.T) {
	w := newWorld(t, openJournal(t), byLibvirt)
	w.job(byLibvirt)
	w.on["rename"] = func() { panic(killed{"rename"}) }
	w.call(0, 0, w.forward(byLibvirt))
	w.on = nil
	r, _ := w.call(0, 0, func(r *Restarter) Result {
		return r.Forward(t.Context(), w.job(byLibvirt), quick(Options{StartBy: ByNova, Prove: true}))
	})
	if r.Outcome != Renamed {
		t.Errorf("%s: %v", r.Outcome, r.Err)
	}
	w.wantRenamed(byLibvirt, "options of then")
}
