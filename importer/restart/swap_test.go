package restart

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// swapShapes are renamed with an e1000, and swapped to virtio and back.
var swapShapes = []shape{
	{name: "libvirt", efi: "explicit", replan: true},
	{name: "libvirt, kept lock", replan: true, lock: "keep"},
	{name: "off", off: true, efi: "implicit", replan: true},
	{name: "nova", replan: true, opt: Options{StartBy: ByNova}},
}

func (w *fakeWorld) swap(s shape, model string) func(*Restarter) Result {
	return func(r *Restarter) Result {
		j := w.job(s)
		j.Plan.NICModel = model
		return r.Swap(w.t.Context(), j, quick(s.opt))
	}
}

// wantModel: interfaces and records are so, and nothing else is different from
// what the dump says.
func (w *fakeWorld) wantModel(s shape, model, renamedDump, context string) {
	w.t.Helper()
	w.wantSound(context)
	driver := "      <driver name='vhost' queues='2'/>\n" // of virtio alone
	alike := strings.NewReplacer("type='virtio'", "type='MODEL'", "type='e1000'", "type='MODEL'", driver, "", "model virtio virtio", "model", "model e1000 e1000", "model")
	if diff := cmp.Diff(alike.Replace(renamedDump), alike.Replace(w.dump())); diff != "" {
		w.t.Errorf("%s: something else is different (-before +now):\n%s", context, diff)
	}
	d := w.domains[w.uuid]
	if d == nil || strings.Count(d.definition, "<model type='"+model+"'/>") != 1 || !s.off && !strings.Contains(d.live, "<model type='"+model+"'/>") {
		w.t.Errorf("%s: its interface is no %s: %+v", context, model, d)
	}
	if w.model != model || w.spec != model {
		w.t.Errorf("%s: recorded are %s and %s, want %s", context, w.model, w.spec, model)
	}
	w.wantRecorded(context)
	if a := w.state(); a.State != journal.StateRenamed || a.Reason != "" {
		w.t.Errorf("%s: the journal says %s, %q", context, a.State, a.Reason)
	}
	for path := range w.files {
		if strings.HasPrefix(path, swapShelf.dir(w.uuid)+"/") {
			w.t.Errorf("%s: %s is left", context, path)
		}
	}
}

// A renamed domain gets other interfaces and its own back, each in one restart.
func TestSwapAndBack(t *testing.T) {
	for _, s := range swapShapes {
		w, before := renamed(t, s)
		then, boots := w.dump(), w.boots
		for n, model := range []string{"virtio", "e1000", "e1000"} {
			r, _ := w.call(0, 0, w.swap(s, model))
			want := Swapped
			if n == 2 {
				want = Already
			}
			if r.Outcome != want || n < 2 && !s.off && (r.Times.Gap <= 0 || r.Times.Down < r.Times.Gap) {
				t.Errorf("%s, to %s: %s at %s: %v, %+v", s.name, model, r.Outcome, r.Step, r.Err, r.Times)
			}
			w.wantModel(s, model, then, fmt.Sprintf("%s, to %s", s.name, model))
		}
		if s.off {
			boots -= 2
		}
		if w.boots != boots+2 {
			t.Errorf("%s: booted %d times", s.name, w.boots)
		}
		if r, _ := w.call(0, 0, w.back(s)); r.Outcome != Returned {
			t.Errorf("%s: %s: %v", s.name, r.Outcome, r.Err)
		}
		w.wantBefore(before, s.name+", released")
	}
}

// A process that swaps is killed before and after each of its effects. The same
// call again ends it, and so does a release.
func TestSwapKilled(t *testing.T) {
	for _, s := range swapShapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			j := openJournal(t)
			kills := 0
			for k, n := 0, 0; k <= n; k++ {
				for _, way := range []string{"again", "release"} {
					w := newWorld(t, j, s)
					w.job(s)
					before := w.dump()
					w.call(0, 0, w.forward(s))
					then := w.dump()
					_, at := w.call(k, 0, w.swap(s, "virtio"))
					if k == 0 {
						n = len(w.points)
					}
					kills++
					context := fmt.Sprintf("killed %s, %s", at, way)
					if way == "again" {
						if r, _ := w.call(0, 0, w.swap(s, "virtio")); r.Outcome != Swapped && r.Outcome != Already {
							t.Errorf("%s: %s at %s: %v", context, r.Outcome, r.Step, r.Err)
						}
						w.wantModel(s, "virtio", then, context)
						continue
					}
					if r, _ := w.call(0, 0, w.back(s)); r.Outcome != Returned {
						t.Errorf("%s: %s at %s: %v", context, r.Outcome, r.Step, r.Err)
					}
					w.wantBefore(before, context)
				}
			}
			t.Logf("%d kills", kills)
		})
	}
}

