package rename

import (
	"context"
	"fmt"

	"github.com/digitalocean/go-libvirt"
)

// Resume lets a guest that is paused or asleep run on. One that runs is left
// alone; one that is off is an error.
func (d *Domain) Resume(ctx context.Context) error {
	state, err := d.State(ctx)
	if err != nil {
		return err
	}
	act := request{act: "resume"}
	switch state {
	case StateRunning, StateBlocked, StateShutdown:
		return nil
	case StatePaused:
		return try(ctx, d, act, calls.DomainResume)
	case StatePMSuspended:
		return try(ctx, d, act, func(lv calls, l libvirt.Domain) error { return lv.DomainPmWakeup(l, 0) })
	}
	return fmt.Errorf("resume: %w (state %s)", ErrPaused, state)
}

// SetAutostart says whether the host starts the domain when it boots.
func (d *Domain) SetAutostart(ctx context.Context, on bool) error {
	act := request{act: fmt.Sprintf("set autostart to %v", on)}
	return try(ctx, d, act, func(lv calls, l libvirt.Domain) error {
		var flag int32
		if on {
			flag = 1
		}
		return lv.DomainSetAutostart(l, flag)
	})
}
