package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// A wiring is how a host is wired and what Neutron knows of it.
type wiring struct {
	*cloud.Snapshot
	devices []discover.NetDevice
}

// wired is the clean domain in a cloud with Open vSwitch, whose legacy bridge is
// joined with the one that Neutron's agent maps.
func wired(change func(w *wiring)) tweak {
	return func(d *discover.Domain, f *Facts) {
		w := wiring{devices: []discover.NetDevice{
			{Name: "br0", Bridge: true},
			{Name: "eth0", Master: "br0", Physical: true},
			{Name: "l-br0", Master: "br0", Peer: "n-br0"},
			{Name: "n-br0", Master: discover.OpenVSwitch, Peer: "l-br0"},
			{Name: discover.OpenVSwitch},
		}}
		inCloud(func(s *cloud.Snapshot) {
			s.Networks[0].NetworkType, s.Networks[0].PhysicalNetwork = "flat", "physnet1"
			s.Agents = []cloud.Agent{
				{ID: "a1", Type: "Open vSwitch agent", Host: "kvm01", Alive: true, Enabled: true, Mappings: map[string]string{"physnet1": "br-ex"}},
				{ID: "a2", Type: "Open vSwitch agent", Host: "kvm02", Alive: true, Enabled: true, Mappings: map[string]string{"physnet2": "br-2"}},
			}
			w.Snapshot = s
			if change != nil {
				change(&w)
			}
		})(d, f)
		f.Host.Devices = w.devices
	}
}

// ovn makes the host's agent one of OVN.
func (w *wiring) ovn() {
	w.Agents[0].ID, w.Agents[0].Type = "2e7b1f0c-6b0d-4f7c-9d4e-0e5a5c1f7f10", "OVN Controller agent"
}

// vlan makes the network one of a VLAN.
func (w *wiring) vlan(tag int) {
	w.Networks[0].NetworkType, w.Networks[0].SegmentationID = "vlan", tag
}

// tagged has the legacy bridge on a VLAN of its card.
func (w *wiring) tagged(tag int, name string) {
	w.devices[1] = discover.NetDevice{Name: name, Master: "br0", VLAN: tag, Under: "eth0"}
	w.devices = append(w.devices, discover.NetDevice{Name: "eth0", Physical: true})
}

// join puts the pair there that joins the bridges.
func (w *wiring) join() {
	w.add(discover.NetDevice{Name: "l-br0", Master: "br0", Peer: "n-br0"}, discover.NetDevice{Name: "n-br0", Master: discover.OpenVSwitch, Peer: "l-br0"})
}

// unjoined takes the pair away that joins the bridges, and leaves Open vSwitch
// these devices.
func (w *wiring) unjoined(ports ...discover.NetDevice) {
	w.devices = append(slices.Clone(w.devices[:2]), discover.NetDevice{Name: discover.OpenVSwitch})
	for _, p := range ports {
		p.Master = discover.OpenVSwitch
		w.devices = append(w.devices, p)
	}
}

