package sync

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func uuidOf(n int) string { return fmt.Sprintf("1e6ac700-0000-4000-8000-%012d", n) }
func portOf(n int) string { return fmt.Sprintf("c10d0000-0000-4000-8000-%012d", n) }
func macOf(n int) string  { return fmt.Sprintf("52:54:00:00:00:%02x", n) }

const gib = 1 << 30

// definedAs is domain n as it was defined when it was planned.
func definedAs(n int) discover.Domain {
	name := fmt.Sprintf("guest-%d", n)
	return discover.Domain{
		Host: "kvm01", Name: name, UUID: uuidOf(n), State: discover.StateRunning, Persistent: true, Digest: "sha256:" + name,
		VCPUs: 2, VCPUsMax: 2, MemoryKiB: 4 << 20, MemMaxKiB: 4 << 20,
		Disks:      []discover.Disk{{Target: "vda", Bus: "virtio", Device: "disk", Format: "qcow2", Path: "/data/" + name + ".qcow2", CapacityBytes: 40 * gib}},
		Interfaces: []discover.Interface{{Type: "bridge", Bridge: "br0", MAC: macOf(n), Model: "virtio"}},
	}
}

var kvm01 = nova.Compute{Host: "kvm01", Node: "kvm01", NodeID: 1, Cell: "cell-a", UUID: uuidOf(901)}

// plannedAs is domain n as it was imported.
func plannedAs(n int) plan.Domain {
	d := definedAs(n)
	return plan.Domain{
		Domain: d.Name, Host: "kvm01", UUID: d.UUID, Decision: plan.Import, DisplayName: d.Name, Hostname: d.Name, Project: "legacy", ProjectID: "p", User: "admin", UserID: "u",
		Flavor: plan.Flavor{Name: "m1.medium", VCPUs: 2, MemoryMB: 4096, RootGB: 40}, Lock: plan.UntilRenamed, NICModel: "virtio",
		Disks:    []plan.Disk{{Target: "vda", Bus: "virtio", Path: d.Disks[0].Path, Becomes: "disk", Format: "qcow2", SizeGB: 40, Device: "/dev/vda"}},
		NICs:     []plan.NIC{{MAC: macOf(n), Network: "public", NetworkID: "net", Port: portOf(n), CreatePort: true}},
		MadeFrom: plan.MadeFrom{Digest: d.Digest, State: string(d.State), Facts: d.Facts()},
	}
}

func knownAs(n int) Known {
	d := plannedAs(n)
	host := plan.Host{Name: "kvm01", URI: "qemu:///system", ComputeHost: "kvm01"}
	text, err := yaml.Marshal(map[string]any{"domain": d, "host": host, "instances_path": "/var/lib/nova/instances", "cloud": true})
	if err != nil {
		panic(err)
	}
	return Known{
		Adoption: journal.Adoption{UUID: d.UUID, Host: "kvm01", Domain: d.Domain, DisplayName: d.Domain, Cell: "cell-a", ComputeHost: "kvm01",
			InstanceID: int64(n), InstanceName: nameOf(n), State: journal.StateImported, Plan: string(text)},
		Recalled: importer.Recalled{Domain: d, Host: host, InstancesPath: "/var/lib/nova/instances", Cloud: true},
	}
}

func nameOf(n int) string { return fmt.Sprintf("instance-%08x", n) }

func recordOf(n int) Record {
	return Record{Live: true, Stage: nova.Finished, Server: nova.Server{
		UUID: uuidOf(n), InstanceName: nameOf(n), DisplayName: fmt.Sprintf("guest-%d", n), Host: "kvm01", Node: "kvm01", VMState: "active", PowerState: nova.PowerRunning,
		VCPUs: 2, MemoryMB: 4096, RootGB: 40, Locked: true, LockedBy: "admin", Updated: noon, NICModel: "virtio",
		Networks: []nova.ServerNetwork{{Name: "public", MAC: macOf(n), PortID: portOf(n), VIFType: "bridge", Addresses: []string{"192.0.2.7"}}},
	}}
}

