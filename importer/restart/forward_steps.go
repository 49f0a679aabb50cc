package restart

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// prepare looks whether the domain may be restarted, and saves all that the way
// back needs. It changes nothing of it.
func (w *walk) prepare(ctx context.Context) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	if w.here.gone {
		return rename.ErrGone
	}
	k, err := w.gather(ctx)
	if err != nil {
		return err
	}
	w.tell(stepSave)
	if err := w.note(ctx, w.begun(stepSave)); err != nil {
		return err
	}
	if err := w.keep(ctx, k); err != nil {
		if !errors.Is(err, ErrJournal) {
			w.forget(ctx)
		}
		return away(err)
	}
	w.result.Warnings = append(w.result.Warnings, k.Warnings...)
	return nil
}

// gather finds out all that is saved, after all that could forbid the restart.
func (w *walk) gather(ctx context.Context) (*kept, error) {
	c := check{job: w.job, opt: w.opt, was: w.was, saved: w.here.Saved, look: struct {
		Domain
		stater
	}{w.domain, w.files}}
	if err := c.options(w.Servers != nil); err != nil {
		return nil, err
	}
	row, err := w.row(ctx)
	if err == nil {
		err = c.row(row)
	}
	for _, look := range []func(context.Context) error{c.domain, c.disks} {
		if err == nil {
			err = look(ctx)
		}
	}
	if err != nil {
		return nil, away(err)
	}
	k := &kept{
		Saved: w.here.Saved, StartBy: w.opt.StartBy, Prove: w.opt.Prove, Row: keptRow{row.VMState, row.PowerState, row.Locked},
		NICModel: keptModel{Before: w.was.Domain.NICModel, After: w.job.Plan.NICModel},
	}
	if k.Variables, err = findVariables(ctx, w.files.Stat, k.Saved); err != nil {
		return nil, away(err)
	}
	if k.Files, err = rename.SaveFiles(ctx, w.files, k.Saved); err != nil {
		return nil, away(err)
	}
	w.askGuest(ctx, k)
	return k, w.plan(ctx, k)
}

// stater is the part of Files that a check takes.
type stater interface {
	Stat(ctx context.Context, path string) (rename.File, error)
}

// askGuest asks the agent for what is compared after the restart. One that does
// not answer now is not asked then.
func (w *walk) askGuest(ctx context.Context, k *kept) {
	if !k.Saved.Agent {
		return
	}
	found, err := w.domain.Addresses(ctx)
	if err != nil {
		k.Warnings = append(k.Warnings, fmt.Sprintf("the guest's agent is connected and did not tell its addresses, so it is not asked after the restart: %v", err))
		return
	}
	k.Guest = keptGuest{Agent: true, Addresses: found}
}

// plan works out the definition that libvirt is to start the domain with.
func (w *walk) plan(ctx context.Context, k *kept) error {
	e, err := newEditor(w.job, w.was, k.Saved)
	if err != nil {
		return err
	}
	k.Warnings = append(k.Warnings, e.advice()...)
	if k.byNova() {
		return nil
	}
	var ports []cloud.Port
	if w.Ports != nil {
		if ports, err = w.Ports.PortsOf(ctx, []string{w.job.uuid()}); err != nil {
			return err
		}
	}
	e.bridges, e.stat = w.files, w.files.Stat
	found, err := e.edit(ctx, ports)
	k.Change = found.change
	k.Warnings = append(k.Warnings, found.warnings...)
	return err
}

// advice is what a person should know before a guest gets another adapter.
func (e *editor) advice() (texts []string) {
	for _, nic := range e.now.Interfaces {
		if e.swaps(nic) && e.job.Plan.MadeFrom.OS == "windows" {
			texts = append(texts, fmt.Sprintf("Windows takes interface %s, %s instead of %s, for a new adapter: static addresses stay with the old one, which is hidden then, and have to be set again", nic.MAC, e.job.Plan.NICModel, nic.Model))
		}
	}
	return texts
}

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
	texts := make([]string, len(differences))
	for i, d := range differences {
		texts[i] = d.String()
	}
	return fmt.Errorf("%w: %s", rename.ErrDiffers, strings.Join(texts, "; "))
}

func (w *walk) shutdownDone(context.Context) (bool, error) {
	if w.kept.off() && w.here.active() && w.legacy() {
		return false, fmt.Errorf("%w: it was off, and has been started", ErrMeanwhile)
	}
	return !w.here.active() || w.named(), nil
}