var reachFixtures = map[string]fixture{
	"K2O-332": {
		wired(func(w *wiring) { w.Agents[0].Alive = false }),
		wired(func(w *wiring) { w.Agents[1].Alive = false }),
	},
	"K2O-333": {
		wired(func(w *wiring) { w.Networks[0].PhysicalNetwork = "physnet2" }),
		wired(func(w *wiring) { w.Networks[1].PhysicalNetwork = "physnet2" }), // of no interface
	},
	"K2O-334": {
		wired(func(w *wiring) { w.Networks[0].NetworkType, w.Networks[0].PhysicalNetwork = "vxlan", "" }),
		both(wired(func(w *wiring) { w.Networks[0].NetworkType, w.Networks[0].PhysicalNetwork = "vxlan", "" }), func(d *discover.Domain, f *Facts) {
			f.Settings.Networks[0].Bridge, f.Settings.Networks[0].Source = "", "default"
			libvirtNetwork("nat")(d, f)
			d.Interfaces[0].NetworkBridge = "virbr0"
		}),
	},
	"K2O-335": {
		wired(func(w *wiring) { w.vlan(200); w.tagged(100, "eth0.100") }),
		wired(func(w *wiring) { w.vlan(100); w.tagged(100, "eth0.100") }),
	},
	"K2O-336": {
		wired(func(w *wiring) { w.unjoined(discover.NetDevice{Name: "vxlan_sys_4789"}) }),
		wired(func(w *wiring) { w.unjoined(discover.NetDevice{Name: "eth1", Physical: true}) }),
	},
	"K2O-337": {
		wired(func(w *wiring) { w.unjoined(discover.NetDevice{Name: "eth1", Physical: true}) }),
		wired(func(w *wiring) { w.unjoined(); w.devices[0].Master = discover.OpenVSwitch }), // joined itself
	},
	"K2O-338": {
		wired(func(w *wiring) { w.bridged("eth0") }),
		wired(func(w *wiring) { w.bridged("n-br0"); w.devices[3].Master = "" }), // an end of a pair
	},
	"K2O-339": {
		wired(func(w *wiring) { w.vlan(100); w.tagged(100, "eth0.100") }),
		wired(func(w *wiring) { w.vlan(100); w.devices[1] = ownVLAN }), // its tag is seen
	},
	"K2O-340": {
		wired(func(w *wiring) { w.taken("eth0") }),
		wired(func(w *wiring) { w.taken("eth0"); w.vlan(200) }), // another VLAN's device
	},
	"K2O-351": {
		wired(func(w *wiring) { w.vlan(100); w.tagged(100, "vlan100"); w.bridged("eth0") }),
		wired(func(w *wiring) { w.vlan(100); w.tagged(100, "vlan100"); w.bridged("eth1") }), // another card's
	},
	"K2O-352": {
		wired(func(w *wiring) { w.paired(100, "br0"); w.vlan(200) }),
		wired(func(w *wiring) { w.paired(100, "br0") }),
	},
}

// paired has an agent of Linux bridges that maps one end of a pair, and a VLAN of
// the other in a bridge.
func (w *wiring) paired(tag int, bridge string) {
	w.vlan(tag)
	w.devices = append(w.devices[:1:1],
		discover.NetDevice{Name: "l-eth0", Peer: "n-eth0"},
		discover.NetDevice{Name: "n-eth0", Peer: "l-eth0"},
		discover.NetDevice{Name: "l-eth0.100", Master: bridge, VLAN: tag, Under: "l-eth0"})
	w.bridged("n-eth0")
}

// taken has the legacy bridge on VLAN 100, the network's, of a card or bond that
// is a port of Open vSwitch.
func (w *wiring) taken(card string) {
	w.vlan(100)
	w.unjoined(discover.NetDevice{Name: card, Physical: true})
	w.devices[1] = discover.NetDevice{Name: card + ".100", Master: "br0", VLAN: 100, Under: card}
}

// bridged has the host's agent be one of Linux bridges.
func (w *wiring) bridged(mapped string) {
	w.Agents[0].Type, w.Agents[0].Mappings = "Linux bridge agent", map[string]string{"physnet1": mapped}
}

// ownVLAN is a VLAN of the mapped bridge's own device, in the legacy bridge.
var ownVLAN = discover.NetDevice{Name: "br-ex.100", Master: "br0", VLAN: 100, Under: "br-ex"}

func card(name string) discover.NetDevice { return discover.NetDevice{Name: name, Physical: true} }

