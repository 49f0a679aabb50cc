package restart

import (
	"context"
	"errors"
	"fmt"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// Forward restarts a domain under Nova's name, or goes on where a call that was
// killed has stopped. The domain ends as Renamed, or RolledBack to what it was;
// Half is one that could not be finished either way now. One that was on its
// way back goes on there, and is RolledBack.
//
// The end of ctx is heeded between steps, and only while the guest has not been
// asked to shut down yet.
func (r *Restarter) Forward(ctx context.Context, j Job, o Options) Result {
	w := r.walk(j, o)
	defer w.close()
	w.tell(stepLook)
	safe := context.WithoutCancel(ctx)
	if err := w.open(safe); err != nil {
		return w.end(w.unmoved(), err)
	}
	switch w.state {
	case journal.StateRenamed, journal.StateFinalized:
		return w.end(Already, nil)
	case journal.StateImported, journal.StateRenaming, journal.StateReturning:
	default:
		return w.end(Refused, fmt.Errorf("%w: the journal says %s", ErrState, w.state))
	}
	if err := w.remember(safe); err != nil {
		return w.end(w.unmoved(), err)
	}
	if w.state == journal.StateReturning {
		return w.resumeRollback(safe)
	}
	if w.kept == nil {
		if err := w.prepare(safe); err != nil {
			return w.end(w.unmoved(), err)
		}
	} else if err := w.letNovaFinish(safe); err != nil {
		return w.half(safe, w.state, err)
	}
	return w.forward(ctx)
}

// unmoved is the outcome of a call that has not come to its first step.
func (w *walk) unmoved() Outcome {
	switch w.state {
	case journal.StateRenaming, journal.StateReturning, journal.StateSwapping:
		return Half
	}
	return Refused
}

// forward does all steps after the saving.
func (w *walk) forward(ctx context.Context) Result {
	safe := context.WithoutCancel(ctx)
	for _, s := range w.before() {
		err := interrupted(ctx)
		if err == nil {
			err = w.run(safe, s)
		}
		if err != nil {
			return w.failed(safe, err)
		}
	}
	if err := w.swift(safe, w.during()...); err != nil {
		return w.failed(safe, err)
	}
	for _, s := range w.after() {
		if err := w.run(safe, s); err != nil {
			return w.failed(safe, err)
		}
	}
	w.tell(stepEnd)
	if err := w.toState(safe, journal.StateRenamed, "", w.recordModel(w.kept.NICModel.After), w.ended(stepEnd, asJSON(w.result.Times), nil)); err != nil {
		return w.end(Half, err)
	}
	w.log.Info("domain renamed", "name", w.job.instanceName(), "down", w.result.Times.Down)
	return w.end(Renamed, nil)
}

func interrupted(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
}

// before are the steps while the guest runs on as it always did.
func (w *walk) before() []step {
	return []step{{stepHold, w.holdDone, w.hold}, {stepStage, w.stageDone, w.stage}}
}

// during are those in which it is off.
func (w *walk) during() []step {
	steps := []step{{stepShutdown, w.shutdownDone, w.takeDown}}
	switch {
	case w.kept.byNova():
		return append(steps, step{stepName, w.variablesDone, w.placeVariables}, step{stepStart, w.novaStarted, w.startByNova})
	case w.kept.off():
		return append(steps, step{stepName, w.nameDone, w.name})
	}
	return append(steps, step{stepName, w.nameDone, w.name}, step{stepStart, w.startDone, w.start})
}

// after are those in which it runs under Nova's name.
func (w *walk) after() []step {
	settle, unlock := step{stepSettle, w.settleDone, w.settle}, step{stepUnlock, w.unlockDone, w.unlock}
	if w.kept.off() {
		return []step{settle, unlock}
	}
	steps := []step{{stepHealth, w.healthDone, w.checkHealth}}
	if w.kept.proves() {
		steps = append(steps, step{stepPause, w.pauseDone, w.pause}, step{stepProve, w.proved, w.prove}, step{stepProven, w.provenDone, w.checkHealth})
	}
	return append(steps, settle, unlock)
}

// never is for what is asked again by every call: it changes nothing.
func never(context.Context) (bool, error) { return false, nil }

// failed decides what becomes of a domain for which a step has failed.
//
// Nobody can be blamed for a host that is away or a journal that is full: the
// same call goes on from here. A guest that goes on on another host must not be
// started here. A healthy one is not taken down again because a record could
// not be written. Everything else goes back.
func (w *walk) failed(ctx context.Context, err error) Result {
	step := w.result.Step
	w.log.Warn("step failed", "step", step, "err", err)
	switch {
	case w.stays(err), step == stepSettle, step == stepUnlock:
		return w.half(ctx, journal.StateRenaming, err)
	case step == stepHold && refusedByNova(err):
		return w.refuse(ctx, err)
	}
	return w.rollBack(ctx, err)
}

// stays: it is left where it is for the same call again, or for a person.
func (w *walk) stays(err error) bool {
	return errors.Is(err, ErrJournal) || errors.Is(err, ErrAway) || errors.Is(err, ErrStranger) || errors.Is(err, rename.ErrElsewhere)
}

// refusedByNova are the errors of Hold that have changed nothing.
func refusedByNova(err error) bool {
	return errors.Is(err, nova.ErrBusy) || errors.Is(err, nova.ErrMoved) || errors.Is(err, nova.ErrNotOurs)
}

// refuse leaves a domain that Nova does not let go. If an earlier call has come
// further, it is left for a later one.
func (w *walk) refuse(ctx context.Context, err error) Result {
	if w.begunStep(stepStage) {
		return w.half(ctx, journal.StateRenaming, err)
	}
	if err := w.toState(ctx, journal.StateImported, "", w.undone); err != nil {
		return w.end(Half, err)
	}
	w.forget(ctx)
	return w.end(Refused, err)
}

// half leaves a domain where it is. The journal has why, for status; but after a
// write that failed it may have come further than is known here.
func (w *walk) half(ctx context.Context, state journal.State, err error) Result {
	var notes []func(*journal.Tx) error
	if errors.Is(err, rename.ErrElsewhere) {
		notes = append(notes, w.begun(stepElsewhere)) // It may be undefined here by the next call.
	}
	if !errors.Is(err, ErrJournal) {
		err = errors.Join(err, w.toState(ctx, state, err.Error(), notes...))
	}
	return w.end(Half, err)
}
