package restart

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/rename"
)

// holdDone: Nova keeps its hands off. Once the domain is Nova's, or is about to
// be started by Nova, it must not any more.
func (w *walk) holdDone(ctx context.Context) (bool, error) {
	if !w.legacy() || w.kept.byNova() && !w.here.active() {
		return true, nil
	}
	row, err := w.row(ctx)
	return row.Held && row.Locked, err
}

// hold comes before anything that Nova's power sync could see.
func (w *walk) hold(ctx context.Context) error {
	return w.Writer.Hold(ctx, w.job.Compute, w.job.uuid())
}

// stageDone: all that can be made while the guest runs is made.
func (w *walk) stageDone(ctx context.Context) (bool, error) {
	if !w.legacy() {
		return true, nil
	}
	placed, err := w.variablesPlaced(ctx)
	if err != nil || !placed || w.kept.NICModel.changes() {
		return false, err
	}
	return w.kept.byNova() || w.defined(w.here.Definition) == nil, nil
}

// stage changes what the next start will use, and nothing of what runs: no file
// is copied and nothing is defined while the guest is off. EFI variables are
// compared once more then.
func (w *walk) stage(ctx context.Context) error {
	if m := w.kept.NICModel; m.changes() {
		if err := w.Writer.SetNICModel(ctx, w.job.Compute, w.job.uuid(), m.After); err != nil {
			return err
		}
	}
	if err := w.placeVariables(ctx); err != nil || w.kept.byNova() {
		return err
	}
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

// defined proves that a definition is the saved one with the change and no
// other, under whichever of its two names.
func (w *walk) defined(present string) error {
	name := ""
	if w.named() {
		name = w.job.instanceName()
	}
	_, err := rename.CheckDefined(w.kept.Saved.Definition, present, w.kept.Change.under(name))
	return err
}

// sameDefinition allows for what libvirt changes by itself: order and layout.
func sameDefinition(saved, present string) error {
	if saved == present {
		return nil
	}
	differences, err := rename.Compare(saved, present)
	if err != nil || len(differences) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s", rename.ErrDiffers, list(differences))
}

func list(differences []rename.Difference) string {
	texts := make([]string, len(differences))
	for i, d := range differences {
		texts[i] = d.String()
	}
	return strings.Join(texts, "; ")
}

func (w *walk) shutdownDone(context.Context) (bool, error) {
	if w.kept.off() && w.here.active() && w.legacy() {
		return false, fmt.Errorf("%w: it was off, and has been started", ErrMeanwhile)
	}
	return !w.here.active() || w.named(), nil
}

// takeDown shuts the guest down once nothing that is known by now would keep it
// from being started again.
func (w *walk) takeDown(ctx context.Context) error {
	if w.kept.byNova() || w.kept.proves() {
		if err := w.novaReady(ctx); err != nil {
			return err
		}
	}
	return w.shutdown(ctx)
}

// novaReady: Nova can be told that the guest is off, and would start it.
func (w *walk) novaReady(ctx context.Context) error {
	if _, err := w.row(ctx); err != nil {
		return err
	}
	return computeUp(ctx, w.Nova, w.job)
}

func (w *walk) shutdown(ctx context.Context) (err error) {
	how := howToStop(w.job, w.opt)
	proves := w.shelf == renameShelf && w.named()
	if (w.back || proves) && w.opt.Shutdown.Presses == (rename.Presses{}) && w.job.Plan.MadeFrom.OS != "other" {
		how.Presses = whileBooting
	}
	w.pressed = true
	w.stopped, err = w.domain.Shutdown(ctx, how)
	if err != nil && !errors.Is(err, rename.ErrElsewhere) {
		err = w.orOff(ctx, away(err))
	}
	if errors.Is(err, rename.ErrStillRunning) {
		w.warnOfLateEnd()
	}
	if err != nil {
		return err
	}
	w.result.Times.Shutdown, w.result.Times.Presses = w.stopped.Took, w.stopped.Presses
	if w.off.IsZero() {
		w.off = w.stopped.At
	}
	if !w.stopped.Clean() {
		w.warn("the guest did not end in good order: %s, after %s", w.stopped.Reason, w.stopped.By)
	}
	return nil
}

// warnOfLateEnd: nobody can take back that the guest was asked, and nothing that
// is left running waits for it.
func (w *walk) warnOfLateEnd() {
	how := ""
	if w.legacy() {
		how = " (virsh start " + w.job.uuid() + ")"
	}
	w.warn("the guest was asked to shut down and may still go off at any time; it then stays off until somebody starts it%s", how)
}

// orOff is nil if the domain is off after all: what failed was to hear of it.
func (w *walk) orOff(ctx context.Context, failed error) error {
	if err := w.look(ctx); err != nil || w.here.gone || w.here.active() {
		return failed
	}
	w.stopped = rename.Stopped{At: w.now(), Reason: "unknown"}
	return nil
}

// whileBooting is for guests on their way back, and before a proof: one that was
// started a moment ago hears no button before its system is up. Whoever has heard it once goes on
// shutting down whatever follows; the exception, illumos, is "other".
var whileBooting = rename.Presses{Most: 20, Every: 15 * time.Second}

// howToStop is how a guest is asked to shut down.
func howToStop(j Job, o Options) rename.Shutdown {
	how := o.Shutdown
	how.Force, how.Resume = j.Plan.Force, o.Resume
	if how.Presses == (rename.Presses{}) {
		how.Presses = rename.PressesFor(j.Plan.MadeFrom.OS)
	}
	return how
}

func (w *walk) nameDone(context.Context) (bool, error) { return w.named(), nil }

// name comes with a last look at the EFI variables: the guest may have changed
// them until its end.
func (w *walk) name(ctx context.Context) error {
	if err := w.placeVariables(ctx); err != nil {
		return err
	}
	return w.insist(ctx, func(ctx context.Context) error { return w.domain.Rename(ctx, w.job.instanceName()) })
}

// variablesDone is the step's name where Nova gives the domain its name: only
// the copies of the EFI variables are left to do. Once Nova has begun, the
// original is gone.
func (w *walk) variablesDone(ctx context.Context) (bool, error) {
	if !w.legacy() {
		return true, nil
	}
	if w.here.active() {
		return w.kept.Variables == "", nil // It may change them until its end.
	}
	row, err := w.row(ctx)
	if err != nil || row.TaskState != "" && !row.Held {
		return true, err // Nova is at work.
	}
	return w.variablesPlaced(ctx)
}