// What is said of every wiring, and of no other.
func TestReach(t *testing.T) {
	for _, c := range []struct {
		name string
		of   tweak
		want string // codes
	}{
		{"joined", wired(nil), ""},
		{"joined, OVN", wired((*wiring).ovn), ""},
		{"no agents in the cloud", wired(func(w *wiring) { w.Agents = nil }), ""},
		{"agents of other kinds alone", wired(func(w *wiring) { w.Agents[0].Type, w.Agents[1].Type = "Macvtap agent", "NIC Switch agent" }), ""},
		{"agent of another host", wired(func(w *wiring) { w.Agents = w.Agents[1:] }), "K2O-332"},
		{"agent disabled", wired(func(w *wiring) { w.Agents[0].Enabled = false }), "K2O-332"},
		{"agent down, another up", wired(func(w *wiring) {
			w.Agents[0].Alive = false
			w.Agents = append(w.Agents, cloud.Agent{ID: "a3", Type: "OVN Controller agent", Host: "kvm01", Alive: true, Enabled: true, Mappings: map[string]string{"physnet1": "br-ex"}})
		}), ""},
		{"agent down that maps something else", wired(func(w *wiring) {
			w.Agents[0].Alive, w.Agents[0].Mappings = false, map[string]string{"physnet2": "br-2"}
		}), "K2O-333 K2O-332"},
		{"agent down that maps it, another up that does not", wired(func(w *wiring) {
			w.Agents[0].Alive = false
			w.Agents = append(w.Agents, cloud.Agent{ID: "a3", Type: "OVN Controller agent", Host: "kvm01", Alive: true, Enabled: true})
		}), "K2O-333"},
		{"OVN that maps nothing", wired(func(w *wiring) { w.ovn(); w.Agents[0].Mappings = nil }), "K2O-333"},
		{"Linux bridges", wired(func(w *wiring) { w.unjoined(); w.bridged("eth0") }), "K2O-338"},
		{"Linux bridges on a device of their own", wired(func(w *wiring) {
			w.bridged("eth1")
			w.add(card("eth1"), discover.NetDevice{Name: "priority", Under: "eth1"}) // VLAN 0
		}), ""},
		{"Linux bridges that have theirs", wired(func(w *wiring) {
			w.bridged("n-br0")
			w.devices[3].Master = "brq0123"
			w.devices = append(w.devices, discover.NetDevice{Name: "brq0123", Bridge: true})
		}), ""},
		{"Linux bridges, a VLAN's device of another name", wired(func(w *wiring) { w.vlan(100); w.tagged(100, "vlan100"); w.bridged("eth0") }), "K2O-351"},
		{"Linux bridges, a VLAN's device of another name in no bridge", wired(func(w *wiring) {
			w.vlan(100)
			w.tagged(100, "vlan100")
			w.devices[1].Master = ""
			w.bridged("eth0")
		}), "K2O-351"},
		{"Linux bridges, their own VLAN's device", wired(func(w *wiring) {
			w.vlan(100)
			w.tagged(100, "eth0.100")
			w.devices[1].Master = "brq0123"
			w.bridged("eth0")
		}), ""},
		{"Linux bridges, a VLAN's device of a long name, perhaps their own", wired(func(w *wiring) {
			w.vlan(100)
			w.tagged(100, "enp9a1b2c.100")
			w.bridged("enp0123456789")
			w.devices[1].Under, w.devices[1].Master = "enp0123456789", "brq0123"
		}), ""},
		{"Open vSwitch, a VLAN's device of another name", wired(func(w *wiring) { w.vlan(100); w.devices[1] = ownVLAN; w.devices[1].Name = "vlan100" }), ""},
		{"Linux bridges, a pair", wired(func(w *wiring) { w.paired(100, "br0") }), ""},
		{"Linux bridges, a pair for another VLAN", wired(func(w *wiring) { w.paired(100, "br0"); w.vlan(200) }), "K2O-335 K2O-352"},
		{"Linux bridges, a pair whose VLAN is in no bridge", wired(func(w *wiring) { w.paired(100, "") }), "K2O-352"},
		{"Linux bridges, a pair whose VLAN is in another bridge", wired(func(w *wiring) { w.paired(100, "br7") }), ""},
		{"Linux bridges, a pair in a bridge", wired(func(w *wiring) { w.paired(100, "br0"); w.vlan(200); w.devices[1].Master = "br0" }), "K2O-335"},
		{"Linux bridges, a pair that leads nowhere, flat", wired(func(w *wiring) { w.bridged("n-br0"); w.devices[2].Master = "" }), "K2O-352"},
		{"Linux bridges, a pair on a domain with no bridge", both(wired(func(w *wiring) { w.bridged("n-br0"); w.devices[2].Master = "" }), func(d *discover.Domain, f *Facts) {
			f.Settings.Networks[0].Bridge, f.Settings.Networks[0].Source = "", "default"
			libvirtNetwork("bridge")(d, f)
		}), ""},
		{"Linux bridges by a bridge that has a VLAN", wired(func(w *wiring) {
			w.vlan(200)
			w.bridged("br0")
			w.add(discover.NetDevice{Name: "vlan200", VLAN: 200, Under: "br0"})
		}), "K2O-335"},
		{"Linux bridges by a bridge", wired(func(w *wiring) { w.bridged("br0") }), ""},
		{"Linux bridges, the VLAN's device", wired(func(w *wiring) { w.vlan(100); w.tagged(100, "eth0.100"); w.bridged("eth0") }), "K2O-338"},
		{"Linux bridges, another VLAN's device", wired(func(w *wiring) { w.vlan(200); w.tagged(100, "eth0.100"); w.bridged("eth0") }), "K2O-335"},
		{"Linux bridges, a long name", wired(func(w *wiring) {
			w.vlan(100)
			w.tagged(100, "enp9a1b2c.100")
			w.bridged("enp0123456789")
			w.devices[1].Under = "enp0123456789"
		}), "K2O-338"},
		{"Linux bridges that map something else", wired(func(w *wiring) {
			w.Agents[0].Type, w.Agents[0].Mappings = "Linux bridge agent", map[string]string{"physnet2": "eth0"}
		}), "K2O-333"},
		{"nobody sees providers", wired(func(w *wiring) { w.Networks[0].NetworkType, w.Networks[0].PhysicalNetwork = "", "" }), ""},
		{"geneve", wired(func(w *wiring) { w.ovn(); w.Networks[0].NetworkType, w.Networks[0].PhysicalNetwork = "geneve", "" }), "K2O-334"},
		{"VLAN of the VLAN, joined", wired(func(w *wiring) { w.vlan(100); w.tagged(100, "eth0.100") }), "K2O-339"},
		{"VLAN of the VLAN, not joined", wired(func(w *wiring) { w.vlan(100); w.unjoined(); w.tagged(100, "eth0.100") }), "K2O-336"},
		{"VLAN without a device's name for it", wired(func(w *wiring) { w.vlan(200); w.tagged(100, "storage") }), "K2O-335"},
		{"VLAN to flat, joined", wired(func(w *wiring) { w.tagged(100, "eth0.100") }), "K2O-339"},
		{"VLAN to flat, not joined", wired(func(w *wiring) { w.unjoined(); w.tagged(100, "eth0.100") }), "K2O-336"},
		{"VLAN to flat by a card", wired(func(w *wiring) { w.unjoined(card("eth1")); w.tagged(100, "eth0.100") }), "K2O-335 K2O-337"},
		{"VLAN to flat by the mapped bridge's device", wired(func(w *wiring) { w.unjoined(); w.devices[1] = ownVLAN }), "K2O-335"},
		{"VLAN of the VLAN by the mapped bridge's device", wired(func(w *wiring) { w.vlan(100); w.unjoined(); w.devices[1] = ownVLAN }), ""},
		{"another VLAN by the mapped bridge's device", wired(func(w *wiring) { w.vlan(200); w.unjoined(); w.devices[1] = ownVLAN }), "K2O-335"},
		{"untagged to VLAN, joined", wired(func(w *wiring) { w.vlan(100) }), "K2O-339"},
		{"untagged to VLAN, not joined", wired(func(w *wiring) { w.vlan(100); w.unjoined() }), "K2O-336"},
		{"untagged to VLAN by a card", wired(func(w *wiring) { w.vlan(100); w.unjoined(card("eth1")) }), "K2O-335 K2O-337"},
		{"untagged to VLAN, nobody sees how", wired(func(w *wiring) { w.vlan(100); w.userspace() }), "K2O-335 K2O-337"},
		{"another VLAN, not joined", wired(func(w *wiring) { w.vlan(200); w.unjoined(); w.tagged(100, "eth0.100") }), "K2O-335 K2O-336"},
		{"both VLANs", wired(func(w *wiring) {
			w.vlan(100)
			w.add(discover.NetDevice{Name: "eth1.100", Master: "br0", VLAN: 100, Under: "eth1"})
		}), "K2O-339"},
		{"joined, several bridges mapped", wired(func(w *wiring) { w.Agents[0].Mappings["physnet2"] = "br-2" }), "K2O-339"},
		{"joined, several networks of one bridge", wired(func(w *wiring) { w.Agents[0].Mappings["physnet2"] = "br-ex" }), ""},
		{"joined by the mapped bridge's device, several mapped", wired(func(w *wiring) {
			w.unjoined()
			w.Agents[0].Mappings["physnet2"] = "br-2"
			w.add(discover.NetDevice{Name: "br-ex", Master: "br0"})
		}), ""},
		{"own VLAN", both(wired(func(w *wiring) { w.vlan(100) }), own(100)), "K2O-339"},
		{"another VLAN of its own", both(wired(func(w *wiring) { w.vlan(100) }), own(120)), "K2O-335"},
		{"card of the VLAN's device in Open vSwitch", wired(func(w *wiring) { w.taken("eth0") }), "K2O-340"},
		{"bond of the VLAN's device in Open vSwitch", wired(func(w *wiring) {
			w.taken("bond0")
			w.devices[3].Physical = false
			w.add(discover.NetDevice{Name: "eth0", Physical: true, Master: "bond0"})
		}), "K2O-340"},
		{"card of the VLAN's device in Open vSwitch, joined", wired(func(w *wiring) { w.taken("eth0"); w.join() }), "K2O-339"},
		{"card of another VLAN's device in Open vSwitch", wired(func(w *wiring) { w.taken("eth0"); w.vlan(200) }), "K2O-335 K2O-337"},
		{"card in Open vSwitch, the host's own VLAN", wired(func(w *wiring) { w.taken("eth0"); w.devices[1].Master = "" }), "K2O-340"},
		{"card of the VLAN's device in Open vSwitch, flat", wired(func(w *wiring) {
			w.taken("eth0")
			w.Networks[0].NetworkType, w.Networks[0].SegmentationID = "flat", 0
			w.add(discover.NetDevice{Name: "eth0.0", Under: "eth0"}) // of priority tags
		}), "K2O-335 K2O-337"},
		{"bond", wired(func(w *wiring) {
			w.vlan(100)
			w.devices[1].Master = "bond0"
			w.devices = append(w.devices, discover.NetDevice{Name: "bond0", Master: "br0"})
			w.userspace()
		}), "K2O-335 K2O-337"},
		{"no uplink", wired(func(w *wiring) { w.vlan(100); w.devices[1].Master = "" }), "K2O-339"},
		{"on Open vSwitch already", both(wired(func(w *wiring) { w.unjoined() }), nic(func(n *discover.Interface) { n.VirtualPort = "openvswitch" })), "K2O-328"},
		{"on Open vSwitch by libvirt's network", both(wired(func(w *wiring) { w.unjoined(); w.devices[0].Bridge = false }), func(d *discover.Domain, f *Facts) {
			f.Settings.Networks[0].Bridge, f.Settings.Networks[0].Source = "", "default"
			libvirtNetwork("bridge")(d, f)
			d.Interfaces[0].NetworkBridge = "br0"
		}), "K2O-328"},
		{"on a bridge of libvirt's network", both(wired(func(w *wiring) { w.unjoined() }), func(d *discover.Domain, f *Facts) {
			f.Settings.Networks[0].Bridge, f.Settings.Networks[0].Source = "", "default"
			libvirtNetwork("bridge")(d, f)
			d.Interfaces[0].NetworkBridge = "br0"
		}), "K2O-336"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, f := made(c.of)
			if got := strings.Join(codes(Assess(d, f).Findings), " "); got != c.want {
				t.Errorf("found %s, want %s", got, c.want)
			}
		})
	}
}