// Each effect of a swap that goes back is failed or killed: the guest ends with
// the interfaces that it had, by this call or the next.
func TestSwapRolledBack(t *testing.T) {
	sick := func(live string) bool { return strings.Contains(live, "type='virtio'") }
	for _, s := range []shape{swapShapes[0], swapShapes[3]} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			j := openJournal(t)
			for k, n := 0, 0; k <= n; k++ {
				w := newWorld(t, j, s)
				w.job(s)
				w.call(0, 0, w.forward(s))
				then := w.dump()
				w.sick = sick
				r, at := w.call(k, 0, w.swap(s, "virtio"))
				context := fmt.Sprintf("killed %s", at)
				if k == 0 {
					n = len(w.points)
					if r.Outcome != RolledBack || r.Step != stepHealth || !errors.Is(r.Err, rename.ErrUnhealthy) || r.Times.Down <= 0 {
						t.Errorf("%s: %s at %s: %v", s.name, r.Outcome, r.Step, r.Err)
					}
				} else if r, _ := w.call(0, 0, w.swap(s, "virtio")); r.Outcome != RolledBack {
					t.Errorf("%s: %s at %s: %v", context, r.Outcome, r.Step, r.Err)
				}
				w.wantModel(s, "e1000", then, context)
			}
		})
	}
}

// What must not be begun is refused, and nothing was changed.
func TestSwapRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		shape shape
		world func(w *fakeWorld)
		want  error
	}{
		{"EFI variables would begin anew", shape{efi: "implicit", replan: true, opt: Options{StartBy: ByNova}}, func(*fakeWorld) {}, ErrInNova},
		{"renamed by somebody", swapShapes[0], func(w *fakeWorld) { w.domains[w.uuid].name = "web-new" }, ErrStranger},
		{"gone", swapShapes[0], func(w *fakeWorld) { delete(w.domains, w.uuid) }, rename.ErrGone},
		{"busy", swapShapes[0], func(w *fakeWorld) { w.row.task = "pausing" }, nova.ErrBusy},
		{"nova-compute is down", swapShapes[3], func(w *fakeWorld) { w.computeDown = true }, ErrInNova},
		{"machine type gone", swapShapes[0], func(w *fakeWorld) { w.noMachine = rename.ErrMachine }, rename.ErrMachine},
		{"host away", swapShapes[0], func(w *fakeWorld) { w.away = true }, ErrAway},
		{"teaming", swapShapes[0], func(w *fakeWorld) {
			d := w.domains[w.uuid]
			d.definition = strings.Replace(d.definition, "<model type='e1000'/>", "<model type='e1000'/>\n      <teaming type='persistent'/>", 1)
		}, rename.ErrRefused},
	} {
		w, _ := renamed(t, c.shape)
		c.world(w)
		before := w.dump()
		r, _ := w.call(0, 0, w.swap(c.shape, "virtio"))
		if r.Outcome != Refused || !errors.Is(r.Err, c.want) {
			t.Errorf("%s: %s at %s: %v, want refused with %v", c.name, r.Outcome, r.Step, r.Err, c.want)
		}
		if diff := cmp.Diff(before, w.dump()); diff != "" || w.state().State != journal.StateRenamed {
			t.Errorf("%s: %s; something was changed:\n%s", c.name, w.state().State, diff)
		}
	}
	w := newWorld(t, openJournal(t), byLibvirt)
	if r, _ := w.call(0, 0, w.swap(byLibvirt, "virtio")); r.Outcome != Refused || !errors.Is(r.Err, ErrState) {
		t.Errorf("never renamed: %s: %v", r.Outcome, r.Err)
	}
}

// A guest that does not shut down keeps its interfaces.
func TestSwapDeaf(t *testing.T) {
	s := swapShapes[0]
	w, _ := renamed(t, s)
	then := w.dump()
	w.deaf = always
	if r, _ := w.call(0, 0, w.swap(s, "virtio")); r.Outcome != RolledBack || !errors.Is(r.Err, rename.ErrStillRunning) || w.stops != 1 {
		t.Errorf("%s at %s: %v; stopped %d times", r.Outcome, r.Step, r.Err, w.stops)
	}
	w.wantModel(s, "e1000", then, "deaf")
}

// A call that was killed has recorded another model, and Nova does not let go of
// the instance now: the record goes back, and is not forgotten.
func TestSwapBusyHalfway(t *testing.T) {
	s := swapShapes[0]
	w, _ := renamed(t, s)
	w.on["model in the API database"] = func() { panic(killed{"model"}) }
	w.call(0, 0, w.swap(s, "virtio"))
	w.on = map[string]func(){}
	w.row.task = "pausing"
	w.jobs = []func(){func() {}, func() {}, func() { w.row.task = "" }} // somebody's own pause, and resume
	r, _ := w.call(0, 0, w.swap(s, "virtio"))
	if r.Outcome != RolledBack || !errors.Is(r.Err, nova.ErrBusy) || w.model != "e1000" || w.spec != "e1000" || w.state().State != journal.StateRenamed {
		t.Errorf("%s: %v; recorded %s and %s, journal %s", r.Outcome, r.Err, w.model, w.spec, w.state().State)
	}
	w.wantSound("busy halfway")
}
