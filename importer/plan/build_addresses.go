package plan

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"

	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// newAddress looks at one address of a port to be made. Neutron would refuse
// the whole port for one that it cannot have, in the middle of the import; the
// gateway's it would give, and then again to the next router of the subnet.
func (b *builder) newAddress(d *draft, nic NIC, a netip.Addr, n cloud.Network, s cloud.Subnet) {
	if !fits(a, n, s) || len(n.Subnets) == 0 {
		d.findDo(blockedAddress, "Correct the networks section, or make the subnet. "+addressesByRule(nic),
			"Interface %s uses %s, which is in %s: no port can have it.", nic.MAC, a, place(n, s))
		return
	}
	if auto, is := autoAddress(a, nic.MAC, n, s); is {
		if a != auto {
			d.findDo(attentionAddress, addressesByRule(nic),
				"Interface %s uses %s, and its port gets %s, which follows from its MAC address: Neutron gives no other in that subnet.", nic.MAC, a, auto)
		}
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

// autoAddress is the address that a port gets in the subnet of a, where it is
// not to be chosen: the prefix and the interface's EUI-64 (RFC 4291, appendix A).
func autoAddress(a netip.Addr, mac string, n cloud.Network, s cloud.Subnet) (auto netip.Addr, is bool) {
	for _, subnet := range n.Subnets {
		if s.ID != "" && s.ID != subnet.ID || !subnet.CIDR.Contains(a) {
			continue
		}
		hw, err := net.ParseMAC(mac)
		if !subnet.Auto || err != nil || len(hw) != 6 {
			return auto, false
		}
		ip := subnet.CIDR.Addr().As16()
		copy(ip[8:], []byte{hw[0] ^ 2, hw[1], hw[2], 0xff, 0xfe, hw[3], hw[4], hw[5]})
		return netip.AddrFrom16(ip), true
	}
	return auto, false
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

// addressesByRule is how an operator says which addresses a guest has.
func addressesByRule(nic NIC) string {
	return fmt.Sprintf("Name them by a rule: addresses: {%q: [ADDRESS]}; an empty list means none.", nic.MAC)
}
