package nova

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// Sentinels of a restart.
var (
	// ErrBusy: Nova is doing something with the instance.
	ErrBusy = errors.New("Nova is busy with this instance")
	// ErrMoved: the instance is on another host, or on none.
	ErrMoved = errors.New("the instance is not on this host")
)

// taskStateRestarting holds Nova's hands off an instance whose domain is being
// restarted: power sync, lifecycle events and the API skip an instance that
// has a task. Of all task states it is the one that a nova-compute which
// starts meanwhile just clears, where it would repeat a reboot or a power-off
// (nova/compute/manager.py, _init_instance, 21 to 33).
const taskStateRestarting = taskStateAdopting

// notMigrating is the condition that the task is not Nova's own of that name: an
// instance that Nova migrates has an unfinished migration.
const notMigrating = "NOT EXISTS (SELECT 1 FROM migrations WHERE instance_uuid = instances.uuid AND " + unfinishedMigration + ")"

// A Restart is the row of an adopted instance around its restart.
type Restart struct {
	Host, VMState string
	PowerState    int
	TaskState     string // "" for none
	Held          bool   // by Hold
	Migrating     bool   // Nova has a migration of it that is not finished
	Locked        bool
}

// Hold gives the instance a task_state and the administrator's lock, so that
// Nova leaves its domain alone while it is shut down and renamed. Holding it
// again is fine. ErrBusy when Nova has a task of its own with it, ErrMoved
// when it is not on host, ErrNotOurs when it was not adopted.
func (w *Writer) Hold(ctx context.Context, on Compute, uuid string) error {
	err := w.changeOne(ctx, on.Cell, func(tx *gorm.DB) (int64, error) {
		done := tx.Table("instances").
			Where("uuid = ? AND deleted = 0 AND host = ? AND (task_state IS NULL OR task_state = ?) AND "+notMigrating+" AND "+ours(tx), uuid, on.Host, taskStateRestarting, MarkerKey).
			Updates(map[string]any{"task_state": taskStateRestarting, "locked": 1, "locked_by": "admin", "updated_at": sqlTime(w.now())})
		return done.RowsAffected, done.Error
	})
	return wrapRestart("hold", uuid, w.unless(ctx, on, uuid, err, func(r Restart) bool { return r.Held && r.Locked }))
}

// Settle ends what Hold began: one guarded UPDATE writes the states and clears
// task_state. The states must be those of the domain at this moment, for Nova's
// power sync acts on a difference. An instance that Nova took over meanwhile is
// left alone: ErrBusy.
func (w *Writer) Settle(ctx context.Context, f Final) error {
	if err := f.check(Finished); err != nil {
		return wrapRestart("settle", f.UUID, err)
	}
	values := map[string]any{"vm_state": f.VMState, "power_state": f.PowerState, "task_state": nil, "updated_at": sqlTime(w.now())}
	if f.Unlock {
		values["locked"], values["locked_by"] = 0, nil
	}
	err := w.changeOne(ctx, f.Host.Cell, func(tx *gorm.DB) (int64, error) {
		done := tx.Table("instances").
			Where("uuid = ? AND deleted = 0 AND host = ? AND (task_state IS NULL OR task_state = ? AND "+notMigrating+") AND "+ours(tx), f.UUID, f.Host.Host, taskStateRestarting, MarkerKey).
			Updates(values)
		return done.RowsAffected, done.Error
	})
	return wrapRestart("settle", f.UUID, w.unless(ctx, f.Host, f.UUID, err, func(r Restart) bool {
		return r.TaskState == "" && r.VMState == f.VMState && r.PowerState == f.PowerState && (!f.Unlock || !r.Locked)
	}))
}

// errNoRow: the guard of an UPDATE did not hold.
var errNoRow = errors.New("its row is not as expected")

// changeOne runs one guarded UPDATE in a cell; errNoRow when it changed
// nothing.
func (w *Writer) changeOne(ctx context.Context, cellUUID string, change func(*gorm.DB) (int64, error)) error {
	_, db, err := w.cell(cellUUID)
	if err != nil {
		return err
	}
	return w.repeat(ctx, func(ctx context.Context, _ bool) error {
		n, err := change(db.WithContext(ctx))
		if err == nil && n == 0 {
			return errNoRow
		}
		return err
	})
}

