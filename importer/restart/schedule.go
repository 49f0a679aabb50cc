package restart

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// NotTried is a domain that a run ended before. Nothing of it was touched.
const NotTried Outcome = "not tried"

// A Task is one domain of a run as its schedule sees it.
type Task struct {
	Host, Domain, UUID string
	// Wave orders a run: domains of the next one wait until all of this one
	// are through.
	Wave int
	// Group names domains of which only one may be down at a time, such as
	// the members of a cluster. "" is none.
	Group string
	// Begun is one that an earlier run was killed in, so that its guest may be
	// off. It goes before all others, and no window, wave or first domain holds
	// it up.
	Begun bool
}

// Limits bound what a run does at a time. 0 is no bound.
type Limits struct {
	PerHost     int // restarts under way on one host
	Unavailable int // restarts under way on all hosts, with what is half done
	// StopAfter is after how many failures, rolled back or half done, nothing
	// new is begun.
	StopAfter int
	// Window is when a restart may be under way; the zero one is always.
	Window Window
	// Expect is how long a restart may take; see Estimate.
	Expect Estimate
	// AllAtOnce leaves the canary out: otherwise the first domain is restarted
	// alone, and the rest only if that went well.
	AllAtOnce bool
}

// A Schedule carries out many restarts in their order and within their limits.
type Schedule struct {
	Limits  Limits
	Control *Control         // nil: nobody pauses or stops it but its context
	Notify  func(Event)      // nil for nobody; called from one goroutine
	Now     func() time.Time // nil is the clock
	Log     *slog.Logger     // nil says nothing
}

// An Event tells how a run goes on.
type Event struct {
	Task   int     // which of the tasks begins, or ended; -1 when Reason has changed
	Result *Result // what became of it, nil when it begins
	Reason string  // why nothing new is begun, "" while there is no such reason
	// Left is how long the rest may take, by what has been measured.
	Left time.Duration
}

// Run does every task, or says why it was not tried. Its results are in the
// order of the tasks. do is called from several goroutines and gets the number
// of a task; it must come to an end by itself.
//
// When ctx ends, nothing new is begun and what is in hand is finished. The
// context that do gets ends only by Control.Cancel.
func (s *Schedule) Run(ctx context.Context, tasks []Task, do func(context.Context, int) Result) []Result {
	r := &running{
		Schedule: s, control: s.Control, order: newOrder(tasks, s.Limits),
		results: make([]Result, len(tasks)), ended: make(chan int, len(tasks)),
	}
	if r.control == nil {
		r.control = &Control{}
	}
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	go r.control.cancelling(work, cancel)
	for {
		change := r.control.changes() // before anything is decided, so that none is missed
		r.begin(work, do)
		if len(r.order.underWay) == 0 && r.order.over != "" {
			return r.finish()
		}
		r.wait(ctx, change)
	}
}

// A running is a Schedule while it runs.
type running struct {
	*Schedule
	control *Control
	order   *order
	results []Result
	ended   chan int
	told    string // the reason that was told last
}

// begin begins what may begin now.
func (r *running) begin(ctx context.Context, do func(context.Context, int) Result) {
	told := r.control.state()
	for may := r.order.next(r.now(), told); len(may) > 0; may = r.order.next(r.now(), told) {
		for _, n := range may {
			r.order.begin(n, r.now())
			r.notify(Event{Task: n})
			go func() {
				r.results[n] = r.carryOut(ctx, do, n)
				r.ended <- n
			}()
		}
	}
	if r.order.reason != r.told {
		r.told = r.order.reason
		r.notify(Event{Task: -1, Reason: r.told})
	}
}

// carryOut is do, whose defects must not end the restarts of other domains.
func (r *running) carryOut(ctx context.Context, do func(context.Context, int) Result, n int) (result Result) {
	defer func() {
		if p := recover(); p != nil {
			err := fmt.Errorf("this is a defect of kvm2openstack: %v", p)
			result = r.unfinished(n, Half, err.Error())
			result.Err = &Error{Host: result.Host, Domain: result.Domain, Step: "schedule", Err: err}
			if r.Log != nil {
				r.Log.Error("crash in a restart", "host", result.Host, "domain", result.Domain, "uuid", result.UUID, "err", err, "stack", string(debug.Stack()))
			}
		}
	}()
	return do(ctx, n)
}

// wait waits for anything that may let something begin, or end the run.
func (r *running) wait(ctx context.Context, change <-chan struct{}) {
	var closes <-chan time.Time
	if end := r.order.closes(r.now()); !end.IsZero() {
		timer := time.NewTimer(end.Sub(r.now()))
		defer timer.Stop()
		closes = timer.C
	}
	stopped := ctx.Done()
	if r.control.state() >= stopping {
		stopped = nil // It is known already.
	}
	select {
	case n := <-r.ended:
		r.order.end(n, r.results[n], r.now())
		r.notify(Event{Task: n, Result: &r.results[n]})
	case <-change:
	case <-closes:
	case <-stopped:
		r.control.Stop()
	}
}

// finish gives every task that was not begun its result.
func (r *running) finish() []Result {
	for n, p := range r.order.phase {
		switch {
		case p != waiting:
		case r.order.tasks[n].Begun:
			r.results[n] = r.unfinished(n, Half, "an earlier run has begun it, and nothing was done now: "+r.order.over)
		default:
			r.results[n] = r.unfinished(n, NotTried, r.order.over)
		}
	}
	return r.results
}

func (r *running) unfinished(n int, o Outcome, reason string) Result {
	t := r.order.tasks[n]
	return Result{Host: t.Host, Domain: t.Domain, UUID: t.UUID, Outcome: o, Reason: reason}
}

func (r *running) notify(e Event) {
	if r.Notify != nil {
		e.Left = r.order.left(r.now())
		r.Notify(e)
	}
}

func (s *Schedule) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
