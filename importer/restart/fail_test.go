package restart

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/rename"
)

// Each call fails once, before it has taken effect or after that. Whatever the
// outcome says is so, and the call that follows ends where it should.
func TestFailing(t *testing.T) {
	for _, s := range fewShapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			j := openJournal(t)
			n := pointsOf(t, j, s, func(w *fakeWorld) func(*Restarter) Result { return w.forward(s) })
			outcomes := map[Outcome]int{}
			for k := 1; k <= n; k++ {
				w := newWorld(t, j, s)
				w.job(s)
				before := w.dump()
				r, at := w.call(0, k, w.forward(s))
				outcomes[r.Outcome]++
				context := fmt.Sprintf("failed %s: %s at %s", at, r.Outcome, r.Step)
				switch r.Outcome {
				case Renamed:
					if !strings.Contains(at, "os-") && len(r.Warnings) == 0 {
						t.Errorf("%s: want the failure to be told", context)
					}
					r.Err, r.Reason = errInjected, errInjected.Error() // Nova was asked once more, or the guest found off.
				case RolledBack, Refused:
					w.wantBefore(before, context)
				case Half:
					// At the very first commit nobody knows whether it was carried out.
					if a := w.state(); a.State == journal.StateImported && r.Step != stepSave && r.Step != stepEnd {
						t.Errorf("%s: the journal says %s", context, a.State)
					}
				}
				if !errors.Is(r.Err, errInjected) || !strings.Contains(r.Reason, errInjected.Error()) {
					t.Errorf("%s: error %v", context, r.Err)
				}
				then := s
				if strings.Contains(strings.Join(r.Warnings, "\n"), "not proven") {
					then.opt.Prove = false // It is renamed without.
				}
				w.again(then, before, context)
			}
			t.Logf("%d failures: %v", n, outcomes)
		})
	}
}

// again repeats the call until it has ended well.
func (w *fakeWorld) again(s shape, before, context string) {
	w.t.Helper()
	for range 2 {
		r, _ := w.call(0, 0, w.forward(s))
		switch r.Outcome {
		case RolledBack:
			w.wantBefore(before, context+", again")
			continue // It was on its way back.
		case Renamed, Already:
		default:
			w.t.Errorf("%s, again: %s at %s: %v", context, r.Outcome, r.Step, r.Err)
		}
		break
	}
	d := w.domains[w.uuid]
	if a := w.state(); a.State != journal.StateRenamed || d == nil || d.name != w.instance || d.definition != w.meant(s) || (d.live == "") != s.off {
		w.t.Errorf("%s, in the end: %s, %+v", context, a.State, d)
	}
	w.wantSound(context + ", in the end")
}

// The same on the way back.
func TestFailingBack(t *testing.T) {
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
				r, at := w.call(0, k, w.back(s))
				if k == 0 {
					n = len(w.points)
				}
				context := fmt.Sprintf("failed %s: %s at %s", at, r.Outcome, r.Step)
				if k > 0 && r.Outcome == Returned && len(r.Warnings) == 0 && !strings.Contains(at, "hold") {
					t.Errorf("%s: want the failure to be told", context)
				}
				again, _ := w.call(0, 0, w.back(s))
				if again.Outcome != Returned && again.Outcome != Already {
					t.Errorf("%s, again: %s at %s: %v", context, again.Outcome, again.Step, again.Err)
				}
				if at == "before link "+rename.DefaultNVRAM(w.instance) { // It is told, and the next rename copies them.
					w.files[rename.DefaultNVRAM(w.instance)] = w.files[w.linked]
				}
				w.wantBefore(before, context)
			}
		})
	}
}
