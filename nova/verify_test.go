package nova

import (
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// An instance that is as Nova would have it violates nothing, in any release.
func TestVerifySound(t *testing.T) {
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			f := newFixture(t, r.Name, nil)
			var expected []Expect
			for n := 1; n <= 3; n++ {
				expected = append(expected, f.addSound(n))
			}
			f.insert(f.cell, "migrations", map[string]any{"uuid": "m1", "instance_uuid": testUUID(1), "deleted": 0, "status": "confirmed", "migration_type": "resize"})
			c := f.open()
			for _, v := range verify(t, c, expected...) {
				t.Error(v)
			}
			for _, v := range verify(t, c, Expect{UUID: strings.ToUpper(testUUID(2))}, Expect{UUID: testUUID(9), Absent: true}) {
				t.Error(v)
			}
		})
	}
}

// one is an SQL change to the cell (c:) or the API database (a:).
type change struct{ code, name, statement string }

// Every invariant, broken in each way that it looks for. Exactly the named
// code must be found, and something must be found.
var changes = []change{
	{"V1", "deleted NULL", "c:UPDATE instances SET deleted = NULL"},
	{"V1", "soft-deleted", "c:UPDATE instances SET deleted = id"},
	{"V1", "hidden", "c:UPDATE instances SET hidden = 1"},
	{"V1", "archived too", "c:INSERT INTO shadow_instances (uuid, deleted) VALUES (@U, 7)"},
	{"V3", "no mapping", "a:DELETE FROM instance_mappings"},
	{"V3", "mapping without cell", "a:UPDATE instance_mappings SET cell_id = NULL"},
	{"V3", "mapping to cell0", "a:UPDATE instance_mappings SET cell_id = 1"},
	{"V3", "mapping of another project", "a:UPDATE instance_mappings SET project_id = 'x'"},
	{"V3", "mapping without user", "a:UPDATE instance_mappings SET user_id = NULL"},
	{"V3", "queued NULL", "a:UPDATE instance_mappings SET queued_for_delete = NULL"},
	{"V3", "queued", "a:UPDATE instance_mappings SET queued_for_delete = 1"},
	{"V3", "only the marker", "a:UPDATE instance_mappings SET project_id = 'INSTANCE_MIGRATION_MARKER'"},
	{"V4", "build request", "a:INSERT INTO build_requests (instance_uuid, project_id) VALUES (@U, 'legacy')"},
	{"V5", "no spec", "a:DELETE FROM request_specs"},
	{"V5", "garbage", "a:UPDATE request_specs SET spec = '{\"x'"},
	{"V5", "null", "a:UPDATE request_specs SET spec = 'null'"},
	{"V5", "a number", "a:UPDATE request_specs SET spec = '7'"},
	{"V5", "data is a list", "a:UPDATE request_specs SET spec = '{\"nova_object.name\":\"RequestSpec\",\"nova_object.version\":\"1.13\",\"nova_object.data\":[]}'"},
	{"V5", "too new", "a:UPDATE request_specs SET spec = REPLACE(spec, '1.13', '1.99')"},
	{"V5", "another object", "a:UPDATE request_specs SET spec = REPLACE(spec, '\"RequestSpec\"', '\"Other\"')"},
	{"V5", "another uuid", "a:UPDATE request_specs SET spec = REPLACE(spec, '\"instance_uuid\":\"9', '\"instance_uuid\":\"8')"},
	{"V5", "another project", "a:UPDATE request_specs SET spec = REPLACE(spec, '\"project_id\":\"legacy\"', '\"project_id\":5')"},
	{"V5", "is_bfv wrong", "a:UPDATE request_specs SET spec = REPLACE(spec, '\"is_bfv\":false', '\"is_bfv\":true')"},
	{"V5", "is_bfv absent", "a:UPDATE request_specs SET spec = REPLACE(spec, '\"is_bfv\":false,', '')"},
	{"V5", "another flavor", "a:UPDATE request_specs SET spec = REPLACE(spec, '24576', '2048')"},
	{"V5", "flavor null", "a:UPDATE request_specs SET spec = REPLACE(spec, '\"flavor\":{', '\"flavor\":null,\"f\":{')"},
	{"V5", "no image", "a:UPDATE request_specs SET spec = REPLACE(spec, '\"image\":{', '\"image\":null,\"i\":{')"},
	{"V5", "another machine for a resize", "a:UPDATE request_specs SET spec = REPLACE(spec, '\"hw_machine_type\":\"pc\"', '\"hw_machine_type\":\"q35\"')"},
	{"V5", "a property missing for a resize", "a:UPDATE request_specs SET spec = REPLACE(spec, '\"hw_vif_model\"', '\"hw_vif_modle\"')"},
	{"V6", "no extra", "c:DELETE FROM instance_extra"},
	{"V6", "two extras", "c:INSERT INTO instance_extra (instance_uuid, deleted) VALUES (@U, 0)"},
	{"V6", "extra deleted", "c:UPDATE instance_extra SET deleted = id"},
	{"V6", "flavor NULL", "c:UPDATE instance_extra SET flavor = NULL"},
	{"V6", "no key old", "c:UPDATE instance_extra SET flavor = REPLACE(flavor, '\"old\":null', '\"older\":null')"},
	{"V6", "garbage", "c:UPDATE instance_extra SET flavor = '[]'"},
	{"V6", "number missing", "c:UPDATE instance_extra SET flavor = REPLACE(flavor, '\"swap\":0', '\"swop\":0')"},
	{"V6", "specs null", "c:UPDATE instance_extra SET flavor = REPLACE(flavor, '{\"hw:cpu_sockets\":\"2\"}', '7')"},
	{"V6", "NUMA topology cut off", "c:UPDATE instance_extra SET numa_topology = '{\"nova_object.name\": \"InstanceNUMATopo'"},
	{"V6", "migration context of another object", "c:UPDATE instance_extra SET migration_context = flavor"},
	{"V6", "PCI requests null", "c:UPDATE instance_extra SET pci_requests = 'null'"},
	{"V6", "PCI requests garbage", "c:UPDATE instance_extra SET pci_requests = '{}'"},
	{"V6", "key pairs garbage", "c:UPDATE instance_extra SET keypairs = ''"},
	{"V7", "no cache", "c:DELETE FROM instance_info_caches"},
	{"V7", "cache deleted", "c:UPDATE instance_info_caches SET deleted = id"},
	{"V7", "JSON null", "c:UPDATE instance_info_caches SET network_info = 'null'"},
	{"V7", "garbage", "c:UPDATE instance_info_caches SET network_info = '{\"a\":'"},
	{"V7", "unbound", "c:UPDATE instance_info_caches SET network_info = REPLACE(network_info, '\"bridge\"', '\"unbound\"')"},
	{"V7", "no type", "c:UPDATE instance_info_caches SET network_info = REPLACE(network_info, '\"bridge\"', 'null')"},
	{"V7", "port not preserved", "c:UPDATE instance_info_caches SET network_info = REPLACE(network_info, 'true', 'false')"},
	{"V7", "no network", "c:UPDATE instance_info_caches SET network_info = REPLACE(network_info, '\"label\"', '\"lable\"')"},
	{"V7", "port missing", "c:UPDATE instance_info_caches SET network_info = '[]'"},
	{"V8", "no host", "c:UPDATE instances SET host = NULL"},
	{"V8", "unknown host", "c:UPDATE instances SET host = 'kvm99'"},
	{"V8", "node of another host", "c:UPDATE instances SET node = 'kvm02'"},
	{"V8", "no service", "c:UPDATE services SET deleted = id WHERE host = 'kvm01'"},
	{"V8", "no node row", "c:UPDATE compute_nodes SET deleted = id WHERE host = 'kvm01'"},
	{"V8", "another zone", "c:UPDATE instances SET availability_zone = 'az9'"},
	{"V8", "compute_id NULL", "c:UPDATE instances SET compute_id = NULL"},
	{"V8", "compute_id of another", "c:UPDATE instances SET compute_id = 2"},
	{"V9", "task state", "c:UPDATE instances SET task_state = 'migrating'"},
	{"V9", "stopped but running", "c:UPDATE instances SET vm_state = 'stopped'"},
	{"V9", "active but off", "c:UPDATE instances SET power_state = 4"},
	{"V9", "unknown state", "c:UPDATE instances SET vm_state = 'shutoff'"},
	{"V9", "not locked", "c:UPDATE instances SET locked = 0, locked_by = NULL"},
	{"V9", "lock without owner", "c:UPDATE instances SET locked_by = NULL"},
	{"V10", "never launched", "c:UPDATE instances SET launched_at = NULL"},
	{"V10", "in the future", "c:UPDATE instances SET created_at = '2999-01-01 00:00:00'"},
	{"V10", "terminated", "c:UPDATE instances SET terminated_at = '2020-01-01 00:00:00'"},
	{"V10", "date of deletion", "c:UPDATE instances SET deleted_at = '2020-01-01 00:00:00'"},
	{"V11", "two roots", "c:UPDATE block_device_mapping SET boot_index = 0, image_id = @I, source_type = 'blank' WHERE device_name = '/dev/vdb'"},
	{"V11", "pair", "c:UPDATE block_device_mapping SET source_type = 'snapshot' WHERE device_name = '/dev/vdb'"},
	{"V11", "device twice", "c:INSERT INTO block_device_mapping (uuid, instance_uuid, deleted, source_type, destination_type, device_name, boot_index, volume_id, attachment_id, connection_info) VALUES ('x', @U, 0, 'volume', 'volume', '/dev/vda', -1, 'v', 'a', '{}')"},
	{"V11", "image of the root", "c:UPDATE block_device_mapping SET image_id = NULL WHERE boot_index = 0"},
	{"V11", "root device name", "c:UPDATE instances SET root_device_name = '/dev/sda'"},
	{"V11", "volume without attachment", "c:INSERT INTO block_device_mapping (uuid, instance_uuid, deleted, source_type, destination_type, device_name, boot_index, volume_id) VALUES ('x', @U, 0, 'volume', 'volume', '/dev/vdc', -1, 'v')"},
	{"V11", "disk missing", "c:DELETE FROM block_device_mapping WHERE device_name = '/dev/vdb'"},
	{"V11", "disk too many", "c:INSERT INTO block_device_mapping (uuid, instance_uuid, deleted, source_type, destination_type, device_name, boot_index) VALUES ('x', @U, 0, 'blank', 'local', '/dev/vdc', -1)"},
	{"V11", "bus", "c:UPDATE block_device_mapping SET disk_bus = 'ide' WHERE device_name = '/dev/vdb'"},
	{"V11", "encrypted", "c:UPDATE block_device_mapping SET encrypted = 1 WHERE boot_index = 0"},
	{"V11", "key of an encryption", "c:UPDATE block_device_mapping SET encryption_secret_uuid = @I WHERE device_name = '/dev/vdb'"},
	{"V11", "size", "c:UPDATE block_device_mapping SET volume_size = 1 WHERE device_name = '/dev/vdb'"},
	{"V12", "disk without uuid", "c:UPDATE block_device_mapping SET uuid = NULL WHERE device_name = '/dev/vdb'"},
	{"V12", "no virtual interface", "c:DELETE FROM virtual_interfaces"},
	{"V12", "old address form", "c:UPDATE virtual_interfaces SET address = '52:54:00:00:00:01' WHERE instance_uuid = @U"},
	{"V13", "key missing", "c:DELETE FROM instance_system_metadata WHERE `key` = 'image_hw_machine_type'"},
	{"V13", "key deleted", "c:UPDATE instance_system_metadata SET deleted = id WHERE `key` = 'image_hw_machine_type'"},
	{"V13", "illegal value", "c:UPDATE instance_system_metadata SET value = 'hyperloop' WHERE `key` = 'image_hw_disk_bus'"},
	{"V13", "key twice", "c:INSERT INTO instance_system_metadata (instance_uuid, deleted, `key`, value) VALUES (@U, 0, 'owner_user_name', 'y')"},
	{"V13", "another machine, as a rescue leaves it", "c:UPDATE instance_system_metadata SET value = 'pc-q35-7.2' WHERE `key` = 'image_hw_machine_type'"},
	{"V13", "agent not known", "c:DELETE FROM instance_system_metadata WHERE `key` = 'image_hw_qemu_guest_agent'"},
	{"V13", "base image", "c:UPDATE instance_system_metadata SET value = '' WHERE `key` = 'image_base_image_ref'"},
	{"V14", "property not windows", "c:UPDATE instance_system_metadata SET value = 'linux' WHERE `key` = 'image_os_type'"},
	{"V14", "neither windows", "c:UPDATE instances SET os_type = NULL"},
	{"V14", "NIC model", "c:UPDATE instance_system_metadata SET value = 'virtio' WHERE `key` = 'image_hw_vif_model'"},
	{"V15", "shutdown_terminate", "c:UPDATE instances SET shutdown_terminate = 1"},
	{"V15", "disable_terminate", "c:UPDATE instances SET disable_terminate = 1"},
	{"V15", "config drive", "c:UPDATE instances SET config_drive = 'True'"},
	{"V15", "kernel", "c:UPDATE instances SET kernel_id = 'x'"},
	{"V15", "ramdisk", "c:UPDATE instances SET ramdisk_id = 'x'"},
	{"V16", "no display name", "c:UPDATE instances SET display_name = ''"},
	{"V16", "no host name", "c:UPDATE instances SET hostname = NULL"},
	{"V19", "flavor changed", "a:UPDATE flavors SET memory_mb = 1 WHERE name = 'legacy.8c24g'"},
	{"V19", "specs changed", "a:DELETE FROM flavor_extra_specs"},
	{"V19", "flavor renamed", "a:UPDATE flavors SET flavorid = 'gone' WHERE name = 'legacy.8c24g'"},
	{"V20", "evacuation done", "c:INSERT INTO migrations (uuid, instance_uuid, deleted, status, migration_type) VALUES ('m', @U, 0, 'done', 'evacuation')"},
	{"V20", "migration under way", "c:INSERT INTO migrations (uuid, instance_uuid, deleted, status) VALUES ('m', @U, 0, 'running')"},
	{"V20", "fault", "c:INSERT INTO instance_faults (instance_uuid, deleted, code, message) VALUES (@U, 0, 500, 'boom')"},
}

