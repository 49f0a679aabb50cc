package restart

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lightcloud/kvm2openstack/nova"
)

// A phase is how far a task has come.
type phase int

const (
	waiting phase = iota
	begun
	through
	astray // half done: its guest may be down, and nobody works on it
)

// An order decides what may begin. It knows neither clock nor goroutines: all
// it looks at are its tasks, and what it is told.
type order struct {
	tasks  []Task
	limits Limits

	phase    []phase
	underWay map[int]time.Time // since when
	failures int
	proven   bool // the first domain went well
	over     string
	reason   string // why nothing more was begun when it was last asked, "" while limits alone say so
}

func newOrder(tasks []Task, limits Limits) *order {
	return &order{tasks: tasks, limits: limits, phase: make([]phase, len(tasks)), underWay: map[int]time.Time{}, proven: limits.AllAtOnce}
}

// next are the tasks that may begin now, all of them at once. When none may
// any more, over says why.
func (o *order) next(now time.Time, told command) (may []int) {
	o.reason = ""
	_, open := o.limits.Window.Open(now)
	switch {
	case told >= stopping:
		o.finish("the run was stopped")
	case told == paused && open:
		o.reason = "paused"
	case told == paused:
		o.finish(o.limits.Window.closed(0))
	default:
		may = o.choose(now)
	}
	if o.over != "" && o.over != allThrough {
		o.reason = o.over
	}
	return may
}

// choose is next for a run that nobody holds up.
func (o *order) choose(now time.Time) (may []int) {
	use := o.inUse()
	for n, t := range o.tasks {
		if t.Begun && o.phase[n] == waiting && o.hasRoom(use, n) {
			use.take(t)
			may = append(may, n)
		}
	}
	if o.over == "" {
		may = append(may, o.fresh(now, use)...)
	}
	return may
}

// allThrough is the end that nobody has to be told.
const allThrough = "all are through"

// finish ends the run; the first reason counts.
func (o *order) finish(why string) []int {
	o.over = cmp.Or(o.over, why)
	return nil
}

// fresh are those of the tasks nobody has begun before.
func (o *order) fresh(now time.Time, use inUse) (may []int) {
	candidates := o.wave()
	switch {
	case len(candidates) == 0:
		if !slices.Contains(o.phase, waiting) {
			o.finish(allThrough)
		}
		return nil // Others of the wave are under way, or what an earlier run had begun waits.
	case o.limits.StopAfter > 0 && o.failures >= o.limits.StopAfter:
		return o.finish(fmt.Sprintf("stopped after %d failures", o.failures))
	case !o.fits(now):
		return o.finish(o.whyClosed(now))
	}
	for _, n := range candidates {
		if !o.proven && len(o.underWay)+len(may) > 0 {
			o.reason = "the first domain is restarted alone"
			return may
		}
		if o.hasRoom(use, n) {
			use.take(o.tasks[n])
			may = append(may, n)
		}
	}
	if len(may)+len(o.underWay) == 0 && use.astray > 0 {
		return o.finish("what is half done leaves no room: it counts as unavailable, for its guest may be down")
	}
	return may
}

// wave are the tasks of the first wave that is not through, without those that
// an earlier run had begun; none while such a one waits.
func (o *order) wave() (candidates []int) {
	lowest := -1
	for n, t := range o.tasks {
		switch {
		case t.Begun && o.phase[n] == waiting:
			return nil
		case !t.Begun && (o.phase[n] == waiting || o.phase[n] == begun) && (lowest < 0 || t.Wave < o.tasks[lowest].Wave):
			lowest = n
		}
	}
	for n, t := range o.tasks {
		if lowest >= 0 && !t.Begun && o.phase[n] == waiting && t.Wave == o.tasks[lowest].Wave {
			candidates = append(candidates, n)
		}
	}
	return candidates
}

// fits reports whether a restart that begins now ends inside the window.
func (o *order) fits(now time.Time) bool {
	end, open := o.limits.Window.Open(now)
	return open && (end.IsZero() || !now.Add(o.limits.Expect.Next()).After(end))
}

func (o *order) whyClosed(now time.Time) string {
	if _, open := o.limits.Window.Open(now); !open {
		return o.limits.Window.closed(0)
	}
	return o.limits.Window.closed(o.limits.Expect.Next())
}

// closes is when the window does, zero where there is none or it is closed.
func (o *order) closes(now time.Time) time.Time {
	end, _ := o.limits.Window.Open(now)
	return end
}

// begin notes that a task has begun.
func (o *order) begin(n int, now time.Time) {
	o.phase[n] = begun
	o.underWay[n] = now
}

// end notes what became of a task. A guest that was off proves nothing: it was
// not shut down, and not started.
func (o *order) end(n int, r Result, now time.Time) {
	took := now.Sub(o.underWay[n])
	delete(o.underWay, n)
	o.phase[n] = through
	if why := endsRun(r.Err); why != "" {
		o.finish(why)
	}
	switch r.Outcome {
	case Renamed, Returned:
		if r.Times.Shutdown+r.Times.Down > 0 {
			o.proven = true
			o.limits.Expect.Add(took)
		}
	case Half:
		o.phase[n] = astray
		fallthrough
	case RolledBack:
		o.failures++
		if !o.proven && !o.tasks[n].Begun {
			o.finish("the first domain did not go well; see to it, or leave it out with --skip")
		}
	}
}

// endsRun says why no other domain would fare better than one with this error,
// "" for what is its own.
func endsRun(err error) string {
	switch {
	case errors.Is(err, ErrJournal):
		return "the journal cannot be written"
	case errors.Is(err, nova.ErrLockLost):
		return "the lock on Nova's databases was lost"
	}
	return ""
}
