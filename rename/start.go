package rename

import (
	"context"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// Started says when a domain was started.
type Started struct {
	// Issued is when libvirt was asked. From Stopped.At to here is the time
	// that the change of the domain added to the restart.
	Issued time.Time
	// Took is how long libvirt needed for it. The guest boots after that.
	Took time.Duration
	// WasActive says that the domain had a process already, and nothing was done.
	WasActive bool
}

// Start starts the domain, or with paused makes its process and leaves the
// guest before its first instruction. One that is active already is left as it
// is, whether paused or not. A managed save image is never discarded.
//
// What libvirt refuses (a port in use, a disk image or an ISO that is missing,
// an unknown machine type) is returned as it says it; the domain is off then.
// After an error for which Unanswered holds it may be starting.
func (d *Domain) Start(ctx context.Context, paused bool) (Started, error) {
	var flags libvirt.DomainCreateFlags
	if paused {
		flags = libvirt.DomainStartPaused
	}
	s := Started{Issued: time.Now()}
	err := try(ctx, d, request{act: "start", limit: d.opt.Start}, func(lv calls, l libvirt.Domain) error {
		_, err := lv.DomainCreateWithFlags(l, uint32(flags))
		return err
	})
	s.Took = time.Since(s.Issued)
	if err == nil {
		return s, nil
	}
	// Nothing was asked before, for that would be downtime. Now the state says
	// whether the domain was active already, or the start took effect and only
	// its answer was lost.
	state, looked := d.State(ctx)
	switch {
	case looked != nil || state == StateShutoff || state == StateCrashed:
		return Started{}, err
	case Unanswered(err):
		return s, nil
	}
	return Started{WasActive: true}, nil
}

// Gap is the time from the end of the old process to the order for a new one.
func (s Started) Gap(stopped Stopped) time.Duration { return s.Issued.Sub(stopped.At) }
