package rename

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// force cuts the power of a domain whose plan allows it. SIGTERM first: QEMU
// then writes out what it holds for the disks, and ends. One that does not end
// by it, because it hangs or its storage does, is killed.
func (s *stopping) force(ctx context.Context) (Stopped, error) {
	var failed error
	for _, way := range []struct {
		by    string
		flags libvirt.DomainDestroyFlagsValues
	}{{byTerm, libvirt.DomainDestroyGraceful}, {byKill, libvirt.DomainDestroyDefault}} {
		s.by = way.by
		s.log.Warn("domain is cut off", "by", way.by, "cause", s.story())
		var stopped *Stopped
		failed = Insist(ctx, s.opt.Destroy, func(ctx context.Context) (err error) {
			stopped, err = s.destroy(ctx, way.by, way.flags)
			return err
		})
		switch {
		case stopped != nil:
			return s.describe(s.whenHeard(*stopped)), nil
		case errors.Is(failed, ErrGone), errors.Is(failed, ErrElsewhere):
			return Stopped{}, failed
		case ctx.Err() != nil:
			return Stopped{}, fmt.Errorf("given up while it was being cut off: %w", context.Cause(ctx))
		}
	}
	return Stopped{}, fmt.Errorf("%w; not even force ended it (%s): %w", ErrStillRunning, s.story(), failed)
}

// destroy ends the process, if it has not ended by itself.
func (s *stopping) destroy(ctx context.Context, by string, flags libvirt.DomainDestroyFlagsValues) (*Stopped, error) {
	failed := try(ctx, s.Domain, request{act: "end its QEMU process by " + by, limit: s.opt.Destroy}, func(lv calls, l libvirt.Domain) error {
		return lv.DomainDestroyFlags(l, flags)
	})
	stopped, err := s.look(ctx)
	if stopped != nil || err != nil {
		return stopped, err
	}
	return nil, failed
}

// whenHeard takes the time from the event, which is earlier than that of the
// look, if it comes soon.
func (s *stopping) whenHeard(stopped Stopped) Stopped {
	if s.events == nil {
		return stopped
	}
	soon := time.After(s.opt.heard)
	for {
		select {
		case ev := <-s.events:
			if ev.Kind == KindStopped {
				stopped.At, stopped.Heard = ev.At, true
				return stopped
			}
		case <-soon:
			return stopped
		}
	}
}
