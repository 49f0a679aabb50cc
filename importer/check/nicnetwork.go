package check

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// nicNetworkRules: where an interface is plugged, and which Neutron network that is.
var nicNetworkRules = []Rule{
	{
		Code: "K2O-321", Severity: Blocked,
		Title:  "Interface without a network mapping",
		Action: "Add a rule to networks: in the configuration.",
		Fact:   "block of networks: in the configuration, first match wins",
		find: func(s subject) []detail {
			if s.Settings.Networks == nil {
				return nil
			}
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				_, mapped := s.Settings.Networks.Match(s.Domain.Host, n)
				return say("No rule says which Neutron network interface %s on %s belongs to.", show(n.MAC), plugged(n)).
					do("add to networks: in the configuration: %s", mappingRule(n)), !mapped
			})
		},
	},
	{
		Code: "K2O-322", Severity: Attention,
		Title:  "No network mapping configured",
		Action: "Write networks: in the configuration, one rule for each bridge.",
		Fact:   "an import needs a Neutron network for each interface",
		find: func(s subject) []detail {
			return when(s.Settings.Networks == nil && len(s.Interfaces) > 0,
				say("The configuration maps no networks, so nobody can say where its %s belong.", Plural(len(s.Interfaces), "interface")))
		},
	},
	{
		Code: "K2O-323", Severity: Attention,
		Title:  "Interface on a NAT network of libvirt's",
		Action: "Re-address the guest, or map the network to a Neutron network with the same subnet behind a router.",
		Fact:   "libvirt <forward mode='nat'>; Neutron has no equivalent for an address that is valid behind one host only",
		find: func(s subject) []detail {
			return onNetwork(s, []string{"nat"}, "Interface %s is behind libvirt's NAT (network %s): its address is valid on this host only.")
		},
	},
	{
		Code: "K2O-324", Severity: Attention,
		Title:  "Interface on a routed network of libvirt's",
		Action: "Move the route for its subnet from the host to the Neutron network it is mapped to.",
		Fact:   "libvirt <forward mode='route'/'open'>: the host is the guest's gateway",
		find: func(s subject) []detail {
			return onNetwork(s, []string{"route", "open"}, "Interface %s is routed by its host (network %s): after Nova's first start the gateway must be Neutron's.")
		},
	},
	{
		Code: "K2O-325", Severity: Attention,
		Title:  "Interface on an isolated network of libvirt's",
		Action: "Map it to a Neutron network that the guests of that host alone share, and move them together.",
		Fact:   "a libvirt network without <forward> ends at its host",
		find: func(s subject) []detail {
			return onNetwork(s, []string{""}, "Interface %s is on a network that ends at this host (%s): guests that are not moved with it are cut off.")
		},
	},
	{
		Code: "K2O-326", Severity: Attention,
		Title:  "libvirt network could not be read",
		Action: "Read the network's definition and see that it is a plain bridge.",
		Fact:   "virNetworkGetXMLDesc failed, or no network of that name is on the host",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s is on the libvirt network %s, and nobody could see what is behind that.", show(n.MAC), show(n.Network)).
					do("virsh net-dumpxml %s on %s", sh(n.Network), show(s.Domain.Host)), n.Type == "network" && n.NetworkForward == "unknown"
			})
		},
	},
	{
		Code: "K2O-327", Severity: Blocked,
		Title:  "VLAN trunk",
		Action: "Give the guest one interface for each VLAN.",
		Fact:   "Neutron trunks are ports of their own kind (trunk extension), which the import does not make",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s carries several VLANs, and a Neutron port carries one network.", show(n.MAC)), n.Trunk
			})
		},
	},
	{
		Code: "K2O-328", Severity: Info,
		Title:  "Open vSwitch interface",
		Action: "See that the bridge and br-int reach the same network, and that no flow is keyed by the old interface id.",
		Fact:   "nova/virt/libvirt/vif.py, os-vif: Nova plugs into br-int with the port's id as iface-id",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				bridge, id := cmp.Or(n.Bridge, n.NetworkBridge, n.Network), sentence{}
				if n.InterfaceID != "" {
					id = sentence{" with id %s", []any{show(n.InterfaceID)}}
				}
				return say("Interface %s is an OVS port of %s%s, and moves to br-int under another id.", show(n.MAC), show(bridge), id).
					do("ovs-vsctl show; ovs-ofctl dump-flows %s on %s", sh(bridge), show(s.Domain.Host)), s.onVSwitch(n)
			})
		},
	},
	{
		Code: "K2O-329", Severity: Blocked,
		Title:  "Virtual port that Nova does not write",
		Action: "Give the guest an interface on a plain bridge.",
		Fact:   "nova/virt/libvirt/config.py LibvirtConfigGuestInterface; 802.1Qbg went with Neutron's driver",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("Interface %s is a virtual port of type %s, which Nova's first start does not bring back.", show(n.MAC), show(n.VirtualPort)),
					n.VirtualPort != "" && n.VirtualPort != "openvswitch"
			})
		},
	},
	{
		Code: "K2O-330", Severity: Attention,
		Title:  "Two interfaces on one Neutron network",
		Action: "Probe both addresses after adoption; add allowed_address_pairs to both ports if one does not answer.",
		Fact:   "seen on Zed: the second address of such a guest did not answer after adoption, probably for Neutron's anti-spoofing",
		find: func(s subject) []detail {
			return when(s.sharedNetwork() != "", say("Several of its interfaces are on the Neutron network %s: replies that leave by the other one may be dropped.", show(s.sharedNetwork())))
		},
	},
	{
		Code: "K2O-331", Severity: Blocked,
		Title:  "Neutron has no such network or subnet",
		Action: "Correct networks: in the configuration, or make the network.",
		Fact:   "network: and subnet: of the rule that matches the interface, by name or id, in Neutron's own lists",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				why := s.unresolved(n)
				return say("Interface %s on %s belongs to no network: %s.", show(n.MAC), plugged(n), why), why != "" // names are quoted in it
			})
		},
	},
}

