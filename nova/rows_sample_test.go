package nova

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"time"
)

// noon is when the samples are recorded.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// sampleID is a uuid that is easy to read: a kind and a number.
func sampleID(kind, n int) string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", kind, n)
}

// The kinds of sampleID.
const (
	anInstance = 0x1e6ac700 + iota
	aDisk
	aPort
	aNetwork
	aRequest
	anImage
)

// kvm01 is a host of schema.Plausible as the databases know it: cell0 has id 1.
var kvm01 = Compute{
	Host: "kvm01", Node: "kvm01", NodeID: 1, UUID: "aaaaaaaa-0000-4000-8000-000000000001",
	Cell: "11111111-1111-4111-8111-111111111111", CellID: 2, CellName: "cell1", AvailabilityZone: "az1",
}

var linuxHardware = map[string]string{
	"hw_machine_type": "pc-i440fx-7.2", "hw_cdrom_bus": "ide", "hw_disk_bus": "virtio", "hw_input_bus": "usb",
	"hw_pointer_model": "usbtablet", "hw_video_model": "cirrus", "hw_vif_model": "virtio",
}

// linuxVirtio is the plain case: one virtio disk, one port on a Linux bridge.
func linuxVirtio() Instance {
	return Instance{
		UUID: sampleID(anInstance, 1), DisplayName: "web-1", Hostname: "web-1",
		ProjectID: "151eac5e92954d2d84227b2fdd4b6efc", ProjectName: "legacy",
		UserID: "5a2845fd6d1a46c2b2b93e27f51829a1", UserName: "admin",
		Host: kvm01, AvailabilityZone: "az1",
		Flavor: Flavor{
			ID: 3, FlavorID: "legacy.2c4g40d", Name: "legacy.2c4g40d", VCPUs: 2, MemoryMB: 4096, RootGB: 40,
			RxTxFactor: 1, Public: true, CreatedAt: noon.Add(-time.Hour),
		},
		ImageRef:        sampleID(anImage, 1),
		ImageProperties: maps.Clone(linuxHardware),
		RootDevice:      "/dev/vda",
		Disks:           []BlockDevice{{UUID: sampleID(aDisk, 1), Device: "/dev/vda", Bus: "virtio", SizeGB: 40, Root: true}},
		Ports:           []Port{bridgePort(1)},
		Created:         noon.Add(-24 * time.Hour),
		RequestID:       "req-" + sampleID(aRequest, 1),
		ReservationID:   "r-abcd0001",
	}
}

func bridgePort(n int) Port {
	return Port{
		ID: sampleID(aPort, n), MAC: fmt.Sprintf("52:54:00:%02x:%02x:%02x", n>>16&0xff, n>>8&0xff, n&0xff),
		NetworkID: sampleID(aNetwork, 1), NetworkName: "public", NetworkOwner: "151eac5e92954d2d84227b2fdd4b6efc",
		MTU: 1500, Physical: "physnet1", VIFType: "bridge", VNICType: "normal", Active: true,
		VIFDetails: map[string]any{"port_filter": true, "connectivity": "l2"},
		FixedIPs: []FixedIP{{
			Address: netip.AddrFrom4([4]byte{10, 66, byte(n >> 8), byte(n)}), CIDR: netip.MustParsePrefix("10.66.0.0/16"),
			Gateway: netip.MustParseAddr("10.66.0.1"), DNS: []netip.Addr{netip.MustParseAddr("10.66.0.2")},
			DHCPServer: netip.MustParseAddr("10.66.0.2"),
		}},
	}
}

// windowsE1000 has the NIC model that a Windows guest keeps its network with.
func windowsE1000() Instance {
	in := linuxVirtio()
	in.DisplayName, in.Hostname, in.Description = "財務 Server 2003", "server-2003", "old accounting; \"do not touch\""
	in.OSType = "windows"
	in.ImageProperties["hw_vif_model"] = "e1000"
	in.ImageProperties["hw_disk_bus"] = "ide"
	in.ImageProperties["hw_video_model"] = "vga"
	in.ImageProperties["hw_cpu_sockets"] = "2"
	in.ImageProperties["hw_qemu_guest_agent"] = "no"
	in.RootDevice = "/dev/hda"
	in.Disks[0].Device, in.Disks[0].Bus = "/dev/hda", "ide"
	in.Flavor.ExtraSpecs = map[string]string{"hw:cpu_sockets": "2", "hw:cpu_cores": "1"}
	return in
}

