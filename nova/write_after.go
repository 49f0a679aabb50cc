package nova

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// ours is the condition that an instance was adopted by this program, for
// statements on instances.
func ours(tx *gorm.DB) string {
	return `EXISTS (SELECT 1 FROM instance_system_metadata m WHERE m.instance_uuid = instances.uuid AND m.` + quoted(tx, "key") + ` = ?)`
}

// Unlock takes the administrator's lock off adopted instances. Those that are
// not locked, or not ours, stay as they are.
func (w *Writer) Unlock(ctx context.Context, uuids []string) error {
	for _, cell := range w.cloud.cells {
		for part := range slices.Chunk(uuids, readChunk) {
			err := w.repeat(ctx, func(ctx context.Context, _ bool) error {
				tx := w.cells[cell.UUID].WithContext(ctx)
				return tx.Table("instances").
					Where("uuid IN ? AND deleted = 0 AND locked_by = 'admin' AND "+ours(tx), part, MarkerKey).
					Updates(map[string]any{"locked": 0, "locked_by": nil, "updated_at": sqlTime(w.now())}).Error
			})
			if err != nil {
				return fmt.Errorf("unlock instances in %s: %w", cell.label, err)
			}
		}
	}
	return nil
}

// SetInfoCache replaces the info cache of an adopted instance, after its ports
// were bound. It takes all of the instance's ports, in the order of its rows,
// and refuses one that is not bound: see NetworkInfo.
func (w *Writer) SetInfoCache(ctx context.Context, cellUUID, uuid string, ports []Port) error {
	info, err := NetworkInfo(ports)
	if err != nil {
		return fmt.Errorf("info cache of %s: %w", uuid, err)
	}
	cell, db, err := w.cell(cellUUID)
	if err != nil {
		return fmt.Errorf("info cache of %s: %w", uuid, err)
	}
	err = w.repeat(ctx, func(ctx context.Context, _ bool) error {
		return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			rows, err := readStages(tx, []string{uuid})
			if err != nil {
				return err
			}
			if len(rows) == 0 || !rows[0].Ours {
				return ErrNotOurs
			}
			return tx.Table("instance_info_caches").Where("instance_uuid = ? AND deleted = 0", uuid).
				Updates(map[string]any{"network_info": info, "updated_at": sqlTime(w.now())}).Error
		})
	})
	if err != nil {
		return fmt.Errorf("info cache of %s in %s: %w", uuid, cell.label, err)
	}
	return nil
}
