package restart

import (
	"context"
	"errors"
	"fmt"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/rename"
)

// swap does all steps after the saving.
func (w *walk) swap(ctx context.Context) Result {
	safe := context.WithoutCancel(ctx)
	for _, s := range []step{{stepHold, w.swapHeld, w.hold}, {stepModel, never, w.setModel}, {stepStage, w.swapStaged, w.stageSwap}} {
		err := interrupted(ctx)
		if err == nil {
			err = w.run(safe, s)
		}
		if err != nil {
			return w.swapFailed(safe, err)
		}
	}
	if !w.kept.off() {
		start := step{stepStart, w.swapStarted, w.start}
		if w.kept.byNova() {
			start.do = w.swapByNova
		}
		if err := w.swift(safe, step{stepShutdown, w.swapStopped, w.takeDown}, start); err != nil {
			return w.swapFailed(safe, err)
		}
		if err := w.run(safe, step{stepHealth, never, w.checkHealth}); err != nil {
			return w.swapFailed(safe, err)
		}
	}
	settled := step{stepSettle, w.returnSettled, func(ctx context.Context) error { return w.final(ctx, !w.kept.Row.Locked) }}
	if err := w.run(safe, settled); err != nil {
		return w.half(safe, journal.StateSwapping, err)
	}
	w.tell(stepEnd)
	if err := w.toState(safe, w.kept.From, "", w.recordModel(w.kept.NICModel.After), w.ended(stepEnd, "", nil)); err != nil {
		return w.end(Half, err)
	}
	w.forget(safe)
	return w.end(Swapped, nil)
}

// changed: the guest runs with the interfaces that it was to get.
func (w *walk) changed() bool {
	if !w.here.active() {
		return false
	}
	live, err := discover.Parse([]byte(w.here.Live), nil)
	if err != nil {
		return false
	}
	for _, nic := range live.Interfaces {
		if want, ok := w.kept.Change.NICs[nic.MAC]; ok && nic.Model != want.Model {
			return false
		}
	}
	return true
}

// swapHeld: Nova keeps its hands off, or is through.
func (w *walk) swapHeld(ctx context.Context) (bool, error) {
	if w.changed() || w.kept.byNova() && !w.here.active() {
		return true, nil
	}
	row, err := w.row(ctx)
	return row.Held && row.Locked, err
}

// setModel has Nova make the interfaces so, whenever it makes the domain.
func (w *walk) setModel(ctx context.Context) error {
	return w.Writer.SetNICModel(ctx, w.job.Compute, w.job.uuid(), w.kept.NICModel.After)
}

func (w *walk) swapStaged(context.Context) (bool, error) {
	return w.kept.byNova() || w.here.gone || w.defined(w.here.Definition) == nil, nil
}

// stageSwap changes what the next start will use.
func (w *walk) stageSwap(ctx context.Context) error {
	saved := w.kept.Saved.Definition
	text, err := rename.Apply(saved, w.kept.Change.under(""))
	if err != nil {
		return err
	}
	return w.insist(ctx, func(ctx context.Context) error {
		return w.domain.Define(ctx, rename.Definition{
			Text:   text,
			Fits:   func(present string) error { return sameDefinition(saved, present) },
			Proves: w.defined,
		})
	})
}

func (w *walk) swapStopped(context.Context) (bool, error) {
	return !w.here.active() || w.changed(), nil
}

func (w *walk) swapStarted(ctx context.Context) (bool, error) {
	if !w.changed() || !w.kept.byNova() {
		return w.changed(), nil
	}
	row, err := w.row(ctx)
	return row.TaskState == "" && row.VMState == "active", err
}

// swapByNova has Nova make the domain anew and start it.
func (w *walk) swapByNova(ctx context.Context) error {
	if w.stopped.At.IsZero() {
		w.stopped.At = w.now() // An earlier call has stopped it.
	}
	return w.orderStart(ctx, w.changed)
}

// swapFailed decides what becomes of a domain for which a step has failed, as
// failed does.
func (w *walk) swapFailed(ctx context.Context, err error) Result {
	step := w.result.Step
	w.log.Warn("step failed", "step", step, "err", err)
	switch {
	case w.stays(err):
		return w.half(ctx, journal.StateSwapping, err)
	case step == stepHold && refusedByNova(err) && !w.begunStep(stepModel):
		if noted := w.toState(ctx, w.kept.From, "", w.swapUndone); noted != nil {
			return w.end(Half, noted)
		}
		w.forget(ctx)
		return w.end(Refused, err)
	}
	noted := w.toState(ctx, journal.StateSwapping, fmt.Sprintf("%s: %v", step, err), w.begun(stepReturn), w.ended(stepReturn, "{}", nil))
	if noted != nil {
		return w.end(Half, errors.Join(err, noted))
	}
	return w.finishSwapBack(ctx, err)
}

// swapUndone says that nothing is left of a swap.
func (w *walk) swapUndone(tx *journal.Tx) error { return tx.EndUndoAll(swapPrefix, w.job.uuid()) }

// finishSwapBack brings the interfaces back to what they were: definition,
// records and the running guest.
func (w *walk) finishSwapBack(ctx context.Context, cause error) Result {
	failedAt := w.result.Step
	w.back = true
	err := w.run(ctx, step{stepHold, w.heldDone, w.holdAgain})
	if err == nil {
		err = w.swift(ctx, w.swapBackDuring()...)
	}
	for _, s := range []step{
		{stepModel, never, w.returnModel},
		{stepSettle, w.returnSettled, func(ctx context.Context) error { return w.final(ctx, !w.kept.Row.Locked) }},
	} {
		if err == nil {
			err = w.run(ctx, s)
		}
	}
	if err == nil {
		w.tell(stepEnd)
		err = w.toState(ctx, w.kept.From, "", w.ended(stepEnd, "", nil))
	}
	if err != nil {
		return w.half(ctx, journal.StateSwapping, fmt.Errorf("%w; on the way back: %w", cause, err))
	}
	w.forget(ctx)
	w.result.Step = failedAt
	return w.end(RolledBack, cause)
}

// swapBackDuring are the steps in which the guest may be off.
func (w *walk) swapBackDuring() []step {
	steps := []step{
		{stepStop, w.swapStopDone, w.shutdown},
		{stepVariables, w.returnedDone, w.returnVariables},
		{stepRestore, w.restoreDone, w.restore},
	}
	if w.kept.off() {
		return steps
	}
	again := func(ctx context.Context) (bool, error) {
		stays, err := w.swapStopDone(ctx)
		return stays && w.here.active(), err
	}
	return append(steps, step{stepAgain, again, func(ctx context.Context) error { return w.startAgain(ctx, false) }})
}

// swapStopDone: it is off, or runs as it did.
func (w *walk) swapStopDone(context.Context) (bool, error) {
	return !w.here.active() || w.untouched(), nil
}
