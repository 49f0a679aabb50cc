package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// nics finds each interface's network, port and addresses.
func (b *builder) nics(d *draft) {
	d.NICs = []NIC{}
	for _, i := range d.found.Interfaces {
		nic := NIC{MAC: i.MAC, Addresses: []string{}}
		network, subnet := b.network(d, i, &nic)
		port, ok := b.ports.byMAC[key(network.ID, i.MAC)]
		d.addresses(&nic, i.MAC, port)
		b.port(d, &nic, port, ok)
		if b.live() && !ok {
			b.newPort(d, &nic, network, subnet)
		} else {
			d.checkAddresses(nic, port, network, subnet)
		}
		d.NICs = append(d.NICs, nic)
	}
	if b.live() {
		b.otherPorts(d)
	}
	b.anyPort(d)
}

// anyPort says that Nova's info cache would be empty, where no interface has a
// port. From 2025.1 on that is said of each. An interface without a network has
// been named before.
func (b *builder) anyPort(d *draft) {
	has := func(n NIC) bool { return n.HasPort() || n.NetworkID == "" }
	if b.Release.HealsInfoCache() && len(d.NICs) > 0 && !slices.ContainsFunc(d.NICs, has) {
		d.find(blockedCache, "None of its interfaces has a port in Neutron: Nova's info cache would be empty, and a start by Nova before it is filled would leave the guest without any.")
	}
}

// otherPorts are the instance's by their device, and no interface's: Nova would
// plug them into the guest at its first hard reboot.
func (b *builder) otherPorts(d *draft) {
	for _, p := range b.ports.byDevice[strings.ToLower(d.UUID)] {
		if slices.ContainsFunc(d.NICs, func(n NIC) bool { return n.Port == p.ID }) {
			continue
		}
		do := fmt.Sprintf("openstack port set --device '' --device-owner '' %s, or openstack port delete, if nothing uses it.", p.ID)
		if p.Ours() {
			do = "An earlier import has made it: kvm2openstack release PLAN, then plan again."
		}
		d.findDo(blockedPort, do, "Port %s (%s) has the instance as its device, and the domain has no interface with this MAC address on its network: Nova would give it one.", p.ID, p.MAC)
	}
}

// port takes the one that Neutron has for an interface, and says what it means
// when there is none and nobody can make one.
func (b *builder) port(d *draft, nic *NIC, p cloud.Port, ok bool) {
	switch {
	case ok && b.live():
		nic.Port = p.ID
		d.checkTaken(p)
	case ok:
		nic.Port = p.ID
		d.checkPort(p)
	case !b.live():
		b.noPort(d, *nic)
	}
}

// network fills in where the mapping says i belongs.
func (b *builder) network(d *draft, i discover.Interface, nic *NIC) (n cloud.Network, s cloud.Subnet) {
	rule, ok := b.Settings.Networks.Match(d.Host, i)
	if !ok {
		d.find(blockedNetwork, "Interface %s (%s) belongs to no network: no rule of the configuration matches it.", i.MAC, plugged(i))
		return n, s
	}
	nic.Network, nic.Subnet = rule.Network, rule.Subnet
	n, err := b.Cloud.Network(rule.Network)
	if err != nil {
		d.find(blockedNetwork, "Interface %s: %v.", i.MAC, err)
		return cloud.Network{}, s
	}
	nic.NetworkID = n.ID
	if n.Name == "" {
		return n, s // nothing is known of it but the id
	}
	nic.Network = n.Name
	b.checkVisible(d, i, n)
	if rule.Subnet == "" {
		return n, s
	}
	if s, err = n.Subnet(rule.Subnet); err != nil {
		d.find(blockedNetwork, "Interface %s: %v.", i.MAC, err)
	}
	return n, s
}

// checkVisible: the network of an instance has to be its project's or shared
// with it. A file of the cloud's answers does not say all of that.
func (b *builder) checkVisible(d *draft, i discover.Interface, n cloud.Network) {
	switch {
	case n.VisibleTo(d.ProjectID):
	case !b.live():
		d.find(attentionNetwork, "Interface %s: network %s is neither the project's nor shared: its users cannot see it.", i.MAC, quoted(n.Name))
	case d.ProjectID != "": // else that is what is wrong
		d.findDo(blockedNotVisible, fmt.Sprintf("openstack network rbac create --type network --action access_as_shared --target-project %s %s, or give the instance to the network's project.", d.ProjectID, n.ID),
			"Interface %s: project %s cannot see network %s.", i.MAC, quoted(d.Project), quoted(n.Name))
	}
}

// plugged says in a word where an interface is plugged.
func plugged(i discover.Interface) string {
	where := i.Type
	for _, name := range []string{i.Bridge, i.Network, i.SourceDev} {
		if name != "" {
			where += " " + quoted(name)
			break
		}
	}
	if i.VLAN > 0 {
		where += fmt.Sprintf(" vlan %d", i.VLAN)
	}
	return where
}

// addresses takes those that the best witness names: the operator, the guest
// itself, the lease it was given, the neighbours it answered, and last what
// its port is allowed.
func (d *draft) addresses(nic *NIC, mac string, port cloud.Port) {
	for m, list := range d.rule.Addresses {
		if strings.EqualFold(m, mac) {
			nic.Addresses, nic.Seen = unique(parsed(list)), "rule"
			return
		}
	}
	for _, source := range []string{"agent", "lease", "arp"} {
		var seen []netip.Addr
		for _, a := range d.found.Addresses {
			if a.Source == source && strings.EqualFold(a.MAC, mac) && reachable(a.IP) {
				seen = append(seen, a.IP)
			}
		}
		if len(seen) > 0 {
			nic.Addresses, nic.Seen = unique(seen), source
			return
		}
	}
	if len(port.FixedIPs) > 0 {
		nic.Addresses, nic.Seen = unique(portAddresses(port)), "port"
	}
}

func parsed(list []string) []netip.Addr {
	var out []netip.Addr
	for _, text := range list {
		if a, err := netip.ParseAddr(text); err == nil { // Settings.Check has named the others
			out = append(out, a)
		}
	}
	return out
}

// reachable leaves out what every guest has for itself alone.
func reachable(a netip.Addr) bool {
	return a.IsValid() && !a.IsLinkLocalUnicast() && !a.IsLoopback() && !a.IsMulticast() && !a.IsUnspecified()
}

func portAddresses(p cloud.Port) []netip.Addr {
	var out []netip.Addr
	for _, ip := range p.FixedIPs {
		out = append(out, ip.Address)
	}
	return out
}

// unique drops repetitions and keeps the order, which says which is first.
func unique(in []netip.Addr) []string {
	out := []string{}
	for _, a := range in {
		if text := a.Unmap().WithZone("").String(); !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}
