package rename

import (
	"context"
	"errors"
	"fmt"
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
	flags := startFlags(paused)
	return d.start(ctx, func(lv calls, l libvirt.Domain) error {
		_, err := lv.DomainCreateWithFlags(l, uint32(flags))
		return err
	})
}

// StartOnce is Start with another definition, of the same domain under its
// present name, until its end. The persistent one stays as it is.
func (d *Domain) StartOnce(ctx context.Context, text string, paused bool) (Started, error) {
	present, err := d.Definition(ctx)
	if err == nil {
		err = d.isOurs(present, text)
	}
	if err == nil { // Without a definition of its own it would be gone at its end.
		var persistent bool
		if persistent, err = d.persistent(ctx); err == nil && !persistent {
			err = ErrTransient
		}
	}
	if err != nil {
		return Started{}, fmt.Errorf("start: %w", err)
	}
	flags := startFlags(paused)
	return d.start(ctx, func(lv calls, _ libvirt.Domain) error {
		_, err := lv.DomainCreateXML(text, flags)
		return err
	})
}

func startFlags(paused bool) (flags libvirt.DomainCreateFlags) {
	if paused {
		flags = libvirt.DomainStartPaused
	}
	return flags
}

func (d *Domain) start(ctx context.Context, order func(calls, libvirt.Domain) error) (Started, error) {
	s := Started{Issued: time.Now()}
	err := try(ctx, d, request{act: "start", limit: d.opt.Start}, order)
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

// ErrNotStarted is a domain that somebody else was to start, and did not.
var ErrNotStarted = errors.New("it was not started")

// AwaitStart waits until the domain runs, by whomever it is started, for at most
// within. While Nova starts one of its instances the host does not have the
// domain at all for a moment, so that is no error here. The time is that of the
// event, or of the look that found it running; heard may be nil.
func (d *Domain) AwaitStart(ctx context.Context, within time.Duration, heard *Events) (time.Time, error) {
	var events <-chan Event
	if heard != nil {
		l, err := heard.Listen(d.UUID())
		if err != nil {
			return time.Time{}, err
		}
		defer l.Close()
		events = l.C
	}
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("%w within %v", ErrNotStarted, within))
	defer cancel()
	poll := time.NewTicker(time.Second)
	defer poll.Stop()
	var at time.Time
	for {
		state, err := d.State(ctx)
		switch {
		case err == nil && state == StateRunning && at.IsZero():
			return time.Now(), nil
		case err == nil && state == StateRunning:
			return at, nil
		case err != nil && !errors.Is(err, ErrGone) && !Unanswered(err):
			return time.Time{}, fmt.Errorf("wait for the start: %w", err)
		}
		select {
		case ev := <-events:
			if ev.Kind == KindStarted {
				at = ev.At
			}
		case <-poll.C:
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("wait for the start: %w (state %s)", context.Cause(ctx), state)
		}
	}
}