// lookAt is host kvm01 with so many adopted domains of which nothing has
// drifted, and one that nobody has adopted: number 9.
func lookAt(adopted int) Look {
	l := Look{
		Inventory: discover.Inventory{Host: discover.Host{Name: "kvm01"}, Hostname: "kvm01", Took: time.Second},
		Compute:   kvm01, Answered: "kvm01", Cloud: true,
		Known: map[string]Known{}, Records: map[string]Record{}, Recorded: map[string]time.Time{}, Ports: map[string][]cloud.Port{},
		Allocations: map[string]cloud.Allocation{}, Judged: map[string]Judgement{}, Released: map[string]bool{}, Failed: map[string]string{},
	}
	for n := 1; n <= adopted; n++ {
		u := uuidOf(n)
		l.Inventory.Domains = append(l.Inventory.Domains, definedAs(n))
		l.Known[u], l.Records[u], l.Recorded[u] = knownAs(n), recordOf(n), noon
		l.Ports[u] = []cloud.Port{{ID: portOf(n), MAC: macOf(n), NetworkID: "net", DeviceID: u, HostID: "kvm01", VIFType: "bridge"}}
		l.Allocations[u] = cloud.Allocation{Instance: u, Provider: kvm01.UUID, Resources: map[string]int{"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 40}}
	}
	l.Inventory.Domains = append(l.Inventory.Domains, definedAs(9))
	l.Judged[uuidOf(9)] = Judgement{Verdict: check.VerdictManaged}
	return l
}

// withNetworks gives the look what turns ports into records.
func (l *Look) withNetworks() {
	l.Networks = &cloud.Snapshot{Live: true, Networks: []cloud.Network{{ID: "net", Name: "public", Subnets: []cloud.Subnet{{ID: "sub", CIDR: netip.MustParsePrefix("192.0.2.0/24")}}}}}
	for _, ports := range l.Ports {
		ports[0].ProjectID, ports[0].FixedIPs = "p", []cloud.PortIP{{SubnetID: "sub", Address: netip.MustParseAddr("192.0.2.7")}}
	}
}

// wholePort gives guest 1 a port with all that there is, and a cache that knows.
func (l *Look) wholePort() {
	l.withNetworks()
	s := &l.Networks.Networks[0].Subnets[0]
	s.Mode, s.Routes = "slaac", []cloud.Route{{Destination: netip.MustParsePrefix("198.51.100.0/24"), NextHop: netip.MustParseAddr("192.0.2.9")}}
	p := &l.Ports[uuidOf(1)][0]
	p.Profile = json.RawMessage(`{"b": 2, "a": 1}`)
	p.Floating = []cloud.FloatingIP{{Address: netip.MustParseAddr("203.0.113.7"), Fixed: netip.MustParseAddr("192.0.2.7")}}
	for n := range len(l.Known) {
		l.record(n+1, func(r *Record) {
			r.Networks[0].Routes, r.Networks[0].Modes = []string{"198.51.100.0/24 by 192.0.2.9"}, []string{"192.0.2.0/24 slaac"}
		})
	}
	l.record(1, func(r *Record) {
		r.Networks[0].Floating, r.Networks[0].Profile = []string{"203.0.113.7 for 192.0.2.7"}, `{"a":1,"b":2}`
	})
}

func (l *Look) domain(n int) *discover.Domain {
	at := slices.IndexFunc(l.Inventory.Domains, func(d discover.Domain) bool { return d.UUID == uuidOf(n) })
	return &l.Inventory.Domains[at]
}

func (l *Look) record(n int, change func(*Record)) {
	r := l.Records[uuidOf(n)]
	r.Networks = slices.Clone(r.Networks)
	change(&r)
	l.Records[uuidOf(n)] = r
}

func (l *Look) known(n int, change func(*Known)) {
	k := l.Known[uuidOf(n)]
	change(&k)
	l.Known[uuidOf(n)] = k
}

// regenerate makes domain n what Nova's hard reboot makes of it.
func (l *Look) regenerate(n int) {
	d := l.domain(n)
	d.Name, d.Digest = nameOf(n), "sha256:nova"
	d.Disks = slices.Clone(d.Disks)
	d.Disks[0].Path = "/var/lib/nova/instances/" + uuidOf(n) + "/disk"
	d.Interfaces = slices.Clone(d.Interfaces)
}

// redefine changes the definition of domain n.
func (l *Look) redefine(n int, change func(*discover.Domain)) {
	d := l.domain(n)
	d.Disks, d.Interfaces = slices.Clone(d.Disks), slices.Clone(d.Interfaces)
	change(d)
	d.Digest += "+"
}

// cases are what can have happened to domain 1.
var cases = []struct {
	name   string
	happen func(l *Look)
	code   Code // "" for none
	heal   Remedy
	text   string
}{
	{"nothing", func(l *Look) {}, "", "", ""},
	{"restarted by Nova", func(l *Look) { l.regenerate(1) }, "", "", ""},
	{"restarted by Nova, unlocked", func(l *Look) { l.regenerate(1); l.record(1, func(r *Record) { r.Locked = false }) }, "", "", ""},

	{"started by hand", func(l *Look) {
		l.record(1, func(r *Record) { r.VMState, r.PowerState = "stopped", nova.PowerShutdown })
	}, PowerDiffers, "power", "powers the guest off"},
	{"paused by hand", func(l *Look) {
		l.domain(1).State = discover.StatePaused
		l.record(1, func(r *Record) { r.VMState, r.PowerState = "stopped", nova.PowerShutdown })
	}, PowerDiffers, "power", "powers the guest off"},
	{"shut down by its user", func(l *Look) { l.domain(1).State = discover.StateShutoff }, PowerDiffers, "", "libvirt says shutoff, Nova says vm_state active"},
	{"suspended to memory", func(l *Look) { l.domain(1).State = discover.StatePMSuspended }, PowerDiffers, "power", "stops the guest"},
	{"Nova stops it at this moment", func(l *Look) {
		l.domain(1).State = discover.StateShutoff
		l.record(1, func(r *Record) { r.TaskState = "powering-off" })
	}, "", "", ""},

	{"renamed back", func(l *Look) { l.known(1, func(k *Known) { k.State = journal.StateRenamed }) }, Named, "", nameOf(1)},
	{"renamed back after the legacy disk names went", func(l *Look) { l.known(1, func(k *Known) { k.State = journal.StateFinalized }) }, Named, "", "guest-1"},
	{"given a third name", func(l *Look) { l.domain(1).Name = "better" }, Mismatched, "", `"better"`},
	{"another has its name", func(l *Look) { l.domain(9).Name = nameOf(1) }, Mismatched, "", uuidOf(9)},

	{"disk moved", func(l *Look) { l.redefine(1, func(d *discover.Domain) { d.Disks[0].Path = "/other/disk.qcow2" }) }, DiskDiffers, "", "/other/disk.qcow2"},
	{"disk of another format", func(l *Look) { l.redefine(1, func(d *discover.Domain) { d.Disks[0].Format = "raw" }) }, DiskDiffers, "", "raw"},
	{"disk added", func(l *Look) {
		l.redefine(1, func(d *discover.Domain) {
			d.Disks = append(d.Disks, discover.Disk{Target: "vdb", Bus: "virtio", Device: "disk", Format: "qcow2", Path: "/data/more.qcow2"})
		})
	}, DiskDiffers, "", "vdb is new"},
	{"disk grown", func(l *Look) { l.domain(1).Disks[0].CapacityBytes = 60 * gib }, DiskDiffers, "sizes", "grown to 60 GB"},
	{"disk grown by a little", func(l *Look) { l.domain(1).Disks[0].CapacityBytes = 40*gib + 1 }, DiskDiffers, "sizes", "41 GB"},
	{"disk shrunk", func(l *Look) { l.domain(1).Disks[0].CapacityBytes = 30 * gib }, DiskDiffers, "", "replaced or cut off"},
	{"size not known", func(l *Look) { l.domain(1).Disks[0].CapacityBytes = 0 }, "", "", ""},
	{"resized by Nova", func(l *Look) {
		l.regenerate(1)
		l.domain(1).VCPUs, l.domain(1).MemoryKiB, l.domain(1).MemMaxKiB, l.domain(1).Disks[0].CapacityBytes = 4, 8<<20, 8<<20, 80*gib
		l.record(1, func(r *Record) { r.VCPUs, r.MemoryMB, r.RootGB = 4, 8192, 80 })
		l.Allocations[uuidOf(1)].Resources["VCPU"], l.Allocations[uuidOf(1)].Resources["MEMORY_MB"], l.Allocations[uuidOf(1)].Resources["DISK_GB"] = 4, 8192, 80
	}, "", "", ""},
	{"disk grown after a resize by Nova", func(l *Look) {
		l.regenerate(1)
		l.domain(1).VCPUs, l.domain(1).Disks[0].CapacityBytes = 4, 90*gib
		l.record(1, func(r *Record) { r.VCPUs, r.RootGB = 4, 80 })
		l.Allocations[uuidOf(1)].Resources["VCPU"], l.Allocations[uuidOf(1)].Resources["DISK_GB"] = 4, 80
	}, DiskDiffers, "", "recorded are 80"},
	{"Nova's disk elsewhere", func(l *Look) { l.regenerate(1); l.domain(1).Disks[0].Path = "/elsewhere/disk" }, DiskDiffers, "", "/elsewhere/disk"},
	{"Nova's disk gone", func(l *Look) { l.regenerate(1); l.domain(1).Disks = nil }, DiskDiffers, "", "vda is gone"},
	{"Nova's disk raw", func(l *Look) { l.regenerate(1); l.domain(1).Disks[0].Format = "raw" }, DiskDiffers, "", "raw"},
	{"disk added to Nova's domain", func(l *Look) {
		l.regenerate(1)
		l.domain(1).Disks = append(l.domain(1).Disks, discover.Disk{Target: "vdb", Device: "disk", Path: "/data/more"})
	}, DiskDiffers, "", "not in Nova's records"},
	{"volume attached by Nova", func(l *Look) {
		l.regenerate(1)
		l.domain(1).Disks = append(l.domain(1).Disks, discover.Disk{Target: "vdb", Device: "disk", Path: "/dev/sdb", Serial: uuidOf(77)})
	}, "", "", ""},

	{"more memory", func(l *Look) {
		l.redefine(1, func(d *discover.Domain) { d.MemoryKiB, d.MemMaxKiB = 8<<20, 8<<20 })
	}, SizeDiffers, "sizes", "memory was 4096 MiB, is 8192 MiB"},
	{"less memory", func(l *Look) {
		l.redefine(1, func(d *discover.Domain) { d.MemoryKiB, d.MemMaxKiB = 2<<20, 2<<20 })
	}, SizeDiffers, "", "is 2048 MiB"},
	{"more vCPUs", func(l *Look) { l.redefine(1, func(d *discover.Domain) { d.VCPUs, d.VCPUsMax = 4, 4 }) }, SizeDiffers, "sizes", "vcpus was 2, is 4"},
	{"more vCPUs, less memory", func(l *Look) {
		l.redefine(1, func(d *discover.Domain) { d.VCPUs, d.VCPUsMax, d.MemMaxKiB, d.MemoryKiB = 4, 4, 1<<20, 1<<20 })
	}, SizeDiffers, "", "vcpus was 2, is 4"},
	{"more memory for Nova's domain", func(l *Look) {
		l.regenerate(1)
		l.domain(1).MemoryKiB, l.domain(1).MemMaxKiB = 8<<20, 8<<20
	}, SizeDiffers, "sizes", "8192 MB of memory, Nova has recorded 4096"},
	{"a rule's flavor was larger from the beginning", func(l *Look) {
		l.record(1, func(r *Record) { r.VCPUs = 8 })
		l.known(1, func(k *Known) { k.Recalled.Domain.Flavor.VCPUs = 8 })
		l.Allocations[uuidOf(1)].Resources["VCPU"] = 8
	}, "", "", ""},
	{"likewise, renamed by libvirt", func(l *Look) {
		l.regenerate(1)
		l.record(1, func(r *Record) { r.VCPUs = 8 })
		l.known(1, func(k *Known) { k.Recalled.Domain.Flavor.VCPUs = 8 })
		l.Allocations[uuidOf(1)].Resources["VCPU"] = 8
	}, "", "", ""},

	{"another MAC address", func(l *Look) {
		l.redefine(1, func(d *discover.Domain) { d.Interfaces[0].MAC = macOf(77) })
	}, InterfaceDiffers, "", macOf(77)},
	{"another model", func(l *Look) { l.redefine(1, func(d *discover.Domain) { d.Interfaces[0].Model = "e1000" }) }, InterfaceDiffers, "", "e1000"},
	{"another MAC address in Nova's domain", func(l *Look) {
		l.regenerate(1)
		l.domain(1).Interfaces[0].MAC = macOf(77)
	}, InterfaceDiffers, "", "interface " + macOf(1) + " is gone"},
	{"another model in Nova's domain", func(l *Look) { l.regenerate(1); l.domain(1).Interfaces[0].Model = "e1000" }, InterfaceDiffers, "", "recorded is virtio"},
	{"interface attached by Nova", func(l *Look) {
		l.regenerate(1)
		l.domain(1).Interfaces = append(l.domain(1).Interfaces, discover.Interface{MAC: macOf(78), Model: "virtio"})
		l.record(1, func(r *Record) {
			r.Networks = append(r.Networks, nova.ServerNetwork{MAC: macOf(78), PortID: portOf(78), VIFType: "bridge"})
		})
	}, "", "", ""},
	{"defined otherwise", func(l *Look) { l.redefine(1, func(d *discover.Domain) { d.Video = []string{"qxl"} }) }, Redefined, "", "video is new: qxl"},

	{"port gone", func(l *Look) { l.Ports[uuidOf(1)] = nil }, PortGone, "ports", portOf(1)},
	{"port bound elsewhere", func(l *Look) { l.Ports[uuidOf(1)][0].HostID = "kvm09" }, PortDiffers, "ports", "kvm09"},
	{"port unbound", func(l *Look) { l.Ports[uuidOf(1)][0].VIFType = "unbound" }, PortDiffers, "ports", "unbound"},
	{"port with another MAC address", func(l *Look) { l.Ports[uuidOf(1)][0].MAC = macOf(77) }, PortDiffers, "", macOf(77)},
	{"cache that Nova cannot read", func(l *Look) { l.record(1, func(r *Record) { r.NetworksProblem = "is null"; r.Networks = nil }) }, CacheDiffers, "info_cache", "null"},
	{"cache without the port", func(l *Look) { l.withNetworks(); l.record(1, func(r *Record) { r.Networks = nil }) }, CacheDiffers, "info_cache", "would start the guest without"},
	{"cache with another kind of port", func(l *Look) { l.withNetworks(); l.record(1, func(r *Record) { r.Networks[0].VIFType = "ovs" }) }, CacheDiffers, "info_cache", `"ovs"`},
	{"cache with another address", func(l *Look) {
		l.withNetworks()
		l.record(1, func(r *Record) { r.Networks[0].Addresses = []string{"192.0.2.99"} })
	}, CacheDiffers, "info_cache", "192.0.2.99"},
	{"cache as the ports are", func(l *Look) { l.withNetworks() }, "", "", ""},
	{"cache with all that a port has", func(l *Look) { l.wholePort() }, "", "", ""},
	{"cache without a floating IP", func(l *Look) { l.wholePort(); l.record(1, func(r *Record) { r.Networks[0].Floating = nil }) },
		CacheDiffers, "info_cache", "has no floating IP in it, 203.0.113.7 for 192.0.2.7 in Neutron"},
	{"cache with another's floating IP", func(l *Look) { l.wholePort(); l.Ports[uuidOf(1)][0].Floating = []cloud.FloatingIP{} },
		CacheDiffers, "info_cache", "has 203.0.113.7 for 192.0.2.7 in it, none in Neutron"},
	{"cache without a route", func(l *Look) { l.wholePort(); l.record(1, func(r *Record) { r.Networks[0].Routes = nil }) },
		CacheDiffers, "info_cache", "has no route in it, 198.51.100.0/24 by 192.0.2.9 in Neutron"},
	{"cache without a mode", func(l *Look) { l.wholePort(); l.record(1, func(r *Record) { r.Networks[0].Modes = nil }) },
		CacheDiffers, "info_cache", "has no IPv6 address mode in it, 192.0.2.0/24 slaac in Neutron"},
	{"cache without a profile", func(l *Look) { l.wholePort(); l.record(1, func(r *Record) { r.Networks[0].Profile = "" }) },
		CacheDiffers, "info_cache", `has no profile in it, {"a":1,"b":2} in Neutron`},
	{"no allocation", func(l *Look) { delete(l.Allocations, uuidOf(1)) }, AllocationDiffers, "allocations", "2 VCPU, 4096 MEMORY_MB, 40 DISK_GB"},
	{"less allocated", func(l *Look) { l.Allocations[uuidOf(1)].Resources["VCPU"] = 1 }, AllocationDiffers, "allocations", "1 VCPU"},
	{"less allocated, and a device", func(l *Look) {
		a := l.Allocations[uuidOf(1)]
		a.Resources = map[string]int{"VCPU": 1}
		a.Others = map[string]map[string]int{"a-device": {"VGPU": 1}}
		l.Allocations[uuidOf(1)] = a
	}, AllocationDiffers, "", "1 VCPU"},
	{"allocated elsewhere", func(l *Look) {
		a := l.Allocations[uuidOf(1)]
		a.Provider = "other"
		l.Allocations[uuidOf(1)] = a
	}, AllocationDiffers, "", "other"},
	{"allocated on a second host, too", func(l *Look) {
		l.Nodes = map[string]string{"node-2": "kvm02"}
		a := l.Allocations[uuidOf(1)]
		a.Others = map[string]map[string]int{"a-device": {"VGPU": 1}, "node-2": {"VCPU": 1}}
		l.Allocations[uuidOf(1)] = a
	}, AllocationDiffers, "", "kvm02"},
	{"being migrated", func(l *Look) {
		l.Ports[uuidOf(1)][0].HostID = "kvm02"
		delete(l.Allocations, uuidOf(1))
		l.record(1, func(r *Record) { r.TaskState = "migrating" })
	}, "", "", ""},
	{"resized, and not confirmed yet", func(l *Look) {
		l.Ports[uuidOf(1)][0].HostID = "kvm02"
		delete(l.Allocations, uuidOf(1))
		l.record(1, func(r *Record) { r.VMState = "resized" })
	}, "", "", ""},
	{"on the databases alone", func(l *Look) { l.Cloud, l.Ports, l.Allocations = false, nil, nil }, "", "", ""},
	{"APIs do not answer", func(l *Look) { l.CloudErr, l.Ports, l.Allocations = "connection refused", nil, nil }, "", "", ""},

	{"unlocked", func(l *Look) { l.record(1, func(r *Record) { r.Locked, r.LockedBy = false, "" }) }, LockDiffers, "", "until_renamed"},
	{"locked by its owner", func(l *Look) { l.record(1, func(r *Record) { r.LockedBy = "owner" }) }, LockDiffers, "", "owner"},
	{"unlocked, renamed", func(l *Look) {
		l.regenerate(1)
		l.known(1, func(k *Known) { k.State = journal.StateRenamed })
		l.record(1, func(r *Record) { r.Locked, r.LockedBy = false, "" })
	}, "", "", ""},
	{"unlocked, planned to be kept", func(l *Look) {
		l.regenerate(1)
		l.known(1, func(k *Known) { k.State, k.Recalled.Domain.Lock = journal.StateRenamed, plan.Keep })
		l.record(1, func(r *Record) { r.Locked, r.LockedBy = false, "" })
	}, LockDiffers, "", "keep"},
	{"never locked", func(l *Look) {
		l.known(1, func(k *Known) { k.Recalled.Domain.Lock = plan.None })
		l.record(1, func(r *Record) { r.Locked, r.LockedBy = false, "" })
	}, "", "", ""},

	{"deleted in Nova", func(l *Look) { l.Records[uuidOf(1)] = Record{Stage: nova.Removed} }, DeletedInNova, "", "its domain is running"},
	{"record gone", func(l *Look) { l.Records[uuidOf(1)] = Record{} }, LostInNova, "", nameOf(1)},
	{"record of somebody else", func(l *Look) { l.record(1, func(r *Record) { r.Stage = nova.Foreign }) }, LostInNova, "", "not written"},
	{"record older than it was", func(l *Look) { l.record(1, func(r *Record) { r.Updated = noon.Add(-24 * time.Hour) }) }, Older, "", "2026-11-22 12:00:00"},
	{"record a little older, by another clock", func(l *Look) { l.record(1, func(r *Record) { r.Updated = noon.Add(-10 * time.Minute) }) }, "", "", ""},
	{"record with another id", func(l *Look) { l.record(1, func(r *Record) { r.InstanceName = nameOf(55) }) }, Older, "", nameOf(55)},
	{"on another host", func(l *Look) { l.record(1, func(r *Record) { r.Host = "kvm02" }) }, Elsewhere, "", "kvm02"},
	{"on its way to another host", func(l *Look) { l.record(1, func(r *Record) { r.Host, r.TaskState = "kvm02", "migrating" }) }, "", "", ""},

	{"half imported", func(l *Look) { l.known(1, func(k *Known) { k.State, k.Reason = journal.StateHalf, "no space" }) }, HalfDone, "unfinished", "no space"},
	{"begun", func(l *Look) {
		l.known(1, func(k *Known) { k.State = journal.StateBegun })
		l.Records[uuidOf(1)] = Record{}
	}, HalfDone, "unfinished", "a run ended"},
	{"half released", func(l *Look) { l.known(1, func(k *Known) { k.State = journal.StateReleasing }) }, HalfDone, "", "releasing"},
	{"half renamed", func(l *Look) { l.known(1, func(k *Known) { k.State = journal.StateRenaming }) }, HalfDone, "", "renaming"},
	{"half back", func(l *Look) { l.known(1, func(k *Known) { k.State = journal.StateReturning }) }, HalfDone, "", "returning"},
}

func TestCompare(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l := lookAt(2)
			c.happen(&l)
			part := Compare(l)
			if !part.whole() || len(part.Seen) != len(l.Inventory.Domains) {
				t.Fatalf("part = %+v, want all domains seen", part)
			}
			if c.code == "" {
				if len(part.Drifts) != 0 {
					t.Errorf("Compare found %+v, want nothing", part.Drifts)
				}
				return
			}
			if len(part.Drifts) != 1 {
				t.Fatalf("Compare found %+v, want one %s", part.Drifts, c.code)
			}
			d := part.Drifts[0]
			if d.Code != c.code || d.Heal != c.heal || !strings.Contains(d.Text, c.text) || d.Host != "kvm01" || d.UUID != uuidOf(1) || d.Domain == "" {
				t.Errorf("Compare found %+v, want %s of domain 1 that says %q and is healed by %q", d, c.code, c.text, c.heal)
			}
		})
	}
}

