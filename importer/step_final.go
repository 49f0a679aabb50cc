package importer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// finalStep makes the instances Nova's, from the state that the domains are in
// right now. A state from the beginning of the run could be minutes old, and
// Nova's power sync would act on the difference.
type finalStep struct{ *Importer }

func (finalStep) name() string { return stepFinal }

func (s finalStep) done(ctx context.Context, b batch) (map[string]bool, error) {
	return s.reached(ctx, b, nova.Finished)
}

// do never leads to a rollback: a domain that cannot be made final now may be
// at the next run, and until then its records have no effect.
func (s finalStep) do(ctx context.Context, b batch) error {
	states, failed := s.present(ctx, b)
	var finals []nova.Final
	for _, it := range b {
		if failed[it.uuid()] != nil {
			continue
		}
		vm, power, err := finalState(states[it.uuid()])
		if err != nil {
			failed[it.uuid()] = err
			continue
		}
		finals = append(finals, nova.Final{UUID: it.uuid(), Host: it.compute, VMState: vm, PowerState: power})
	}
	if len(finals) > 0 {
		if err := s.Writer.Finish(ctx, finals); err != nil {
			if errors.Is(err, nova.ErrLockLost) {
				return err
			}
			s.unfinished(ctx, finals, err, failed)
		}
		if err := s.lookAgain(ctx, b.without(failed.set()), finals, failed); err != nil {
			return err
		}
	}
	for uuid, err := range failed {
		failed[uuid] = fmt.Errorf("%w (%w)", err, errStays)
	}
	return failed.orNil()
}

// lookAgain records what has become of guests since they were looked at: another
// host of the batch may have taken its time to answer. A guest that was started
// meanwhile and is recorded as stopped would be powered off by Nova. What cannot
// be told now Nova's own power sync has to find out. A lost lock ends the run.
func (s finalStep) lookAgain(ctx context.Context, b batch, finals []nova.Final, failed perDomain) error {
	states, _ := s.present(ctx, b)
	for _, f := range finals {
		state, told := states[f.UUID]
		vm, power, err := finalState(state)
		if !told || err != nil || vm == f.VMState && power == f.PowerState {
			continue
		}
		was := nova.Power{VMState: f.VMState, PowerState: f.PowerState}
		f.VMState, f.PowerState = vm, power
		err = s.Writer.Repower(ctx, f, was)
		if errors.Is(err, nova.ErrLockLost) {
			return err
		}
		if err != nil {
			failed[f.UUID] = err
		}
	}
	return nil
}

// unfinished finds out which instances an error of Finish was about: it joins
// those of all that could not be made final. Where Nova's databases do not say,
// each may be final, and none is taken back.
func (s finalStep) unfinished(ctx context.Context, finals []nova.Final, cause error, failed perDomain) {
	uuids := make([]string, len(finals))
	for i, f := range finals {
		uuids[i] = f.UUID
	}
	stages, err := s.Nova.Written(ctx, uuids)
	if err != nil {
		for _, f := range finals {
			failed[f.UUID] = errors.Join(cause, err)
		}
		return
	}
	var left []nova.Final
	for _, f := range finals {
		if stages[f.UUID] != nova.Finished {
			left = append(left, f)
		}
	}
	for _, f := range left {
		if len(left) == 1 {
			failed[f.UUID] = cause
		} else if err := s.Writer.Finish(ctx, []nova.Final{f}); err != nil {
			failed[f.UUID] = err
		}
	}
}

// undo removes all rows. A final instance cannot be made half again for a
// while: in between, Nova could start it and miss its disk.
func (s finalStep) undo(ctx context.Context, b batch) error { return s.deleteRows(ctx, b) }

// present asks every host of the batch once.
func (s finalStep) present(ctx context.Context, b batch) (map[string]discover.State, perDomain) {
	states, failed := map[string]discover.State{}, perDomain{}
	var mu sync.Mutex
	group := errgroup.Group{}
	group.SetLimit(perHostParallel)
	for _, items := range b.byHost() {
		group.Go(func() error {
			found, err := s.Hosts.States(ctx, items[0].host)
			mu.Lock()
			defer mu.Unlock()
			for _, it := range items {
				state, ok := found[it.uuid()]
				switch {
				case err != nil:
					failed[it.uuid()] = fmt.Errorf("%w: %w", ErrHostUnread, err)
				case !ok:
					failed[it.uuid()] = ErrGone
				default:
					states[it.uuid()] = state
				}
			}
			return nil
		})
	}
	_ = group.Wait() // Every failure is in failed.
	return states, failed
}

// finalState is how Nova records a state (nova/virt/libvirt/guest.py,
// LIBVIRT_POWER_STATE, and the pairs that its power sync leaves alone).
func finalState(s discover.State) (vmState string, power int, err error) {
	switch s {
	case discover.StateRunning, discover.StateBlocked:
		return "active", nova.PowerRunning, nil
	case discover.StatePaused:
		return "paused", nova.PowerPaused, nil
	case discover.StateShutoff:
		return "stopped", nova.PowerShutdown, nil
	case discover.StatePMSuspended:
		return "suspended", nova.PowerSuspended, nil
	case discover.StateShutdown:
		return "", 0, fmt.Errorf("%w: it is being shut down at this moment", ErrState)
	}
	return "", 0, fmt.Errorf("%w: libvirt says %q", ErrState, s)
}

// unlockStep takes the administrator's lock off where the plan says so.
type unlockStep struct{ *Importer }

func (unlockStep) name() string { return stepUnlock }

// done is what the plan keeps locked. The others are unlocked, again if need
// be: only an import that is not complete comes here.
func (s unlockStep) done(_ context.Context, b batch) (map[string]bool, error) {
	done := map[string]bool{}
	for _, it := range b {
		done[it.uuid()] = it.planned.Lock != plan.None
	}
	return done, nil
}

func (s unlockStep) do(ctx context.Context, b batch) error {
	if err := s.Writer.Unlock(ctx, b.uuids()); err != nil {
		return fmt.Errorf("%w (%w)", err, errStays)
	}
	return nil
}

// undo does nothing: the rows go with the final step's.
func (s unlockStep) undo(context.Context, batch) error { return nil }
