package check

import (
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// A junction is an interface with the network that it goes to.
type junction struct {
	discover.Interface
	bridge  string // Linux bridge that it hangs on today, "" for none
	vSwitch bool   // it hangs on Open vSwitch
	network cloud.Network
	agent   cloud.Agent // of its host, zero without one
	mapped  string      // bridge or device by which the agent reaches the physical network
}

// junctions are the domain's interfaces whose network the cloud has.
func (s subject) junctions() (found []junction) {
	if s.Cloud == nil || !s.known() {
		return nil
	}
	here := s.agents()
	for _, n := range s.Interfaces {
		rule, ok := s.Settings.Networks.Match(s.Domain.Host, n)
		if !ok {
			continue
		}
		net, err := s.Cloud.Snapshot.Network(rule.Network)
		if err != nil {
			continue // another rule's
		}
		j := junction{Interface: n, vSwitch: s.onVSwitch(n), network: net}
		if !j.vSwitch {
			j.bridge = linuxBridge(n)
		}
		for _, a := range here {
			if j.mapped == "" {
				j.agent, j.mapped = a, a.Mappings[net.PhysicalNetwork]
			}
		}
		found = append(found, j)
	}
	return found
}

// agents are those of the host that ports are bound by, or would be if they
// were alive.
func (s subject) agents() []cloud.Agent {
	all := s.Cloud.agents[s.compute().Host]
	alive := slices.DeleteFunc(slices.Clone(all), func(a cloud.Agent) bool { return !a.Works() })
	if len(alive) == 0 {
		return all
	}
	return alive
}

// linuxBridge is the bridge below an interface, unless that is one of Open
// vSwitch, or libvirt's own behind which the host is a router.
func linuxBridge(n discover.Interface) string {
	switch {
	case n.VirtualPort != "":
		return ""
	case n.Type == "network" && n.NetworkForward == "bridge":
		return n.NetworkBridge
	}
	return n.Bridge
}

// onVSwitch reports whether an interface is a port of Open vSwitch. Of a network
// of libvirt's, whose virtual port is not in the domain's definition, its bridge
// tells.
func (s subject) onVSwitch(n discover.Interface) bool {
	if n.Type != "network" || n.NetworkForward != "bridge" {
		return n.VirtualPort == "openvswitch"
	}
	d, seen := s.device(n.NetworkBridge)
	return n.VirtualPort == "openvswitch" || n.VirtualPort == "" && seen && !d.Bridge
}

// agentless reports whether none of the host's agents can be bound by, in a
// cloud that has agents at all.
func (s subject) agentless() bool {
	return len(s.Cloud.agents) > 0 && !slices.ContainsFunc(s.agents(), cloud.Agent.Works)
}

// agentNames are the host's agents, as Neutron calls them.
func (s subject) agentNames() shownList {
	var names []string
	for _, a := range s.agents() {
		names = append(names, a.Type)
	}
	return orNothing(names)
}

func orNothing(names []string) shownList {
	if len(names) == 0 {
		return list([]string{"nothing"})
	}
	return list(names)
}

func (j junction) unmapped() bool {
	return j.agent.ID != "" && j.network.PhysicalNetwork != "" && j.mapped == ""
}

// mapIt is what gives the agent a way.
func (j junction) mapIt() sentence {
	physical := j.network.PhysicalNetwork
	switch {
	case j.agent.IsOVN():
		return sentence{"add %s:BRIDGE to what ovs-vsctl get open . external_ids:ovn-bridge-mappings says, by ovs-vsctl set", []any{show(physical)}}
	case j.agent.OnVSwitch():
		return sentence{"add %s:BRIDGE to [ovs] bridge_mappings of openvswitch_agent.ini and restart neutron-openvswitch-agent,", []any{show(physical)}}
	}
	return sentence{"add %s:DEVICE to [linux_bridge] physical_interface_mappings of linuxbridge_agent.ini (DEVICE in no bridge, for the agent would take it out: one end of a veth pair, never an uplink) and restart neutron-linuxbridge-agent,", []any{show(physical)}}
}

// tunnelled: the network is a tunnel, and the bridge is none of the host's own.
func (j junction) tunnelled() bool {
	return j.network.Tunneled() && (j.bridge != "" || j.vSwitch || j.VirtualPort != "")
}

// segment is where the network is on its wire.
func (j junction) segment() sentence {
	if j.network.NetworkType == "vlan" {
		return sentence{"VLAN %d of %s", []any{j.network.SegmentationID, show(j.network.PhysicalNetwork)}}
	}
	return sentence{"what is untagged on %s", []any{show(j.network.PhysicalNetwork)}}
}

// tag is the network's on its wire, 0 for none, if it is on one that is seen.
func (j junction) tag() (tag int, is bool) {
	switch j.network.NetworkType {
	case "flat":
		return 0, true
	case "vlan":
		return j.network.SegmentationID, true
	}
	return 0, false
}

// otherVLAN says where the interface is, if that is not where the network is.
func (s subject) otherVLAN(j junction) (where sentence, differs bool) {
	want, is := j.tag()
	if is && j.VLAN != 0 {
		return sentence{"VLAN %d", []any{j.VLAN}}, j.VLAN != want
	}
	up := s.uplinks(j.bridge)
	if !is || len(up) == 0 || slices.ContainsFunc(up, func(d discover.NetDevice) bool { return d.VLAN == want }) {
		return where, false
	}
	if up[0].VLAN == 0 {
		return sentence{"what is untagged on %s", []any{show(up[0].Name)}}, !s.made(j, up[0], want)
	}
	return sentence{"VLAN %d (%s)", []any{up[0].VLAN, show(up[0].Name)}}, !s.made(j, up[0], want)
}

// made: what joins the bridges, or has to, makes the uplink's VLAN the network's.
// Of two VLANs with tags it rather makes one that is meant for another network.
func (s subject) made(j junction, up discover.NetDevice, want int) bool {
	return j.moves() && s.route(j).way != unknownWay && up.Under != j.mapped && (up.VLAN == 0 || want == 0)
}

// uplinks are the devices by which a Linux bridge leads out of the host.
func (s subject) uplinks(bridge string) (found []discover.NetDevice) {
	for _, d := range s.Facts.Host.Devices {
		if bridge != "" && d.Master == bridge && s.leadsOut(d) {
			found = append(found, d)
		}
	}
	return found
}

// leadsOut reports whether a device is a card, a VLAN, or a bond of cards.
func (s subject) leadsOut(d discover.NetDevice) bool {
	return d.Physical || d.VLAN != 0 || !d.Bridge && slices.ContainsFunc(s.Facts.Host.Devices, func(port discover.NetDevice) bool {
		return port.Master == d.Name && port.Physical
	})
}
