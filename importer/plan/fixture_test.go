package plan

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

const (
	legacyID  = "151eac5e92954d2d84227b2fdd4b6efc"
	adminID   = "5a2845fd6d1a46c2b2b93e27f51829a1"
	publicID  = "fc4c19ff-922d-4e1a-b8cf-f7a9a927135c"
	privateID = "0a7c2e51-1e0a-4b55-9c3d-0d2b6c1d7f10"
	gib       = 1 << 30
)

// linux is an ordinary guest on kvm01, number n.
func linux(n int, name string) discover.Domain {
	uuid := fmt.Sprintf("1e6ac700-0000-4000-8000-%012d", n)
	return discover.Domain{
		Host: "kvm01", Name: name, UUID: uuid, State: discover.StateRunning, Persistent: true,
		VirtType: "kvm", Arch: "x86_64", MachineType: "pc-i440fx-7.2", VCPUs: 2, VCPUsMax: 2, MemoryKiB: 4 << 20, MemMaxKiB: 4 << 20,
		CPU: discover.CPU{Mode: "host-model"}, ACPI: true, OnPoweroff: "destroy",
		Disks: []discover.Disk{
			{Target: "vda", Bus: "virtio", Device: "disk", Type: "file", Format: "qcow2", Path: fmt.Sprintf("/srv/images/%d.qcow2", n), CapacityBytes: 40 * gib},
			{Target: "sda", Bus: "sata", Device: "cdrom", Type: "file"},
		},
		Interfaces:   []discover.Interface{{Type: "bridge", MAC: mac(n), Model: "virtio", Bridge: "br0"}},
		Video:        []string{"cirrus"},
		Inputs:       []string{"tablet/usb", "keyboard/ps2"},
		AgentChannel: true,
		Addresses: []discover.Address{
			{MAC: mac(n), IP: netip.MustParseAddr(fmt.Sprintf("10.66.0.%d", n)), Prefix: 24, Source: "agent"},
			{MAC: mac(n), IP: netip.MustParseAddr("fe80::5054:ff:fe10:1"), Prefix: 64, Source: "agent"},
		},
		Guest:  discover.Guest{Family: "linux", Name: "Debian GNU/Linux 12", Confidence: "agent", Score: -100},
		Digest: "sha256:" + strings.Repeat(fmt.Sprintf("%02x", n), 32),
	}
}

func mac(n int) string { return fmt.Sprintf("52:54:00:10:00:%02x", n) }

func portID(n int) string { return fmt.Sprintf("95d105a7-3d3e-4e6b-a91a-%012d", n) }

// windows is a guest on a q35 machine with virtio, as the guest agent says.
func windows(n int, name string) discover.Domain {
	d := linux(n, name)
	d.MachineType, d.Video = "pc-q35-7.2", []string{"qxl"}
	d.Firmware = discover.Firmware{UEFI: true, Loader: "/usr/share/OVMF/OVMF_CODE_4M.fd"}
	d.CPU = discover.CPU{Mode: "host-model", Sockets: 1, Dies: 1, Cores: 2, Threads: 1}
	d.Guest = discover.Guest{Family: "windows", Name: "Windows Server 2019", Confidence: "agent", Score: 195}
	return d
}

func with(d discover.Domain, change func(*discover.Domain)) discover.Domain {
	change(&d)
	return d
}

func ready(d discover.Domain) Candidate {
	return Candidate{d, check.Assessment{Verdict: check.VerdictReady}}
}

// port is one that Neutron has bound for guest n of kvm01.
func port(n int) cloud.Port {
	return cloud.Port{
		ID: portID(n), MAC: mac(n), NetworkID: publicID, ProjectID: legacyID, HostID: "kvm01.example.org",
		DeviceID: linux(n, "").UUID, DeviceOwner: "compute:nova", VIFType: "bridge", VNICType: "normal", Status: "ACTIVE",
		VIFDetails: map[string]any{"port_filter": true},
		FixedIPs:   []cloud.PortIP{{SubnetID: "s4", Address: netip.MustParseAddr(fmt.Sprintf("10.66.0.%d", n))}},
	}
}

