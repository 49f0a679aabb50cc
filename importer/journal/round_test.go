package journal

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	ttl = 2 * time.Minute
	old = 10 * time.Minute
)

// set sets the journal's clock, where a test can.
func set(j *Journal, at time.Time) { j.Clock = func() time.Time { return at } }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func round(t *testing.T, r *Recorder, digest string, items ...string) Round {
	t.Helper()
	round, err := r.OpenRound(t.Context(), digest, items, old)
	if err != nil {
		t.Fatal(err)
	}
	return round
}

func claim(t *testing.T, r *Recorder, in Round, prefix string) (Lease, int) {
	t.Helper()
	l, left, err := r.Claim(t.Context(), in.ID, prefix, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return l, left
}

// roundSuite is what every kind of journal must do with a round.
func roundSuite(t *testing.T, j *Journal) {
	r := start(t, j)
	defer func() { _ = r.End(t.Context(), "") }()
	first := round(t, r, "d", "read/a", "read/b")
	a, _ := claim(t, r, first, "read/")
	b, _ := claim(t, r, first, "read/")
	none, waiting := claim(t, r, first, "read/")
	if a.Item == b.Item || a.Item == "" || b.Item == "" || none.Item != "" || waiting != 2 {
		t.Fatalf("claimed %q, %q, %q with %d left, want a and b each once, and 2 left then", a.Item, b.Item, none.Item, waiting)
	}
	write(t, r, func(tx *Tx) error { return tx.Finish(a, `{"found":1}`) })
	if err := r.Write(t.Context(), func(tx *Tx) error { return tx.Finish(a, "again") }); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("Finish of what is finished = %v, want %v", err, ErrLeaseLost)
	}
	if err := r.Renew(t.Context(), b, ttl); err != nil {
		t.Errorf("Renew = %v", err)
	}
	write(t, r, func(tx *Tx) error { return tx.Finish(b, "") })
	if results, err := r.Results(t.Context(), first.ID, "read/"); err != nil || results[a.Item] != `{"found":1}` || len(results) != 2 {
		t.Errorf("Results = %v, %v, want that of both", results, err)
	}
	if err := r.AddItems(t.Context(), first.ID, []string{"read/a", "act/a"}); err != nil {
		t.Fatal(err)
	}
	act, _ := claim(t, r, first, "act/")
	if none, left := claim(t, r, first, "act/"); act.Item != "act/a" || none.Item != "" || left != 1 {
		t.Errorf("claimed %q and %q of what was added, %d left, want act/a alone", act.Item, none.Item, left)
	}
	if last, err := r.LastSuccess(t.Context()); err != nil || !last.IsZero() {
		t.Errorf("LastSuccess before the end = %v, %v, want never", last, err)
	}
	for n, want := range []bool{true, false} {
		if closed, err := r.CloseRound(t.Context(), first.ID, true, "clean"); err != nil || closed != want {
			t.Errorf("CloseRound, call %d = %v, %v, want %v", n, closed, err, want)
		}
	}
	if last, err := r.LastSuccess(t.Context()); err != nil || last.IsZero() {
		t.Errorf("LastSuccess = %v, %v, want a time", last, err)
	}
	sightingSuite(t, r)
}

func sightingSuite(t *testing.T, r *Recorder) {
	t.Helper()
	seen := []Sighting{{UUID: "u1", Host: "kvm01", Recorded: 7}, {UUID: "u2", Host: "kvm02"}}
	places := []Place{{Name: "kvm01", Hostname: "a.example.net", Seen: 5}}
	write(t, r, func(tx *Tx) error { return errors.Join(tx.Sight(seen), tx.SetPlaces(places)) })
	seen[0].Missing, seen[0].Since = 2, 99
	places[0].Hostname = "b.example.net"
	write(t, r, func(tx *Tx) error {
		return errors.Join(tx.Sight(seen[:1]), tx.Unsight("u2", "u3"), tx.SetPlaces(places))
	})
	got, err := r.Sightings(t.Context())
	if diff := cmp.Diff(map[string]Sighting{"u1": seen[0]}, got); err != nil || diff != "" {
		t.Errorf("Sightings: %v (-want +got):\n%s", err, diff)
	}
	if have, err := r.Places(t.Context()); err != nil || have["kvm01"] != places[0] {
		t.Errorf("Places = %v, %v, want %v", have, err, places)
	}
	write(t, r, func(tx *Tx) error {
		return errors.Join(tx.Note([]Noted{{Code: "D14", Host: "kvm01", UUID: "u1", Since: 5}, {Code: "D30", Host: "kvm02", Since: 6}}),
			tx.Note([]Noted{{Code: "D14", Host: "kvm01", UUID: "u1", Since: 8}}))
	})
	noted, err := r.Noted(t.Context())
	if err != nil || len(noted) != 2 || noted[0].Since != 5 || noted[0].Told != 0 {
		t.Fatalf("Noted = %+v, %v, want two, the first since 5", noted, err)
	}
	write(t, r, func(tx *Tx) error { return errors.Join(tx.SetTold(noted[0].ID), tx.Unnote(noted[1].ID)) })
	if noted, err = r.Noted(t.Context()); err != nil || len(noted) != 1 || noted[0].Told == 0 {
		t.Errorf("Noted = %+v, %v, want the first, told", noted, err)
	}
	if all, err := r.Outlines(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("Outlines = %+v, %v, want none", all, err)
	}
}