func TestVerifyFinds(t *testing.T) {
	for _, tt := range changes {
		t.Run(tt.code+" "+tt.name, func(t *testing.T) {
			f := newFixture(t, "epoxy", nil)
			e := f.addSound(1)
			apply(f, tt.statement)
			expectOnly(t, verify(t, f.open(), e), tt.code)
		})
	}
}

// apply runs a change; @U is the uuid, @I the image.
func apply(f *fixture, statement string) {
	f.t.Helper()
	db := f.cell
	if strings.HasPrefix(statement, "a:") {
		db = f.api
	}
	statement = strings.ReplaceAll(statement[2:], "@U", "'"+testUUID(1)+"'")
	f.exec(db, strings.ReplaceAll(statement, "@I", "'"+testImage+"'"))
}

// expectOnly wants at least one violation, and none of another code. Without a
// live row there is nothing to compare, and V22 lists what is left.
func expectOnly(t *testing.T, found []Violation, code string) {
	t.Helper()
	hit := false
	for _, v := range found {
		hit = hit || v.Code == code
		if v.Code != code && !(code == "V1" && v.Code == "V22") {
			t.Errorf("unexpected %v", v)
		}
		if v.UUID == "" || v.What == "" || v.Expected == "" || v.Found == "" {
			t.Errorf("says too little: %+v", v)
		}
	}
	if !hit {
		t.Errorf("found %v, want a %s", found, code)
	}
}

