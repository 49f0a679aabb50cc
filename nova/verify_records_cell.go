package nova

import "context"

const selectInstance = `SELECT uuid AS instance_uuid, id, deleted, hidden, display_name, hostname, project_id, user_id, host, node, availability_zone,
	vm_state, power_state, task_state, locked, locked_by, vcpus, memory_mb, root_gb, ephemeral_gb, image_ref, kernel_id, ramdisk_id, os_type,
	root_device_name, config_drive, shutdown_terminate, disable_terminate, created_at, launched_at, terminated_at, deleted_at, `

// leftoverTables are those that only count when the instance is gone: rows
// that a release must have taken along.
var leftoverTables = []string{
	"instance_metadata", "instance_actions", "security_group_instance_association", "console_auth_tokens", "share_mapping",
}

// readCellRecords reads everything one cell has about the uuids: one statement
// a table.
func readCellRecords(ctx context.Context, cell *cell, keys []string) (*cellRecords, error) {
	r := &recordReader{ctx: ctx, db: cell.database, keys: keys}
	compute := "NULL AS compute_id"
	if cell.has("instances", "compute_id") {
		compute = "compute_id"
	}
	encryption := "0 AS encrypted, NULL AS encryption_key"
	if cell.has("block_device_mapping", "encrypted") {
		encryption = "encrypted, encryption_secret_uuid AS encryption_key"
	}
	c := &cellRecords{
		cell:      cell,
		instances: group[instanceRecord](r, "instances", selectInstance+compute+" FROM instances WHERE uuid IN ?"),
		shadows:   group[owned](r, "shadow_instances", "SELECT uuid AS instance_uuid FROM shadow_instances WHERE uuid IN ?"),
		extras: group[extraRecord](r, "instance_extra", `SELECT instance_uuid, flavor, pci_requests, numa_topology, keypairs, vcpu_model, migration_context,
			device_metadata, trusted_certs, resources FROM instance_extra WHERE deleted = 0 AND instance_uuid IN ?`),
		caches: group[cacheRecord](r, "instance_info_caches", "SELECT instance_uuid, deleted, network_info FROM instance_info_caches WHERE instance_uuid IN ?"),
		devices: group[deviceRecord](r, "block_device_mapping", `SELECT instance_uuid, uuid, source_type, destination_type, device_name, disk_bus, boot_index,
			volume_id, volume_size, image_id, attachment_id, connection_info, `+encryption+` FROM block_device_mapping WHERE deleted = 0 AND instance_uuid IN ? ORDER BY id`),
		interfaces: group[interfaceRecord](r, "virtual_interfaces", "SELECT instance_uuid, uuid, address FROM virtual_interfaces WHERE deleted = 0 AND instance_uuid IN ? ORDER BY id"),
		properties: group[propertyRecord](r, "instance_system_metadata", "SELECT instance_uuid, `key`, value FROM instance_system_metadata WHERE deleted = 0 AND instance_uuid IN ? ORDER BY id"),
		migrations: group[migrationRecord](r, "migrations", "SELECT instance_uuid, status, migration_type FROM migrations WHERE deleted = 0 AND instance_uuid IN ? ORDER BY id"),
		faults:     group[faultRecord](r, "instance_faults", "SELECT instance_uuid, created_at, message FROM instance_faults WHERE deleted = 0 AND instance_uuid IN ? ORDER BY id"),
	}
	c.others = map[string][]owned{}
	for _, table := range leftoverTables {
		if cell.has(table, "instance_uuid") {
			c.addOthers(group[owned](r, table, "SELECT instance_uuid FROM "+table+" WHERE instance_uuid IN ?"))
		}
	}
	c.addOthers(group[owned](r, "tags", "SELECT resource_id AS instance_uuid FROM tags WHERE resource_id IN ?"))
	c.addOthers(group[owned](r, "instance_id_mappings", "SELECT uuid AS instance_uuid FROM instance_id_mappings WHERE uuid IN ?"))
	return c, r.err
}

func (c *cellRecords) addOthers(rows map[string][]owned) {
	for uuid, some := range rows {
		c.others[uuid] = append(c.others[uuid], some...)
	}
}

// counts says how many rows of each table the cell has for one uuid.
func (c *cellRecords) counts(uuid string) map[string]int {
	return map[string]int{
		"instances": len(c.instances[uuid]), "shadow_instances": len(c.shadows[uuid]), "instance_extra": len(c.extras[uuid]),
		"instance_info_caches": len(c.caches[uuid]), "block_device_mapping": len(c.devices[uuid]), "virtual_interfaces": len(c.interfaces[uuid]),
		"instance_system_metadata": len(c.properties[uuid]), "migrations": len(c.migrations[uuid]), "instance_faults": len(c.faults[uuid]),
		"metadata, actions, tags or id mappings": len(c.others[uuid]),
	}
}