func TestRound(t *testing.T) { roundSuite(t, open(t, filepath.Join(t.TempDir(), "j.db"))) }

// A run that has the journal alone begins anew after a killed one: what that
// has read is old.
func TestRoundOfAKilledRunIsGivenUp(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"))
	r := start(t, j)
	first := round(t, r, "d", "read/a", "read/b")
	l, _ := claim(t, r, first, "read/")
	second := round(t, r, "d", "read/a", "read/b")
	if second.ID == first.ID {
		t.Fatal("the second round is the first")
	}
	for range 2 {
		if again, _ := claim(t, r, second, "read/"); again.Item == "" || again.Tries != 1 {
			t.Errorf("claimed %+v of the second round, want a new piece", again)
		}
	}
	// The lease of the first round is worth nothing once a third has begun.
	round(t, r, "d", "read/a")
	if err := r.Write(t.Context(), func(tx *Tx) error { return tx.Finish(l, "late") }); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("Finish in a round that was given up twice = %v, want %v", err, ErrLeaseLost)
	}
}

// What was not renewed in time is another's. Here the journal's clock is the
// machine's, so that the test can set it.
func TestLeaseRunsOut(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"))
	set(j, noon)
	r := start(t, j)
	in := round(t, r, "d", "read/a")
	l, _ := claim(t, r, in, "read/")
	set(j, noon.Add(ttl-time.Second))
	if other, _ := claim(t, r, in, "read/"); other.Item != "" {
		t.Fatal("a lease was given away before its time was up")
	}
	if err := r.Renew(t.Context(), l, ttl); err != nil {
		t.Fatal(err)
	}
	set(j, noon.Add(ttl+time.Second))
	if other, _ := claim(t, r, in, "read/"); other.Item != "" {
		t.Fatal("a lease that was renewed was given away")
	}
	set(j, noon.Add(2*ttl+time.Minute))
	for name, f := range map[string]func(*Tx) error{"Hold": func(tx *Tx) error { return tx.Hold(l) }, "Finish": func(tx *Tx) error { return tx.Finish(l, "") }} {
		if err := r.Write(t.Context(), f); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("%s of what has run out = %v, want %v", name, err, ErrLeaseLost)
		}
	}
	other, _ := claim(t, r, in, "read/")
	if other.Item != "read/a" || other.Tries != 2 {
		t.Errorf("taken over %+v, want read/a at its second try", other)
	}
	if err := r.Renew(t.Context(), l, ttl); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("Renew of what another has = %v, want %v", err, ErrLeaseLost)
	}
}

// Many threads of one process get each piece once.
func TestClaimByThreads(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"))
	r := start(t, j)
	claimAll(t, 8, 40, func(int) *Recorder { return r })
}

