package restart

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/rename"
)

var (
	byLibvirt = shape{name: "libvirt", autostart: true, efi: "explicit"}
	byNova    = shape{name: "nova", autostart: true, efi: "implicit", opt: Options{StartBy: ByNova}}
)

func isNew(d *fakeDomain) bool { return strings.HasPrefix(d.name, "instance-") }

func always(*fakeDomain) bool { return true }

func onlyNew(definition string) bool { return strings.Contains(definition, "<name>instance-") }

// What goes wrong after the domain was saved ends with it as it was before,
// and with a reason.
func TestRolledBack(t *testing.T) {
	refused := errors.New("internal error: process exited: port 5901 is in use")
	for _, c := range []struct {
		name  string
		shape shape
		world func(w *fakeWorld)
		step  string
		want  error
		says  string
		stops int
	}{
		{"the guest does not shut down", byLibvirt, func(w *fakeWorld) { w.deaf = always }, stepShutdown, rename.ErrStillRunning, "still running", 0},
		{"the guest does not shut down for Nova", byNova, func(w *fakeWorld) { w.deaf = always }, stepShutdown, rename.ErrStillRunning, "still running", 0},
		{"libvirt refuses the start", byLibvirt, func(w *fakeWorld) {
			w.refuse = func(definition string) error {
				if onlyNew(definition) {
					return refused
				}
				return nil
			}
		}, stepStart, refused, "5901", 1},
		{"the guest does not answer", byLibvirt, func(w *fakeWorld) { w.sick = onlyNew }, stepHealth, rename.ErrUnhealthy, "does not answer", 2},
		{"the guest does not answer as Nova made it", byNova, func(w *fakeWorld) { w.sick = onlyNew }, stepHealth, rename.ErrUnhealthy, "does not answer", 2},
		{"Nova does not begin", byNova, func(w *fakeWorld) { w.novaFails = "start" }, stepStart, ErrNova, "No valid image", 1},
		{"Nova undefines it and fails", byNova, func(w *fakeWorld) { w.novaFails = "define" }, stepStart, ErrNova, "write", 1},
		{"Nova makes it and does not start it", byNova, func(w *fakeWorld) { w.novaFails = "error" }, stepStart, ErrNova, "unexpectedly", 1},
		{"the proof fails", shape{autostart: true, opt: Options{Prove: true}}, func(w *fakeWorld) { w.novaFails = "define" }, stepProve, ErrNova, "write", 2},
		{"the guest does not answer after the proof", shape{opt: Options{Prove: true}}, func(w *fakeWorld) {
			w.sick = func(definition string) bool { return strings.Contains(definition, "nova:instance") }
		}, stepProven, rename.ErrUnhealthy, "does not answer", 3},
		{"another domain takes the name", byLibvirt, func(w *fakeWorld) { w.on["shutdown"] = func() { w.others[w.instance] = true } }, stepName, rename.ErrNameTaken, "", 1},
		{"somebody undefines it while it runs", byLibvirt, func(w *fakeWorld) {
			w.on["hold"] = func() { w.domains[w.uuid].definition = "" }
		}, stepStage, nil, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, openJournal(t), c.shape)
			w.job(c.shape)
			before := w.dump()
			c.world(w)
			r, _ := w.call(0, 0, w.forward(c.shape))
			if r.Outcome != RolledBack || r.Step != c.step || c.want != nil && !errors.Is(r.Err, c.want) || !strings.Contains(r.Reason, c.says) {
				t.Errorf("%s at %s: %v; want rolled back at %s with %v", r.Outcome, r.Step, r.Err, c.step, c.want)
			}
			delete(w.others, w.instance)
			if told := strings.Contains(strings.Join(r.Warnings, "\n"), "may still go off"); told != errors.Is(c.want, rename.ErrStillRunning) {
				t.Errorf("that the guest may still go off: told %v, in %q", told, r.Warnings)
			}
			if w.stops != c.stops {
				t.Errorf("the guest was stopped %d times, want %d", w.stops, c.stops)
			}
			if c.name == "somebody undefines it while it runs" {
				w.wrong = nil // It was transient, and is no longer.
			}
			w.wantBefore(before, c.name)
		})
	}
}

