package importer

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// TestKilledAtEveryEffect stops an import before and after each of its
// effects, of which every Begin and End in the journal is one, runs it again,
// and expects the world of an import that was never stopped. Then the same for
// the release.
func TestKilledAtEveryEffect(t *testing.T) { killedAtEveryEffect(t, newWorld, 20) }

func TestKilledAtEveryEffectWithCloud(t *testing.T) { killedAtEveryEffect(t, newCloudWorld, 45) }

func killedAtEveryEffect(t *testing.T, newWorld func(*testing.T, int) *world, atLeast int) {
	t.Parallel() // Most of its time is the journal's waiting for the disk.
	whole := newWorld(t, 1)
	if s, err := whole.imports(nil); err != nil || s.Count(Imported) != 3 {
		t.Fatalf("Import = %v, %v, want 3 imported", s, err)
	}
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			w := newWorld(t, 1)
			before := w.dump()
			f := &fuse{left: n, after: after}
			_, err := w.imports(f)
			if !f.blown {
				if err != nil || n < atLeast {
					t.Fatalf("an import without a kill = %v with %d effects", err, n-1)
				}
				break
			}
			at := fmt.Sprintf("import killed at effect %d, after %v", n, after)
			w.check(at)
			if s, err := w.imports(nil); err != nil || s.Count(Imported)+s.Count(Already) != 3 {
				t.Fatalf("%s: second Import = %v, %v, want all there", at, s, err)
			}
			if diff := cmp.Diff(whole.dump(), w.dump()); diff != "" {
				t.Fatalf("%s: the rerun ended elsewhere (-want +got):\n%s", at, diff)
			}
			if diff := cmp.Diff(whole.journalStates(), w.journalStates()); diff != "" {
				t.Fatalf("%s: the journal says otherwise (-want +got):\n%s", at, diff)
			}
			// The way back, cut short at the same place.
			_, _ = w.releases(&fuse{left: n, after: after})
			w.check(at + ", and so its release")
			if s, err := w.releases(nil); err != nil || s.Count(Released)+s.Count(Already) != 3 {
				t.Fatalf("%s, and so its release: second Release = %v, %v, want all out", at, s, err)
			}
			if diff := cmp.Diff(before, w.dump()); diff != "" {
				t.Fatalf("%s, and so its release: not as before (-before +after):\n%s", at, diff)
			}
			for uuid, state := range w.journalStates() {
				if state != journal.StateReleased {
					t.Fatalf("%s, and so its release: the journal has %s as %q", at, uuid, state)
				}
			}
		}
	}
}

// TestReleaseOfHalf takes back an import that was stopped anywhere.
func TestReleaseOfHalf(t *testing.T) { releaseOfHalf(t, newWorld) }

func TestReleaseOfHalfWithCloud(t *testing.T) { releaseOfHalf(t, newCloudWorld) }

func releaseOfHalf(t *testing.T, newWorld func(*testing.T, int) *world) {
	t.Parallel() // Most of its time is the journal's waiting for the disk.
	for n := 1; ; n++ {
		w := newWorld(t, 1)
		before := w.dump()
		f := &fuse{left: n, after: n%2 == 0}
		_, _ = w.imports(f)
		if !f.blown {
			break
		}
		if s, err := w.releases(nil); err != nil || s.Count(Released)+s.Count(Already) != 3 {
			t.Fatalf("killed at effect %d: Release = %v, %v", n, s, err)
		}
		if diff := cmp.Diff(before, w.dump()); diff != "" {
			t.Fatalf("killed at effect %d: not as before (-before +after):\n%s", n, diff)
		}
	}
}

// TestKilledAtRandom imports and releases in any order, each killed anywhere.
func TestKilledAtRandom(t *testing.T) { killedAtRandom(t, newWorld, 60) }

func TestKilledAtRandomWithCloud(t *testing.T) { killedAtRandom(t, newCloudWorld, 120) }