// twoDataDisks has IDE disks, without an image.
func twoDataDisks() Instance {
	in := linuxVirtio()
	in.ImageRef = ""
	in.ImageProperties["hw_disk_bus"] = "ide"
	in.RootDevice = "/dev/hda"
	in.Flavor.EphemeralGB = 150
	in.Disks = []BlockDevice{
		{UUID: sampleID(aDisk, 2), Device: "/dev/hdb", Bus: "ide", SizeGB: 100},
		{UUID: sampleID(aDisk, 1), Device: "/dev/hda", Bus: "ide", Root: true},
		{UUID: sampleID(aDisk, 3), Device: "/dev/hdc", Bus: "ide", SizeGB: 50},
	}
	in.Metadata = map[string]string{"owner": "ops", "rack": "b7"}
	in.Tags = []string{"legacy", "adopted"}
	return in
}

// twoPorts has one port on a Linux bridge, and one on Open vSwitch with two
// subnets, one of which has neither gateway nor name servers.
func twoPorts() Instance {
	in := linuxVirtio()
	ovs := bridgePort(2)
	ovs.NetworkID, ovs.NetworkName = sampleID(aNetwork, 2), "interne Server – β"
	ovs.VIFType, ovs.VIFDetails = "ovs", map[string]any{"bridge_name": "br-int", "datapath_type": "system", "ovs_hybrid_plug": false}
	ovs.Physical, ovs.Tunneled, ovs.MTU, ovs.Active = "", true, 1450, false
	ovs.FixedIPs = append(ovs.FixedIPs,
		FixedIP{Address: netip.MustParseAddr("2001:db8::10"), CIDR: netip.MustParsePrefix("2001:db8::/64")},
		FixedIP{Address: netip.MustParseAddr("10.66.0.9"), CIDR: netip.MustParsePrefix("10.66.0.0/16")})
	in.Ports = append(in.Ports, ovs)
	return in
}

// routedPort has one port with all that Neutron can say of one: subnets with
// routes, and with an IPv6 mode, floating IPs, and a profile.
func routedPort() Instance {
	in := linuxVirtio()
	p := bridgePort(3)
	p.VIFType, p.VIFDetails = "ovs", map[string]any{"bridge_name": "br-int"}
	p.Profile = json.RawMessage(`{"zone": "β", "trusted":true,"serial":9007199254740993, "capabilities":[]}`)
	yes := true
	v4 := &p.FixedIPs[0]
	v4.DHCP, v4.Floating = &yes, addresses("203.0.113.7", "203.0.113.8")
	v4.Routes = []Route{
		{Destination: netip.MustParsePrefix("198.51.100.0/24"), Gateway: netip.MustParseAddr("10.66.0.9")},
		{Destination: netip.MustParsePrefix("0.0.0.0/0"), Gateway: netip.MustParseAddr("10.66.0.8")},
	}
	p.FixedIPs = append(p.FixedIPs, FixedIP{
		Address: netip.MustParseAddr("2001:db8::3"), CIDR: netip.MustParsePrefix("2001:db8::/64"), Gateway: netip.MustParseAddr("2001:db8::1"),
		DNS: addresses("2001:db8::53"), DHCP: &yes, Mode: "dhcpv6-stateful",
		Routes: []Route{{Destination: netip.MustParsePrefix("2001:db8:1::/48"), Gateway: netip.MustParseAddr("2001:db8::9")}},
	})
	in.Ports = []Port{p}
	return in
}

func addresses(texts ...string) (list []netip.Addr) {
	for _, text := range texts {
		list = append(list, netip.MustParseAddr(text))
	}
	return list
}

// onePortUnbound has its first port as it is made for an adoption: Neutron has
// not bound it yet.
func onePortUnbound() Instance {
	in := twoPorts()
	in.Ports[0].VIFType, in.Ports[0].VIFDetails, in.Ports[0].Active = "", nil, false
	return in
}

// noPorts is a domain without an interface.
func noPorts() Instance {
	in := linuxVirtio()
	in.Ports = nil
	return in
}

// many are n different instances for one cell.
func many(n int) []Instance {
	list := make([]Instance, n)
	for i := range list {
		in := linuxVirtio()
		in.UUID, in.DisplayName = sampleID(anInstance, i+1), fmt.Sprintf("web-%d", i+1)
		in.Hostname, in.ReservationID = in.DisplayName, fmt.Sprintf("r-%08d", i+1)
		in.Disks[0].UUID = sampleID(aDisk, i+1)
		in.Ports = []Port{bridgePort(i + 1)}
		list[i] = in
	}
	return list
}
