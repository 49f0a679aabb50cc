package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A step is one change to a batch of domains that can be taken back.
//
// done looks at the world, not at the journal: after a crash nobody knows
// whether the last do took effect, and asking is the only safe way to go on.
// do and undo may fail for some domains only, with perDomain; any other error
// is about the batch as a whole. undo is harmless on what never took effect.
type step interface {
	name() string
	done(ctx context.Context, b batch) (map[string]bool, error)
	do(ctx context.Context, b batch) error
	undo(ctx context.Context, b batch) error
}

// errStays marks a failure after which a domain is not taken back: its
// instance is locked, harmless as it is, and a rerun completes it.
var errStays = errors.New("it stays locked as it is until a rerun completes it")

// errFatal marks what no domain can be blamed for: the journal or the
// databases cannot be used any more. The run ends. With before, the step had
// not begun.
type errFatal struct {
	error
	before bool
}

func (e errFatal) Unwrap() error { return e.error }

// A runner takes batches through steps.
type runner struct {
	steps  []step
	ledger Ledger
	log    *slog.Logger
	// later is what the next commit of the journal says besides: the end of one
	// step and the beginning of the next cost one commit together.
	later []func(*journal.Tx) error
}

// forward does all steps. Failures of domains are in the items; the error is
// one that ends the run.
func (r *runner) forward(ctx context.Context, b batch) error {
	for k, s := range r.steps {
		b = b.going()
		if len(b) == 0 {
			break
		}
		if ctx.Err() != nil {
			// A signal stops between steps, never inside one.
			for _, it := range b {
				it.end(it.soFar(k), s.name(), fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx)))
			}
			break
		}
		if err := r.run(ctx, k, b); err != nil {
			reached := k
			if e := (errFatal{}); !errors.As(err, &e) || !e.before {
				reached++
			}
			for _, it := range b {
				it.end(it.soFar(reached), s.name(), err)
			}
			return err
		}
	}
	for _, it := range b.going() {
		it.end(Imported, "", nil)
	}
	return nil
}

// run does one step for those of a batch for which it is not done.
func (r *runner) run(ctx context.Context, k int, b batch) error {
	s := r.steps[k]
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	done, err := s.done(ctx, b)
	if ask := (errAsk{}); errors.As(err, &ask) {
		r.stall(k, b, err)
		return nil
	}
	if err != nil {
		return errFatal{fmt.Errorf("find out what is done of %s: %w", s.name(), err), true}
	}
	todo := b.without(done)
	if len(todo) == 0 {
		return nil
	}
	if err := r.begin(ctx, s, todo); err != nil {
		return err // no intent on disk, no change in the world
	}
	failed, fatal := r.attempt(ctx, s, todo)
	if err := r.ended(s, todo, failed); err != nil && fatal == nil {
		fatal = errFatal{error: err}
	}
	if fatal != nil {
		return fatal
	}
	return r.failed(ctx, k, todo, failed)
}

// stall ends a batch where it is, because the cloud's APIs do not say how far
// it has come. Its rows have no host yet, or are final and locked.
func (r *runner) stall(k int, b batch, err error) {
	for _, it := range b {
		if k == 0 && it.unchanged() == Refused {
			it.end(Refused, r.steps[k].name(), err)
		}
		it.end(Half, r.steps[k].name(), fmt.Errorf("%w (%w)", err, errStays))
	}
}

// attempt does a step, one domain at a time if that is what it takes to find
// the one that spoils it for the others.
func (r *runner) attempt(ctx context.Context, s step, todo batch) (failed perDomain, fatal error) {
	err := s.do(ctx, todo)
	if err == nil || errors.As(err, &failed) {
		return failed, nil
	}
	if errors.Is(err, nova.ErrLockLost) {
		return nil, errFatal{error: err}
	}
	failed = perDomain{}
	if len(todo) == 1 {
		failed[todo[0].uuid()] = err
		return failed, nil
	}
	done, asked := s.done(ctx, todo)
	if asked != nil {
		return nil, errFatal{error: errors.Join(err, asked)} // The world does not answer.
	}
	for _, it := range todo.without(done) {
		one, fatal := r.attempt(ctx, s, batch{it})
		if fatal != nil {
			return failed, fatal
		}
		if err := one[it.uuid()]; err != nil {
			failed[it.uuid()] = err
		}
	}
	return failed, nil
}

// failed takes back the domains for which a step failed, or leaves them where
// that is safer.
func (r *runner) failed(ctx context.Context, k int, todo batch, failed perDomain) error {
	s := r.steps[k]
	var back batch
	for _, it := range todo {
		err := failed[it.uuid()]
		if err == nil {
			continue
		}
		r.log.Warn("step failed", "host", it.planned.Host, "domain", it.planned.Domain, "uuid", it.uuid(), "step", s.name(), "err", err)
		// What was final when the run came to it is Nova's: its domain may run under
		// Nova's own name by now, and only release, which looks, may take it out.
		if errors.Is(err, errStays) || it.stage == nova.Finished {
			it.end(Half, s.name(), err)
			continue
		}
		back = append(back, it)
	}
	undone, fatal := r.rollBack(ctx, k, back)
	for _, it := range back {
		err, why := failed[it.uuid()], undone[it.uuid()]
		switch {
		case why != nil:
			it.end(Half, s.name(), fmt.Errorf("%w; and it could not be taken back: %w", err, why))
		case fatal != nil:
			it.end(Half, s.name(), err)
		}
		it.end(RolledBack, s.name(), err)
	}
	return fatal
}

// rollBack takes back the steps up to k, and where an earlier run was at work
// all of them: it may have come further than this one.
func (r *runner) rollBack(ctx context.Context, k int, back batch) (failed perDomain, fatal error) {
	var begun, fresh batch
	for _, it := range back {
		if underWay(it.earlier) {
			begun = append(begun, it)
		} else {
			fresh = append(fresh, it)
		}
	}
	failed, fatal = r.backward(ctx, r.steps[:k+1], fresh)
	if fatal != nil {
		return failed, fatal
	}
	more, fatal := r.backward(ctx, r.steps, begun)
	maps.Copy(failed, more)
	return failed, fatal
}