func TestVerifySecondCell(t *testing.T) {
	f := newFixture(t, "zed", nil)
	f.addCell("zed")
	e := f.addSound(1)
	f.insert(f.second, "instances", map[string]any{"uuid": testUUID(1), "deleted": 0})
	expectOnly(t, verify(t, f.open(), e), "V2")
}

// Without a row, what is left of the instance is listed; a release leaves nothing.
func TestVerifyLeftovers(t *testing.T) {
	f := newFixture(t, "zed", nil)
	f.addSound(1)
	f.insert(f.cell, "tags", map[string]any{"resource_id": testUUID(2), "tag": "x"})
	c := f.open()
	found := verify(t, c, Expect{UUID: testUUID(1), Absent: true})
	expectOnly(t, found, "V22")
	if len(found) != 8 { // instances, extra, cache, devices, interfaces, metadata; mapping, spec
		t.Errorf("%d tables, want 8: %v", len(found), found)
	}
	expectOnly(t, verify(t, c, Expect{UUID: testUUID(2), Absent: true}), "V22")
	expectOnly(t, verify(t, c, Expect{UUID: testUUID(2)}), "V1")
}

// Host names may repeat unless Nova is told otherwise.
func TestVerifyUniqueNames(t *testing.T) {
	f := newFixture(t, "zed", nil)
	e := f.addSound(1)
	f.addInstance(2, map[string]any{"hostname": "WEB-1", "project_id": "other"})
	for scope, want := range map[string]int{"": 0, "project": 0, "global": 1} {
		f.config.UniqueNameScope = scope
		found := verify(t, f.open(), e)
		if len(found) != want || want == 1 && found[0].Code != "V16" {
			t.Errorf("scope %q: %v, want %d violations", scope, found, want)
		}
	}
}
