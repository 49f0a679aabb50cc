package restart

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

var errNoTime = errors.New("it took longer than it may")

// maxOrders is how often Nova is given the same order: one that was not
// answered may have been taken.
const maxOrders = 3

// An errand is something that Nova is to do with the instance.
type errand struct {
	act    string
	from   string // the instance's status in which it is given
	give   func(ctx context.Context, uuid string) error
	done   func() bool // the domain, looked at just before, is as it was wanted
	given  int
	failed error // of the order given last: it may have been taken all the same
}

// novaStarted: the domain has Nova's name and runs, and Nova has finished. One
// that is held was started, did not show that it works, and did not shut down
// for its way back either: Nova must not start it a second time.
func (w *walk) novaStarted(ctx context.Context) (bool, error) {
	if !w.named() || !w.here.active() {
		return false, nil
	}
	row, err := w.row(ctx)
	return (row.TaskState == "" || row.Held) && row.VMState == "active", err
}

// startByNova has Nova make the domain from its records and start it. What an
// earlier call has ordered is waited for. Between the states that are written
// here and Nova's own start nothing else may happen to the domain.
func (w *walk) startByNova(ctx context.Context) error {
	if w.stopped.At.IsZero() {
		w.stopped.At = w.now() // An earlier call has stopped it.
	}
	return w.orderStart(ctx, func() bool { return w.named() && w.here.active() })
}

// orderStart gives the order, and waits until the domain is as it should be.
func (w *walk) orderStart(ctx context.Context, done func() bool) error {
	w.markConsoles(ctx)
	if err := w.handOver(ctx); err != nil {
		return err
	}
	w.started.Issued = w.now()
	err := w.await(ctx, &errand{act: "start", from: "SHUTOFF", give: w.Servers.Start, done: done})
	w.started.Took = w.now().Sub(w.started.Issued)
	w.result.Times.Gap, w.result.Times.Start = w.started.Gap(w.stopped), w.started.Took
	return err
}

// handOver tells Nova that the instance is off, and that its hands are free.
func (w *walk) handOver(ctx context.Context) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	row, err := w.row(ctx)
	if err != nil {
		return err
	}
	cleared := row.TaskState == "" && row.VMState == "active" && !w.here.active() // by a nova-compute that was started meanwhile
	switch {
	case !row.Held && !cleared:
		return nil
	case w.here.active():
		return fmt.Errorf("%w: it was shut down, and runs again; to start it, Nova would cut its power", ErrMeanwhile)
	}
	if err := computeUp(ctx, w.Nova, w.job); err != nil {
		return err // It still is the way back's to start.
	}
	w.handed = true // also if it fails: the commit may have been carried out
	return w.Writer.Settle(ctx, nova.Final{
		UUID: w.job.uuid(), Host: w.job.Compute, VMState: "stopped", PowerState: nova.PowerShutdown,
	})
}

// pauseDone: the guest is off, for Nova to make its domain anew; or that is
// done.
func (w *walk) pauseDone(context.Context) (bool, error) {
	return !w.here.active() || w.regenerated(), nil
}

// pause shuts the guest down in good order: Nova's hard reboot cuts the power
// of one that runs. A guest that does not shut down a second time, or that
// nobody would start again, stays as it is, healthy and not proven.
func (w *walk) pause(ctx context.Context) error {
	if err := w.novaReady(ctx); err != nil {
		w.unproven = true
		w.warn("it was not proven that Nova can make it anew: the guest was left running: %v", err)
		return nil
	}
	err := w.shutdown(ctx)
	if err == nil || errors.Is(err, ErrAway) || errors.Is(err, rename.ErrElsewhere) {
		return err
	}
	w.unproven = true
	w.warn("it was not proven that Nova can make it anew: the guest did not shut down once more: %v", err)
	return nil
}

// paused: an earlier call has begun to shut the guest down for its proof, so
// that it is Nova's to start.
func (w *walk) paused() bool {
	return w.kept.proves() && w.begunStep(stepPause)
}

// proved: the definition is no longer the one that was edited here, so that
// Nova has made its own.
func (w *walk) proved(context.Context) (bool, error) { return w.unproven || w.regenerated(), nil }

