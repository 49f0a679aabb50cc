package nova

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// SetFlavor gives an adopted instance another size, as if it had been recorded
// with that flavor: its guest has it already. disks are the local ones, whose
// sizes go into their block device mappings. An instance in the middle of a
// resize is left alone: ErrBusy.
//
// The request spec goes first, for the cell's row tells whether it is done.
func (w *Writer) SetFlavor(ctx context.Context, on Compute, uuid string, f Flavor, disks []BlockDevice) error {
	blob, err := flavorBlob(f)
	if err == nil && f.ID <= 0 {
		err = fmt.Errorf("flavor %s does not exist in Nova yet", f.Name)
	}
	if err == nil {
		_, err = w.idle(ctx, on, uuid)
	}
	if err != nil {
		return wrapHeal("record the size", uuid, err)
	}
	_, db, err := w.cell(on.Cell)
	if err != nil {
		return wrapHeal("record the size", uuid, err)
	}
	if err := w.notResizing(ctx, db, uuid); err != nil {
		return wrapHeal("record the size", uuid, err)
	}
	err = w.repeat(ctx, func(ctx context.Context, _ bool) error {
		return w.api.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return w.setSpecFlavor(tx, uuid, f) })
	})
	if err == nil {
		err = w.repeat(ctx, func(ctx context.Context, _ bool) error {
			return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return w.setSize(tx, on, uuid, f, blob, disks) })
		})
	}
	return wrapHeal("record the size", uuid, err)
}

// notResizing: the stored flavor has no other beside it.
func (w *Writer) notResizing(ctx context.Context, db *handle, uuid string) error {
	var rows []extraRecord
	err := db.WithContext(ctx).Table("instance_extra").Select("instance_uuid, flavor").Where("instance_uuid = ? AND deleted = 0", uuid).Find(&rows).Error
	if err != nil {
		return err
	}
	if len(rows) != 1 || rows[0].Flavor == nil {
		return fmt.Errorf("there are %d rows of instance_extra with a flavor", len(rows))
	}
	var stored struct{ Old, New *json.RawMessage }
	if err := json.Unmarshal([]byte(*rows[0].Flavor), &stored); err != nil {
		return fmt.Errorf("read the flavor in instance_extra: %w", err)
	}
	if stored.Old != nil || stored.New != nil {
		return fmt.Errorf("%w: it is in the middle of a resize", ErrBusy)
	}
	return nil
}

func (w *Writer) setSize(tx *gorm.DB, on Compute, uuid string, f Flavor, blob string, disks []BlockDevice) error {
	now := sqlTime(w.now())
	// MariaDB does not count a row that an UPDATE leaves as it was.
	var idle int64
	guarded := func() *gorm.DB {
		return tx.Table("instances").Where("uuid = ? AND deleted = 0 AND host = ? AND task_state IS NULL AND "+ours(tx), uuid, on.Host, MarkerKey)
	}
	if err := guarded().Count(&idle).Error; err != nil {
		return err
	}
	if idle == 0 {
		return errNoRow
	}
	err := guarded().Updates(map[string]any{"vcpus": f.VCPUs, "memory_mb": f.MemoryMB, "root_gb": f.RootGB, "ephemeral_gb": f.EphemeralGB,
		"instance_type_id": f.ID, "updated_at": now}).Error
	if err != nil {
		return err
	}
	err = tx.Table("instance_extra").Where("instance_uuid = ? AND deleted = 0", uuid).Updates(map[string]any{"flavor": blob, "updated_at": now}).Error
	if err != nil {
		return err
	}
	for _, d := range disks {
		if d.Root {
			continue // Its size is the flavor's.
		}
		err := tx.Table("block_device_mapping").
			Where("instance_uuid = ? AND deleted = 0 AND destination_type = 'local' AND device_name = ?", uuid, d.Device).
			Updates(map[string]any{"volume_size": d.SizeGB, "updated_at": now}).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// setSpecFlavor changes the flavor in the serialised RequestSpec and nothing
// else.
func (w *Writer) setSpecFlavor(tx *gorm.DB, uuid string, f Flavor) error {
	return w.changeSpec(tx, uuid, func(root map[string]any) error {
		data, ok := root["nova_object.data"].(map[string]any)
		if !ok {
			return errors.New("has no nova_object.data")
		}
		data["flavor"] = flavorObject(f)
		return nil
	})
}
