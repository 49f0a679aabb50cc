package nova

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// powerStates are the pairs that Nova's power sync leaves alone. With any
// other it would stop the guest, or power it off
// (nova/compute/manager.py, _sync_instance_power_state).
var powerStates = map[string][]int{
	"active":    {PowerRunning},
	"paused":    {PowerPaused},
	"stopped":   {PowerShutdown, PowerCrashed},
	"suspended": {PowerShutdown, PowerSuspended},
}

// Finish makes instances Nova's: one guarded UPDATE each sets the host, the
// node, the states and launched_at, and clears task_state and
// disable_terminate. It is the moment from which nova-compute looks after the
// domain, so the disks must be in place and the states those of the domain now.
//
// An instance that is final on the same host already is fine. One that cannot
// be made final does not hold the others; the error joins them all.
func (w *Writer) Finish(ctx context.Context, finals []Final) error {
	var errs []error
	for batch := range byBatch(finals) {
		byCell := map[string][]Final{}
		for _, f := range batch {
			byCell[f.Host.Cell] = append(byCell[f.Host.Cell], f)
		}
		for uuid, part := range byCell {
			errs = append(errs, w.finishIn(ctx, uuid, part))
		}
	}
	return errors.Join(errs...)
}

func (w *Writer) finishIn(ctx context.Context, cellUUID string, finals []Final) error {
	cell, db, err := w.cell(cellUUID)
	if err != nil {
		return fmt.Errorf("finish instances: %w", err)
	}
	stages, err := w.cloud.Written(ctx, finalUUIDs(finals))
	if err != nil {
		return fmt.Errorf("finish instances: %w", err)
	}
	var refused []error
	finals = slices.DeleteFunc(slices.Clone(finals), func(f Final) bool {
		err := f.check(stages[f.UUID])
		if err != nil {
			refused = append(refused, fmt.Errorf("finish instance %s: %w", f.UUID, err))
		}
		return err != nil
	})
	var failed []error
	err = w.repeat(ctx, func(ctx context.Context, _ bool) error {
		failed = nil // of an attempt that was rolled back
		return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			for _, f := range finals {
				wrong, err := w.finishOne(tx, cell, f)
				if err != nil {
					return fmt.Errorf("instance %s: %w", f.UUID, err)
				}
				if wrong != nil {
					failed = append(failed, fmt.Errorf("finish instance %s: %w", f.UUID, wrong))
				}
			}
			return nil
		})
	})
	if err != nil {
		refused = append(refused, fmt.Errorf("finish instances in %s: %w", cell.label, err))
	}
	return errors.Join(append(refused, failed...)...)
}

// finishOne returns why this one row was not changed, or the error that ends
// the transaction.
func (w *Writer) finishOne(tx *gorm.DB, cell *cell, f Final) (wrong, err error) {
	now := sqlTime(w.now())
	values := map[string]any{
		"host": f.Host.Host, "node": f.Host.Node, "launched_on": f.Host.Host,
		"vm_state": f.VMState, "power_state": f.PowerState, "task_state": nil,
		"launched_at": now, "updated_at": now,
		"disable_terminate": 0, "hidden": 0,
	}
	if cell.has("instances", "compute_id") { // since 28
		values["compute_id"] = f.Host.NodeID
	}
	if f.Unlock {
		values["locked"], values["locked_by"] = 0, nil
	}
	done := tx.Table("instances").
		Where("uuid = ? AND host IS NULL AND deleted = 0 AND task_state = ?", f.UUID, taskStateAdopting).
		Updates(values)
	if done.Error != nil {
		return nil, done.Error
	}
	if done.RowsAffected == 1 {
		return nil, nil
	}
	return w.alreadyFinal(tx, f)
}

// alreadyFinal explains why the guard did not hold.
func (w *Writer) alreadyFinal(tx *gorm.DB, f Final) (wrong, err error) {
	rows, err := readStages(tx, []string{f.UUID})
	if err != nil {
		return nil, err
	}
	switch {
	case len(rows) == 0:
		return errors.New("its row is gone"), nil
	case rows[0].stage(true) != Finished:
		return fmt.Errorf("it is %s", rows[0].stage(true)), nil
	case rows[0].Host == nil:
		return errors.New("it has no host any more"), nil
	case *rows[0].Host != f.Host.Host:
		return fmt.Errorf("it is final on host %s, not on %s", *rows[0].Host, f.Host.Host), nil
	}
	return nil, nil
}

func (f Final) check(stage Stage) error {
	switch {
	case stage == Foreign:
		return ErrNotOurs
	case stage != Mapped && stage != Finished:
		return fmt.Errorf("it is %s", stage)
	case f.Host.Host == "" || f.Host.Node == "" || f.Host.NodeID <= 0:
		return fmt.Errorf("host %q, node %q, node id %d: not a compute host of the cloud", f.Host.Host, f.Host.Node, f.Host.NodeID)
	case !slices.Contains(powerStates[f.VMState], f.PowerState):
		return fmt.Errorf("vm_state %q with power_state %d: Nova's power sync would act on the domain", f.VMState, f.PowerState)
	}
	return nil
}

func finalUUIDs(finals []Final) []string {
	uuids := make([]string, len(finals))
	for i, f := range finals {
		uuids[i] = f.UUID
	}
	return uuids
}
