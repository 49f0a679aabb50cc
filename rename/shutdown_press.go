package rename

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// stopping is one shutdown under way.
type stopping struct {
	*Domain
	how         Shutdown
	began       time.Time
	events      <-chan Event // nil without Events
	agent, acpi bool         // ways in which this guest can be asked

	next     *time.Timer  // until it is asked again
	answered chan pressed // what libvirt said to a request

	by         string // the last thing done to it
	askedAgent bool
	presses    int
	pressing   bool  // a press has not been answered
	finishing  bool  // the guest has finished
	trouble    error // the last thing that went wrong
}

// pressed is what became of one request to the guest.
type pressed struct {
	by  string
	err error
}

const (
	byAgent = "agent"
	byACPI  = "acpi"
	byTerm  = "term"
	byKill  = "kill"
)

// press asks the guest, by the best way that is left.
func (s *stopping) press(ctx context.Context) {
	switch {
	case s.finishing:
	case s.agent && !s.askedAgent:
		s.askedAgent = true
		s.next.Reset(s.how.Agent)
		s.request(ctx, byAgent, libvirt.DomainShutdownGuestAgent, s.how.Agent)
	case s.acpi && s.presses < s.how.Presses.Most:
		s.next.Reset(s.how.Presses.Every)
		if s.pressing {
			return
		}
		s.presses++
		s.pressing = true
		s.request(ctx, byACPI, libvirt.DomainShutdownAcpiPowerBtn, s.opt.Call)
	}
}

// request goes on while the state is looked at: a call by way of the agent is
// answered only when the guest is down, or after a minute, and one to a QEMU
// process that hangs is never answered. Two such calls are the most there are,
// of the five that a daemon works on for one connection.
func (s *stopping) request(ctx context.Context, by string, flags libvirt.DomainShutdownFlagValues, limit time.Duration) {
	s.by = by
	s.log.Info("domain asked to shut down", "by", by, "press", s.presses)
	go func() {
		err := try(ctx, s.Domain, request{act: "ask by " + by, limit: limit, patient: true}, func(lv calls, l libvirt.Domain) error {
			return lv.DomainShutdownFlags(l, flags)
		})
		s.answered <- pressed{by, err}
	}()
}

// heed takes in what libvirt said to a request. That it was passed on does not
// mean that the guest does it.
func (s *stopping) heed(ctx context.Context, p pressed) (*Stopped, error) {
	if p.by == byACPI {
		s.pressing = false
	}
	if p.err == nil {
		return nil, nil
	}
	s.trouble = p.err
	s.log.Info("request to shut down failed", "by", p.by, "cause", p.err)
	if p.by == byAgent && s.presses == 0 {
		s.next.Reset(0)
	}
	return s.look(ctx) // it may have been refused because the domain is off
}

// look asks for the state. A daemon that does not answer may be on its way up
// again; until the deadline that is no error.
func (s *stopping) look(ctx context.Context) (*Stopped, error) {
	state, reason, err := s.state(ctx)
	switch {
	case errors.Is(err, ErrGone):
		return nil, s.gone(err)
	case err != nil:
		s.trouble = err
		return nil, nil
	case state != StateShutoff:
		return nil, nil
	}
	return s.ended(Stopped{At: time.Now(), Reason: shutoffReasons[reason]})
}

// hear takes in what happened to the domain.
func (s *stopping) hear(ctx context.Context, ev Event) (*Stopped, error) {
	switch ev.Kind {
	case KindStopped:
		return s.confirm(ctx, Stopped{At: ev.At, Heard: true, Reason: stoppedReasons[ev.Detail]})
	case KindShutDown:
		s.finishing = true
	case KindRebooted:
		if s.by != "" {
			return nil, ErrRebooted
		}
	case KindStarted:
		return nil, ErrStarted
	case KindUndefined:
		return nil, fmt.Errorf("somebody undefined it meanwhile; define it again before it stops: %w", ErrTransient)
	case KindUnreliable:
		return s.look(ctx)
	}
	return nil, nil
}

// confirm makes sure that nobody was quick to start it again.
func (s *stopping) confirm(ctx context.Context, stopped Stopped) (*Stopped, error) {
	state, err := s.State(ctx)
	if err == nil && state != StateShutoff {
		return nil, fmt.Errorf("%w (state %s)", ErrStarted, state)
	}
	if errors.Is(err, ErrGone) {
		if _, elsewhere := s.ended(stopped); elsewhere != nil {
			return nil, elsewhere
		}
		return nil, fmt.Errorf("somebody undefined it meanwhile: %w", err)
	}
	return s.ended(stopped) // without an answer, the event stands
}

// goneLag is how long the event is waited for that says why a domain is gone.
const goneLag = 2 * time.Second

// gone tells a domain that somebody undefined from one that was migrated, which
// undefines it here too (virsh migrate --undefinesource, and Nova always): that
// one must not be defined and started here. The event that says so may be
// waiting to be heard, or be a moment behind.
func (s *stopping) gone(err error) error {
	if s.events == nil {
		return fmt.Errorf("somebody undefined it meanwhile: %w", err)
	}
	soon := time.After(goneLag)
	for {
		select {
		case ev := <-s.events:
			if ev.Kind != KindStopped {
				continue
			}
			if _, elsewhere := s.ended(Stopped{Reason: stoppedReasons[ev.Detail]}); elsewhere != nil {
				return elsewhere
			}
		case <-soon:
			return fmt.Errorf("somebody undefined it meanwhile: %w", err)
		}
	}
}

// ended tells a domain that is off from one whose guest goes on elsewhere.
func (s *stopping) ended(stopped Stopped) (*Stopped, error) {
	switch stopped.Reason {
	case reasonSaved, reasonMigrated:
		return nil, fmt.Errorf("%w (reason: %s)", ErrElsewhere, stopped.Reason)
	case "":
		stopped.Reason = reasonUnknown
	}
	return &stopped, nil
}

// Reasons of Stopped.Reason.
const (
	reasonUnknown   = "unknown"
	reasonShutdown  = "shutdown"
	reasonDestroyed = "destroyed"
	reasonCrashed   = "crashed"
	reasonMigrated  = "migrated"
	reasonSaved     = "saved"
	reasonFailed    = "failed"
	reasonDaemon    = "daemon" // libvirt found it gone when it started
	reasonSnapshot  = "from snapshot"
)

// stoppedReasons are of an event (virDomainEventStoppedDetailType).
var stoppedReasons = map[int]string{
	0: reasonShutdown, 1: reasonDestroyed, 2: reasonCrashed, 3: reasonMigrated,
	4: reasonSaved, 5: reasonFailed, 6: reasonSnapshot,
}

// shutoffReasons are of a state (virDomainShutoffReason).
var shutoffReasons = map[int32]string{
	1: reasonShutdown, 2: reasonDestroyed, 3: reasonCrashed, 4: reasonMigrated,
	5: reasonSaved, 6: reasonFailed, 7: reasonSnapshot, 8: reasonDaemon,
}
