package restart

import (
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// Wherever a call is killed, the journal tells where the domain stands and what
// goes on with it; and that is so.
func TestStands(t *testing.T) {
	for _, s := range []shape{byLibvirt, byNova} {
		for _, c := range []struct {
			call, at, where, next string
		}{
			{"forward", "hold", "begun and not ended: hold", "rename PLAN goes on from there, release PLAN takes it back"},
			{"forward", "shutdown", "begun and not ended: shutdown, name, start", "rename PLAN goes on from there"},
			{"back", "shutdown", "begun and not ended: stop, ", "release PLAN goes on"},
			{"roll back", "shutdown", "begun and not ended: stop, ", "rename PLAN brings it back to what it was before"},
		} {
			w := newWorld(t, openJournal(t), s)
			w.job(s)
			w.stopAt(c.call, s, c.at)
			where, next, ok := Stands(w.state())
			context := s.name + ", " + c.call + " killed after " + c.at
			if !ok || !strings.HasPrefix(where, c.where) || !strings.HasPrefix(next, c.next) {
				t.Errorf("%s: %q, %q, %v; %+v", context, where, next, ok, w.state())
			}
			w.goesOn(context, next, s)
		}
	}
	for _, state := range []journal.State{journal.StateImported, journal.StateRenamed, journal.StateFinalized, journal.StateReleased, journal.StateHalf} {
		if where, next, ok := Stands(journal.Adoption{State: state}); ok {
			t.Errorf("%s: %q, %q", state, where, next)
		}
	}
}

// stopAt kills a call right after an effect.
func (w *fakeWorld) stopAt(call string, s shape, effect string) {
	w.t.Helper()
	kill := func() { panic(killed{effect}) }
	switch call {
	case "forward":
		w.on[effect] = kill
		w.call(0, 0, w.forward(s))
	case "back":
		w.call(0, 0, w.forward(s))
		w.on[effect] = kill
		w.call(0, 0, w.back(s))
	case "roll back":
		w.sick = onlyNew
		stops := 0
		w.on[effect] = func() {
			if stops++; stops == 2 {
				kill()
			}
		}
		w.call(0, 0, w.forward(s))
	}
	clear(w.on)
}

// goesOn does what Stands has said, and holds it against what becomes of it.
func (w *fakeWorld) goesOn(context, next string, s shape) {
	w.t.Helper()
	switch {
	case strings.HasPrefix(next, "release"):
		if r, _ := w.call(0, 0, w.forward(s)); r.Outcome != Half {
			w.t.Errorf("%s: rename ends as %s: %v", context, r.Outcome, r.Err)
		}
		if r, _ := w.call(0, 0, w.back(s)); r.Outcome != Returned {
			w.t.Errorf("%s: release ends as %s: %v", context, r.Outcome, r.Err)
		}
	default:
		want := Renamed
		if strings.Contains(next, "brings it back") {
			want = RolledBack
		}
		if r, _ := w.call(0, 0, w.forward(s)); r.Outcome != want {
			w.t.Errorf("%s: rename ends as %s: %v", context, r.Outcome, r.Err)
		}
	}
}