// A guest that shuts down only when it is forced is forced if its plan says so.
func TestForce(t *testing.T) {
	w := newWorld(t, openJournal(t), byLibvirt)
	w.deaf = always
	r, _ := w.call(0, 0, func(r *Restarter) Result {
		j := w.job(byLibvirt)
		j.Plan.Force = true
		return r.Forward(t.Context(), j, quick(byLibvirt.opt))
	})
	if r.Outcome != Renamed {
		t.Errorf("%s: %v", r.Outcome, r.Err)
	}
	w.wantRenamed(byLibvirt, "forced")
}

// An unhealthy guest that does not shut down is left running, for a person. If
// that person finds it healthy, the next call says so; else it goes back.
func TestUnhealthyAndDeaf(t *testing.T) {
	for _, healed := range []bool{true, false} {
		w := newWorld(t, openJournal(t), byLibvirt)
		w.job(byLibvirt)
		before := w.dump()
		w.sick, w.deaf = onlyNew, isNew
		r, _ := w.call(0, 0, w.forward(byLibvirt))
		if r.Outcome != Half || r.Step != stepStop || !errors.Is(r.Err, rename.ErrUnhealthy) || !errors.Is(r.Err, rename.ErrStillRunning) {
			t.Fatalf("%s at %s: %v", r.Outcome, r.Step, r.Err)
		}
		if a := w.state(); a.State != journal.StateRenaming || !strings.Contains(a.Reason, "left running") || w.stops != 1 || w.boots != 1 || w.row.task != adopting {
			t.Errorf("%s, %q; stopped %d times; %+v", a.State, a.Reason, w.stops, w.row)
		}
		if told := strings.Join(r.Warnings, "\n"); !strings.Contains(told, "may still go off") || strings.Contains(told, "virsh start") {
			t.Errorf("left running: told %q", told)
		}
		w.wantSound("left running")
		if healed {
			w.sick = nil
			if r, _ := w.call(0, 0, w.forward(byLibvirt)); r.Outcome != Renamed {
				t.Errorf("healthy now: %s: %v", r.Outcome, r.Err)
			}
			w.wantRenamed(byLibvirt, "healthy now")
			continue
		}
		w.deaf = nil
		if r, _ := w.call(0, 0, w.forward(byLibvirt)); r.Outcome != RolledBack || !errors.Is(r.Err, rename.ErrUnhealthy) {
			t.Errorf("hears now: %s: %v", r.Outcome, r.Err)
		}
		w.wantBefore(before, "hears now")
	}
}

// The same with a guest that Nova has started: the next call must not have Nova
// start it once more, which would cut its power.
func TestUnhealthyAndDeafByNova(t *testing.T) {
	w := newWorld(t, openJournal(t), byNova)
	w.job(byNova)
	w.sick, w.deaf = onlyNew, isNew
	if r, _ := w.call(0, 0, w.forward(byNova)); r.Outcome != Half || r.Step != stepStop {
		t.Fatalf("%s at %s: %v", r.Outcome, r.Step, r.Err)
	}
	w.wantSound("left running")
	w.sick = nil
	if r, _ := w.call(0, 0, w.forward(byNova)); r.Outcome != Renamed {
		t.Errorf("healthy now: %s: %v", r.Outcome, r.Err)
	}
	w.wantRenamed(byNova, "healthy now")
}

// A guest that somebody starts between its end and Nova's order is not Nova's to
// start: its records would say that it is off, and its power would be cut.
func TestStartedBeforeNova(t *testing.T) {
	s := shape{efi: "explicit", opt: Options{StartBy: ByNova}}
	w := newWorld(t, openJournal(t), s)
	w.job(s)
	w.on["shutdown"] = func() {
		delete(w.on, "shutdown")
		w.must(w.start(w.domains[w.uuid].definition, false))
	}
	r, _ := w.call(0, 0, w.forward(s))
	if r.Outcome != RolledBack || !errors.Is(r.Err, ErrMeanwhile) || w.domains[w.uuid].live == "" || w.stops != 1 || w.row.vm != "active" || w.row.task != "" {
		t.Errorf("%s: %v; stopped %d times, %+v", r.Outcome, r.Err, w.stops, w.row)
	}
	w.wantSound("started by a watchdog")
}

