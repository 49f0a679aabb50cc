package restart

import (
	"context"
	"errors"
	"fmt"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/rename"
)

// returning is what the journal has of a way back, from its first moment on.
type returning struct {
	From   journal.State `json:"from"`   // renaming after a failure, renamed and what follows for a release
	Power  rename.State  `json:"power"`  // in which the domain is to end
	Locked bool          `json:"locked"` // Nova's instance, when the way back began
}

// released: somebody wants the domain back as it was; nothing has failed.
func (r returning) released() bool { return r.From != journal.StateRenaming }

// Back brings a domain back to what it was before its restart, byte for byte,
// with one more restart if it runs; a guest that Nova has stopped since stays
// off. It works from every state of a restart, also of one that was killed, and
// goes on where it was killed itself. What the guest has written stays: it has
// always been in the same files.
//
// The domain ends as Returned. Refused is one that stays as it is, under Nova's
// name, and Half one that could not be finished now.
func (r *Restarter) Back(ctx context.Context, j Job, o Options) Result {
	w := r.walk(j, o)
	w.back = true
	defer w.close()
	w.tell(stepReturn)
	if err := interrupted(ctx); err != nil {
		return w.end(Refused, err)
	}
	ctx = context.WithoutCancel(ctx)
	if err := w.open(ctx); err != nil {
		return w.end(w.unmoved(), err)
	}
	switch w.state {
	case journal.StateRenamed, journal.StateFinalized, journal.StateSwapping, journal.StateRenaming, journal.StateReturning:
	default:
		w.warnOfVariables(ctx)
		w.forget(ctx) // of a call that was killed while it saved, or at its very end
		return w.end(Already, nil)
	}
	if err := w.remember(ctx); err != nil {
		return w.end(w.unmoved(), err)
	}
	if w.kept == nil {
		return w.end(w.unmoved(), fmt.Errorf("%w: the journal does not say where it is", ErrKept))
	}
	if w.state == journal.StateReturning {
		return w.resumeBack(ctx)
	}
	return w.beginBack(ctx)
}

// beginBack decides how the domain is to end, and notes it before anything
// else: a call that goes on later sees the domain in some state in between.
func (w *walk) beginBack(ctx context.Context) Result {
	r := returning{From: w.state, Power: w.kept.Saved.State, Locked: w.kept.Row.Locked}
	var err error
	if w.state == journal.StateSwapping {
		err = w.awaitNova(ctx) // It may have been ordered to start the guest.
	}
	if err == nil {
		err = w.look(ctx)
	}
	if err == nil {
		err = w.stranger()
	}
	if err == nil && r.released() {
		r.Power, r.Locked, err = w.checkRelease(ctx)
	}
	if err != nil {
		return w.end(w.unmoved(), err)
	}
	if err := w.turn(ctx, r, "it is being released"); err != nil {
		return w.end(w.unmoved(), err)
	}
	return w.finishBack(ctx, r, nil)
}

// turn notes that the domain goes back, and why.
func (w *walk) turn(ctx context.Context, r returning, why string) error {
	notes := []func(*journal.Tx) error{w.begun(stepReturn), w.ended(stepReturn, asJSON(r), nil)}
	if r.released() {
		notes = append(notes, w.ended(stepRelease, "", nil))
	}
	return w.toState(ctx, journal.StateReturning, why, notes...)
}

// rollBack brings a domain back for which a step has failed.
func (w *walk) rollBack(ctx context.Context, cause error) Result {
	failedAt := w.result.Step
	w.back = true
	r := returning{From: journal.StateRenaming, Power: w.kept.Saved.State, Locked: w.kept.Row.Locked}
	if err := w.turn(ctx, r, fmt.Sprintf("%s: %v", failedAt, cause)); err != nil {
		return w.end(Half, errors.Join(cause, err))
	}
	w.result.Step = failedAt
	return w.finishBack(ctx, r, cause)
}

// turned is how a way back began that was killed.
func (w *walk) turned() (r returning, err error) {
	ok, err := w.madeBy(stepReturn, &r)
	if err == nil && !ok {
		err = fmt.Errorf("%w: how its way back began", ErrKept)
	}
	return r, err
}

// resumeBack goes on with a way back that was killed.
func (w *walk) resumeBack(ctx context.Context) Result {
	r, err := w.turned()
	if err != nil {
		return w.end(Half, err)
	}
	return w.finishBack(ctx, r, nil)
}

