package onboard

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A fate is how a world is onboarded, and what befalls it before, so that a step
// is left to do that is done already as a rule.
type fate struct {
	way    Way
	world  func(*testing.T) *fakeWorld
	befall func(*mortal)
}

var fates = map[string]fate{
	"first start":                       {way: ByFirstStart, world: newFakeWorld},
	"first start, killed while enabled": {way: ByFirstStart, world: newFakeWorld, befall: killedEnabled},
	"first start, inventories late":     {way: ByFirstStart, world: newFakeWorld, befall: func(m *mortal) { m.late = 7 }},
	"first start, compute_id of before": {way: ByFirstStart, world: identified},
	"records":                           {way: ByRecords, world: newFakeWorld},
	"records, compute_id of before":     {way: ByRecords, world: identified},
	"not mapped":                        {way: "", world: onlyUnmapped},
}

// killedEnabled: nova-compute makes all its records while nobody disables them.
func killedEnabled(m *mortal) {
	m.before = "DisableService"
	if !m.killedAt(0, m.onboard) {
		m.t.Fatal("nobody wanted to disable it")
	}
	m.goOn()
}

func identified(t *testing.T) *fakeWorld {
	f := newFakeWorld(t)
	f.files[idFile] = stray
	return f
}

// begin is a world before the run that counts, and how it was before any.
func (c fate) begin(t *testing.T, l Ledger) (m *mortal, before string) {
	m = c.world(t).mortal(c.way, l)
	before = m.whole()
	if c.befall != nil {
		c.befall(m)
	}
	return m, before
}

// whole is how the world stands, with what is in its files.
func (f *fakeWorld) whole() string {
	var b strings.Builder
	b.WriteString(f.is())
	for _, p := range slices.Sorted(maps.Keys(f.files)) {
		fmt.Fprintf(&b, "%s: %q\n", p, f.files[p])
	}
	return b.String()
}

// wantEnd is the end of every run that nobody kills.
func (m *mortal) wantEnd(ends string) {
	m.t.Helper()
	r := m.onboard()
	if diff := cmp.Diff(ends, m.is()); diff != "" || r.Outcome != Onboarded && r.Outcome != Already || r.Err != nil {
		m.t.Fatalf("%s: the same command: %s at %q, %v (-want +got):\n%s", m.said, r.Outcome, r.Step, r.Err, diff)
	}
}

// wantBack is what an undo leads to, or that there is nothing to take back.
func (m *mortal) wantBack(before string) {
	m.t.Helper()
	r := m.undo()
	if errors.Is(r.Err, ErrNothing) {
		r.Err = nil
	}
	if diff := cmp.Diff(before, m.whole()); diff != "" || r.Err != nil {
		m.t.Fatalf("%s: the undo: %s at %q, %v, left %q (-before +after):\n%s", m.said, r.Outcome, r.Step, r.Err, r.Left, diff)
	}
}

// Wherever a run is killed: the same command goes on to the same end, and an
// undo leads back to the beginning, whether nova-compute has gone on meanwhile
// or not. No step of any way may be left out.
func TestKilledAnywhere(t *testing.T) {
	killed := map[Way]map[string]int{"": {}, ByFirstStart: {}, ByRecords: {}}
	for name, c := range fates {
		t.Run(name, func(t *testing.T) {
			m, before := c.begin(t, newLedger(t, journalFile(t)))
			wantOutcome(t, m.onboard(), Onboarded)
			ends := m.is()
			m.wantBack(before)
			for n := 1; ; n++ {
				for _, back := range []bool{false, true} {
					m, before := c.begin(t, newLedger(t, journalFile(t))) // else a run would have the notes of the one before
					if !m.killedAt(n, m.onboard) {
						return
					}
					killed[c.way][m.within()]++
					if n/2%2 == 0 {
						m.goOn()
					}
					if !back || m.undecided() {
						m.wantEnd(ends)
					}
					m.wantBack(before)
				}
			}
		})
	}
	for way, steps := range killed {
		for _, s := range way.Steps() {
			if steps[s] == 0 {
				t.Errorf("way %q: no run was killed in the step %s", way, s)
			}
		}
	}
}

// The way back may be killed, too.
func TestUndoKilledAnywhere(t *testing.T) {
	for name, c := range fates {
		if c.befall != nil {
			continue // which makes no difference afterwards
		}
		t.Run(name, func(t *testing.T) {
			l := newLedger(t, journalFile(t))
			for n := 1; ; n++ {
				for _, back := range []bool{false, true} {
					m, before := c.begin(t, l)
					wantOutcome(t, m.onboard(), Onboarded)
					ends := m.is()
					if !m.killedAt(n, m.undo) {
						return
					}
					m.goOn()
					if !back {
						m.wantEnd(ends)
					}
					m.wantBack(before)
				}
			}
		})
	}
}
