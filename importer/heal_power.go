package importer

import (
	"context"
	"fmt"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

// Harm is what Nova's power sync does to a guest whose domain is in a state
// that is not the recorded one, "" where it does the guest no harm
// (nova/compute/manager.py, _sync_instance_power_state). A domain that is off
// already cannot be harmed: Nova only takes down that it is.
func Harm(vmState string, s discover.State) string {
	switch {
	case vmState == "stopped" && s.Active() && s != discover.StatePMSuspended:
		return "powers the guest off"
	case vmState == "active" && s == discover.StatePMSuspended:
		return "stops the guest"
	}
	return ""
}

// powerCure records what the domain does at this moment, if Nova would do it
// harm by what is recorded.
type powerCure struct{ *Importer }

func (powerCure) name() string { return curePrefix + string(CurePower) }

// done: Nova would leave the domain alone, as it is now.
func (s powerCure) done(ctx context.Context, b batch) (map[string]bool, error) {
	rows, err := s.rows(ctx, b)
	if err != nil {
		return nil, err
	}
	states, failed := finalStep(s).present(ctx, b)
	done := map[string]bool{}
	for _, it := range b {
		row, there := rows[it.uuid()]
		done[it.uuid()] = there && failed[it.uuid()] == nil && Harm(row.VMState, states[it.uuid()]) == ""
	}
	return done, nil
}

// do asks once more: a state is as good as it is young.
func (s powerCure) do(ctx context.Context, b batch) error {
	rows, err := s.rows(ctx, b)
	if err != nil {
		return err
	}
	states, failed := finalStep(s).present(ctx, b)
	for _, it := range b {
		if failed[it.uuid()] != nil {
			continue
		}
		row, there := rows[it.uuid()]
		if err := it.idle(row, there); err != nil {
			failed[it.uuid()] = err
			continue
		}
		if err := s.record(ctx, it, row, states[it.uuid()]); err != nil {
			failed[it.uuid()] = err
		}
	}
	return failed.orNil()
}

func (s powerCure) record(ctx context.Context, it *item, row nova.Server, state discover.State) error {
	vm, power, err := finalState(state)
	if err != nil {
		return err
	}
	was := nova.Power{VMState: row.VMState, PowerState: row.PowerState}
	if err := s.Writer.Repower(ctx, nova.Final{UUID: it.uuid(), Host: it.compute, VMState: vm, PowerState: power}, was); err != nil {
		return err
	}
	return it.keep(map[string]string{"was": fmt.Sprintf("%s, %d", was.VMState, was.PowerState), "is": fmt.Sprintf("%s, %d", vm, power)})
}

// undo does nothing: the states from before would have the guest powered off.
func (powerCure) undo(context.Context, batch) error { return nil }
