package plan

import (
	"cmp"
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

// addressesByRule is how an operator says which addresses a guest has.
func addressesByRule(nic NIC) string {
	return fmt.Sprintf("Name them by a rule: addresses: {%q: [ADDRESS]}; an empty list means none.", nic.MAC)
}

// newAddress looks at one address of a port to be made. Neutron would refuse
// the whole port for one that it cannot have, in the middle of the import; the
// gateway's it would give, and then again to the next router of the subnet.
func (b *builder) newAddress(d *draft, nic NIC, a netip.Addr, n cloud.Network, s cloud.Subnet) {
	if !fits(a, n, s) || len(n.Subnets) == 0 {
		d.findDo(blockedAddress, "Correct the networks section, or make the subnet. "+addressesByRule(nic),
			"Interface %s uses %s, which is in %s: no port can have it.", nic.MAC, a, place(n, s))
		return
	}
	if subnet := gatewayOf(a, n, s); subnet != "" {
		d.findDo(blockedAddress, "openstack subnet set --gateway ADDRESS "+subnet+", or none, if the guest is the gateway. "+addressesByRule(nic),
			"Interface %s uses %s, which is the gateway of subnet %s: its next router would have the same address.", nic.MAC, a, subnet)
		return
	}
	if !ofHost(a, n, s) {
		d.findDo(blockedAddress, "Correct the address in the guest, or its prefix in Neutron. "+addressesByRule(nic),
			"Interface %s uses %s, which is the first or the last of its subnet in network %s: Neutron gives those to nobody.", nic.MAC, a, quoted(n.Name))
		return
	}
	if p, ok := b.ports.byAddress[key(n.ID, a.String())]; ok {
		d.findDo(blockedAddress, "Find out who of the two has the address: openstack port show "+p.ID+". "+addressesByRule(nic),
			"Interface %s uses %s, which port %s (%s) has: it belongs to %s.", nic.MAC, a, p.ID, p.MAC, owner(p))
		return
	}
	if user := b.claimed[key(n.ID, a.String())]; user != "" {
		d.findDo(blockedAddress, "Find out who of the two has the address. "+addressesByRule(nic),
			"Interface %s uses %s, which is planned for %s.", nic.MAC, a, quoted(user))
	}
}

// place names where an address would have to be.
func place(n cloud.Network, s cloud.Subnet) string {
	switch {
	case s.ID != "":
		return fmt.Sprintf("not in subnet %s (%s) of network %s", quoted(cmp.Or(s.Name, s.ID)), s.CIDR, quoted(n.Name))
	case len(n.Subnets) == 0:
		return fmt.Sprintf("in no subnet of network %s, which has none", quoted(n.Name))
	}
	return fmt.Sprintf("in no subnet of network %s", quoted(n.Name))
}

// ofHost reports whether Neutron takes a for the address of a port: not the
// network's own, nor in IPv4 its broadcast address (neutron/ipam/utils.py,
// check_subnet_ip).
func ofHost(a netip.Addr, n cloud.Network, s cloud.Subnet) bool {
	for _, subnet := range n.Subnets {
		if s.ID != "" && s.ID != subnet.ID || !subnet.CIDR.Contains(a) {
			continue
		}
		if first := subnet.CIDR.Masked().Addr(); a == first || a.Is4() && subnet.CIDR.Bits() < 31 && !subnet.CIDR.Contains(a.Next()) {
			return false
		}
	}
	return true
}

// gatewayOf names the subnet whose gateway a is, "" when it is none.
func gatewayOf(a netip.Addr, n cloud.Network, s cloud.Subnet) string {
	for _, subnet := range n.Subnets {
		if (s.ID == "" || s.ID == subnet.ID) && subnet.Gateway == a {
			return quoted(cmp.Or(subnet.Name, subnet.ID))
		}
	}
	return ""
}

// owner says whose a port is, for the reader to find them.
func owner(p cloud.Port) string {
	if user := check.PortUser(p, ""); user != "" {
		return quoted(user)
	}
	return fmt.Sprintf("nobody, in project %s", quoted(p.ProjectID))
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

// claim takes note of what a domain that is to be imported will have.
func (b *builder) claim(d Domain) {
	for _, nic := range d.NICs {
		if !nic.CreatePort {
			continue
		}
		b.claimed[key(nic.NetworkID, nic.MAC)] = d.Host + "/" + d.Domain
		for _, a := range nic.Addresses {
			b.claimed[key(nic.NetworkID, a)] = d.Host + "/" + d.Domain
		}
	}
}

// A portIndex finds ports by what Neutron lets occur once in a network: their
// MAC address, and each of their addresses.
type portIndex struct {
	byMAC, byAddress map[string]cloud.Port
}

func indexPorts(s *cloud.Snapshot) portIndex {
	x := portIndex{map[string]cloud.Port{}, map[string]cloud.Port{}}
	if s == nil {
		return x
	}
	for _, p := range s.Ports {
		x.byMAC[key(p.NetworkID, p.MAC)] = p
		for _, ip := range p.FixedIPs {
			x.byAddress[key(p.NetworkID, ip.Address.Unmap().String())] = p
		}
	}
	return x
}

// key joins a network with what is unique in it.
func key(network, what string) string { return network + "\x00" + strings.ToLower(what) }
