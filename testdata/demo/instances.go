package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// instances writes the two instances that Nova has, or had: one it made, and
// one that an earlier attempt at taking guests in has left soft-deleted.
func (n *seeder) instances(ctx context.Context) error {
	if err := n.managed(ctx); err != nil {
		return fmt.Errorf("instance %s: %w", ManagedUUID, err)
	}
	if err := n.deleted(ctx); err != nil {
		return fmt.Errorf("instance %s: %w", DeletedUUID, err)
	}
	return nil
}

// server is a row of instances: 2 VCPUs, 4 GiB and 40 GB on kvm04.
func (n *seeder) server(uuid, name string) map[string]any {
	return map[string]any{
		"created_at": n.stamp(30 * 24 * time.Hour), "deleted": 0,
		"uuid": uuid, "user_id": userID, "project_id": projectID, "image_ref": "", "kernel_id": "", "ramdisk_id": "",
		"hostname": name, "display_name": name, "display_description": name, "launch_index": 0, "reservation_id": "r-0demo001",
		"power_state": 1, "vm_state": "active", "memory_mb": 4096, "vcpus": 2, "root_gb": 40, "ephemeral_gb": 0,
		"host": "kvm04", "node": "kvm04.example.net", "launched_on": "kvm04", "launched_at": n.stamp(30 * 24 * time.Hour),
		"instance_type_id": 3, "availability_zone": "nova", "root_device_name": "/dev/vda", "config_drive": "",
		"locked": 0, "auto_disk_config": 0, "progress": 0, "shutdown_terminate": 0, "disable_terminate": 0, "cleaned": 0, "hidden": 0,
	}
}

func (n *seeder) managed(ctx context.Context) error {
	flavor, err := json.Marshal(map[string]any{"cur": mediumFlavor(), "old": nil, "new": nil})
	if err != nil {
		return err
	}
	of := func(values map[string]any) map[string]any {
		values["instance_uuid"] = ManagedUUID
		return values
	}
	inserts := []struct {
		table  string
		values map[string]any
	}{
		{"instances", n.server(ManagedUUID, "portal")},
		{"instance_extra", of(map[string]any{"deleted": 0, "flavor": string(flavor), "pci_requests": "[]"})},
		{"instance_info_caches", of(map[string]any{"deleted": 0, "network_info": "[]"})},
		{"instance_system_metadata", of(map[string]any{"deleted": 0, "key": "image_hw_machine_type", "value": "pc-q35-7.2"})},
		{"block_device_mapping", of(map[string]any{
			"deleted": 0, "uuid": "d2a7f5c3-8e14-4b69-a03d-7c9e1f5b8d42", "source_type": "image", "destination_type": "local",
			"device_type": "disk", "disk_bus": "virtio", "device_name": "/dev/vda", "boot_index": 0, "delete_on_termination": 1, "no_device": 0,
		})},
	}
	for _, i := range inserts {
		if _, err := schema.Insert(ctx, n.cell, i.table, i.values); err != nil {
			return err
		}
	}
	return n.mapping(ctx, ManagedUUID, false)
}

// deleted writes what "nova delete" leaves until the rows are archived.
func (n *seeder) deleted(ctx context.Context) error {
	id, err := schema.Insert(ctx, n.cell, "instances", n.server(DeletedUUID, "portal-old"))
	if err != nil {
		return err
	}
	gone := n.stamp(time.Hour)
	if _, err := n.cell.ExecContext(ctx, "UPDATE instances SET deleted = ?, deleted_at = ?, terminated_at = ?, vm_state = 'deleted', power_state = 0 WHERE uuid = ?",
		id, gone, gone, DeletedUUID); err != nil {
		return err
	}
	return n.mapping(ctx, DeletedUUID, true)
}

func (n *seeder) mapping(ctx context.Context, uuid string, gone bool) error {
	var cell int64
	if err := n.api.QueryRowContext(ctx, "SELECT id FROM cell_mappings WHERE uuid = ?", cellUUID).Scan(&cell); err != nil {
		return fmt.Errorf("find cell1: %w", err)
	}
	_, err := schema.Insert(ctx, n.api, "instance_mappings", map[string]any{
		"instance_uuid": uuid, "cell_id": cell, "project_id": projectID, "user_id": userID, "queued_for_delete": gone,
	})
	return err
}

// mediumFlavor is m1.medium as Nova keeps it with an instance.
func mediumFlavor() map[string]any {
	return map[string]any{
		"nova_object.name": "Flavor", "nova_object.namespace": "nova", "nova_object.version": "1.2",
		"nova_object.data": map[string]any{
			"id": 3, "name": "m1.medium", "memory_mb": 4096, "vcpus": 2, "root_gb": 40, "ephemeral_gb": 0, "flavorid": "3",
			"swap": 0, "rxtx_factor": 1.0, "vcpu_weight": 0, "disabled": false, "is_public": true, "extra_specs": map[string]any{},
			"description": nil, "created_at": nil, "updated_at": nil, "deleted_at": nil, "deleted": false,
		},
	}
}
