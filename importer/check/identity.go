package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// identityRules: the two things by which Nova and Neutron find a guest, its
// MAC addresses and its UUID.
var identityRules = []Rule{
	{
		Code: "K2O-621", Severity: Blocked,
		Title:  "No port, and Nova does not heal its cache",
		Action: "Name the cloud in the configuration, for the import to make them; or create the ports in Neutron, and give the audit what Neutron knows.",
		Fact:   "heal_instance_info_cache_interval is off from 31.0.0: with an empty cache the first hard reboot has no NIC at all (tried)",
		find: func(s subject) []detail {
			macs := s.portless()
			return when(s.major() >= 31 && len(macs) > 0, say("Neutron has no port for %s: after Nova's first start these interfaces are gone.", list(macs)).
				do("%s, for each", s.portCreate(macs)))
		},
	},
	{
		Code: "K2O-622", Severity: Attention,
		Title:  "No port",
		Action: "Name the cloud in the configuration, for the import to make them; or create the ports in Neutron before the import, or at once after it.",
		Fact:   "heal_instance_info_cache fills the cache from Neutron one instance a minute; a hard reboot before that has no NIC (tried on Zed)",
		find: func(s subject) []detail {
			macs := s.portless()
			return when(s.major() > 0 && s.major() < 31 && len(macs) > 0, say("Neutron has no port for %s: a hard reboot before one is made and healed brings the guest up without it.", list(macs)).
				do("%s, for each", s.portCreate(macs)))
		},
	},
	{
		Code: "K2O-623", Severity: Blocked,
		Title:  "UUID that is none",
		Action: "Correct <uuid> in the definition.",
		Fact:   "instances.uuid is varchar(36) in canonical form",
		find: func(s subject) []detail {
			return when(!isUUID(s.UUID), say("%s is not a UUID, and everything in Nova is found by it.", show(s.UUID)))
		},
	},
	{
		Code: "K2O-624", Severity: Blocked,
		Title:  "Marker UUID",
		Action: "Give the domain a UUID of its own (uuidgen) while it is off.",
		Fact:   "nova-manage db online_data_migrations makes a deleted marker row 00000000-0000-0000-0000-000000000000 (tried on 31.0.0)",
		find: func(s subject) []detail {
			digits := strings.ReplaceAll(strings.ToLower(s.UUID), "-", "")
			return when(isUUID(s.UUID) && strings.Trim(digits, digits[:1]) == "", say("The UUID %s is a marker: Nova keeps such a row for itself, deleted.", show(s.UUID)))
		},
	},
	{
		Code: "K2O-625", Severity: Blocked,
		Title:  "Port of somebody else",
		Action: "Give the interface another MAC address, or take the port from its owner.",
		Fact:   "Neutron has one port of a MAC address on a network; the import takes one that is unused or the instance's own already",
		find: func(s subject) []detail {
			return each(s.Interfaces, func(n discover.Interface) (detail, bool) {
				p, user := s.taken(n)
				return say("Neutron's port %s has the MAC address %s of its interface and belongs to %s.", show(p.ID), show(n.MAC), show(user)).
					do("%s", FreePort(p)), user != ""
			})
		},
	},
}

var uuidShape = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func isUUID(s string) bool { return uuidShape.MatchString(s) }

// portless are the MAC addresses that Neutron has no port for, and that the
// import makes none for.
func (s subject) portless() []string {
	if s.Cloud != nil {
		return nil
	}
	var macs []string
	for _, n := range s.Interfaces {
		mac := strings.ToLower(n.MAC)
		if validMAC(mac) && !s.Ports[mac] && !slices.Contains(macs, mac) {
			macs = append(macs, mac)
		}
	}
	return macs
}

// portCreate is the command for the first of the missing ports.
func (s subject) portCreate(macs []string) sentence {
	if len(macs) == 0 {
		return sentence{}
	}
	return sentence{"openstack port create --network NETWORK --mac-address %s --fixed-ip ip-address=ADDRESS %s", []any{sh(macs[0]), sh(s.Name)}}
}
