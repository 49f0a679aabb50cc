package restart

import (
	"context"
	"errors"
	"fmt"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/rename"
)

// Swap gives the interfaces of a renamed domain the model of its plan, in one
// more restart: Nova's records get it, and libvirt's definition or the one that
// Nova makes. It is the way back of a restart that swapped them, too, where the
// name is to stay. A call that was killed is gone on with by the next.
//
// The domain ends as Swapped, or as RolledBack to what it was; Half and Refused
// are as those of Forward.
func (r *Restarter) Swap(ctx context.Context, j Job, o Options) Result {
	w := r.walk(j, o)
	w.shelf = swapShelf
	defer w.close()
	w.tell(stepLook)
	safe := context.WithoutCancel(ctx)
	if err := w.open(safe); err != nil {
		return w.end(w.unmoved(), err)
	}
	switch w.state {
	case journal.StateRenamed, journal.StateFinalized:
		done, err := w.prepareSwap(safe)
		switch {
		case err != nil:
			return w.end(w.unmoved(), err)
		case done:
			w.forget(safe) // of a call that was killed at its end
			return w.end(Already, nil)
		}
		return w.swap(ctx)
	case journal.StateSwapping:
		return w.resumeSwap(ctx)
	}
	return w.end(w.unmoved(), fmt.Errorf("%w: the journal says %s, not %s", ErrState, w.state, journal.StateRenamed))
}

// resumeSwap goes on with what was killed, in the direction that it had.
func (w *walk) resumeSwap(ctx context.Context) Result {
	safe := context.WithoutCancel(ctx)
	if err := w.remember(safe); err != nil {
		return w.end(Half, err)
	}
	if w.kept == nil {
		return w.end(Half, fmt.Errorf("%w: the journal does not say where it is", ErrKept))
	}
	if w.begunStep(stepReturn) {
		return w.finishSwapBack(safe, fmt.Errorf("an earlier run has failed: %s", w.reason))
	}
	if err := w.letNovaFinish(safe); err != nil {
		return w.half(safe, journal.StateSwapping, err)
	}
	return w.swap(ctx)
}

// prepareSwap looks whether the domain may be restarted, and saves what the way
// back needs. Done is one whose interfaces and records are as they should be.
func (w *walk) prepareSwap(ctx context.Context) (done bool, err error) {
	if err := w.look(ctx); err != nil {
		return false, err
	}
	if err := w.checkSwap(ctx); err != nil {
		return false, away(err)
	}
	k, err := w.gatherSwap(ctx)
	if err != nil {
		return false, away(err)
	}
	if len(k.Change.NICs) == 0 && !k.NICModel.changes() {
		return true, nil
	}
	w.tell(stepSave)
	if err := w.keep(ctx, k); err != nil {
		if !errors.Is(err, ErrJournal) {
			w.forget(ctx)
		}
		return false, away(err)
	}
	w.result.Warnings = append(w.result.Warnings, k.Warnings...)
	return false, nil
}

// checkSwap looks for what would fail in the middle.
func (w *walk) checkSwap(ctx context.Context) error {
	if w.here.gone {
		return rename.ErrGone
	}
	c := w.check()
	if err := c.options(w.Servers != nil); err != nil {
		return err
	}
	row, err := w.row(ctx)
	if err == nil {
		err = c.row(row)
	}
	if err == nil {
		err = c.compute(ctx, w.Nova)
	}
	if err == nil {
		err = c.swapDomain(ctx)
	}
	return err
}

// gatherSwap finds out all that is saved, and what is to become different.
func (w *walk) gatherSwap(ctx context.Context) (*kept, error) {
	row, err := w.row(ctx)
	if err != nil {
		return nil, err
	}
	before, err := w.Nova.NICModel(ctx, w.job.Compute.Cell, w.job.uuid())
	if err != nil {
		return nil, err
	}
	k := &kept{
		Saved: w.here.Saved, StartBy: w.opt.StartBy, Row: keptRow{row.VMState, row.PowerState, row.Locked}, From: w.state,
		NICModel: keptModel{Before: before, After: w.job.Plan.NICModel},
	}
	if k.Variables, err = findVariables(ctx, w.files.Stat, k.Saved); err != nil {
		return nil, err
	}
	if k.Files, err = rename.SaveFiles(ctx, w.files, k.Saved); err != nil {
		return nil, err
	}
	w.askGuest(ctx, k)
	e, err := newEditor(w.job, w.was, k.Saved)
	if err != nil {
		return nil, err
	}
	k.Warnings = append(k.Warnings, e.advice()...)
	k.Change.NICs = e.models()
	_, err = rename.Apply(k.Saved.Definition, k.Change.under(""))
	return k, err
}

// models are the interfaces that are to have another model.
func (e *editor) models() map[string]rename.NIC {
	nics := map[string]rename.NIC{}
	for _, nic := range e.now.Interfaces {
		if e.swaps(nic) {
			nics[nic.MAC] = rename.NIC{Model: e.job.Plan.NICModel}
		}
	}
	return nics
}
