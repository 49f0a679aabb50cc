package restart

import (
	"context"
	"fmt"

	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// healthDone: what Nova makes anew is asked after that.
func (w *walk) healthDone(context.Context) (bool, error) {
	return w.kept.proves() && (w.regenerated() || w.paused() && !w.here.active()), nil
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
	w.handed = true
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