// What can be said of a domain that nobody has adopted.
func TestCompareStrangers(t *testing.T) {
	for _, c := range []struct {
		name    string
		happen  func(l *Look)
		code    Code
		heal    Remedy
		text    string
		verdict check.Verdict
	}{
		{"Nova's own", func(l *Look) {}, "", "", "", check.VerdictManaged},
		{"ready", func(l *Look) { l.Judged[uuidOf(9)] = Judgement{Verdict: check.VerdictReady} }, NewReady, ByImport, "running, 2 vCPU, 4096 MiB", check.VerdictReady},
		{"blocked", func(l *Look) {
			l.Judged[uuidOf(9)] = Judgement{Verdict: check.VerdictBlocked, Why: "K2O-221 Raw image"}
		}, NewNotReady, "", "K2O-221", check.VerdictBlocked},
		{"to be looked at", func(l *Look) {
			l.Judged[uuidOf(9)] = Judgement{Verdict: check.VerdictAttention, Why: "K2O-527"}
		}, NewNotReady, "", "attention: K2O-527", check.VerdictAttention},
		{"released on purpose", func(l *Look) {
			l.Judged[uuidOf(9)] = Judgement{Verdict: check.VerdictReady}
			l.Released[uuidOf(9)] = true
		}, "", "", "", check.VerdictReady},
		{"taken back after an error", func(l *Look) {
			l.Judged[uuidOf(9)] = Judgement{Verdict: check.VerdictReady}
			l.Failed[uuidOf(9)] = "no space left"
		}, NewNotReady, "", "no space left", check.VerdictReady},
		{"adopted by a journal that is not this one", func(l *Look) { l.Records[uuidOf(9)] = recordOf(9) }, Unjournalled, "", "guest-9", check.VerdictManaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := lookAt(1)
			c.happen(&l)
			part := Compare(l)
			if part.Verdicts[c.verdict] != 1+map[bool]int{true: 1}[c.verdict == check.VerdictManaged] {
				t.Errorf("verdicts = %v, want one more %s", part.Verdicts, c.verdict)
			}
			if c.code == "" {
				if len(part.Drifts) != 0 {
					t.Errorf("Compare found %+v, want nothing", part.Drifts)
				}
				return
			}
			if len(part.Drifts) != 1 || part.Drifts[0].Code != c.code || part.Drifts[0].Heal != c.heal || !strings.Contains(part.Drifts[0].Text, c.text) {
				t.Errorf("Compare found %+v, want one %s that says %q", part.Drifts, c.code, c.text)
			}
		})
	}
}

