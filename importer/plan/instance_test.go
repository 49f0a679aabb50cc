package plan

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// world is the one that input plans for.
func world(f nova.Flavor) World {
	return World{
		Host:    Host{Name: "kvm01", ComputeHost: "kvm01.example.org", Node: "kvm01.example.org", Cell: "cell1"},
		Compute: compute(), Flavor: f, Cloud: snapshot(),
		RequestID: "req-11111111-2222-4333-8444-555555555555", Now: time.Date(2026, 8, 21, 12, 30, 0, 7, time.FixedZone("", 7200)),
	}
}

var comparable = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

func TestInstance(t *testing.T) {
	d := build(t, input(ready(with(windows(1, "WIN 1"), func(d *discover.Domain) {
		d.Disks = append(d.Disks, discover.Disk{Target: "sda", Bus: "sata", Device: "disk", Format: "qcow2", Path: "/b", CapacityBytes: 9 * gib})
	}))))
	d.Flavor.Create = false
	flavor := nova.Flavor{ID: 9, Name: d.Flavor.Name, VCPUs: 2, MemoryMB: 4096, RootGB: 40, EphemeralGB: 9}
	got, err := Instance(d, world(flavor))
	if err != nil {
		t.Fatal(err)
	}
	want := nova.Instance{
		UUID: "1e6ac700-0000-4000-8000-000000000001", DisplayName: "WIN 1", Description: "WIN 1", Hostname: "win-1",
		ProjectID: legacyID, ProjectName: "legacy", UserID: adminID, UserName: "admin",
		Host: compute(), AvailabilityZone: "nova", Flavor: flavor, OSType: "windows", DiskFormat: "qcow2", RootDevice: "/dev/vda",
		ImageProperties: map[string]string{
			"hw_machine_type": "pc-q35-7.2", "hw_disk_bus": "virtio", "hw_vif_model": "virtio", "hw_video_model": "qxl", "hw_cdrom_bus": "sata",
			"hw_input_bus": "usb", "hw_pointer_model": "usbtablet", "hw_firmware_type": "uefi", "hw_qemu_guest_agent": "yes", "os_type": "windows",
			"hw_cpu_sockets": "1", "hw_cpu_cores": "2", "hw_cpu_threads": "1",
		},
		Disks: []nova.BlockDevice{
			{Device: "/dev/vda", Bus: "virtio", SizeGB: 40, Root: true},
			{Device: "/dev/sda", Bus: "sata", SizeGB: 9},
		},
		Ports: []nova.Port{{
			ID: portID(1), MAC: mac(1), NetworkID: publicID, NetworkName: "public", NetworkOwner: legacyID, MTU: 1500, Physical: "physlegacy",
			VIFType: "bridge", VNICType: "normal", VIFDetails: map[string]any{"port_filter": true}, Active: true,
			FixedIPs: []nova.FixedIP{{
				Address: netip.MustParseAddr("10.66.0.1"), CIDR: netip.MustParsePrefix("10.66.0.0/24"), Gateway: netip.MustParseAddr("10.66.0.1"),
				DNS: []netip.Addr{netip.MustParseAddr("10.66.0.2")}, DHCPServer: netip.MustParseAddr("10.66.0.1"),
			}},
		}},
		Metadata: map[string]string{"legacy_name": "WIN 1", "legacy_host": "kvm01", "legacy_digest": "sha256:" + strings.Repeat("01", 32)},
		Created:  time.Date(2026, 8, 21, 10, 30, 0, 0, time.UTC), RequestID: "req-11111111-2222-4333-8444-555555555555",
	}
	ids := cmpopts.IgnoreFields(nova.BlockDevice{}, "UUID")
	if diff := cmp.Diff(want, got, comparable, ids, cmpopts.IgnoreFields(nova.Instance{}, "ReservationID")); diff != "" {
		t.Errorf("Instance (-want +got):\n%s", diff)
	}
	for _, disk := range got.Disks {
		if u, err := uuid.Parse(disk.UUID); err != nil || u.Version() != 5 {
			t.Errorf("block device %s has the id %q, want a UUID of version 5", disk.Device, disk.UUID)
		}
	}
	if got.Disks[0].UUID == got.Disks[1].UUID {
		t.Error("two block devices have one id, which is unique in Nova")
	}
	if len(got.ReservationID) != 10 || !strings.HasPrefix(got.ReservationID, "r-") {
		t.Errorf("reservation id %q, want r- and eight characters", got.ReservationID)
	}
	again, err := Instance(d, world(flavor))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, again, comparable); diff != "" {
		t.Errorf("a rerun would write other rows:\n%s", diff)
	}
}

func TestInstanceRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Domain, *World)
		want   string
	}{
		{"unbound", func(d *Domain, w *World) { w.Cloud.Ports[0].VIFType = "unbound" }, "port " + portID(1) + `: is not bound (vif_type "unbound")`},
		{"binding failed", func(d *Domain, w *World) { w.Cloud.Ports[0].VIFType = "binding_failed" }, "port " + portID(1) + ": is not bound"},
		{"no vif type", func(d *Domain, w *World) { w.Cloud.Ports[0].VIFType = "" }, "is not bound"},
		{"vhost-user", func(d *Domain, w *World) { w.Cloud.Ports[0].VIFType = "vhostuser" }, "port " + portID(1) + `: vif_type "vhostuser" is not one that an adopted domain can have (bridge, ovs)`},
		{"port gone", func(d *Domain, w *World) { w.Cloud.Ports = nil }, "port " + portID(1) + ": is not in the cloud"},
		{"no cloud", func(d *Domain, w *World) { w.Cloud = nil }, "nothing is known of it"},
		{"port of another MAC", func(d *Domain, w *World) { d.NICs[0].Port = portID(2) }, "has the MAC address " + mac(2)},
		{"port on another network", func(d *Domain, w *World) { w.Cloud.Ports[0].NetworkID = privateID }, "is on network " + privateID},
		{"port of another project", func(d *Domain, w *World) { w.Cloud.Ports[0].ProjectID = "x" }, `belongs to project "x"`},
		{"port of another device", func(d *Domain, w *World) { w.Cloud.Ports[0].DeviceID = "y" }, "belongs to device y"},
		{"port on another host", func(d *Domain, w *World) { w.Cloud.Ports[0].HostID = "kvm02" }, `is bound on host "kvm02"`},
		{"subnet gone", func(d *Domain, w *World) { w.Cloud.Networks[0].Subnets = nil }, `with the name or id "s4"`},
		{"other compute", func(d *Domain, w *World) { w.Compute.Host = "kvm02" }, `planned for compute host "kvm01.example.org", and this is "kvm02"`},
		{"other node", func(d *Domain, w *World) { w.Compute.Node = "new" }, `the node of kvm01.example.org is now "new"`},
		{"zone changed", func(d *Domain, w *World) { w.Compute.AvailabilityZone = "az2" }, "availability_zone is nova, and host kvm01.example.org is in az2"},
		{"flavor made anew", func(d *Domain, w *World) { w.Flavor.MemoryMB = 8192 }, "planned with flavor m1.legacy (2 vCPU, 4096 MiB, 40 GB), and Nova has m1.legacy (2 vCPU, 8192 MiB, 40 GB)"},
		{"two at once", func(d *Domain, w *World) { w.Compute.Node, w.Cloud.Ports[0].HostID = "new", "kvm02" }, "is bound on host"},
		{"uuid", func(d *Domain, w *World) { d.UUID = "x" }, `uuid "x"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := build(t, input(ready(linux(1, "web-1"))))
			w := world(smallFlavor())
			test.change(&d, &w)
			got, err := Instance(d, w)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "web-1") {
				t.Errorf("Instance = %v, want an error of web-1 with %q", err, test.want)
			}
			if got.UUID != "" {
				t.Error("an instance was returned beside the error")
			}
		})
	}
}

func TestInstanceWithoutPort(t *testing.T) {
	in := input(ready(linux(1, "web-1")))
	in.Cloud.Ports = []cloud.Port{}
	i, err := Instance(build(t, in), world(smallFlavor()))
	if err != nil || len(i.Ports) != 0 {
		t.Errorf("Instance = %v ports, %v, want none: the plan says that there is none", i.Ports, err)
	}
}

func TestMetadata(t *testing.T) {
	d := Domain{Domain: "evil\n🐈" + strings.Repeat("x", 300), Host: "kvm01", Metadata: map[string]string{"legacy_host": "mine", "a": "b"}}
	got := metadata(d)
	for name, value := range got {
		if problem := textProblem(value, maxProperty); problem != "" {
			t.Errorf("metadata %s %s", name, problem)
		}
	}
	if got["legacy_host"] != "mine" || got["a"] != "b" || !strings.HasPrefix(got["legacy_name"], "evil__x") {
		t.Errorf("metadata = %v", got)
	}
}