// snapshot is a cloud with ports for the guests 1 to 20.
func snapshot() *cloud.Snapshot {
	s := &cloud.Snapshot{
		Projects: []cloud.Project{{ID: legacyID, Name: "legacy"}},
		Users:    []cloud.User{{ID: adminID, Name: "admin"}},
		Images:   []cloud.Image{{ID: "3d7bfcaf-2fc1-44a1-aa20-a21ca9ebbca4", Name: "legacy-adopted"}},
		Networks: []cloud.Network{
			{ID: publicID, Name: "public", ProjectID: legacyID, Shared: true, MTU: 1500, PhysicalNetwork: "physlegacy", NetworkType: "flat", Subnets: []cloud.Subnet{
				{ID: "s4", Name: "public-v4", CIDR: netip.MustParsePrefix("10.66.0.0/24"), Gateway: netip.MustParseAddr("10.66.0.1"), DHCP: true, DNS: []netip.Addr{netip.MustParseAddr("10.66.0.2")}},
			}},
			{ID: privateID, Name: "private", ProjectID: legacyID, MTU: 1450, NetworkType: "vxlan", Subnets: []cloud.Subnet{
				{ID: "p4", Name: "private-v4", CIDR: netip.MustParsePrefix("192.168.7.0/24")},
			}},
		},
	}
	for n := 1; n <= 20; n++ {
		s.Ports = append(s.Ports, port(n))
	}
	return s
}

func compute() nova.Compute {
	return nova.Compute{
		Host: "kvm01.example.org", Node: "kvm01.example.org", NodeID: 4, UUID: "7f0d4a1e-63a8-4b32-9b0c-2f4b1f4f0a11",
		Cell: "b6d4a3f5-2b6c-4e39-9c39-5c2e5e0c8d11", CellID: 2, CellName: "cell1", AvailabilityZone: "nova",
	}
}

func smallFlavor() nova.Flavor {
	return nova.Flavor{ID: 7, FlavorID: "2", Name: "m1.legacy", VCPUs: 2, MemoryMB: 4096, RootGB: 40, Public: true}
}

// input is a cloud that has all an ordinary guest needs, and these domains.
func input(domains ...Candidate) Input {
	return Input{
		Made: Made{
			At: time.Date(2026, 8, 21, 10, 0, 0, 0, time.UTC), By: "kvm2openstack test", Nova: "Zed (26)",
			InstancesPath: "/var/lib/nova/instances", ImagesType: "qcow2", InstanceNameTemplate: "instance-%08x",
		},
		Hosts:   []discover.Inventory{{Host: discover.Host{Name: "kvm01", URI: "qemu+ssh://root@kvm01/system"}, Hostname: "kvm01.example.org"}},
		Domains: domains,
		Settings: Settings{
			Networks: cloud.Mapping{{Bridge: "br0", Network: "public"}, {Bridge: "br1", Network: "private", Subnet: "private-v4"}},
			Defaults: Defaults{Project: "legacy", User: "admin", AvailabilityZone: "nova"},
		},
		Release:  nova.Release{Name: "Zed", Major: 26},
		Flavors:  []nova.Flavor{smallFlavor()},
		Computes: []nova.Compute{compute()},
		Cloud:    snapshot(),
	}
}

// build is Build for one domain.
func build(t *testing.T, in Input) Domain {
	t.Helper()
	p, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Domains) != 1 {
		t.Fatalf("Build gave %d domains, want 1", len(p.Domains))
	}
	return p.Domains[0]
}

// codes are those of the findings, in order.
func codes(d Domain) string {
	var list []string
	for _, f := range d.Findings {
		list = append(list, f.Code)
	}
	return strings.Join(list, " ")
}
