package nova

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// ErrHostTaken: Nova has records of the host that this program did not write.
var ErrHostTaken = errors.New("Nova has a record of this host already")

// ErrHostInUse: Nova has instances on the host.
var ErrHostInUse = errors.New("Nova has instances on this host")

// A NewService is the row by which Nova knows a nova-compute that has never
// run. It is disabled: the host has guests that Placement knows nothing of.
type NewService struct {
	Cell    string // cell_mappings.uuid
	Host    string
	UUID    string
	Version int    // of the cell's nova-conductor: a lower one would lower the cloud's
	Reason  string // for its being disabled
}

// AddService writes the row, once: the same one again is fine, and one that
// somebody else has written is ErrHostTaken.
func (w *Writer) AddService(ctx context.Context, s NewService) error {
	_, cell, err := w.cell(s.Cell)
	if err != nil {
		return err
	}
	row := s.row(w.now())
	err = w.repeat(ctx, func(ctx context.Context, _ bool) error {
		return cell.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			there, err := servicesOf(tx, s.Host)
			switch {
			case err != nil:
				return err
			case len(there) == 0:
				return cell.insert(tx, []Row{row})
			case len(there) > 1 || there[0] != s.UUID:
				return fmt.Errorf("%w: service %s", ErrHostTaken, there[0])
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("write the service of host %s: %w", s.Host, err)
	}
	return nil
}

func (s NewService) row(now time.Time) Row {
	return Row{Table: "services", Columns: []Column{
		value("created_at", sqlTime(now)),
		value("uuid", s.UUID),
		value("host", s.Host),
		value("binary", "nova-compute"),
		value("topic", "compute"),
		value("report_count", 0),
		value("disabled", 1),
		value("disabled_reason", s.Reason),
		value("deleted", 0),
		value("forced_down", 0),
		value("version", s.Version),
	}}
}

// servicesOf are the UUIDs of the nova-computes of a host that are not deleted.
func servicesOf(tx *gorm.DB, host string) (uuids []string, err error) {
	err = tx.Raw("SELECT COALESCE(uuid, '') FROM services WHERE host = ? AND `binary` = 'nova-compute' AND deleted = 0", host).Scan(&uuids).Error
	return uuids, err
}

// RemoveService takes out the row that AddService wrote, for good. One that is
// gone, or that Nova has marked as deleted, is fine.
func (w *Writer) RemoveService(ctx context.Context, s NewService) error {
	_, cell, err := w.cell(s.Cell)
	if err != nil {
		return err
	}
	err = w.repeat(ctx, func(ctx context.Context, _ bool) error {
		return cell.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			if err := unused(tx, s.Host); err != nil {
				return err
			}
			return tx.Exec("DELETE FROM services WHERE uuid = ? AND host = ? AND `binary` = 'nova-compute' AND deleted = 0", s.UUID, s.Host).Error
		})
	})
	if err != nil {
		return fmt.Errorf("remove the service of host %s: %w", s.Host, err)
	}
	return nil
}

// unused fails where the cell has instances on the host.
func unused(tx *gorm.DB, host string) error {
	var n int
	err := tx.Raw("SELECT COUNT(*) FROM instances WHERE deleted = 0 AND host = ? AND uuid <> ?", host, markerUUID).Scan(&n).Error
	if err == nil && n > 0 {
		err = fmt.Errorf("%w: %d", ErrHostInUse, n)
	}
	return err
}

// MapHost says in which cell a host is, as nova-manage cell_v2 discover_hosts
// does, and returns the row's id. made is false where it says so already; a
// mapping to another cell is ErrHostTaken. The cell has to have the host's node.
func (w *Writer) MapHost(ctx context.Context, host, cellUUID string) (id int64, made bool, err error) {
	cell, inCell, err := w.cell(cellUUID)
	if err == nil {
		err = hasNode(ctx, inCell, host)
	}
	if err != nil {
		return 0, false, fmt.Errorf("map host %s: %w", host, err)
	}
	row := Row{Table: "host_mappings", Columns: []Column{
		value("created_at", sqlTime(w.now())), value("cell_id", cell.ID), value("host", host),
	}}
	err = w.repeat(ctx, func(ctx context.Context, again bool) error {
		return w.api.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			there, err := mappingsOf(tx, host)
			if err != nil {
				return err
			}
			if len(there) > 0 {
				id, made = there[0].ID, made && again
				return there[0].isIn(cell)
			}
			made = true
			if err := w.api.insert(tx, []Row{row}); err != nil {
				return err
			}
			there, err = mappingsOf(tx, host)
			if err == nil && len(there) == 1 {
				id = there[0].ID
			}
			return err
		})
	})
	if err != nil {
		return 0, false, fmt.Errorf("map host %s to %s: %w", host, cell.Name, err)
	}
	return id, made, nil
}

type hostMappingRow struct{ ID, CellID int64 }

func (m hostMappingRow) isIn(c *cell) error {
	if m.CellID != c.ID {
		return fmt.Errorf("%w: it is mapped to cell %d, and its service is in cell %d", ErrHostTaken, m.CellID, c.ID)
	}
	return nil
}

func mappingsOf(tx *gorm.DB, host string) (rows []hostMappingRow, err error) {
	err = tx.Raw("SELECT id, cell_id FROM host_mappings WHERE host = ?", host).Scan(&rows).Error
	return rows, err
}

// hasNode fails unless the host has reported to the cell: a mapping of another
// host would send the API to the wrong place.
func hasNode(ctx context.Context, cell *handle, host string) error {
	var n int
	err := cell.WithContext(ctx).Raw("SELECT COUNT(*) FROM compute_nodes WHERE deleted = 0 AND host = ?", host).Scan(&n).Error
	if err == nil && n == 0 {
		err = errors.New("its cell has no node of it (compute_nodes)")
	}
	return err
}

// UnmapHost removes the row that MapHost made. One that is gone, as after
// Nova's own delete of the service, is fine.
func (w *Writer) UnmapHost(ctx context.Context, host string, id int64) error {
	err := w.repeat(ctx, func(ctx context.Context, _ bool) error {
		for _, cell := range w.cells {
			if err := unused(cell.WithContext(ctx), host); err != nil {
				return err
			}
		}
		return w.api.WithContext(ctx).Exec("DELETE FROM host_mappings WHERE id = ? AND host = ?", id, host).Error
	})
	if err != nil {
		return fmt.Errorf("remove the mapping of host %s: %w", host, err)
	}
	return nil
}
