package rename

import (
	"context"
	"fmt"
)

// CheckShutdown is what Shutdown refuses before it does anything, for those who
// want to know beforehand. A domain that is off passes.
func (d *Domain) CheckShutdown(ctx context.Context, how Shutdown) error {
	_, _, err := d.stoppable(ctx, how)
	return err
}

// stoppable says what a domain is and has that decides how it may be stopped,
// and refuses what must not be. The live definition counts: a lifecycle action
// can be changed while it runs.
func (d *Domain) stoppable(ctx context.Context, how Shutdown) (State, facts, error) {
	state, err := d.State(ctx)
	if err != nil || state == StateShutoff {
		return state, facts{}, err
	}
	persistent, err := d.persistent(ctx)
	if err != nil {
		return state, facts{}, err
	}
	live, err := d.live(ctx)
	if err != nil {
		return state, facts{}, err
	}
	f, err := readFacts(live)
	asleep := state == StatePaused || state == StatePMSuspended
	switch {
	case err != nil:
	case !persistent:
		err = ErrTransient
	case f.poweroffRestarts():
		err = fmt.Errorf("%w (it is %s)", ErrPoweroffRestarts, f.Off)
	case !f.agentConnected() && f.ACPI == nil && !how.Force:
		err = ErrNoButton
	case asleep && !how.Resume, state == StateCrashed:
		err = fmt.Errorf("%w (state %s)", ErrPaused, state)
	}
	return state, f, err
}

// prepare refuses what must not be stopped, wakes what sleeps, and notes how
// the guest can be asked.
func (s *stopping) prepare(ctx context.Context) (off bool, err error) {
	state, f, err := s.stoppable(ctx, s.how)
	if err != nil || state == StateShutoff {
		return err == nil, err
	}
	s.agent, s.acpi = f.agentConnected(), f.ACPI != nil
	return false, s.Resume(ctx)
}
