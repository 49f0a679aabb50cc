package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// live reports whether the cloud's APIs are at hand, so that the import makes
// what is missing.
func (b *builder) live() bool { return b.Cloud != nil && b.Cloud.Live }

// checkTaken looks at a port that is there already and that the import takes
// over: it binds the port itself, but takes it from nobody.
func (d *draft) checkTaken(p cloud.Port) {
	switch user := check.PortUser(p, d.UUID); {
	case user != "":
		d.findDo(blockedPort, check.FreePort(p), "Port %s has its address %s and belongs to %s.", p.ID, p.MAC, quoted(user))
	case d.ProjectID != "" && p.ProjectID != d.ProjectID:
		d.findDo(blockedPort, "Delete the port, which nothing uses, and plan again; or give the instance to its project.",
			"Port %s has its address %s and belongs to project %s: Nova finds ports by the instance's project.", p.ID, p.MAC, quoted(p.ProjectID))
	case p.VNICType != "" && p.VNICType != "normal":
		d.findDo(blockedPort, "openstack port set --vnic-type normal "+p.ID,
			"Port %s has its address %s and is of vnic_type %s, which is another kind of interface.", p.ID, p.MAC, quoted(p.VNICType))
	default:
		d.checkBinding(p)
	}
}

// newPort has a port made for an interface that has none, with the addresses
// that the guest uses. Without any it is made without.
func (b *builder) newPort(d *draft, nic *NIC, n cloud.Network, s cloud.Subnet) {
	if nic.NetworkID == "" {
		return // said where it was looked for
	}
	nic.CreatePort = true
	b.protect(d, nic)
	if user := b.claimed[key(n.ID, nic.MAC)]; user != "" {
		d.findDo(blockedPort, "Give one of the two another MAC address.",
			"The MAC address %s is also that of %s on network %s, and Neutron has one port of it.", nic.MAC, quoted(user), quoted(n.Name))
	}
	for _, text := range nic.Addresses {
		if a, err := netip.ParseAddr(text); err == nil {
			b.newAddress(d, *nic, a, n, s)
		}
	}
	switch {
	case len(nic.Addresses) > 0:
	case nic.PortSecurity:
		d.findDo(attentionAddress, addressesByRule(*nic),
			"No address of interface %s is known, so its port gets none: with port security it is cut off at the first hard reboot.", nic.MAC)
	case !d.has("K2O-348") && !d.has("K2O-349"): // else the rules have said it
		d.findDo(infoAddress, addressesByRule(*nic), "No address of interface %s is known, so its port gets none and the instance shows none.", nic.MAC)
	}
}

// protect sets what Neutron is to filter at a port that is made.
func (b *builder) protect(d *draft, nic *NIC) {
	nic.PortSecurity = b.Settings.portSecurity(d.rule)
	if !nic.PortSecurity {
		return
	}
	for _, want := range d.rule.SecurityGroups {
		id, err := securityGroup(b.Cloud.SecurityGroups, want, d.ProjectID)
		if err != nil {
			d.find(blockedGroup, "Interface %s: %v.", nic.MAC, err)
			continue
		}
		if !slices.Contains(nic.SecurityGroups, id) {
			nic.SecurityGroups = append(nic.SecurityGroups, id)
		}
	}
}

// securityGroup finds a project's group by name or id. Every project has its
// own "default".
func securityGroup(all []cloud.SecurityGroup, nameOrID, project string) (string, error) {
	var ids []string
	for _, g := range all {
		switch {
		case g.ProjectID != project:
		case g.ID == nameOrID:
			return g.ID, nil
		case g.Name == nameOrID:
			ids = append(ids, g.ID)
		}
	}
	switch len(ids) {
	case 1:
		return ids[0], nil
	case 0:
		return "", fmt.Errorf("project %s has no security group with the name or id %s", quoted(project), quoted(nameOrID))
	}
	return "", fmt.Errorf("project %s has %d security groups named %s, give the id: %s", quoted(project), len(ids), quoted(nameOrID), strings.Join(ids, ", "))
}