// unless turns errNoRow into what does not hold, or into nothing when the row
// is so already: MariaDB does not count a row that an UPDATE leaves as it was.
func (w *Writer) unless(ctx context.Context, on Compute, uuid string, err error, already func(Restart) bool) error {
	if !errors.Is(err, errNoRow) {
		return err
	}
	r, err := w.cloud.Restart(ctx, on.Cell, uuid)
	switch {
	case err != nil:
		return err
	case r.Host != on.Host:
		return fmt.Errorf("%w: it is on %q, not on %q", ErrMoved, r.Host, on.Host)
	case r.TaskState != "" && !r.Held:
		return fmt.Errorf("%w: its task is %s", ErrBusy, r.TaskState)
	case already(r):
		return nil
	case r.Migrating:
		return fmt.Errorf("%w: a migration of it is not finished (openstack server migration list)", ErrBusy)
	}
	return errNoRow
}

func wrapRestart(act, uuid string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s instance %s: %w", act, uuid, err)
}

// Restart reads the row of an adopted instance. ErrNotOurs when there is none
// or this program did not write it.
func (c *Cloud) Restart(ctx context.Context, cellUUID, uuid string) (Restart, error) {
	cell := c.cellByUUID(cellUUID)
	if cell == nil {
		return Restart{}, fmt.Errorf("read instance %s: cell %q is not open", uuid, cellUUID)
	}
	ctx, cancel := context.WithTimeout(ctx, cell.timeout)
	defer cancel()
	tx := cell.WithContext(ctx)
	var rows []struct {
		Host, VMState     string
		PowerState        int
		TaskState         *string
		Locked, Migrating bool
	}
	err := tx.Table("instances").Select("host, vm_state, power_state, task_state, locked, NOT ("+notMigrating+") AS migrating").
		Where("uuid = ? AND deleted = 0 AND "+ours(tx), uuid, MarkerKey).Find(&rows).Error
	switch {
	case err != nil:
		return Restart{}, fmt.Errorf("read instance %s in %s: %w", uuid, cell.label, err)
	case len(rows) == 0:
		return Restart{}, fmt.Errorf("instance %s: %w", uuid, ErrNotOurs)
	}
	r := Restart{Host: rows[0].Host, VMState: rows[0].VMState, PowerState: rows[0].PowerState, Locked: rows[0].Locked, Migrating: rows[0].Migrating}
	if rows[0].TaskState != nil {
		r.TaskState = *rows[0].TaskState
		r.Held = r.TaskState == taskStateRestarting && !r.Migrating
	}
	return r, nil
}

// nicProperty is hw_vif_model as instance_system_metadata has it.
const nicProperty = "image_hw_vif_model"

// NICModel is the model of an instance's interfaces as its next start by Nova
// would have it, "" where none is recorded.
func (c *Cloud) NICModel(ctx context.Context, cellUUID, uuid string) (string, error) {
	cell := c.cellByUUID(cellUUID)
	if cell == nil {
		return "", fmt.Errorf("read NIC model of instance %s: cell %q is not open", uuid, cellUUID)
	}
	ctx, cancel := context.WithTimeout(ctx, cell.timeout)
	defer cancel()
	tx := cell.WithContext(ctx)
	var values []string
	err := tx.Table("instance_system_metadata").
		Where("instance_uuid = ? AND "+quoted(tx, "key")+" = ? AND deleted = 0", uuid, nicProperty).Limit(1).Pluck("value", &values).Error
	if err != nil {
		return "", fmt.Errorf("read NIC model of instance %s in %s: %w", uuid, cell.label, err)
	}
	return strings.Join(values, ""), nil
}