// A guest that does not shut down a second time is renamed, and not proven; its
// power is not cut for that.
func TestUnproven(t *testing.T) {
	s := shape{opt: Options{Prove: true}}
	w := newWorld(t, openJournal(t), s)
	w.deaf = isNew
	r, _ := w.call(0, 0, w.forward(s))
	if r.Outcome != Renamed || !strings.Contains(strings.Join(r.Warnings, "\n"), "not proven") {
		t.Errorf("%s: %v, %q", r.Outcome, r.Err, r.Warnings)
	}
	w.wantRenamed(shape{}, "unproven")
}

// A nova-compute that dies after the look, or while the guest shuts down, starts
// nothing: Nova is not asked to, and the guest goes on as it was.
func TestComputeDies(t *testing.T) {
	proven := shape{opt: Options{Prove: true}}
	for _, c := range []struct {
		shape shape
		after string
		stops int
	}{{byNova, "hold", 0}, {byNova, "shutdown", 1}, {proven, "hold", 0}, {proven, "define", 0}} {
		w := newWorld(t, openJournal(t), c.shape)
		w.job(c.shape)
		before := w.dump()
		w.on[c.after] = func() { w.computeDown = true }
		r, _ := w.call(0, 0, w.forward(c.shape))
		if r.Outcome != RolledBack || !errors.Is(r.Err, ErrInNova) || w.stops != c.stops {
			t.Errorf("dead after %s: %s at %s: %v; stopped %d times", c.after, r.Outcome, r.Step, r.Err, w.stops)
		}
		w.wantBefore(before, "dead after "+c.after)
	}
}

// A proof that nobody would carry out takes no guest down; one that is down for
// it already goes back.
func TestComputeDiesBeforeProof(t *testing.T) {
	s := shape{opt: Options{Prove: true}}
	w := newWorld(t, openJournal(t), s)
	w.on["start"] = func() { w.computeDown = true }
	r, _ := w.call(0, 0, w.forward(s))
	if r.Outcome != Renamed || w.stops != 1 || !strings.Contains(strings.Join(r.Warnings, "\n"), "not proven") {
		t.Errorf("%s at %s: %v; stopped %d times, %q", r.Outcome, r.Step, r.Err, w.stops, r.Warnings)
	}
	w.wantRenamed(shape{}, "dead before the proof")

	w = newWorld(t, openJournal(t), s)
	w.job(s)
	before := w.dump()
	w.on["start"] = func() {
		w.on = map[string]func(){"shutdown": func() { w.computeDown = true }}
	}
	r, _ = w.call(0, 0, w.forward(s))
	if r.Outcome != RolledBack || r.Step != stepProve || !errors.Is(r.Err, ErrInNova) || w.stops != 2 {
		t.Errorf("%s at %s: %v; stopped %d times", r.Outcome, r.Step, r.Err, w.stops)
	}
	w.wantBefore(before, "dead after the shutdown for the proof")
}

// The same with a swap of interfaces that Nova starts.
func TestComputeDiesInSwap(t *testing.T) {
	s := swapShapes[3]
	for after, stops := range map[string]int{"hold": 0, "shutdown": 1} {
		w, _ := renamed(t, s)
		then, before := w.dump(), w.stops
		w.on[after] = func() { w.computeDown = true }
		r, _ := w.call(0, 0, w.swap(s, "virtio"))
		if r.Outcome != RolledBack || !errors.Is(r.Err, ErrInNova) || w.stops != before+stops {
			t.Errorf("dead after %s: %s at %s: %v; stopped %d times", after, r.Outcome, r.Step, r.Err, w.stops-before)
		}
		w.wantModel(s, "e1000", then, "dead after "+after)
	}
}

// A host that is gone after the shutdown leaves a journal that finishes it.
func TestHostGone(t *testing.T) {
	for _, s := range []shape{byLibvirt, byNova} {
		for _, way := range []string{"forward", "back"} {
			w := newWorld(t, openJournal(t), s)
			w.job(s)
			before := w.dump()
			w.on["shutdown"] = func() { w.away = true }
			r, _ := w.call(0, 0, w.forward(s))
			if r.Outcome != Half || !errors.Is(r.Err, ErrAway) {
				t.Fatalf("%s at %s: %v", r.Outcome, r.Step, r.Err)
			}
			if a := w.state(); a.State != journal.StateRenaming || !strings.Contains(a.Reason, "no route") {
				t.Errorf("%s, %q", a.State, a.Reason)
			}
			w.away, w.on = false, nil
			if way == "forward" {
				if r, _ := w.call(0, 0, w.forward(s)); r.Outcome != Renamed {
					t.Errorf("%s: %v", r.Outcome, r.Err)
				}
				w.wantRenamed(s, way)
			} else {
				if r, _ := w.call(0, 0, w.back(s)); r.Outcome != Returned {
					t.Errorf("%s: %v", r.Outcome, r.Err)
				}
				w.wantBefore(before, way)
			}
		}
	}
}

