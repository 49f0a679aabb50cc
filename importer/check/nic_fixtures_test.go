package check

import (
	"net/netip"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

// nic tweaks the one interface of the clean domain.
func nic(change func(*discover.Interface)) tweak {
	return func(d *discover.Domain, _ *Facts) { change(&d.Interfaces[0]) }
}

func nicType(t string) tweak { return nic(func(n *discover.Interface) { n.Type = t }) }

func nicModel(m string) tweak { return nic(func(n *discover.Interface) { n.Model = m }) }

// libvirtNetwork puts the interface on a network of libvirt's.
func libvirtNetwork(forward string) tweak {
	return nic(func(n *discover.Interface) {
		n.Type, n.Bridge, n.Network, n.NetworkForward = "network", "", "default", forward
	})
}

// another gives the clean domain a second interface.
func another(change func(*discover.Interface)) tweak {
	return func(d *discover.Domain, _ *Facts) {
		n := cleanNIC("52:54:00:10:00:0c")
		n.Bridge = "br1"
		change(&n)
		d.Interfaces = append(d.Interfaces, n)
	}
}

func mac(m string) tweak { return nic(func(n *discover.Interface) { n.MAC = m }) }

func release(major int) tweak {
	return func(_ *discover.Domain, f *Facts) { f.Nova.Release = nova.Release{Name: "some", Major: major} }
}

func addressed(ip string) tweak {
	return func(d *discover.Domain, _ *Facts) { d.Addresses[0].IP = netip.MustParseAddr(ip) }
}

func unaddressed(s discover.State) tweak {
	return func(d *discover.Domain, _ *Facts) { d.Addresses, d.State = nil, s }
}

var nicFixtures = map[string]fixture{
	"K2O-301": {func(d *discover.Domain, _ *Facts) { d.Interfaces = nil }, nicType("user")},
	"K2O-302": {libvirtNetwork("hostdev"), libvirtNetwork("bridge")},
	"K2O-303": {nicType("vhostuser"), nicType("vdpa")},
	"K2O-304": {nicType("vdpa"), nicType("vhostuser")},
	"K2O-305": {nic(func(n *discover.Interface) {
		n.Type, n.Bridge, n.SourceDev, n.SourceMode = "direct", "", "eth0", "bridge"
	}), libvirtNetwork("bridge")},
	"K2O-306": {nicType("user"), nicType("ethernet")},
	"K2O-307": {nicType("ethernet"), nicType("user")},
	"K2O-308": {nicType("mcast"), nicType("network")},
	"K2O-309": {both(nicModel("igb"), release(29)), both(nicModel("igb"), release(31))},
	"K2O-310": {another(func(n *discover.Interface) { n.Model = "e1000" }), another(func(*discover.Interface) {})},
	"K2O-311": {nicModel(""), both(nicModel(""), nicType("hostdev"))},
	"K2O-312": {nicModel("virtio-transitional"), nicModel("")},

	"K2O-321": {nic(func(n *discover.Interface) { n.Bridge, n.VLAN = "br9", 120 }), nic(func(n *discover.Interface) { n.Bridge = "br1" })},
	"K2O-322": {func(_ *discover.Domain, f *Facts) { f.Settings.Networks = nil }, func(d *discover.Domain, f *Facts) { f.Settings.Networks, d.Interfaces = nil, nil }},
	"K2O-323": {libvirtNetwork("nat"), libvirtNetwork("bridge")},
	"K2O-324": {libvirtNetwork("route"), libvirtNetwork("nat")},
	"K2O-325": {libvirtNetwork(""), libvirtNetwork("bridge")},
	"K2O-326": {libvirtNetwork("unknown"), libvirtNetwork("bridge")},
	"K2O-327": {nic(func(n *discover.Interface) { n.Trunk = true }), nic(func(n *discover.Interface) { n.VLAN = 120 })},
	"K2O-328": {nic(func(n *discover.Interface) { n.VirtualPort, n.InterfaceID = "openvswitch", "0c9d" }), nic(func(n *discover.Interface) { n.VirtualPort = "802.1Qbg" })},
	"K2O-329": {nic(func(n *discover.Interface) { n.VirtualPort = "802.1Qbg" }), nic(func(n *discover.Interface) { n.VirtualPort = "openvswitch" })},
	"K2O-330": {another(func(n *discover.Interface) { n.Bridge = "br0" }), another(func(*discover.Interface) {})},
	"K2O-331": {
		both(inCloud(nil), func(_ *discover.Domain, f *Facts) { f.Settings.Networks[0].Network = "nothing" }),
		both(inCloud(nil), func(_ *discover.Domain, f *Facts) { f.Settings.Networks[0].Subnet = "public-v4" }),
	},

	"K2O-341": {nic(func(n *discover.Interface) { n.Teaming = "persistent" }), nicModel("e1000")},
	"K2O-342": {nic(func(n *discover.Interface) { n.Queues = 4 }), nic(func(n *discover.Interface) { n.Queues = 1 })},
	"K2O-343": {nic(func(n *discover.Interface) { n.Filter = "clean-traffic" }), nic(func(n *discover.Interface) { n.Bandwidth = true })},
	"K2O-344": {nic(func(n *discover.Interface) { n.Bandwidth = true }), nic(func(n *discover.Interface) { n.Filter = "clean-traffic" })},
	"K2O-345": {nic(func(n *discover.Interface) { n.MTU = 9000 }), nic(func(n *discover.Interface) { n.Queues = 4 })},
	"K2O-346": {nic(func(n *discover.Interface) { n.DriverOpts = []string{"iommu", "ats"} }), nic(func(n *discover.Interface) { n.Queues = 4 })},
	"K2O-347": {nic(func(n *discover.Interface) { n.LinkDown = true }), nic(func(n *discover.Interface) { n.MTU = 9000 })},
	"K2O-348": {both(portless, addressed("fe80::5054:ff:fe10:b")), addressed("fe80::5054:ff:fe10:b")},
	"K2O-349": {both(portless, unaddressed(discover.StateShutoff)), unaddressed(discover.StateShutoff)},
	"K2O-350": {
		nic(func(n *discover.Interface) { n.TxDropped = droppedPackets }),
		nic(func(n *discover.Interface) { n.RxDropped, n.TxDropped = droppedPackets-1, droppedPackets-1 }),
	},

	"K2O-361": {mac("52:54:00:10:00:0b:00:01"), mac("52:54:00:10:00:ff")},
	"K2O-362": {mac("01:00:5e:00:00:01"), mac("02:00:5e:00:00:01")},
	"K2O-363": {another(func(n *discover.Interface) { n.MAC = cleanMAC }), another(func(*discover.Interface) {})},
}
