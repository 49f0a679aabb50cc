package check

// nicAgentRules: whether Neutron's agent of Linux bridges reaches the network
// that an interface is on today by the device that it maps.
var nicAgentRules = []Rule{
	{
		Code: "K2O-351", Severity: Attention,
		Title:  "Neutron's agent cannot make the network's VLAN device",
		Action: "Map one end of a veth pair whose other end has the VLAN in the legacy bridge.",
		Fact:   "neutron/plugins/ml2/drivers/linuxbridge/agent/linuxbridge_neutron_agent.py, ensure_vlan: it makes DEVICE.VLAN unless there is one of that name, and a device has one for each VLAN (/proc/net/vlan/config)",
		find: func(s subject) []detail {
			return each(s.junctions(), func(j junction) (detail, bool) {
				d, is := s.inTheWay(j)
				found := say("Interface %s belongs to network %s, and Neutron's agent on %s cannot make VLAN %d of %s, which is there as %s: the guest would be cut off.",
					show(j.MAC), show(j.network.Name), show(s.Domain.Host), d.VLAN, show(d.Under), show(d.Name))
				if d.Master != j.bridge {
					return found, is
				}
				return found.do("%s", s.leaveIt(j, j.bridge)), is
			})
		},
	},
	{
		Code: "K2O-352", Severity: Attention,
		Title:  "Pair of Neutron's agent does not lead to the legacy bridge",
		Action: "Put the other end, or the network's VLAN on it, into the legacy bridge.",
		Fact:   "physical_interface_mappings of the agent of Linux bridges; the bridge of the pair's other end, and of a VLAN on it (/sys/class/net/*/master, /proc/net/vlan/config)",
		find: func(s subject) []detail {
			return each(s.junctions(), func(j junction) (detail, bool) {
				d, is := s.deadEnd(j)
				return say("Interface %s moves from bridge %s to network %s, which Neutron's agent on %s reaches by %s, and %s is in no bridge: the guest would be cut off.",
					show(j.MAC), show(j.bridge), show(j.network.Name), show(s.Domain.Host), show(j.mapped), show(d.Name)).
					do("%s", s.endIt(j, d)), is
			})
		},
	},
}
