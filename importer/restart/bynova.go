package restart

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lightcloud/kvm2openstack/nova"
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
	failed error
}

// novaStarted: the domain has Nova's name and runs, and Nova has finished.
func (w *walk) novaStarted(ctx context.Context) (bool, error) {
	if !w.named() || !w.here.active() {
		return false, nil
	}
	row, err := w.row(ctx)
	return row.TaskState == "" && row.VMState == "active", err
}

// startByNova has Nova make the domain from its records and start it. What an
// earlier call has ordered is waited for. Between the states that are written
// here and Nova's own start nothing else may happen to the domain.
func (w *walk) startByNova(ctx context.Context) error {
	if w.stopped.At.IsZero() {
		w.stopped.At = w.now() // An earlier call has stopped it.
	}
	if err := w.look(ctx); err != nil {
		return err
	}
	row, err := w.row(ctx)
	if err != nil {
		return err
	}
	if row.Held || row.TaskState == "" && row.VMState == "active" && !w.here.active() {
		err := w.Writer.Settle(ctx, nova.Final{
			UUID: w.job.uuid(), Host: w.job.Compute, VMState: "stopped", PowerState: nova.PowerShutdown,
		})
		if err != nil {
			return err
		}
	}
	w.started.Issued = w.now()
	err = w.await(ctx, &errand{
		act: "start", from: "SHUTOFF", give: w.Servers.Start,
		done: func() bool { return w.named() && w.here.active() },
	})
	w.started.Took = w.now().Sub(w.started.Issued)
	w.result.Times.Gap, w.result.Times.Start = w.started.Gap(w.stopped), w.started.Took
	return err
}

// proved: the definition is no longer the one that was edited here, so that
// Nova has made its own.
func (w *walk) proved(context.Context) (bool, error) { return w.regenerated(), nil }

func (w *walk) regenerated() bool {
	return !w.here.gone && w.named() && w.defined(w.here.Definition) != nil
}

// prove has Nova make the domain anew while somebody watches.
func (w *walk) prove(ctx context.Context) error {
	w.started.Issued = w.now() // for the health that is asked for next
	return w.await(ctx, &errand{
		act: "reboot", from: "ACTIVE", give: w.Servers.HardReboot,
		done: func() bool { return w.regenerated() && w.here.active() },
	})
}

// letNovaFinish waits until Nova has done what an earlier call has ordered. Its
// database is asked only where Nova had its hands free.
func (w *walk) letNovaFinish(ctx context.Context) error {
	if _, settled := w.steps[prefix+stepSettle]; !settled && !w.kept.byNova() {
		return nil
	}
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
		if err != nil {
			o.failed = err
		}
		if w.now().After(deadline) {
			return fmt.Errorf("%w: %s: %w (%v)", ErrNova, o.act, errors.Join(errNoTime, o.failed), w.opt.Nova)
		}
		select {
		case <-time.After(w.opt.Poll):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// attend looks once how far Nova is, and gives the order when it is due.
func (w *walk) attend(ctx context.Context, o *errand) (finished bool, err error) {
	if err := w.look(ctx); err != nil {
		return errors.Is(err, ErrAway), err
	}
	status, task, _, fault, err := w.Servers.Server(ctx, w.job.uuid())
	switch {
	case err != nil:
		return false, err
	case task != "":
		return false, fmt.Errorf("its task is %s", task)
	case status == "ACTIVE" && o.done():
		return true, nil
	case status == "ERROR":
		return true, fmt.Errorf("%w: %s: %s", ErrNova, o.act, orUnknown(fault))
	case status != o.from:
		return false, fmt.Errorf("its status is %s", status)
	case o.given > 0 && o.failed == nil:
		return true, fmt.Errorf("%w: %s: it is %s again: %s", ErrNova, o.act, status, orUnknown(fault))
	case o.given == maxOrders:
		return true, fmt.Errorf("%w: %s: %w", ErrNova, o.act, o.failed)
	}
	o.given++
	o.failed = o.give(ctx, w.job.uuid())
	return false, o.failed
}

func orUnknown(fault string) string {
	if fault == "" {
		return "it does not say why; nova-compute's log on the host does"
	}
	return fault
}