// onNetwork finds interfaces on libvirt networks that forward in one of the modes.
func onNetwork(s subject, modes []string, text string) []detail {
	return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
		return say(text, show(n.MAC), show(n.Network)), n.Type == "network" && slices.Contains(modes, n.NetworkForward)
	})
}

// plugged says where an interface hangs.
func plugged(n discover.Interface) string {
	switch {
	case n.Bridge != "":
		return "bridge " + show(n.Bridge).String()
	case n.Network != "":
		return "network " + show(n.Network).String()
	case n.SourceDev != "":
		return "device " + show(n.SourceDev).String()
	}
	return "no bridge"
}

// mappingRule is the rule that would match n, ready for the configuration.
func mappingRule(n discover.Interface) string {
	var where []string
	add := func(key, value string) {
		if value != "" {
			where = append(where, key+": "+show(value).String())
		}
	}
	add("bridge", n.Bridge)
	if n.Bridge == "" {
		add("source", n.Network)
		add("portgroup", n.PortGroup)
	}
	if len(where) == 0 {
		where = append(where, "mac: "+strconv.Quote(n.MAC))
	}
	if n.VLAN != 0 {
		where = append(where, "vlan: "+strconv.Itoa(n.VLAN))
	}
	return "- {" + strings.Join(append(where, "network: NAME"), ", ") + "}"
}

// sharedNetwork is the first Neutron network that two interfaces map to, by the
// name that a rule has for it first.
func (s subject) sharedNetwork() string {
	seen := map[string]string{}
	for _, n := range s.Interfaces {
		rule, ok := s.Settings.Networks.Match(s.Domain.Host, n)
		if !ok {
			continue
		}
		id := rule.Network
		if s.Cloud != nil {
			if net, err := s.Cloud.Snapshot.Network(rule.Network); err == nil {
				id = net.ID
			}
		}
		if name := seen[id]; name != "" {
			return name
		}
		seen[id] = rule.Network
	}
	return ""
}