// claimAll has so many threads work on so many pieces.
func claimAll(t *testing.T, threads, pieces int, recorder func(thread int) *Recorder) {
	t.Helper()
	items := make([]string, pieces)
	for n := range items {
		items[n] = fmt.Sprintf("read/%03d", n)
	}
	in := round(t, recorder(0), "d", items...)
	var mu sync.Mutex
	times := map[string]int{}
	var wg sync.WaitGroup
	for n := range threads {
		wg.Go(func() {
			r := recorder(n)
			for {
				l, left, err := r.Claim(t.Context(), in.ID, "read/", ttl)
				if err != nil {
					t.Error(err)
				}
				if err != nil || l.Item == "" && left == 0 {
					return
				}
				if l.Item == "" {
					time.Sleep(time.Millisecond) // Others are at the rest.
					continue
				}
				mu.Lock()
				times[l.Item]++
				mu.Unlock()
				if err := r.Write(t.Context(), func(tx *Tx) error { return tx.Finish(l, "") }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for item, n := range times {
		if n != 1 {
			t.Errorf("%s was given out %d times, want once", item, n)
		}
	}
	if len(times) != pieces {
		t.Errorf("%d pieces were given out, want %d", len(times), pieces)
	}
}

func TestFileIsNotShared(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"))
	if _, err := j.StartShared(t.Context(), Run{}); !errors.Is(err, ErrNotShared) || !strings.Contains(err.Error(), "mysql://") {
		t.Errorf("StartShared of a file = %v, want %v", err, ErrNotShared)
	}
}

// A clock that was set back is seen by what is noted of later.
func TestLatest(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"))
	set(j, noon)
	r := start(t, j)
	if latest, err := r.Latest(t.Context(), 1); err != nil || latest.Unix() != 0 {
		t.Errorf("Latest before the first round = %v, %v, want 1970", latest, err)
	}
	round(t, r, "d", "read/a")
	set(j, noon.Add(-time.Hour))
	latest, err := r.Latest(t.Context(), round(t, r, "d", "read/a").ID)
	now, nowErr := r.Now(t.Context())
	if err := errors.Join(err, nowErr); err != nil || !latest.Equal(noon) || !now.Equal(noon.Add(-time.Hour)) {
		t.Errorf("Latest = %v, Now = %v, %v, want noon and an hour before", latest, now, err)
	}
}

// What a clock that was ahead has noted is of now, once somebody says so; what
// it has given away is not given away for as long as it was ahead.
func TestClockWasAhead(t *testing.T) {
	j := open(t, filepath.Join(t.TempDir(), "j.db"))
	clockWasAhead(t, start(t, j), func(at time.Time) { set(j, at) })
}

func clockWasAhead(t *testing.T, r *Recorder, set func(time.Time)) {
	t.Helper()
	ahead := noon.AddDate(9, 0, 0)
	set(ahead)
	in := round(t, r, "d", "read/a")
	lost, _ := claim(t, r, in, "read/")
	write(t, r, func(tx *Tx) error {
		return errors.Join(tx.SetPlaces([]Place{{Name: "kvm01", Seen: ahead.Unix()}}), tx.Note([]Noted{{Code: "D03", Since: ahead.Unix()}}),
			tx.Sight([]Sighting{{UUID: "u1", Missing: 2, Since: ahead.Unix(), Recorded: ahead.Unix()}, {UUID: "u2", Missing: 1, Since: noon.Unix() - 9, Recorded: noon.Unix() - 8}}))
	})
	set(noon)
	if taken, _ := claim(t, r, in, "read/"); taken.Item != lost.Item || taken.Tries != 2 {
		t.Errorf("claimed %+v, want %s, which somebody has for nine years", taken, lost.Item)
	}
	if err := r.Renew(t.Context(), lost, ttl); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("Renew of what another has = %v, want %v", err, ErrLeaseLost)
	}
	if n, err := r.SetBack(t.Context()); err != nil || n != 5 {
		t.Errorf("SetBack = %d, %v, want 5 dates", n, err)
	}
	if n, err := r.SetBack(t.Context()); err != nil || n != 0 {
		t.Errorf("a second SetBack = %d, %v, want none", n, err)
	}
	if latest, err := r.Latest(t.Context(), in.ID+1); err != nil || !latest.Equal(noon) {
		t.Errorf("Latest = %v, %v, want noon", latest, err)
	}
	want := map[string]Sighting{"u1": {UUID: "u1", Missing: 2, Since: noon.Unix()}, "u2": {UUID: "u2", Missing: 1, Since: noon.Unix() - 9, Recorded: noon.Unix() - 8}}
	if got, err := r.Sightings(t.Context()); err != nil || !cmp.Equal(got, want) {
		t.Errorf("Sightings = %v, %v, want %v", got, err, want)
	}
	if noted, err := r.Noted(t.Context()); err != nil || len(noted) != 1 || noted[0].Since != noon.Unix() {
		t.Errorf("Noted = %v, %v, want it since noon", noted, err)
	}
}