// resumeRollback is resumeBack for a call that was to go forward.
func (w *walk) resumeRollback(ctx context.Context) Result {
	w.back = true
	r, err := w.turned()
	switch {
	case err != nil:
		return w.end(Half, err)
	case r.released():
		return w.end(Half, fmt.Errorf("%w: its release was begun; finish that", ErrState))
	}
	return w.finishBack(ctx, r, fmt.Errorf("an earlier run has failed: %s", w.reason))
}

// finishBack goes all of the way. The cause is why; it is nil for a release,
// and a domain that cannot be shut down for one stays where it is.
func (w *walk) finishBack(ctx context.Context, r returning, cause error) Result {
	failedAt := w.result.Step
	err := w.goBack(ctx, r)
	switch {
	case err == nil && cause == nil:
		return w.end(Returned, nil)
	case err == nil:
		w.result.Step = failedAt
		return w.end(RolledBack, cause)
	case w.result.Step == stepStop && !errors.Is(err, ErrAway) && !errors.Is(err, ErrJournal) && !errors.Is(err, rename.ErrElsewhere):
		return w.stay(ctx, r, cause, err)
	}
	w.log.Warn("way back failed", "step", w.result.Step, "err", err)
	if cause != nil {
		err = fmt.Errorf("%w; on the way back: %w", cause, err)
	}
	return w.half(ctx, journal.StateReturning, err)
}

// stay leaves a guest running that does not shut down: as it is, under Nova's
// name. For a release that is the end of it. After a failure the next call asks
// once more whether the guest is healthy, and else tries again.
func (w *walk) stay(ctx context.Context, r returning, cause, err error) Result {
	if !r.released() {
		if cause != nil {
			err = fmt.Errorf("%w; it is left running: %w", cause, err)
		}
		return w.half(ctx, journal.StateRenaming, err)
	}
	if failed := w.final(ctx, !r.Locked); failed != nil {
		return w.half(ctx, journal.StateReturning, errors.Join(err, failed))
	}
	if failed := w.toState(ctx, r.From, err.Error()); failed != nil {
		return w.end(Half, errors.Join(err, failed))
	}
	return w.end(Refused, err)
}

// goBack does what is left of the way back, and closes it in the journal.
func (w *walk) goBack(ctx context.Context, r returning) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	if err := w.checkDisks(ctx); err != nil {
		return err
	}
	if err := w.run(ctx, step{stepHold, w.heldDone, w.holdAgain}); err != nil {
		return err
	}
	if err := w.swift(ctx, w.backDuring(r)...); err != nil {
		return err
	}
	for _, s := range w.backAfter(r) {
		if err := w.run(ctx, s); err != nil {
			return err
		}
	}
	w.tell(stepEnd)
	if err := w.toState(ctx, journal.StateImported, "", w.recordModel(w.kept.NICModel.Before), w.undone); err != nil {
		return err
	}
	w.log.Info("domain is back as it was", "name", w.kept.Saved.Name)
	w.warnOfVariables(ctx)
	w.forget(ctx)
	return nil
}

// backDuring are the steps on the way back in which the guest is off.
func (w *walk) backDuring(r returning) []step {
	steps := []step{
		{stepStop, w.stopDone, w.stop},
		{stepNames, w.namesDone, w.linkNames},
		{stepVariables, w.returnedDone, w.returnVariables},
		{stepRestore, w.restoreDone, w.restore},
	}
	if r.Power == rename.StateShutoff {
		return steps
	}
	paused := r.Power == rename.StatePaused
	return append(steps, step{stepAgain, w.againDone, func(ctx context.Context) error { return w.startAgain(ctx, paused) }})
}

// backAfter are those in which it does its work again.
func (w *walk) backAfter(r returning) []step {
	steps := []step{{stepClear, w.clearDone, func(ctx context.Context) error { return w.clear(ctx, r) }}}
	if w.kept.NICModel.changes() || w.wasSwapped() {
		steps = append(steps, step{stepModel, never, w.returnModel})
	}
	if r.Power != rename.StateShutoff {
		paused := r.Power == rename.StatePaused
		steps = append(steps, step{stepAgain, w.againDone, func(ctx context.Context) error { return w.startOnceMore(ctx, paused) }})
	}
	return append(steps, step{stepSettle, w.returnSettled, func(ctx context.Context) error { return w.final(ctx, !w.kept.Row.Locked) }})
}