// Of a host that is not known whole, or that is another, nothing is said but
// that.
func TestCompareBadHosts(t *testing.T) {
	for _, c := range []struct {
		name   string
		happen func(l *Look)
		code   Code
		text   string
	}{
		{"does not answer", func(l *Look) { l.Inventory.Err, l.Inventory.Domains = errors.New("no route to host"), nil }, HostUnread, "no route"},
		{"another machine", func(l *Look) { l.Inventory.Hostname, l.Inventory.Domains = "kvm77", nil }, HostRenamed, "kvm77"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := lookAt(2)
			c.happen(&l)
			part := Compare(l)
			if part.whole() || len(part.Drifts) != 1 || part.Drifts[0].Code != c.code || !strings.Contains(part.Drifts[0].Text, c.text) || len(part.Seen)+len(part.Absent) != 0 {
				t.Errorf("Compare = %+v, want one %s and nothing else", part, c.code)
			}
		})
	}
	// Of one with a domain that could not be read the others are compared, none is
	// missing, and nothing is healed.
	l := lookAt(3)
	l.Inventory.Domains = l.Inventory.Domains[2:]
	l.Inventory.Unreadable = []discover.Unreadable{{Name: "guest-1", UUID: uuidOf(1), Err: errors.New("definition is empty")}}
	l.record(3, func(r *Record) { r.VMState, r.PowerState = "stopped", nova.PowerShutdown })
	part := Compare(l)
	if part.whole() || len(part.Drifts) != 2 || part.Drifts[0].Code != HostUnread || part.Drifts[1].Code != PowerDiffers || part.Drifts[1].Heal != "" ||
		len(part.Absent) != 0 || part.Seen[uuidOf(1)] != "guest-1" || part.Verdicts[check.VerdictUnreadable] != 1 {
		t.Errorf("Compare with one domain unreadable = %+v, want it said, the power of another compared, and nothing healed or missing", part)
	}
	l = lookAt(1)
	l.Answered, l.Inventory.Hostname = "", "kvm77" // seen for the first time
	if part := Compare(l); !part.whole() {
		t.Errorf("Compare of a host that was never seen = %+v, want it believed", part)
	}
}

