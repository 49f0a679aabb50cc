package check

import (
	"net"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// macRules: what a MAC address must be to become a port's.
var macRules = []Rule{
	{
		Code: "K2O-361", Severity: Blocked,
		Title:  "MAC address that is none",
		Action: "Correct the MAC address in the definition.",
		Fact:   "Neutron validates mac_address (neutron_lib validate_mac_address); ports are found by it",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				return say("%s is not the MAC address of an interface: a port needs six bytes that are not all zero.", show(n.MAC)).
					do("virsh edit %s", s.virsh()), !validMAC(n.MAC)
			})
		},
	},
	{
		Code: "K2O-362", Severity: Blocked,
		Title:  "Multicast MAC address",
		Action: "Correct the MAC address in the definition; its first byte must be even.",
		Fact:   "IEEE 802: the lowest bit of the first byte marks a group; switches do not learn such a source",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				hw, err := net.ParseMAC(n.MAC)
				return say("%s is a multicast address, which no interface may have.", show(n.MAC)).
					do("virsh edit %s", s.virsh()), err == nil && validMAC(n.MAC) && hw[0]&1 == 1
			})
		},
	},
	{
		Code: "K2O-363", Severity: Blocked,
		Title:  "MAC address twice in the domain",
		Action: "Give one of the interfaces another MAC address.",
		Fact:   "ports, addresses and rows are matched by MAC address",
		find: func(s subject) []detail {
			seen := map[string]int{}
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				seen[strings.ToLower(n.MAC)]++
				return say("Several of its interfaces have the MAC address %s.", show(n.MAC)).
					do("virsh edit %s", s.virsh()), seen[strings.ToLower(n.MAC)] == 2
			})
		},
	},
}

// validMAC reports whether s is six bytes, not all zero, with colons between.
func validMAC(s string) bool {
	hw, err := net.ParseMAC(s)
	return err == nil && len(hw) == 6 && len(s) == 17 && s[2] == ':' && s != "00:00:00:00:00:00"
}
