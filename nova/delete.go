package nova

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// ErrInUse: the instance has something that cannot be taken back by removing
// rows, such as an attached volume, or an operation of Nova's is under way.
var ErrInUse = errors.New("is in use by Nova")

// mappingTable is removed first, which makes the API answer 404: nobody can
// start an operation on an instance whose rows are about to go. A delete
// through the API at that moment would be the worst of them.
var mappingTable = []string{"instance_mappings"}

// apiTables hold the other rows of an instance in the API database. Since 31 a
// list of servers by microversion 2.96 fails whole, for everybody who may see
// it, with an instance that has no request spec (nova/api/openstack/compute/
// views/servers.py, _list_view; seen on 31.0). So those rows are there as long
// as lists show the instance.
var apiTables = []string{"request_specs", "instance_group_member"}

// cellTables hold rows of an instance in the cell's database, children before
// parents, with the column of its uuid. Every foreign key onto instances.uuid
// is from one of them. fixed_ips and pci_devices are not an instance's own:
// there a row is a reason to refuse.
var cellTables = []struct{ table, column string }{
	{"instance_actions", "instance_uuid"}, // its events go before it
	{"instance_faults", "instance_uuid"},
	{"console_auth_tokens", "instance_uuid"},
	{"consoles", "instance_uuid"},
	{"share_mapping", "instance_uuid"}, // since 29
	{"security_group_instance_association", "instance_uuid"},
	{"volume_usage_cache", "instance_uuid"},
	{"migrations", "instance_uuid"}, // finished ones; an unfinished one is refused
	{"tags", "resource_id"},
	{"instance_id_mappings", "uuid"},
	{"virtual_interfaces", "instance_uuid"},
	{"block_device_mapping", "instance_uuid"},
	{"instance_metadata", "instance_uuid"},
	{"instance_system_metadata", "instance_uuid"},
	{"instance_info_caches", "instance_uuid"},
	{"instance_extra", "instance_uuid"},
	{"instances", "uuid"},
}

// Delete takes an adopted instance out of Nova: its rows are removed for good,
// and the domain and its disks stay what they are. An instance that is gone
// already is fine; one of somebody else's is ErrNotOurs, and one that Nova is at
// work on ErrInUse.
//
// Nova must never see a row marked as deleted, for nova-compute destroys the
// domain of such a row. So nothing here marks: rows exist or they do not. The
// order is
//
//  1. the mapping, after which the API no longer finds the instance and no new
//     operation begins;
//  2. a guarded UPDATE that takes the host away, hides the instance from lists,
//     and sets task_state, as before Finish: from then on no periodic task of
//     nova-compute finds it;
//  3. the API database's other rows;
//  4. all rows of the cell, children before parents, in one transaction.
//
// Between 2 and 4 the instance is as Written calls recorded, and so it stays
// if the program ends there; Delete again goes on. Where an operation had
// begun before 1 was done, 2 refuses; when the operation is over, Delete again
// goes on too, and InsertMappings would give the API its rows back.
func (w *Writer) Delete(ctx context.Context, uuid string) error {
	home, err := w.findOurs(ctx, uuid)
	if err != nil {
		return fmt.Errorf("delete instance %s: %w", uuid, err)
	}
	if home == nil {
		return nil
	}
	r := removal{uuid: uuid, cell: home, api: w.cloud.api, now: sqlTime(w.now())}
	steps := []struct {
		db *handle
		do func(tx *gorm.DB) error
	}{
		{w.api, r.removeMapping},
		{w.cells[home.UUID], r.disown},
		{w.api, r.removeAPIRows},
		{w.cells[home.UUID], r.removeCellRows},
	}
	for _, s := range steps {
		err := w.repeat(ctx, func(ctx context.Context, _ bool) error {
			return s.db.WithContext(ctx).Transaction(s.do)
		})
		if err != nil {
			return fmt.Errorf("delete instance %s: %w", uuid, err)
		}
	}
	return nil
}

// Claimed is ErrInUse where Delete would refuse the instance for something that
// another part of the cloud has of it, such as an attached volume. It looks and
// changes nothing: what is done to a guest before its rows go can ask first.
func (c *Cloud) Claimed(ctx context.Context, cellUUID, uuid string) error {
	cell := c.cellByUUID(cellUUID)
	if cell == nil {
		return fmt.Errorf("read what relies on instance %s: cell %q is not open", uuid, cellUUID)
	}
	ctx, cancel := context.WithTimeout(ctx, cell.timeout)
	defer cancel()
	if err := (removal{uuid: uuid, cell: cell}).claimed(cell.WithContext(ctx)); err != nil {
		return fmt.Errorf("instance %s: %w", uuid, err)
	}
	return nil
}

// findOurs finds the cell of an adopted instance and refuses what cannot be
// taken back, before anything is removed. Nil when there is nothing to do.
func (w *Writer) findOurs(ctx context.Context, uuid string) (*cell, error) {
	ctx, cancel := context.WithTimeout(ctx, w.cloud.config.QueryTimeout)
	defer cancel()
	for _, cell := range w.cloud.cells {
		rows, err := readStages(cell.WithContext(ctx), []string{uuid})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", cell.label, err)
		}
		if len(rows) == 0 {
			continue
		}
		if !rows[0].Ours {
			return nil, ErrNotOurs
		}
		return cell, removal{uuid: uuid, cell: cell}.refuse(w.cells[cell.UUID].WithContext(ctx))
	}
	stages, err := w.cloud.Written(ctx, []string{uuid})
	if err == nil && stages[uuid] == Foreign {
		err = fmt.Errorf("has rows in the API database and none in an open cell: %w", ErrNotOurs)
	}
	return nil, err
}
