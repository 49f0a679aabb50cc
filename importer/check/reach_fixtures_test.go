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
			w.devices = append(w.devices, discover.NetDevice{Name: "eth1", Physical: true})
		}), ""},
		{"Linux bridges that have theirs", wired(func(w *wiring) {
			w.bridged("n-br0")
			w.devices[3].Master = "brq0123"
			w.devices = append(w.devices, discover.NetDevice{Name: "brq0123", Bridge: true})
		}), ""},
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

// own gives the interface a VLAN of its own, which libvirt 11 has on a Linux bridge.
func own(vlan int) tweak { return nic(func(n *discover.Interface) { n.VLAN = vlan }) }

// What joins the bridges is made to be copied.
func TestReachCommands(t *testing.T) {
	const join = "on kvm01, if ovs-vsctl list-ports br-ex has no other way there, for two ways are a loop: m=$(cat /sys/class/net/br0/mtu) && " +
		"ip link add l-br0 mtu $m type veth peer name n-br0 mtu $m && ip link set l-br0 master br0 up && "
	const ends = "ip link set n-br0 up && ovs-vsctl add-port br-ex n-br0"
	const after = "; no guest is cut off by it; then the same in the host's own network configuration"
	long := both(wired(func(w *wiring) { w.devices = nil }), func(d *discover.Domain, f *Facts) {
		d.Interfaces[0].Bridge, f.Settings.Networks[0].Bridge = "br-0123456789a", "br-0123456789a"
	})
	for _, c := range []struct {
		code string
		of   tweak
		want string
	}{
		{"K2O-336", wired(func(w *wiring) { w.unjoined() }), join + ends + " trunks=0" + after},
		{"K2O-337", wired(func(w *wiring) { w.vlan(100); w.tagged(100, "eth0.100"); w.devices = w.devices[:2] }), join + ends + " tag=100" + after},
		{"K2O-336", both(wired(func(w *wiring) { w.unjoined(); w.vlan(100) }), own(100)), join + "bridge vlan add dev l-br0 vid 100 && " + ends + after},
		{"K2O-336", both(wired(func(w *wiring) { w.unjoined(); w.vlan(200) }), own(100)), join + "bridge vlan add dev l-br0 vid 100 pvid untagged && " + ends + " tag=200" + after},
		{"K2O-336", both(wired(func(w *wiring) { w.unjoined() }), own(100)), join + "bridge vlan add dev l-br0 vid 100 pvid untagged && " + ends + " trunks=0" + after},
		{"K2O-337", long, "ip link add l-br-0123456789 mtu $m type veth peer name n-br-0123456789 mtu $m && ip link set l-br-0123456789 master br-0123456789a up"},
		{"K2O-340", wired(func(w *wiring) { w.taken("eth0") }), "on kvm01, if ovs-vsctl port-to-br eth0 says br-ex, have br0 lead out by it, with a moment's silence: m=$(cat /sys/class/net/br0/mtu) && " +
			"ip link add l-br0 mtu $m type veth peer name n-br0 mtu $m && ip link set l-br0 master br0 up && ip link set n-br0 up && ip link del eth0.100 && ovs-vsctl add-port br-ex n-br0 tag=100; " +
			"then the same in the host's own network configuration"},
		{"K2O-340", wired(func(w *wiring) { w.taken("eth0"); w.devices[1].Master = "" }),
			"on kvm01, if ovs-vsctl port-to-br eth0 says br-ex: give what eth0.100 is there for an internal port of br-ex with tag 100, and take eth0.100 away; then"},
		{"K2O-339", wired(func(w *wiring) { w.vlan(100) }), "on kvm01: ovs-vsctl port-to-br n-br0 has to say br-ex, and ovs-vsctl get port n-br0 tag has to say 100"},
		{"K2O-339", wired(func(w *wiring) { w.tagged(100, "eth0.100") }), "on kvm01: ovs-vsctl port-to-br n-br0 has to say br-ex, and ovs-vsctl get port n-br0 tag has to say []"},
		{"K2O-339", both(wired(func(w *wiring) { w.vlan(100) }), own(100)), "get port n-br0 tag has to say []; bridge vlan show has to list 100 for its other end in br0"},
		{"K2O-335", wired(func(w *wiring) { w.vlan(200); w.tagged(100, "eth0.100") }),
			"openstack network show n1; ip -d link show master br0 on kvm01; with tag 200 (ovs-vsctl get port n-br0 tag) the guest stays where it is"},
		{"K2O-333", wired(func(w *wiring) { w.Agents[0].Mappings = nil }),
			"add physnet1:BRIDGE to [ovs] bridge_mappings of openvswitch_agent.ini and restart neutron-openvswitch-agent, on kvm01"},
		{"K2O-333", wired(func(w *wiring) { w.ovn(); w.Agents[0].Mappings = nil }),
			"add physnet1:BRIDGE to what ovs-vsctl get open . external_ids:ovn-bridge-mappings says, by ovs-vsctl set on kvm01"},
		{"K2O-338", wired(func(w *wiring) { w.bridged("eth0") }),
			"on kvm01: m=$(cat /sys/class/net/br0/mtu) && ip link add l-br0 mtu $m type veth peer name n-br0 mtu $m && ip link set l-br0 master br0 up && ip link set n-br0 up; then map physnet1:n-br0 instead of eth0"},
		{"K2O-338", wired(func(w *wiring) { w.vlan(100); w.tagged(100, "eth0.100"); w.bridged("eth0") }),
			"ip link set l-br0 up && ip link add link l-br0 name l-br0.100 type vlan id 100 && ip link set l-br0.100 master br0 up && ip link set n-br0 up;"},
	} {
		if got := finding(t, c.code, c.of).Action; !strings.Contains(got, c.want) {
			t.Errorf("%s says\n%s\nwant\n%s", c.code, got, c.want)
		}
	}
}
