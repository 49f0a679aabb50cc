package rename

import (
	"context"
	"fmt"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// watch sees whether a domain runs on.
type watch struct {
	*Domain
	health  Health
	since   time.Time
	events  <-chan Event
	id      int32 // of the process, 0 until known
	reboots int

	// silent is why the last look got no answer, since quiet. It says nothing
	// of the domain: a daemon may be away for a moment.
	silent error
	quiet  time.Time
}

// patience is how long a daemon may be away before it is no longer waited for.
const patience = time.Minute

// run returns when the domain has been steady for long enough and all others
// have their answers, or as soon as it is not steady. The error is of a daemon
// that stays away.
func (w *watch) run(ctx context.Context, others <-chan struct{}) (Answer, error) {
	poll := time.NewTicker(time.Second)
	defer poll.Stop()
	steady := time.NewTimer(w.health.Steady)
	defer steady.Stop()
	enough := steady.C
	bad := w.look(ctx)
	for bad == nil && (enough != nil || others != nil || w.silent != nil) {
		select {
		case ev := <-w.events:
			bad = w.hear(ctx, ev)
		case <-poll.C:
			bad = w.look(ctx)
		case <-enough:
			enough = nil
			bad = w.look(ctx)
		case <-others:
			others = nil
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		}
		if w.silent != nil && time.Since(w.quiet) > patience {
			return Answer{}, w.silent
		}
	}
	a := Answer{Asked: "runs without a break", OK: bad == nil, Took: time.Since(w.since)}
	a.Said = fmt.Sprintf("%v, %d reboots", w.health.Steady, w.reboots)
	if bad != nil {
		a.Said = bad.Error()
	}
	return a, nil
}

// hear judges what happened to the domain.
func (w *watch) hear(ctx context.Context, ev Event) error {
	switch ev.Kind {
	case KindStopped:
		return fmt.Errorf("it stopped (%s) %v after the start", stoppedReasons[ev.Detail], ev.At.Sub(w.since).Round(time.Millisecond))
	case KindCrashed:
		return fmt.Errorf("its guest crashed %v after the start", ev.At.Sub(w.since).Round(time.Millisecond))
	case KindRebooted:
		w.reboots++
		if w.reboots > w.health.Reboots {
			return fmt.Errorf("its guest rebooted %d times", w.reboots)
		}
	case KindSuspended, KindUnreliable:
		return w.look(ctx)
	}
	return nil
}

// look asks for the state and whether the process is still the same.
func (w *watch) look(ctx context.Context) error {
	l, err := w.find(ctx)
	if err == nil {
		var state State
		if state, err = w.State(ctx); err == nil {
			w.silent = nil
			return w.judge(l, state)
		}
	}
	if !Unanswered(err) {
		return err
	}
	if w.silent == nil {
		w.quiet = time.Now()
	}
	w.silent = err
	return nil
}

func (w *watch) judge(l libvirt.Domain, state State) error {
	if state != StateRunning && state != StateBlocked {
		return fmt.Errorf("it is %s", state)
	}
	if w.id != 0 && w.id != l.ID {
		return fmt.Errorf("it was stopped and started again: its number was %d and is %d", w.id, l.ID)
	}
	w.id = l.ID
	return nil
}
