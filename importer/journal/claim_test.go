package journal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
)

// A crowd is threads that have claimed while another one did.
type crowd struct {
	r       *Recorder
	threads sync.WaitGroup
	mu      sync.Mutex
	items   map[string]int
	left    []int
	errs    []error
}

// gather has so many threads claim of each prefix, and returns when all wait.
func gather(t *testing.T, r *Recorder, in Round, threads int, prefixes ...string) *crowd {
	t.Helper()
	c := &crowd{r: r, items: map[string]int{}}
	for _, prefix := range prefixes {
		for range threads {
			c.threads.Go(func() { c.claim(t.Context(), in, prefix) })
		}
	}
	for waiting := 0; waiting < threads*len(prefixes); time.Sleep(time.Millisecond) {
		r.queueing.Lock()
		waiting = len(r.claims)
		r.queueing.Unlock()
	}
	return c
}

func (c *crowd) claim(ctx context.Context, in Round, prefix string) {
	l, left, err := c.r.Claim(ctx, in.ID, prefix, ttl)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.errs = append(c.errs, err)
	case l.Item == "":
		c.left = append(c.left, left)
	default:
		c.items[l.Item]++
	}
}

// wantEach expects that so many pieces were given out, each once, and that so
// many threads were told that as many are not done.
func (c *crowd) wantEach(t *testing.T, pieces, empty, left int) {
	t.Helper()
	for item, n := range c.items {
		if n != 1 {
			t.Errorf("%s was given out %d times, want once", item, n)
		}
	}
	if len(c.items) != pieces || len(c.left) != empty {
		t.Errorf("%d pieces were given out and %d threads got none, want %d and %d", len(c.items), len(c.left), pieces, empty)
	}
	for _, n := range c.left {
		if n != left {
			t.Errorf("a thread was told that %d are left, want %d", n, left)
		}
	}
}

// countCommits counts transactions that change leases, from now on.
func countCommits(t *testing.T, j *Journal) *int {
	t.Helper()
	n := 0
	count := func(db *gorm.DB) {
		if db.Statement.Table == (Lease{}).TableName() {
			n++
		}
	}
	if err := j.db.Callback().Update().After("gorm:update").Register("count", count); err != nil {
		t.Fatal(err)
	}
	return &n
}

func pieces(prefix string, n int) (items []string) {
	for i := range n {
		items = append(items, fmt.Sprintf("%s%03d", prefix, i))
	}
	return items
}

// Threads that come while one claims are served together, each with another
// piece of what it asked for, and with one commit for all that ask alike.
func TestClaimsAreServedTogether(t *testing.T) {
	r := start(t, open(t, filepath.Join(t.TempDir(), "j.db")))
	in := round(t, r, "d", append(pieces("read/", 20), pieces("act/", 3)...)...)
	commits := countCommits(t, r.j)
	r.claiming.Lock()
	c := gather(t, r, in, 8, "read/", "act/")
	r.claiming.Unlock()
	c.threads.Wait()
	if len(c.errs) > 0 || *commits != 2 {
		t.Errorf("%d commits, %v, want one for each kind of work", *commits, c.errs)
	}
	c.wantEach(t, 8+3, 5, 3)
}

// Of what was free when somebody looked, only that is taken which still is.
func TestTakeWhatIsFree(t *testing.T) {
	r := start(t, open(t, filepath.Join(t.TempDir(), "j.db")))
	in := round(t, r, "d", pieces("read/", 4)...)
	free, err := r.unclaimed(t.Context(), claimOf{in.ID, "read/", ttl}, 4)
	if err != nil || len(free) != 4 {
		t.Fatalf("unclaimed = %v, %v, want 4", free, err)
	}
	var items []string
	for _, some := range [][]Lease{free[1:2], free[:3], free} {
		mine, err := r.take(t.Context(), some, ttl)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range mine {
			items = append(items, fmt.Sprint(l.Item, " ", l.Tries))
			write(t, r, func(tx *Tx) error { return tx.Hold(l) })
		}
	}
	if want := []string{"read/001 1", "read/000 1", "read/002 1", "read/003 1"}; !slices.Equal(items, want) {
		t.Errorf("taken %q, want %q: each once", items, want)
	}
}

// A thread that is told to stop fails for itself alone: those that wait behind
// it get their pieces.
func TestClaimFailsForItself(t *testing.T) {
	r := start(t, open(t, filepath.Join(t.TempDir(), "j.db")))
	in := round(t, r, "d", pieces("read/", 20)...)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	r.claiming.Lock()
	c := gather(t, r, in, 4, "read/")
	me := &claimant{claimOf: claimOf{in.ID, "read/", ttl}}
	r.queue(me)
	if err := r.serve(stopped, me); !errors.Is(err, context.Canceled) || me.served {
		t.Errorf("a thread that is told to stop is served: %v", err)
	}
	r.claiming.Unlock()
	c.threads.Wait()
	if len(c.errs) > 0 {
		t.Errorf("threads behind it failed: %v", c.errs)
	}
	c.wantEach(t, 4, 0, 0)
}
