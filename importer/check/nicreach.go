package check

// nicReachRules: whether Neutron's network, on this host, is the network that
// an interface is on today. At the first start under Nova the interface leaves
// its legacy bridge for Neutron's.
var nicReachRules = []Rule{
	{
		Code: "K2O-332", Severity: Attention,
		Title:  "No working agent of Neutron's on the host",
		Action: "Start the agent on the host, under the host name that Nova uses.",
		Fact:   "neutron/plugins/ml2/drivers/mech_agent.py and ovn/mech_driver/mech_driver.py refuse to bind a port without an agent that is alive",
		find: func(s subject) []detail {
			if len(s.junctions()) == 0 || !s.agentless() {
				return nil
			}
			host := s.compute().Host
			return []detail{say("Neutron has no agent on %s that is alive and enabled (it has there: %s), so that no port can be bound there.", show(host), s.agentNames()).
				do("openstack network agent list --host %s", sh(host))}
		},
	},
	{
		Code: "K2O-333", Severity: Blocked,
		Title:  "Host does not reach the network's physical network",
		Action: "Map the physical network to a bridge on the host, and restart Neutron's agent there.",
		Fact:   "bridge_mappings of Open vSwitch's agent, ovn-bridge-mappings, physical_interface_mappings: without one the binding fails (binding:vif_type binding_failed)",
		find: func(s subject) []detail {
			return each(s.junctions(), func(j junction) (detail, bool) {
				return say("Interface %s belongs to network %s, and %s has no way to its physical network %s: it maps %s.", show(j.MAC), show(j.network.Name),
					show(s.Domain.Host), show(j.network.PhysicalNetwork), orNothing(j.agent.Physical())).
					do("%s on %s", j.mapIt(), show(s.Domain.Host)), j.unmapped()
			})
		},
	},
	{
		Code: "K2O-334", Severity: Attention,
		Title:  "Bridge of the data centre mapped to a tunnel",
		Action: "Map the bridge to a network of type flat or vlan, or see that a router of Neutron's leads to all that the guest talks to.",
		Fact:   "provider:network_type vxlan, gre and geneve end at the hosts that Neutron knows",
		find: func(s subject) []detail {
			return each(s.junctions(), func(j junction) (detail, bool) {
				return say("Interface %s is on %s, and network %s is a tunnel (%s) between Neutron's own hosts: with its restart the guest leaves those it shares a wire with today.",
					show(j.MAC), plugged(j.Interface), show(j.network.Name), show(j.network.NetworkType)), j.tunnelled()
			})
		},
	},
	{
		Code: "K2O-335", Severity: Attention,
		Title:  "VLAN of the bridge is not the network's",
		Action: "Correct networks: in the configuration, or see that the switches make one of the two.",
		Fact:   "provider:segmentation_id; the tag of the device that the bridge leads out by (/proc/net/vlan/config), or of the interface's own <vlan>",
		find: func(s subject) []detail {
			return each(s.junctions(), func(j junction) (detail, bool) {
				w, differs := s.otherVLAN(j)
				return say("Interface %s is on %s, and network %s is %s: with its restart the guest is among others, unless the switches make one of the two.",
					show(j.MAC), w, show(j.network.Name), j.segment()).
					do("%s", s.lookAtVLAN(j)), differs
			})
		},
	},
	{
		Code: "K2O-336", Severity: Attention,
		Title:  "Open vSwitch does not lead to the legacy bridge's segment",
		Action: "Join the legacy bridge and the one that Neutron's agent maps, before the restart.",
		Fact:   "no card, bond, VLAN, Linux bridge or veth pair that may lead there is a port of Open vSwitch's kernel datapath (/sys/class/net/*/master, /proc/net/vlan/config)",
		find: func(s subject) []detail {
			return each(s.junctions(), func(j junction) (detail, bool) {
				return say("Interface %s moves from bridge %s to br-int at its restart, and nothing on %s leads from there to the segment of %s: the guest would be cut off.",
					show(j.MAC), show(j.bridge), show(s.Domain.Host), s.plugOf(j)).
					do("%s", s.join(j)), j.moves() && s.route(j).way == noWay
			})
		},
	},
	{
		Code: "K2O-337", Severity: Info,
		Title:  "Legacy bridge and Neutron's have to be one network",
		Action: "See that both reach the same network, or join them where nothing else does: two ways are a loop.",
		Fact:   "nova/virt/libvirt/vif.py, os-vif: the interface is plugged into br-int, which the agent joins with the bridge that it maps; where that leads is in Open vSwitch's database",
		find: func(s subject) []detail {
			return each(s.junctions(), func(j junction) (detail, bool) {
				return say("Interface %s moves from bridge %s to br-int at its restart, and from there bridge %s leads to %s: nobody can see from outside that this is the same network.",
					show(j.MAC), show(j.bridge), show(j.mapped), show(j.network.PhysicalNetwork)).
					do("%s", s.see(j)), s.mustLook(j)
			})
		},
	},
	{
		Code: "K2O-338", Severity: Blocked,
		Title:  "Neutron's agent takes a bridge's device away",
		Action: "Map one end of a veth pair whose other end is in the legacy bridge, never the bridge's own uplink.",
		Fact:   "neutron/plugins/ml2/drivers/linuxbridge/agent/linuxbridge_neutron_agent.py, ensure_bridge: the mapped device, or its VLAN, leaves the bridge that it is in for brq..., with the first tap",
		find: func(s subject) []detail {
			return each(s.junctions(), func(j junction) (detail, bool) {
				d, is := s.takes(j)
				return say("Interface %s belongs to network %s: with its restart Neutron's agent on %s takes %s out of bridge %s, and all guests there are cut off.",
					show(j.MAC), show(j.network.Name), show(s.Domain.Host), show(d.Name), show(d.Master)).
					do("%s", s.leaveIt(j, d.Master)), is
			})
		},
	},
	{
		Code: "K2O-339", Severity: Info,
		Title:  "Join of the bridges has to have the network's tag",
		Action: "Look at the port in Open vSwitch's database.",
		Fact:   "column tag of table Port, ovs-vswitchd.conf.db(5): the kernel shows that a device is a port of Open vSwitch, neither of which bridge nor with which tag",
		find: func(s subject) []detail {
			return each(s.junctions(), func(j junction) (detail, bool) {
				tag, _ := j.portTag()
				return say("Interface %s moves from bridge %s to br-int at its restart, and %s leads from there back to that bridge's segment if it is a port of %s with %s, which nobody can see from outside: else the guest would be cut off.",
					show(j.MAC), show(j.bridge), show(s.route(j).port), show(j.mapped), tag).
					do("%s", s.lookAtJoin(j)), s.unsure(j)
			})
		},
	},
	{
		Code: "K2O-340", Severity: Attention,
		Title:  "Network's VLAN never comes to Open vSwitch",
		Action: "Take the VLAN's device away, and have what uses it lead out by Open vSwitch.",
		Fact:   "net/core/dev.c, __netif_receive_skb_core: a frame goes to the device of its VLAN (vlan_do_receive) before it goes to the switch that the card is a port of (rx_handler)",
		find: func(s subject) []detail {
			return each(s.junctions(), func(j junction) (detail, bool) {
				d, is := s.takenVLAN(j)
				return say("Interface %s moves from bridge %s to br-int at its restart, and what comes in by %s with tag %d goes to %s before Open vSwitch sees it: the guest would hear nothing.",
					show(j.MAC), show(j.bridge), show(d.Under), d.VLAN, show(d.Name)).
					do("%s", s.giveVLAN(j, d)), is
			})
		},
	},
}
