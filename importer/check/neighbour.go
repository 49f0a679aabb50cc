package check

import "strings"

// fleetRules: what other domains have, too.
var fleetRules = []Rule{
	{
		Code: "K2O-701", Severity: Blocked,
		Title:  "UUID twice",
		Action: "Find out which is the real one, keep a copy of the other's definition and undefine that.",
		Fact:   "instances.uuid is unique; two hosts with one UUID are a failed migration or a cloned definition, or one host read twice",
		find: func(s subject) []detail {
			if s.Fleet == nil {
				return nil
			}
			others := s.neighbours(s.Fleet.UUIDs.Of(strings.ToLower(s.UUID)))
			return when(len(others) > 0, say("Its UUID is also that of %s.", list(others)).
				do("compare virsh dominfo %[1]s on each host; virsh dumpxml --inactive --security-info %[1]s > copy.xml before the stale one is undefined", s.virsh()))
		},
	},
	{
		Code: "K2O-702", Severity: Blocked,
		Title:  "MAC address twice",
		Action: "Give one of the domains another MAC address.",
		Fact:   "Neutron refuses a second port of one MAC address on a network; ports are matched by it",
		find: func(s subject) []detail {
			if s.Fleet == nil {
				return nil
			}
			var found []detail
			seen := map[string]bool{}
			for _, n := range s.Interfaces {
				mac := strings.ToLower(n.MAC)
				others := s.neighbours(s.Fleet.MACs.Of(mac))
				if len(others) == 0 || seen[mac] {
					continue
				}
				seen[mac] = true
				found = append(found, say("MAC address %s is also that of %s.", show(mac), list(others)).
					do("virsh edit one of them, unless they are two definitions of one guest"))
			}
			return found
		},
	},
	{
		Code: "K2O-703", Severity: Attention,
		Title:  "Host name not unique",
		Action: "Set another hostname in the plan.",
		Fact:   "nova/utils.py sanitize_hostname makes one host name of several names; osapi_compute_unique_server_name_scope forbids it at later API calls",
		find: func(s subject) []detail {
			if s.Fleet == nil {
				return nil
			}
			others := s.neighbours(s.Fleet.Hostnames.Of(hostname(s.Name)))
			return when(len(others) > 0, say("Its host name %s would also be that of %s.", show(hostname(s.Name)), list(others)))
		},
	},
	{
		Code: "K2O-704", Severity: Info,
		Title:  "Name not unique",
		Action: "Change display_name in the plan, so that people can tell them apart.",
		Fact:   "libvirt names are unique on a host only; instances.display_name need not be unique at all",
		find: func(s subject) []detail {
			if s.Fleet == nil {
				return nil
			}
			others := s.neighbours(s.Fleet.Names.Of(s.Name))
			return when(len(others) > 0, say("Its name %s is also that of %s.", show(s.Name), list(others)))
		},
	},
}