func (w *walk) provenDone(context.Context) (bool, error) { return w.unproven, nil }

// regenerated: what libvirt adds to a definition when it takes it is no sign
// of Nova, but Nova's own mark is.
func (w *walk) regenerated() bool {
	if w.here.gone || !w.named() {
		return false
	}
	return w.defined(w.here.Definition) != nil || marked(w.here.Definition) && !marked(w.kept.Saved.Definition)
}

// marked reports whether Nova has made a definition.
func marked(definition string) bool {
	d, err := discover.Parse([]byte(definition), nil)
	return err == nil && d.MetadataNova
}

// prove has Nova make the domain anew while somebody watches.
func (w *walk) prove(ctx context.Context) error {
	if err := w.handOver(ctx); err != nil {
		return err
	}
	w.markConsoles(ctx)
	w.started.Issued = w.now() // for the health that is asked for next
	return w.await(ctx, &errand{
		act: "hard reboot", from: "SHUTOFF", give: w.Servers.HardReboot,
		done: func() bool { return w.regenerated() && w.here.active() },
	})
}

// handedBefore: an earlier call may have come to a time at which Nova had its
// hands free, since the domain was held. What is to be done while the guest is
// off is noted as begun all at once, before it is asked to shut down.
func (w *walk) handedBefore() bool {
	return w.kept.byNova() && w.begunStep(stepStart) || w.begunStep(stepSettle) || w.begunStep(stepProve)
}

// letNovaFinish waits until Nova has done what an earlier call has ordered. Its
// database is asked only where Nova had its hands free.
func (w *walk) letNovaFinish(ctx context.Context) error {
	if !w.handed {
		return nil
	}
	return w.awaitNova(ctx)
}

// awaitNova waits until Nova has no task of its own with the instance.
func (w *walk) awaitNova(ctx context.Context) error {
	deadline := w.now().Add(w.opt.Nova)
	for {
		row, err := w.row(ctx)
		if err != nil || row.TaskState == "" || row.Held {
			return err
		}
		if w.now().After(deadline) {
			return fmt.Errorf("%w: its task is %s for %v already", nova.ErrBusy, row.TaskState, w.opt.Nova)
		}
		select {
		case <-time.After(w.opt.Poll):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// await gives an order and waits until it is carried out.
func (w *walk) await(ctx context.Context, o *errand) error {
	deadline := w.now().Add(w.opt.Nova)
	for {
		finished, err := w.attend(ctx, o)
		if finished {
			return err
		}
		if w.now().After(deadline) {
			return fmt.Errorf("%w: %s: %w (%v): %w", ErrNova, o.act, errNoTime, w.opt.Nova, err)
		}
		select {
		case <-time.After(w.opt.Poll):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// attend looks once how far Nova is, and gives the order when it is due. Until
// it is finished, the error is what it waits for.
func (w *walk) attend(ctx context.Context, o *errand) (finished bool, err error) {
	// The API first: what Nova says to be finished the domain must show by then.
	status, task, _, fault, err := w.Servers.Server(ctx, w.job.uuid())
	if err != nil {
		return false, err
	}
	if err := w.look(ctx); err != nil {
		return errors.Is(err, ErrAway), err
	}
	taken := o.given > 0 && o.failed == nil // and its task is set since then
	switch {
	case task != "":
		return false, fmt.Errorf("its task is %s", task)
	case status == "ACTIVE" && o.done():
		return true, nil
	case taken || status == "ERROR":
		return true, fmt.Errorf("%w: %s: it is %s: %s", ErrNova, o.act, status, cmp.Or(fault, "it does not say why; nova-compute's log on the host does"))
	case status != o.from:
		return false, fmt.Errorf("its status is %s", status)
	case o.given == maxOrders:
		return true, fmt.Errorf("%w: %s: %w", ErrNova, o.act, o.failed)
	}
	o.given++
	if o.failed = o.give(ctx, w.job.uuid()); o.failed != nil {
		return false, o.failed
	}
	return false, errors.New("it was ordered")
}