func killedAtRandom(t *testing.T, newWorld func(*testing.T, int) *world, effects int) {
	t.Parallel() // Most of its time is the journal's waiting for the disk.
	for seed := range uint64(10) {
		random := rand.New(rand.NewPCG(seed, 2))
		w := newWorld(t, 2)
		before := w.dump()
		for range 1 + random.IntN(6) {
			f := &fuse{left: 1 + random.IntN(effects), after: random.IntN(2) == 0}
			if random.IntN(3) == 0 {
				_, _ = w.releases(f)
			} else {
				_, _ = w.imports(f)
			}
			w.check(fmt.Sprintf("seed %d", seed))
		}
		if s, err := w.imports(nil); err != nil || s.Count(Imported)+s.Count(Already) != 6 {
			t.Fatalf("seed %d: Import = %v, %v", seed, s, err)
		}
		if s, err := w.releases(nil); err != nil || s.Count(Released)+s.Count(Already) != 6 {
			t.Fatalf("seed %d: Release = %v, %v", seed, s, err)
		}
		if diff := cmp.Diff(before, w.dump()); diff != "" {
			t.Fatalf("seed %d: not as before (-before +after):\n%s", seed, diff)
		}
	}
}

// TestPortsThatTheJournalDoesNotKnow: an import is killed when a port is made
// and not noted yet, and its release is killed too, at each of its effects.
// Half freed, such a port has no device any more by which it could be found.
func TestPortsThatTheJournalDoesNotKnow(t *testing.T) {
	t.Parallel()
	for m := 1; ; m++ {
		w := newCloudWorld(t, 1)
		before := w.dump()
		for n := 1; ; n++ {
			w = newCloudWorld(t, 1)
			if _, _ = w.imports(&fuse{left: n, after: true}); w.portOf("52:54:00:00:00:00") != "" {
				break
			}
		}
		for _, a := range w.adoptions() {
			if a.UUID == uuidOf(0) && strings.Contains(a.Plan, w.portOf("52:54:00:00:00:00")) {
				t.Fatal("the journal knows the port; this test is about one that it does not know")
			}
		}
		f := &fuse{left: m}
		_, _ = w.releases(f)
		w.wantReleased(fmt.Sprintf("release killed at effect %d", m), before)
		if !f.blown {
			return
		}
	}
}

// TestImportAfterKilledRelease: somebody changes their mind.
func TestImportAfterKilledRelease(t *testing.T) {
	t.Parallel()
	for m := 1; ; m++ {
		w := newCloudWorld(t, 1)
		if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3 {
			t.Fatalf("Import = %v, %v, want 3 imported", s, err)
		}
		imported := w.dump()
		f := &fuse{left: m, after: true}
		_, _ = w.releases(f)
		if !f.blown {
			return
		}
		at := fmt.Sprintf("release killed after effect %d", m)
		if s, err := w.imports(nil); err != nil || s.Count(Imported)+s.Count(Already) != 3 {
			t.Fatalf("%s: Import = %v, %v, want all there: %+v", at, s, err, s.Results)
		}
		if diff := cmp.Diff(imported, w.dump()); diff != "" {
			t.Fatalf("%s: the import ended elsewhere (-want +got):\n%s", at, diff)
		}
	}
}

// TestKilledReleaseAndKilledImport: a release is killed when the rows are gone and
// the EFI variables still have the instance's name, and the import after it as
// well, at each of its effects. That name is nobody's then, and must not stay.
func TestKilledReleaseAndKilledImport(t *testing.T) {
	for what, newWorld := range map[string]func(*testing.T, int) *world{"alone": newWorld, "with cloud": newCloudWorld} {
		t.Run(what, func(t *testing.T) {
			t.Parallel() // Most of its time is the journal's waiting for the disk.
			for n := 1; ; n++ {
				w := newWorld(t, 1)
				before := w.dump()
				w.leavesName()
				f := &fuse{left: n, after: n%2 == 0}
				_, _ = w.imports(f)
				if s, err := w.imports(nil); err != nil || s.Count(Imported)+s.Count(Already) != 3 {
					t.Fatalf("import killed at effect %d: Import = %v, %v, want all there", n, s, err)
				}
				w.wantReleased(fmt.Sprintf("import killed at effect %d", n), before)
				if !f.blown {
					return
				}
			}
		})
	}
}

// leavesName imports, and kills the release of that between rows and links.
func (w *world) leavesName() {
	w.t.Helper()
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3 {
		w.t.Fatalf("Import = %v, %v, want 3 imported", s, err)
	}
	name := w.instanceName()
	for m := 1; m < 20 && w.instanceName() != ""; m++ {
		_, _ = w.releases(&fuse{left: m, after: true})
	}
	if _, err := os.Lstat(w.nvram(name)); w.instanceName() != "" || err != nil {
		w.t.Fatalf("the release was not killed between rows and links: the instance is %q, %v", w.instanceName(), err)
	}
}
