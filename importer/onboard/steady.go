package onboard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// ErrServesOthers says that nova-compute is at work already, and not for this
// cloud as far as its records tell.
var ErrServesOthers = errors.New("this cloud has no service of it")

// steadyLooks is how many looks one after the other find the same nova-compute
// until it is taken for one at work. One that Nova refuses ends within seconds,
// and systemd starts it again.
const steadyLooks = 30

// free fails where nova-compute is at work on a host of which this cloud has no
// service: it may be another cloud's or cell's, which would lose the host.
func (w *work) free(ctx context.Context) error {
	if w.Way == "" {
		return nil
	}
	s, err := w.look(ctx)
	if err != nil || s.service.UUID != "" {
		return err
	}
	if steady, err := w.steady(ctx); err != nil || !steady {
		return err
	}
	return fmt.Errorf("nova-compute runs on %s, and %w: it may serve another cloud or cell, so it is not stopped. If it serves none (its service was deleted, or it waits for a conductor that is away), stop it (%s); then the same command again",
		w.host.Name, ErrServesOthers, w.Settings.stopByHand())
}

// steady reports whether one and the same nova-compute runs over many looks.
func (w *work) steady(ctx context.Context) (bool, error) {
	first := ""
	for n := range steadyLooks {
		who, err := w.run(ctx, w.Settings.who())
		switch {
		case errors.Is(err, ErrStatus):
			return false, nil
		case err != nil:
			return false, err
		case n == 0:
			first = who
		case who != first:
			return false, nil // another one: the one before has ended
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
		case <-time.After(w.pause()):
		}
	}
	return true, nil
}

// who succeeds while nova-compute runs, and where systemd has it says which
// process it is.
func (s Settings) who() string {
	if s.Running != runningUnit(s.Unit) {
		return s.Running
	}
	return s.Running + " && systemctl show -p MainPID --value " + check.Shell(s.Unit)
}

// stopByHand ends nova-compute for somebody who sees what comes of it.
func (s Settings) stopByHand() string {
	if s.Stop != stopUnit(s.Unit) {
		return s.Stop
	}
	return "systemctl stop " + check.Shell(s.Unit)
}