func (w *walk) shutdown(ctx context.Context) (err error) {
	w.stopped, err = w.domain.Shutdown(ctx, howToStop(w.job, w.opt))
	if err != nil && !errors.Is(err, rename.ErrElsewhere) {
		err = w.orOff(ctx, away(err))
	}
	if err != nil {
		return err
	}
	w.result.Times.Shutdown, w.result.Times.Presses = w.stopped.Took, w.stopped.Presses
	if !w.stopped.Clean() {
		w.warn("the guest did not end in good order: %s, after %s", w.stopped.Reason, w.stopped.By)
	}
	return nil
}

// orOff is nil if the domain is off after all: what failed was to hear of it.
func (w *walk) orOff(ctx context.Context, failed error) error {
	if err := w.look(ctx); err != nil || w.here.gone || w.here.active() {
		return failed
	}
	w.stopped = rename.Stopped{At: w.now(), Reason: "unknown"}
	return nil
}

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

func (w *walk) startDone(context.Context) (bool, error) { return w.named() && w.here.active(), nil }

func (w *walk) start(ctx context.Context) error {
	err := w.startDomain(ctx, false, min(startPatience, w.opt.Patience))
	if err == nil && !w.stopped.At.IsZero() {
		w.result.Times.Gap, w.result.Times.Start = w.started.Gap(w.stopped), w.started.Took
	}
	return err
}

// startPatience is how long libvirt is asked again to start a domain before it
// goes back. One that was cut off just before may need it: libvirt 9.0 ends the
// new process when it comes to the end of the old one too late (qemu_driver.c,
// processMonitorEOFEvent; seen in one of a hundred such starts). It costs a
// moment where the reason is another.
const startPatience = 2 * time.Second

func (w *walk) startDomain(ctx context.Context, paused bool, patience time.Duration) error {
	deadline := w.now().Add(patience)
	for wait := min(patience/8, time.Second); ; wait *= 2 {
		err := w.insist(ctx, func(ctx context.Context) (err error) {
			w.started, err = w.domain.Start(ctx, paused)
			return err
		})
		if err == nil || errors.Is(err, ErrAway) || w.now().Add(wait).After(deadline) {
			return err
		}
		w.warn("libvirt did not start it at the first attempt: %v", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// healthDone: what Nova has made anew is asked after that.
func (w *walk) healthDone(context.Context) (bool, error) {
	return w.kept.proves() && w.regenerated(), nil
}

// states are how Nova records what the domain does now (nova/virt/libvirt/guest.py,
// LIBVIRT_POWER_STATE, and the pairs that its power sync leaves alone).
func (w *walk) states() (vmState string, power int, err error) {
	switch {
	case w.here.gone:
		return "", 0, rename.ErrGone
	case w.here.State == rename.StateRunning, w.here.State == rename.StateBlocked:
		return "active", nova.PowerRunning, nil
	case w.here.State == rename.StatePaused:
		return "paused", nova.PowerPaused, nil
	case w.here.State == rename.StateShutoff:
		return "stopped", nova.PowerShutdown, nil
	}
	return "", 0, fmt.Errorf("%w: the domain is %s, which Nova has no word for", ErrInNova, w.here.State)
}

// settleDone: Nova's records say what the domain does, and Nova alone starts it.
func (w *walk) settleDone(ctx context.Context) (bool, error) {
	vmState, power, err := w.states()
	if err != nil || w.here.Autostart {
		return false, err
	}
	row, err := w.row(ctx)
	return row.TaskState == "" && row.VMState == vmState && row.PowerState == power, err
}

func (w *walk) settle(ctx context.Context) error {
	if w.here.Autostart {
		if err := w.insist(ctx, func(ctx context.Context) error { return w.domain.SetAutostart(ctx, false) }); err != nil {
			return err
		}
	}
	return w.final(ctx, false)
}

// final writes the states of this moment.
func (w *walk) final(ctx context.Context, unlock bool) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	vmState, power, err := w.states()
	if err != nil {
		return err
	}
	return w.Writer.Settle(ctx, nova.Final{
		UUID: w.job.uuid(), Host: w.job.Compute, VMState: vmState, PowerState: power, Unlock: unlock,
	})
}

func (w *walk) unlockDone(ctx context.Context) (bool, error) {
	if w.job.Plan.Lock == plan.Keep {
		return true, nil
	}
	row, err := w.row(ctx)
	return !row.Locked, err
}

func (w *walk) unlock(ctx context.Context) error { return w.final(ctx, true) }
