package nova

import (
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A removal is one instance on its way out, and what its steps need.
type removal struct {
	uuid string
	cell *cell
	api  *database
	now  string
}

// A useRow is what of an instances row says whether Nova is at work on it.
type useRow struct {
	VMState, TaskState *string
	Host               *string
	Deleted            int64
}

// lockRow reads the row and keeps others from changing it, or adding children
// to it, until the transaction ends. Nil when there is none.
func (r removal) lockRow(tx *gorm.DB) (*useRow, error) {
	var rows []useRow
	err := tx.Table("instances").Clauses(clause.Locking{Strength: "UPDATE"}).
		Select("vm_state, task_state, host, COALESCE(deleted, 0) AS deleted").Where("uuid = ?", r.uuid).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read the instance: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

// refuse says what of an instance cannot be taken back by removing rows. A row
// that Nova has deleted is always removed: as long as it is there, the domain
// is in danger.
func (r removal) refuse(tx *gorm.DB) error {
	row, err := r.lockRow(tx)
	if err != nil || row == nil || row.Deleted != 0 {
		return err
	}
	return r.refuseLive(tx, *row)
}

func (r removal) refuseLive(tx *gorm.DB, row useRow) error {
	if row.TaskState != nil && (*row.TaskState != taskStateAdopting || row.Host != nil) {
		return fmt.Errorf("%w: its task_state is %s", ErrInUse, *row.TaskState)
	}
	if row.VMState == nil || !slices.Contains([]string{"active", "paused", "stopped", "suspended", "error"}, *row.VMState) {
		return fmt.Errorf("%w: its vm_state is %s", ErrInUse, textOf(row.VMState))
	}
	return r.claimed(tx)
}

// claimed is ErrInUse where other parts of the cloud rely on the instance.
func (r removal) claimed(tx *gorm.DB) error {
	for _, c := range claims {
		if !r.cell.has(c.table, c.column) {
			continue
		}
		var n int64
		if err := tx.Table(c.table).Where(c.condition, r.uuid).Count(&n).Error; err != nil {
			return fmt.Errorf("read %s: %w", c.table, err)
		}
		if n > 0 {
			return fmt.Errorf("%w: %s", ErrInUse, c.means)
		}
	}
	return nil
}

func textOf(s *string) string {
	if s == nil {
		return "NULL"
	}
	return *s
}

// unfinishedMigration is the condition on a row of migrations.
const unfinishedMigration = "deleted = 0 AND COALESCE(status, '') NOT IN ('confirmed', 'reverted', 'completed', 'done', 'failed', 'error', 'cancelled')"

// claims are rows that other parts of the cloud rely on.
var claims = []struct{ table, column, condition, means string }{
	{"block_device_mapping", "destination_type", "instance_uuid = ? AND deleted = 0 AND destination_type = 'volume'", "a volume is attached; detach it first"},
	{"pci_devices", "instance_uuid", "instance_uuid = ? AND deleted = 0", "a PCI device is assigned to it"},
	{"share_mapping", "instance_uuid", "instance_uuid = ?", "a share is attached; detach it first"},
	{"fixed_ips", "instance_uuid", "instance_uuid = ? AND deleted = 0", "nova-network has an address for it"},
	{"migrations", "status", "instance_uuid = ? AND " + unfinishedMigration, "a migration is not finished"},
}

func (r removal) removeMapping(tx *gorm.DB) error { return r.removeFrom(tx, mappingTable) }

func (r removal) removeAPIRows(tx *gorm.DB) error { return r.removeFrom(tx, apiTables) }

func (r removal) removeFrom(tx *gorm.DB, tables []string) error {
	for _, table := range tables {
		if !r.api.has(table, "instance_uuid") {
			continue
		}
		if err := removeRows(tx, table, "instance_uuid = ?", r.uuid); err != nil {
			return err
		}
	}
	return nil
}

// disown takes the host away from a final instance. It looks again whether
// Nova is at work: an operation may have begun before the mapping was gone.
func (r removal) disown(tx *gorm.DB) error {
	row, err := r.lockRow(tx)
	if err != nil || row == nil || row.Deleted != 0 {
		return err
	}
	if err := r.refuseLive(tx, *row); err != nil {
		return err
	}
	values := map[string]any{
		"host": nil, "node": nil, "task_state": taskStateAdopting,
		"locked": 1, "locked_by": "admin", "disable_terminate": 1, "hidden": 1, "updated_at": r.now,
	}
	if r.cell.has("instances", "compute_id") {
		values["compute_id"] = nil
	}
	return tx.Table("instances").Where("uuid = ? AND task_state IS NULL", r.uuid).Updates(values).Error
}

// removeCellRows removes all rows of the cell, if the instance is still as
// disown left it.
func (r removal) removeCellRows(tx *gorm.DB) error {
	row, err := r.lockRow(tx)
	if err != nil || row == nil {
		return err
	}
	if row.Deleted == 0 && (row.Host != nil || row.TaskState == nil || *row.TaskState != taskStateAdopting) {
		return fmt.Errorf("%w: its host is %s and its task_state %s", ErrInUse, textOf(row.Host), textOf(row.TaskState))
	}
	events := "action_id IN (SELECT id FROM instance_actions WHERE instance_uuid = ?)"
	if err := removeRows(tx, "instance_actions_events", events, r.uuid); err != nil {
		return err
	}
	for _, t := range cellTables {
		if !r.cell.has(t.table, t.column) {
			continue
		}
		if err := removeRows(tx, t.table, t.column+" = ?", r.uuid); err != nil {
			return err
		}
	}
	return nil
}

// removeRows removes rows for good. The statement is written out: gorm's own
// Delete turns into an UPDATE for a model with a field named DeletedAt.
func removeRows(tx *gorm.DB, table, condition, uuid string) error {
	statement := strings.Join([]string{"DELETE FROM", table, "WHERE", condition}, " ")
	if err := tx.Exec(statement, uuid).Error; err != nil {
		return fmt.Errorf("remove rows of %s: %w", table, err)
	}
	return nil
}
