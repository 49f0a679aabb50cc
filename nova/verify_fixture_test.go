package nova

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
)

// object1 is one versioned object as Nova stores it.
func object1(name, version string, data map[string]any) map[string]any {
	return map[string]any{"nova_object.name": name, "nova_object.namespace": "nova", "nova_object.version": version, "nova_object.data": data}
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const testImage = "77777777-0000-4000-8000-000000000001"

// addSound inserts all rows of one instance, as Nova itself would have them:
// 8 VCPU, 24 GB, root and one data disk, one port. Nothing here goes through
// the code that writes adoptions.
func (f *fixture) addSound(n int) Expect {
	f.t.Helper()
	uuid, port, mac := testUUID(n), fmt.Sprintf("66666666-0000-4000-8000-%012d", n), fmt.Sprintf("52:54:00:00:00:%02x", n)
	instance := map[string]any{
		"hostname": fmt.Sprintf("web-%d", n), "root_gb": 300, "ephemeral_gb": 0, "image_ref": testImage, "kernel_id": "", "ramdisk_id": "",
		"config_drive": "", "root_device_name": "/dev/vda", "launched_at": "2020-01-01 00:00:00", "os_type": "windows",
		"shutdown_terminate": 0, "disable_terminate": 0, "locked": 1, "locked_by": "admin",
	}
	if f.hasColumn("instances", "compute_id") {
		instance["compute_id"] = 1
	}
	f.addInstance(n, instance)
	flavor := object1("Flavor", "1.2", map[string]any{
		"id": 4, "name": "legacy.8c24g", "flavorid": "legacy.8c24g", "vcpus": 8, "memory_mb": 24576, "root_gb": 300, "ephemeral_gb": 0,
		"swap": 0, "rxtx_factor": 1.0, "vcpu_weight": 0, "extra_specs": map[string]any{"hw:cpu_sockets": "2"},
	})
	f.insert(f.cell, "instance_extra", map[string]any{"instance_uuid": uuid, "deleted": 0, "pci_requests": "[]",
		"keypairs": toJSON(f.t, object1("KeyPairList", "1.3", map[string]any{"objects": []any{}})),
		"flavor":   toJSON(f.t, map[string]any{"cur": flavor, "old": nil, "new": nil})})
	f.insert(f.cell, "instance_info_caches", map[string]any{"instance_uuid": uuid, "deleted": 0, "network_info": toJSON(f.t, []any{map[string]any{
		"id": port, "address": mac, "type": "bridge", "preserve_on_delete": true, "network": map[string]any{"id": "net", "label": "public"}}})})
	f.insert(f.cell, "virtual_interfaces", map[string]any{"instance_uuid": uuid, "deleted": 0, "uuid": port, "address": mac + "/" + port, "network_id": 0})
	f.insert(f.cell, "block_device_mapping", map[string]any{"instance_uuid": uuid, "deleted": 0, "uuid": fmt.Sprintf("88888888-0000-4000-8000-%012d", n),
		"source_type": "image", "destination_type": "local", "device_name": "/dev/vda", "disk_bus": "virtio", "boot_index": 0, "image_id": testImage})
	f.insert(f.cell, "block_device_mapping", map[string]any{"instance_uuid": uuid, "deleted": 0, "uuid": fmt.Sprintf("99999999-0000-4000-8000-%012d", n),
		"source_type": "blank", "destination_type": "local", "device_name": "/dev/vdb", "disk_bus": "virtio", "boot_index": -1, "volume_size": 40})
	for key, value := range map[string]string{
		"image_hw_cdrom_bus": "ide", "image_hw_disk_bus": "virtio", "image_hw_input_bus": "usb", "image_hw_machine_type": "pc", "image_hw_pointer_model": "usbtablet",
		"image_hw_video_model": "cirrus", "image_hw_vif_model": "e1000", "image_os_type": "windows", "image_base_image_ref": testImage, "owner_user_name": "x",
		"image_hw_cpu_sockets": "2", "image_hw_qemu_guest_agent": "yes",
	} {
		f.insert(f.cell, "instance_system_metadata", map[string]any{"instance_uuid": uuid, "deleted": 0, "key": key, "value": value})
	}
	f.insert(f.api, "instance_mappings", map[string]any{"instance_uuid": uuid, "cell_id": 2, "project_id": "legacy", "user_id": "admin", "queued_for_delete": 0})
	f.insert(f.api, "request_specs", map[string]any{"instance_uuid": uuid, "spec": toJSON(f.t, object1("RequestSpec", "1.13", map[string]any{
		"instance_uuid": uuid, "project_id": "legacy", "user_id": "admin", "is_bfv": false, "flavor": flavor,
		"image": object1("ImageMeta", "1.8", map[string]any{"properties": object1("ImageMetaProps", "1.27", map[string]any{
			"hw_machine_type": "pc", "hw_vif_model": "e1000", "os_type": "windows", "hw_cpu_sockets": 2, "hw_qemu_guest_agent": true})})}))})
	locked := true
	return Expect{
		UUID: uuid, DisplayName: fmt.Sprintf("Web %d", n), ProjectID: "legacy", UserID: "admin", Host: "kvm01", Node: "kvm01", AvailabilityZone: "az1",
		Flavor: Flavor{FlavorID: "legacy.8c24g", VCPUs: 8, MemoryMB: 24576, RootGB: 300}, ImageRef: testImage,
		Disks: []BlockDevice{{Device: "/dev/vda", Bus: "virtio", Root: true}, {Device: "/dev/vdb", Bus: "virtio", SizeGB: 40}},
		Ports: []Port{{ID: port, MAC: mac}}, OSType: "windows", NICModel: "e1000", Locked: &locked,
		Properties: map[string]string{"hw_machine_type": "pc", "hw_vif_model": "e1000", "os_type": "windows", "hw_cpu_sockets": "2", "hw_qemu_guest_agent": "yes"},
	}
}

// hasColumn reports whether the cell's release has it.
func (f *fixture) hasColumn(table, column string) bool {
	rows, err := f.cell.Query("SELECT " + column + " FROM " + table + " WHERE 1 = 0")
	if err != nil {
		return false
	}
	return rows.Close() == nil
}

// addCell seeds a second, empty cell and returns its id.
func (f *fixture) addCell(release string) int64 {
	f.t.Helper()
	db, address := newDatabase(f.t, release, "cell")
	f.second = db
	return f.insert(f.api, "cell_mappings", map[string]any{"uuid": "22222222-1111-4111-8111-111111111111", "name": "cell2", "database_connection": address, "disabled": 0})
}

func verify(t *testing.T, c *Cloud, expected ...Expect) []Violation {
	t.Helper()
	found, err := c.Verify(context.Background(), expected)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
