package check

import (
	"net/netip"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

const (
	cleanUUID = "1e6ac700-0000-4000-8000-00000000000b"
	cleanMAC  = "52:54:00:10:00:0b"
	cleanPath = "/var/lib/libvirt/images/web-1.qcow2"
)

// clean is a domain that no rule has anything to say about. Every fixture is
// made from a fresh one.
func clean() (discover.Domain, Facts) {
	d := discover.Domain{
		Host: "kvm01", Name: "web-1", UUID: cleanUUID,
		State: discover.StateRunning, Persistent: true,
		VirtType: "kvm", Arch: "x86_64", MachineType: "pc-i440fx-7.2", Emulator: "/usr/bin/qemu-system-x86_64",
		VCPUs: 2, VCPUsMax: 2, MemoryKiB: 4 << 20, MemMaxKiB: 4 << 20,
		CPU:  discover.CPU{Mode: "host-model"},
		ACPI: true, ClockOffset: "utc", OnPoweroff: "destroy", OnReboot: "restart", OnCrash: "destroy",
		Disks:      []discover.Disk{cleanDisk("vda", cleanPath)},
		Interfaces: []discover.Interface{cleanNIC(cleanMAC)},
		Graphics:   []discover.Graphics{{Type: "vnc", Listen: "0.0.0.0", AutoPort: true}},
		Video:      []string{"vga"}, Consoles: []string{"serial:pty"},
		Addresses: []discover.Address{{MAC: cleanMAC, IP: netip.MustParseAddr("10.66.0.11"), Prefix: 24, Source: "agent"}},
		Guest:     discover.Guest{Family: "linux", Name: "Debian GNU/Linux 12", Confidence: "agent"},
	}
	compute := nova.Compute{Host: "kvm01", Node: "kvm01", UUID: "c0", HypervisorType: "QEMU", Up: true}
	f := Facts{
		Host: HostFacts{
			Name: "kvm01", Hostname: "kvm01", CPUs: 16, MemoryKiB: 64 << 20,
			InstancesDir: &discover.File{Kind: "dir", FS: "8:1"},
		},
		Settings: Settings{
			InstancesPath: "/var/lib/nova/instances", ImagesType: "qcow2", InstanceNameTemplate: "instance-%08x",
			Networks: cloud.Mapping{{Bridge: "br0", Network: "public"}, {Bridge: "br1", Network: "private"}},
		},
		Fleet: FleetOf(d),
		Nova: &NovaFacts{
			Release: nova.Release{Name: "Zed", Major: 26},
			Compute: &compute,
			Quota:   &nova.QuotaLeft{Project: "legacy", Instances: 1, Cores: 2, RAMMB: 4096},
			Room:    &nova.Room{VCPUs: 2, MemoryMB: 4096, DiskGB: 10, MaxVCPUs: 16},
		},
		Ports: map[string]bool{cleanMAC: true},
	}
	return d, f
}

func cleanDisk(target, path string) discover.Disk {
	return discover.Disk{
		Target: target, Bus: "virtio", Device: "disk", Type: "file", Format: "qcow2", Path: path, Cache: "none",
		CapacityBytes: 10 << 30,
		File:          &discover.File{Kind: "file", Resolved: path, FS: "8:1", Links: 1, Format: "qcow2", VirtualBytes: 10 << 30},
	}
}

func cleanNIC(mac string) discover.Interface {
	return discover.Interface{Type: "bridge", MAC: mac, Model: "virtio", Bridge: "br0"}
}

// A clean domain is ready, and says so with no finding at all: a rule that
// speaks without cause makes people stop reading.
func TestCleanIsReady(t *testing.T) {
	for name, with := range map[string]tweak{
		"Zed":          func(*discover.Domain, *Facts) {},
		"2025.1":       release(31),
		"2026.1":       release(33),
		"no databases": func(_ *discover.Domain, f *Facts) { f.Nova, f.Ports = nil, nil },
		"no fleet":     func(_ *discover.Domain, f *Facts) { f.Fleet = nil },
	} {
		if a := Assess(made(with)); a.Verdict != VerdictReady || len(a.Findings) != 0 {
			t.Errorf("%s: Assess(clean) = %v, want ready without findings", name, a)
		}
	}
}
