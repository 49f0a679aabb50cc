package nova

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// uuid makes the nth test uuid.
func testUUID(n int) string { return fmt.Sprintf("9e1b5ab6-0000-4000-8000-%012d", n) }

// addInstance inserts an instances row that is live unless change says so.
func (f *fixture) addInstance(n int, change map[string]any) int64 {
	f.t.Helper()
	row := map[string]any{
		"uuid": testUUID(n), "deleted": 0, "display_name": fmt.Sprintf("Web %d", n), "hostname": fmt.Sprintf("web-%d", n),
		"project_id": "legacy", "user_id": "admin", "host": "kvm01", "node": "kvm01", "availability_zone": "az1",
		"vm_state": "active", "power_state": 1, "vcpus": 8, "memory_mb": 24576, "root_gb": 100, "ephemeral_gb": 200,
		"locked": 0, "hidden": 0,
	}
	for k, v := range change {
		row[k] = v
	}
	return f.insert(f.cell, "instances", row)
}

func TestFlavors(t *testing.T) {
	f := newFixture(t, "epoxy", func(s *schema.Seed) {
		s.Flavors = append(s.Flavors, schema.FlavorSeed{ID: "9", Name: "old", VCPUs: 1, MemoryMB: 512, VCPUWeightUnset: true, RxTxUnset: true, Disabled: true})
	})
	got, err := f.open().Flavors(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 5 {
		t.Fatalf("%d flavors, want 5", len(got))
	}
	created := got[3].CreatedAt
	want := Flavor{ID: 4, FlavorID: "legacy.8c24g", Name: "legacy.8c24g", VCPUs: 8, MemoryMB: 24576, RootGB: 300, RxTxFactor: 1,
		Projects: []string{"legacy"}, ExtraSpecs: map[string]string{"hw:cpu_sockets": "2"}, CreatedAt: created}
	if d := cmp.Diff(want, got[3]); d != "" {
		t.Error(d)
	}
	if time.Since(created) > time.Hour || created.Location() != time.UTC {
		t.Errorf("CreatedAt = %v", created)
	}
	if !got[0].Public || !got[4].Disabled || got[4].RxTxFactor != 1 {
		t.Errorf("first %+v, last %+v", got[0], got[4])
	}
}

func TestPresence(t *testing.T) {
	f := newFixture(t, "zed", nil)
	f.addInstance(1, map[string]any{"task_state": "migrating"})
	f.exec(f.cell, "UPDATE instances SET host = NULL")
	f.addInstance(2, map[string]any{"deleted": 2})
	f.addInstance(3, map[string]any{"deleted": nil})
	f.insert(f.cell, "shadow_instances", map[string]any{"uuid": testUUID(4), "deleted": 4})
	f.insert(f.cell, "migrations", map[string]any{"uuid": "m1", "instance_uuid": testUUID(1), "deleted": 0, "status": "done"})
	f.insert(f.cell, "migrations", map[string]any{"uuid": "m2", "instance_uuid": testUUID(1), "deleted": 0, "status": "error"})
	f.insert(f.api, "instance_mappings", map[string]any{"instance_uuid": testUUID(5), "project_id": "legacy"})
	f.insert(f.api, "instance_mappings", map[string]any{"instance_uuid": testUUID(8), "project_id": "INSTANCE_MIGRATION_MARKER"})
	f.insert(f.api, "request_specs", map[string]any{"instance_uuid": testUUID(6), "spec": "{}"})
	f.insert(f.api, "build_requests", map[string]any{"instance_uuid": testUUID(7), "project_id": "legacy"})
	var asked []string
	for n := 1; n <= 1200; n++ { // three IN lists
		asked = append(asked, testUUID(n))
	}
	asked[3] = strings.ToUpper(asked[3])

	got, err := f.open().Presence(context.Background(), asked)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Presence{
		testUUID(1): {Live: true, Cell: "cell1", Name: "Web 1", TaskState: "migrating", Migration: "error"},
		testUUID(2): {Deleted: true, Cell: "cell1"},
		testUUID(3): {Deleted: true, Cell: "cell1"},
		asked[3]:    {Shadow: true},
		testUUID(5): {Mapping: true},
		testUUID(6): {RequestSpec: true},
		testUUID(7): {BuildRequest: true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !got[testUUID(9)].Empty() {
		t.Error("an unknown uuid is present")
	}
}

func TestHostnamesInUse(t *testing.T) {
	f := newFixture(t, "zed", nil)
	f.addInstance(1, map[string]any{"hostname": "WEB"})
	f.addInstance(2, map[string]any{"hostname": "web"})
	f.addInstance(3, map[string]any{"hostname": "gone", "deleted": 3})
	got, err := f.open().HostnamesInUse(context.Background(), []string{"web", "gone", "free", "web"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string][]string{"web": {testUUID(1), testUUID(2)}}, got); d != "" {
		t.Error(d)
	}
}

func TestQuotaLeft(t *testing.T) {
	f := newFixture(t, "zed", func(s *schema.Seed) {
		s.Quotas = map[string]map[string]int{"legacy": {"instances": 5, "cores": -1}, "full": {"instances": 0}}
	})
	f.exec(f.api, "INSERT INTO quotas (project_id, resource, hard_limit) VALUES ('legacy', 'ram', NULL)")
	f.addInstance(1, nil)
	f.addInstance(2, map[string]any{"project_id": "full"})
	f.addInstance(3, map[string]any{"deleted": 3})
	f.addInstance(4, map[string]any{"vm_state": "soft-delete"})
	f.addInstance(5, map[string]any{"hidden": 1})
	f.addInstance(6, map[string]any{"vm_state": nil, "hidden": nil})
	got, err := f.open().QuotaLeft(context.Background(), []string{"legacy", "full", "empty"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]QuotaLeft{
		"legacy": {Project: "legacy", Instances: 3, UnlimitedCores: true, UnlimitedRAM: true},
		"full":   {Project: "full", Instances: -1, Cores: 12, RAMMB: 51200 - 24576},
		"empty":  {Project: "empty", Instances: 50, Cores: 20, RAMMB: 51200},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRooms(t *testing.T) {
	f := newFixture(t, "zed", nil)
	f.addInstance(1, nil)
	f.addInstance(2, map[string]any{"deleted": 2})
	f.addInstance(3, map[string]any{"vcpus": 2, "memory_mb": 1024, "root_gb": 50, "ephemeral_gb": nil})
	f.insert(f.cell, "block_device_mapping", map[string]any{"uuid": "b3", "instance_uuid": testUUID(3), "deleted": 0, "boot_index": 0, "destination_type": "volume"})
	f.exec(f.cell, "UPDATE compute_nodes SET memory_mb_used = 24576 + 1024 + 4096 WHERE host = 'kvm01'")
	f.exec(f.cell, "UPDATE compute_nodes SET hypervisor_type = 'ironic' WHERE host = 'kvm03'")
	got, err := f.open().Rooms(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Room{
		"kvm01": {VCPUs: 64*16 - 10, MemoryMB: (262144-4096)*3/2 - 25600, DiskGB: 8000 - 300, MaxVCPUs: 64, Used: HostUse{VCPUs: 10, MemoryMB: 25600, DiskGB: 300}},
		"kvm02": {VCPUs: 64 * 16, MemoryMB: (262144 - 512) * 3 / 2, DiskGB: 8000, MaxVCPUs: 64},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestInstanceNames(t *testing.T) {
	f := newFixture(t, "zed", nil)
	id := f.addInstance(1, nil)
	f.addInstance(2, map[string]any{"deleted": 2})
	f.config.InstanceNameTemplate = "vm-%(hostname)s-%(id)d"
	c := f.open()
	got, err := c.InstanceNames(context.Background(), []string{testUUID(1), testUUID(2), testUUID(3)})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{testUUID(1): fmt.Sprintf("vm-web-1-%d", id)}, got); d != "" {
		t.Error(d)
	}
	f.insert(f.cell, "shadow_instances", map[string]any{"id": 70, "uuid": testUUID(70)})
	highest, err := c.HighestID(context.Background())
	if err != nil || highest["11111111-1111-4111-8111-111111111111"] != 70 {
		t.Errorf("HighestID() = %v, %v, want 70", highest, err)
	}
}

func TestServers(t *testing.T) {
	f := newFixture(t, "zed", nil)
	id := f.addInstance(1, map[string]any{"display_name": "数据库", "locked": 1, "locked_by": "admin", "created_at": "2015-03-01 12:00:00"})
	f.insert(f.cell, "instance_info_caches", map[string]any{"instance_uuid": testUUID(1), "deleted": 0, "network_info": `[
		{"id":"p1","address":"52:54:00:00:00:01","type":"bridge","network":{"id":"n1","label":"public","subnets":[{"ips":[{"address":"192.0.2.7"}]},{"ips":[{"address":"2001:db8::7"}]}]}},
		{"id":"p2","address":"52:54:00:00:00:02","type":"bridge","network":{"id":"n2","label":"private","subnets":[{"ips":[{"address":"10.0.0.5"}]}]}}]`})
	f.addInstance(2, map[string]any{"host": "kvm02"})
	f.insert(f.cell, "instance_info_caches", map[string]any{"instance_uuid": testUUID(2), "deleted": 0, "network_info": `{"garbage":`})
	f.addInstance(3, map[string]any{"host": nil, "node": nil, "task_state": "migrating", "power_state": nil})
	f.addInstance(4, map[string]any{"deleted": 4})
	c := f.open()
	got, err := c.Servers(context.Background(), []string{testUUID(1), testUUID(2), testUUID(3), testUUID(4)})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 {
		t.Fatalf("%d servers, want 3", len(got))
	}
	s := got[2]
	want := Server{
		UUID: testUUID(1), InstanceName: fmt.Sprintf("instance-%08x", id), DisplayName: "数据库", Hostname: "web-1", ProjectID: "legacy", UserID: "admin",
		Cell: "cell1", Host: "kvm01", Node: "kvm01", AvailabilityZone: "az1", VMState: "active", PowerState: 1,
		VCPUs: 8, MemoryMB: 24576, RootGB: 100, EphemeralGB: 200, Locked: true, LockedBy: "admin", Created: time.Date(2015, 3, 1, 12, 0, 0, 0, time.UTC),
		Networks: []ServerNetwork{
			{Name: "public", MAC: "52:54:00:00:00:01", PortID: "p1", VIFType: "bridge", Addresses: []string{"192.0.2.7", "2001:db8::7"}},
			{Name: "private", MAC: "52:54:00:00:00:02", PortID: "p2", VIFType: "bridge", Addresses: []string{"10.0.0.5"}},
		},
	}
	if d := cmp.Diff(want, s); d != "" {
		t.Error(d)
	}
	if s.Size() != "8 VCPU 24GB RAM 300GB disk" || s.AddressText() != "private=10.0.0.5; public=192.0.2.7, 2001:db8::7" || s.PowerText() != "Running" || s.Status() != "ACTIVE" {
		t.Errorf("%q %q %q %q", s.Size(), s.AddressText(), s.PowerText(), s.Status())
	}
	if got[0].NetworksProblem == "" || got[1].NetworksProblem != "" || got[1].Status() != "MIGRATING" {
		t.Errorf("garbage: %+v, half written: %+v", got[0], got[1])
	}
	onHost, err := c.ServersOnHost(context.Background(), "kvm02")
	if err != nil || len(onHost) != 1 || onHost[0].UUID != testUUID(2) {
		t.Errorf("ServersOnHost = %+v, %v", onHost, err)
	}
}

func TestStatus(t *testing.T) {
	tests := []struct{ vm, task, want string }{
		{"active", "", "ACTIVE"}, {"active", "rebooting", "REBOOT"}, {"active", "reboot_started_hard", "HARD_REBOOT"},
		{"active", "resize_prep", "RESIZE"}, {"active", "rebuild_spawning", "REBUILD"}, {"active", "powering-off", "ACTIVE"},
		{"stopped", "", "SHUTOFF"}, {"stopped", "resize_finish", "RESIZE"}, {"paused", "", "PAUSED"}, {"suspended", "", "SUSPENDED"},
		{"resized", "resize_reverting", "REVERT_RESIZE"}, {"resized", "", "VERIFY_RESIZE"}, {"error", "", "ERROR"}, {"nonsense", "", "UNKNOWN"},
	}
	for _, tt := range tests {
		if got := (Server{VMState: tt.vm, TaskState: tt.task}).Status(); got != tt.want {
			t.Errorf("Status of %s, %q = %s, want %s", tt.vm, tt.task, got, tt.want)
		}
	}
}