// A domain that is not there is noted for Conclude, once Nova has it here.
func TestCompareAbsent(t *testing.T) {
	l := lookAt(2)
	l.Inventory.Domains = l.Inventory.Domains[1:]
	part := Compare(l)
	if len(part.Drifts) != 0 || len(part.Absent) != 1 || part.Absent[0].UUID != uuidOf(1) || part.Absent[0].Namesake != "" {
		t.Errorf("Compare = %+v, want domain 1 absent", part)
	}
	l.domain(9).Name = "guest-1"
	if part := Compare(l); part.Absent[0].Namesake != uuidOf(9) {
		t.Errorf("Compare = %+v, want the other domain of that name", part.Absent)
	}
	l.record(1, func(r *Record) { r.Host = "kvm02" })
	if part := Compare(l); len(part.Absent) != 0 {
		t.Errorf("Compare = %+v, want nothing absent: Nova has it on another host", part.Absent)
	}
	l.Records[uuidOf(1)] = Record{Stage: nova.Removed}
	if part := Compare(l); len(part.Drifts) != 1 || part.Drifts[0].Code != DeletedInNova || !strings.Contains(part.Drifts[0].Text, "gone") {
		t.Errorf("Compare = %+v, want it deleted and gone", part.Drifts)
	}
}

func TestCompareCounts(t *testing.T) {
	l := lookAt(3)
	l.record(2, func(r *Record) { r.Locked = false })
	l.known(2, func(k *Known) { k.Recalled.Domain.Lock = plan.None })
	l.Judged[uuidOf(9)] = Judgement{Verdict: check.VerdictReady}
	part := Compare(l)
	if part.Adopted != 3 || part.Locked != 2 || part.Verdicts[check.VerdictManaged] != 3 || part.Verdicts[check.VerdictReady] != 1 || part.Seconds != 1 || part.Recorded[uuidOf(1)] != noon.Unix() {
		t.Errorf("part = %+v, want 3 adopted, 2 locked, 3 managed, 1 ready", part)
	}
}

func TestCodesAreExplained(t *testing.T) {
	seen := map[Code]bool{}
	last := Code("")
	for _, c := range Codes() {
		if seen[c] || c.Title() == "" || c.Action() == "" || c <= last || len(c) > 8 {
			t.Errorf("%s: title %q, action %q, after %s", c, c.Title(), c.Action(), last)
		}
		seen[c], last = true, c
	}
	for _, c := range cases {
		if c.code != "" && !seen[c.code] {
			t.Errorf("%s is not among the codes", c.code)
		}
	}
}