// SetNICModel records the model of an adopted instance's interfaces where Nova
// reads it: instance_system_metadata for a hard reboot, request_specs for a
// resize. An empty model removes it, which is Nova's default, virtio.
func (w *Writer) SetNICModel(ctx context.Context, on Compute, uuid, model string) error {
	if model != "" {
		if _, err := knownProperties["hw_vif_model"](model); err != nil {
			return fmt.Errorf("set NIC model of instance %s: %w", uuid, err)
		}
	}
	_, db, err := w.cell(on.Cell)
	if err != nil {
		return fmt.Errorf("set NIC model of instance %s: %w", uuid, err)
	}
	err = w.repeat(ctx, func(ctx context.Context, _ bool) error {
		return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return w.setProperty(tx, uuid, model) })
	})
	if err == nil {
		err = w.repeat(ctx, func(ctx context.Context, _ bool) error {
			return w.api.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return w.setSpecProperty(tx, uuid, model) })
		})
	}
	if err != nil {
		return fmt.Errorf("set NIC model of instance %s: %w", uuid, err)
	}
	return nil
}

func (w *Writer) setProperty(tx *gorm.DB, uuid, model string) error {
	rows, err := readStages(tx, []string{uuid})
	if err != nil {
		return err
	}
	if len(rows) == 0 || !rows[0].Ours || rows[0].Deleted != 0 {
		return ErrNotOurs
	}
	where := "instance_uuid = ? AND " + quoted(tx, "key") + " = ? AND deleted = 0"
	if model == "" {
		return tx.Table("instance_system_metadata").Where(where, uuid, nicProperty).Delete(nil).Error
	}
	var n int64
	if err := tx.Table("instance_system_metadata").Where(where, uuid, nicProperty).Count(&n).Error; err != nil {
		return err
	}
	now := sqlTime(w.now())
	if n > 0 {
		return tx.Table("instance_system_metadata").Where(where, uuid, nicProperty).
			Updates(map[string]any{"value": model, "updated_at": now}).Error
	}
	return tx.Table("instance_system_metadata").Create(map[string]any{
		"instance_uuid": uuid, "key": nicProperty, "value": model, "created_at": now, "deleted": 0,
	}).Error
}

// setSpecProperty changes the one property in the serialised RequestSpec and
// nothing else.
func (w *Writer) setSpecProperty(tx *gorm.DB, uuid, model string) error {
	return w.changeSpec(tx, uuid, func(root map[string]any) error { return setProperty(root, "hw_vif_model", model) })
}

// changeSpec reads a request spec, has it changed and writes it back: Nova may
// have written other fields since.
func (w *Writer) changeSpec(tx *gorm.DB, uuid string, change func(root map[string]any) error) error {
	var specs []specRecord
	if err := tx.Table("request_specs").Select("instance_uuid, spec").Where("instance_uuid = ?", uuid).Find(&specs).Error; err != nil {
		return err
	}
	if len(specs) != 1 {
		return fmt.Errorf("there are %d request specs", len(specs))
	}
	spec, err := changedSpec(specs[0].Spec, change)
	if err != nil {
		return fmt.Errorf("request spec: %w", err)
	}
	return tx.Table("request_specs").Where("instance_uuid = ?", uuid).
		Updates(map[string]any{"spec": spec, "updated_at": sqlTime(w.now())}).Error
}

func changedSpec(spec string, change func(root map[string]any) error) (string, error) {
	d := json.NewDecoder(strings.NewReader(spec))
	d.UseNumber() // An id must not become a float.
	var root map[string]any
	if err := d.Decode(&root); err != nil {
		return "", err
	}
	if err := change(root); err != nil {
		return "", err
	}
	return encode(root, maxMediumText)
}

// setProperty sets one image property of a spec, or removes it.
func setProperty(root map[string]any, name, value string) error {
	at := root
	for _, key := range []string{"nova_object.data", "image", "nova_object.data", "properties", "nova_object.data"} {
		next, ok := at[key].(map[string]any)
		if !ok {
			return fmt.Errorf("has no %s where the image's properties are", key)
		}
		at = next
	}
	if value == "" {
		delete(at, name)
	} else {
		at[name] = value
	}
	return nil
}