// While Nova's database is away a guest that libvirt starts is not left off:
// neither under its new name nor under the old one.
func TestDatabaseGone(t *testing.T) {
	w := newWorld(t, openJournal(t), byLibvirt)
	w.on["shutdown"] = func() { w.dbDown = true }
	r, _ := w.call(0, 0, w.forward(byLibvirt))
	if r.Outcome != Half || r.Step != stepSettle || !errors.Is(r.Err, errDown) || w.domains[w.uuid].live == "" {
		t.Errorf("%s at %s: %v", r.Outcome, r.Step, r.Err)
	}
	w.dbDown, w.on = false, nil
	if r, _ := w.call(0, 0, w.forward(byLibvirt)); r.Outcome != Renamed {
		t.Errorf("then %s: %v", r.Outcome, r.Err)
	}
	w.wantRenamed(byLibvirt, "after the database came back")

	w = newWorld(t, openJournal(t), byLibvirt)
	w.job(byLibvirt)
	before := w.dump()
	w.on["shutdown"] = func() { w.dbDown = true }
	w.sick = onlyNew
	r, _ = w.call(0, 0, w.forward(byLibvirt))
	if d := w.domains[w.uuid]; r.Outcome != Half || d.live == "" || d.name != w.name {
		t.Errorf("unhealthy without a database: %s at %s: %v; %s", r.Outcome, r.Step, r.Err, d.name)
	}
	w.dbDown, w.on = false, nil
	if r, _ := w.call(0, 0, w.forward(byLibvirt)); r.Outcome != RolledBack || !strings.Contains(r.Reason, "does not answer") {
		t.Errorf("then %s: %v", r.Outcome, r.Err)
	}
	w.wantBefore(before, "after the database came back")
}

// The same where Nova is to start it, or to prove it: nothing was handed over
// yet, and the guest goes on as it was.
func TestDatabaseGoneByNova(t *testing.T) {
	proven := shape{opt: Options{Prove: true}}
	for _, c := range []struct {
		shape shape
		when  func(w *fakeWorld)
		stops int
	}{
		{byNova, func(w *fakeWorld) { w.on["hold"] = func() { w.dbDown = true } }, 0},
		{byNova, func(w *fakeWorld) { w.on["shutdown"] = func() { w.dbDown = true } }, 1},
		{proven, func(w *fakeWorld) {
			w.on["start"] = func() { w.on = map[string]func(){"shutdown": func() { w.dbDown = true }} }
		}, 2},
	} {
		w := newWorld(t, openJournal(t), c.shape)
		w.job(c.shape)
		before := w.dump()
		c.when(w)
		r, _ := w.call(0, 0, w.forward(c.shape))
		if d := w.domains[w.uuid]; r.Outcome != Half || !errors.Is(r.Err, errDown) || d.live == "" || d.name != w.name || w.stops != c.stops {
			t.Errorf("%s at %s: %v; %q is off: %v, stopped %d times", r.Outcome, r.Step, r.Err, d.name, d.live == "", w.stops)
		}
		w.dbDown, w.on = false, nil
		if r, _ := w.call(0, 0, w.forward(c.shape)); r.Outcome != RolledBack {
			t.Errorf("then %s: %v", r.Outcome, r.Err)
		}
		w.wantBefore(before, "after the database came back")
	}
}

