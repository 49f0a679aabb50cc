package nova

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// A Power is the pair of states by which Nova's power sync judges a domain.
type Power struct {
	VMState    string
	PowerState int
}

// Repower records what the domain of an adopted instance does at this moment,
// in place of what Nova took it to do: one guarded UPDATE. It changes nothing
// of an instance that is not on that host, that has a task, or whose states are
// not those that the caller has compared: ErrMoved, ErrBusy, or an error.
func (w *Writer) Repower(ctx context.Context, f Final, was Power) error {
	if err := f.check(Finished); err != nil {
		return wrapHeal("record the state", f.UUID, err)
	}
	err := w.changeOne(ctx, f.Host.Cell, func(tx *gorm.DB) (int64, error) {
		done := tx.Table("instances").
			Where("uuid = ? AND deleted = 0 AND host = ? AND task_state IS NULL AND vm_state = ? AND power_state = ? AND "+ours(tx),
				f.UUID, f.Host.Host, was.VMState, was.PowerState, MarkerKey).
			Updates(map[string]any{"vm_state": f.VMState, "power_state": f.PowerState, "updated_at": sqlTime(w.now())})
		return done.RowsAffected, done.Error
	})
	if errors.Is(err, errNoRow) {
		err = w.notRepowered(ctx, f)
	}
	return wrapHeal("record the state", f.UUID, err)
}

// notRepowered explains why the guard did not hold.
func (w *Writer) notRepowered(ctx context.Context, f Final) error {
	r, err := w.idle(ctx, f.Host, f.UUID)
	switch {
	case err != nil:
		return err
	case r.VMState == f.VMState && r.PowerState == f.PowerState:
		return nil // an earlier try has done it
	}
	return fmt.Errorf("Nova has changed its states meanwhile, to vm_state %s and power_state %d", r.VMState, r.PowerState)
}

// idle reads the row of an adopted instance that is on the host and that Nova
// does nothing with.
func (w *Writer) idle(ctx context.Context, on Compute, uuid string) (Restart, error) {
	r, err := w.cloud.Restart(ctx, on.Cell, uuid)
	switch {
	case err != nil:
		return r, err
	case r.Host != on.Host:
		return r, fmt.Errorf("%w: it is on %q, not on %q", ErrMoved, r.Host, on.Host)
	case r.TaskState != "":
		return r, fmt.Errorf("%w: its task is %s", ErrBusy, r.TaskState)
	}
	return r, nil
}

func wrapHeal(act, uuid string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s of instance %s: %w", act, uuid, err)
}

// SetPorts replaces the info cache of an adopted instance, as SetInfoCache
// does, and the virtual interfaces of ports that are gone by those of the ports
// that took their place.
func (w *Writer) SetPorts(ctx context.Context, on Compute, uuid string, ports []Port, gone []string) error {
	info, err := NetworkInfo(ports)
	if err == nil {
		_, err = w.idle(ctx, on, uuid)
	}
	if err != nil {
		return wrapHeal("record the ports", uuid, err)
	}
	_, db, err := w.cell(on.Cell)
	if err != nil {
		return wrapHeal("record the ports", uuid, err)
	}
	err = w.repeat(ctx, func(ctx context.Context, _ bool) error {
		return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			if err := w.setInterfaces(tx, uuid, ports, gone); err != nil {
				return err
			}
			return tx.Table("instance_info_caches").Where("instance_uuid = ? AND deleted = 0", uuid).
				Updates(map[string]any{"network_info": info, "updated_at": sqlTime(w.now())}).Error
		})
	})
	return wrapHeal("record the ports", uuid, err)
}

// setInterfaces removes the rows of ports that are gone for good, and adds those
// that are missing.
func (w *Writer) setInterfaces(tx *gorm.DB, uuid string, ports []Port, gone []string) error {
	if len(gone) > 0 {
		if err := tx.Table("virtual_interfaces").Where("instance_uuid = ? AND uuid IN ?", uuid, gone).Delete(nil).Error; err != nil {
			return err
		}
	}
	var have []string
	if err := tx.Table("virtual_interfaces").Where("instance_uuid = ? AND deleted = 0", uuid).Pluck("uuid", &have).Error; err != nil {
		return err
	}
	b := rowBuilder{in: Instance{UUID: uuid, Ports: ports}, now: sqlTime(w.now())}
	for _, row := range b.virtualInterfaces() {
		if id := row.Get("uuid").(string); slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, id) }) {
			continue
		}
		if err := tx.Table(row.Table).Create(row.values()).Error; err != nil {
			return err
		}
	}
	return nil
}

// values are a row's columns by name.
func (r Row) values() map[string]any {
	m := make(map[string]any, len(r.Columns))
	for _, c := range r.Columns {
		m[c.Name] = c.Value
	}
	return m
}
