package nova

import (
	"maps"
	"slices"
	"strconv"
)

// cellRows are the rows of the cell's database, each after the one its foreign
// key names.
func (b *rowBuilder) cellRows() []Row {
	rows := []Row{b.instance(), b.extra(), b.infoCache()}
	rows = append(rows, b.systemMetadata()...)
	rows = append(rows, b.metadata()...)
	rows = append(rows, b.blockDevices()...)
	rows = append(rows, b.virtualInterfaces()...)
	rows = append(rows, b.action(), b.idMapping())
	return append(rows, b.tags()...)
}

// row begins a row with the columns that nearly every table has.
func (b *rowBuilder) row(table string, columns ...Column) Row {
	return Row{Table: table, Columns: append([]Column{value("created_at", b.now), value("deleted", 0)}, columns...)}
}

// instance is the instances row (nova/db/main/models.py, Instance).
func (b *rowBuilder) instance() Row {
	in := b.in
	created := b.now
	if !in.Created.IsZero() {
		created = sqlTime(in.Created)
	}
	return Row{Table: "instances", Columns: []Column{
		value("created_at", created),
		value("deleted", 0),
		value("uuid", in.UUID),
		value("user_id", in.UserID),
		value("project_id", in.ProjectID),
		value("display_name", in.DisplayName),
		value("display_description", orNil(in.Description)),
		value("hostname", in.Hostname),
		value("reservation_id", in.ReservationID),
		value("image_ref", in.ImageRef), // '' and not NULL, as Nova itself writes it
		value("kernel_id", ""),          // anything else boots a kernel directly
		value("ramdisk_id", ""),
		value("launch_index", 0),
		value("vm_state", "active"),
		value("power_state", PowerNone),
		value("task_state", taskStateAdopting),
		value("memory_mb", in.Flavor.MemoryMB),
		value("vcpus", in.Flavor.VCPUs),
		value("root_gb", in.Flavor.RootGB),
		value("ephemeral_gb", in.Flavor.EphemeralGB),
		value("instance_type_id", in.Flavor.ID),
		value("availability_zone", in.AvailabilityZone),
		value("os_type", orNil(in.OSType)), // the column, not the image key, turns on Hyper-V features and localtime
		value("root_device_name", in.RootDevice),
		value("config_drive", ""), // a true value would add a drive at the next regeneration
		value("auto_disk_config", 0),
		value("progress", 0),
		value("locked", 1),
		value("locked_by", "admin"),
		value("shutdown_terminate", 0), // 1 makes the power sync delete a guest that shut itself down
		value("disable_terminate", 1),  // a delete through the API is ignored until the instance is final
		value("cleaned", 0),
		value("hidden", 1), // from lists, until Finish: see apiTables
	}}
}

func (b *rowBuilder) extra() Row {
	return b.row("instance_extra",
		value("instance_uuid", b.in.UUID),
		value("pci_requests", "[]"),
		value("flavor", b.flavor),
		value("keypairs", b.keyPairs))
}

func (b *rowBuilder) infoCache() Row {
	return b.row("instance_info_caches",
		value("instance_uuid", b.in.UUID),
		value("network_info", b.networkInfo))
}

// systemMetadata holds the image properties with the prefix image_, what a
// snapshot inherits, who owned the instance, and our marker.
func (b *rowBuilder) systemMetadata() []Row {
	all := map[string]string{
		"image_base_image_ref":   b.in.ImageRef,
		"image_container_format": "bare",
		"image_disk_format":      b.in.imageFormat(),
		"image_min_disk":         strconv.Itoa(b.in.Flavor.RootGB),
		"image_min_ram":          "0",
		"owner_project_name":     b.in.ProjectName,
		"owner_user_name":        b.in.UserName,
		MarkerKey:                b.in.RequestID,
	}
	for k, v := range b.in.properties() {
		all["image_"+k] = v
	}
	return b.pairs("instance_system_metadata", all)
}

func (b *rowBuilder) metadata() []Row { return b.pairs("instance_metadata", b.in.Metadata) }

func (b *rowBuilder) pairs(table string, all map[string]string) []Row {
	var rows []Row
	for _, k := range slices.Sorted(maps.Keys(all)) {
		rows = append(rows, b.row(table, value("instance_uuid", b.in.UUID), value("key", k), value("value", all[k])))
	}
	return rows
}

// blockDevices: the root row decides that the instance is not booted from a
// volume, even without an image; the others are blank local disks, the only
// local data disks Nova has, and their order is that of disk.eph0, disk.eph1.
func (b *rowBuilder) blockDevices() []Row {
	var root, data []Row
	for _, d := range b.in.Disks {
		if d.Root {
			root = append(root, b.blockDevice(d, "image", 0, orNil(b.in.ImageRef), nil))
			continue
		}
		data = append(data, b.blockDevice(d, "blank", -1, nil, d.SizeGB))
	}
	return append(root, data...)
}

func (b *rowBuilder) blockDevice(d BlockDevice, source string, bootIndex int, imageID, sizeGB any) Row {
	return b.row("block_device_mapping",
		value("uuid", d.UUID),
		value("instance_uuid", b.in.UUID),
		value("source_type", source),
		value("destination_type", "local"),
		value("device_type", "disk"),
		value("device_name", d.Device),
		value("disk_bus", d.Bus), // with the name alone a data disk falls back to the image's bus
		value("boot_index", bootIndex),
		value("image_id", imageID),
		value("volume_size", sizeGB),
		value("delete_on_termination", 1),
		value("no_device", 0),
		Column{Name: "encrypted", Value: 0, newer: true}) // since 26
}

func (b *rowBuilder) virtualInterfaces() []Row {
	var rows []Row
	for _, p := range b.in.Ports {
		rows = append(rows, b.row("virtual_interfaces",
			value("uuid", p.ID),
			value("instance_uuid", b.in.UUID),
			value("address", p.MAC+"/"+p.ID), // Neutron's form: MACs may repeat, this cannot
			value("network_id", 0)))
	}
	return rows
}

// action is the first line of the instance's history.
func (b *rowBuilder) action() Row {
	return b.row("instance_actions",
		value("updated_at", b.now),
		value("action", "create"),
		value("instance_uuid", b.in.UUID),
		value("request_id", b.in.RequestID),
		value("user_id", b.in.UserID),
		value("project_id", b.in.ProjectID),
		value("start_time", b.now),
		value("finish_time", b.now))
}

func (b *rowBuilder) idMapping() Row { return b.row("instance_id_mappings", value("uuid", b.in.UUID)) }

func (b *rowBuilder) tags() []Row {
	var rows []Row
	for _, t := range slices.Sorted(slices.Values(b.in.Tags)) {
		rows = append(rows, Row{Table: "tags", Columns: []Column{value("resource_id", b.in.UUID), value("tag", t)}})
	}
	return rows
}