// What the next start needs is made while the guest runs: copies of its EFI
// variables and the definition. Between its end and its start nothing is defined.
func TestPrepared(t *testing.T) {
	for _, s := range []shape{
		{name: "explicit", efi: "explicit"}, {name: "implicit", efi: "implicit"}, {name: "nova", efi: "explicit", opt: Options{StartBy: ByNova}},
		{name: "linked", efi: "implicit", linked: true}, {name: "nova, linked", efi: "implicit", linked: true, opt: Options{StartBy: ByNova}},
	} {
		w := newWorld(t, openJournal(t), s)
		if r, _ := w.call(0, 0, w.forward(s)); r.Outcome != Renamed {
			t.Fatalf("%s: %s: %v", s.name, r.Outcome, r.Err)
		}
		off := slices.Index(w.points, "before shutdown")
		running, after := w.points[:off], w.points[off:]
		want := []string{"after hold", "after copy to " + renameShelf.variables(w.uuid)}
		if copied := "after copy to " + rename.DefaultNVRAM(w.instance); !s.linked {
			want = append(want, copied)
		} else if slices.Contains(w.points, copied) {
			t.Errorf("%s: a file is copied onto itself: %q", s.name, w.points)
		}
		if s.opt.StartBy != ByNova {
			want = append(want, "after define")
			if slices.Contains(after, "before define") {
				t.Errorf("%s: it is defined after its end: %q", s.name, after)
			}
		}
		for _, point := range want {
			if !slices.Contains(running, point) {
				t.Errorf("%s: not %q while it runs: %q", s.name, point, running)
			}
		}
	}
}

// A run that is stopped before the shutdown leaves nothing behind; after that
// it finishes.
func TestInterrupted(t *testing.T) {
	for effect, want := range map[string]Outcome{"hold": RolledBack, "shutdown": Renamed} {
		w := newWorld(t, openJournal(t), byLibvirt)
		j := w.job(byLibvirt)
		before := w.dump()
		ctx, cancel := context.WithCancel(t.Context())
		w.on[effect] = cancel
		r, _ := w.call(0, 0, func(r *Restarter) Result { return r.Forward(ctx, j, quick(byLibvirt.opt)) })
		if r.Outcome != want {
			t.Errorf("stopped after %s: %s: %v", effect, r.Outcome, r.Err)
		}
		if want == Renamed {
			w.wantRenamed(byLibvirt, effect)
			continue
		}
		if !errors.Is(r.Err, ErrInterrupted) || w.stops != 0 {
			t.Errorf("stopped after %s: %v, the guest %d times", effect, r.Err, w.stops)
		}
		w.wantBefore(before, effect)
	}
}

// Twice is once.
func TestAlready(t *testing.T) {
	w := newWorld(t, openJournal(t), byNova)
	w.call(0, 0, w.forward(byNova))
	if r, _ := w.call(0, 0, w.forward(byNova)); r.Outcome != Already || len(w.points) != 0 {
		t.Errorf("%s, with %q", r.Outcome, w.points)
	}
	w.wantRenamed(byNova, "twice")
}

// The password of a console is in nothing that anybody but root reads.
func TestNoSecrets(t *testing.T) {
	w := newWorld(t, openJournal(t), byLibvirt)
	w.sick, w.deaf = onlyNew, isNew
	r, _ := w.call(0, 0, w.forward(byLibvirt))
	steps, err := w.journal.Steps(t.Context(), w.uuid)
	w.must(err)
	a := w.state()
	definition, err := w.journal.Definition(t.Context(), w.uuid)
	w.must(err)
	for _, text := range []string{asJSON(steps), asJSON(a), definition, asJSON(r), r.Err.Error()} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("the password is in %s", text)
		}
	}
}

// What a restart took is told, and kept for the next one's window.
func TestTimes(t *testing.T) {
	w := newWorld(t, openJournal(t), byLibvirt)
	var steps []string
	r, _ := w.call(0, 0, func(r *Restarter) Result {
		r.Progress = func(p Progress) {
			steps = append(steps, p.Step)
			if off := p.Step == stepName || p.Step == stepStart; p.Down.IsZero() == off {
				t.Errorf("at %s it is down since %v", p.Step, p.Down)
			}
		}
		return r.Forward(t.Context(), w.job(byLibvirt), quick(byLibvirt.opt))
	})
	if r.Times.Shutdown == 0 || r.Times.Gap <= 0 || r.Times.Down < r.Times.Gap || r.Times.Total < r.Times.Down {
		t.Errorf("%+v", r.Times)
	}
	if want := "look save hold stage shutdown name start health settle unlock end"; strings.Join(steps, " ") != want {
		t.Errorf("steps %q, want %s", steps, want)
	}
	found, err := w.journal.Steps(t.Context(), w.uuid)
	w.must(err)
	if last := found[len(found)-1]; last.Step != prefix+stepEnd || !strings.Contains(last.Made, `"gap"`) {
		t.Errorf("the journal has %+v", last)
	}
}
