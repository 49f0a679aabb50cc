package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// checkPort looks at what would make Nova lose or refuse the port: it finds
// ports by project and device, and sets an instance whose port is not bound to
// ERROR when nova-compute starts (nova/compute/manager.py, _init_instance).
func (d *draft) checkPort(p cloud.Port) {
	host := ""
	if d.compute != nil {
		host = d.compute.Host
	}
	bind := fmt.Sprintf("openstack port set --device %s --device-owner compute:%s --host %s %s",
		d.UUID, cmp.Or(d.AvailabilityZone, "nova"), cmp.Or(host, "COMPUTE_HOST"), p.ID)
	switch {
	case p.DeviceID != "" && !strings.EqualFold(p.DeviceID, d.UUID):
		d.findDo(blockedPort, "Give the domain another port, or take this one from its owner.",
			"Port %s with its address %s belongs to %s.", p.ID, p.MAC, quoted(p.DeviceID))
	case d.ProjectID != "" && p.ProjectID != d.ProjectID:
		d.findDo(blockedPort, "Make the port again in the instance's project.",
			"Port %s belongs to project %s: Nova would drop it at the next refresh, and the interface with it.", p.ID, quoted(p.ProjectID))
	case unbound(p.VIFType):
		d.findDo(blockedPort, bind, "Port %s is not bound (vif_type %s).", p.ID, quoted(p.VIFType))
	case host != "" && p.HostID != host:
		d.findDo(blockedPort, bind, "Port %s is bound on host %s, not on %s.", p.ID, quoted(p.HostID), quoted(host))
	default:
		d.checkBinding(p)
	}
}

// checkBinding looks at how a port is bound already.
func (d *draft) checkBinding(p cloud.Port) {
	if unbound(p.VIFType) {
		return
	}
	if err := nova.CheckVIFType(p.VIFType); err != nil {
		d.findDo(blockedPort, "openstack port show "+p.ID+"; openstack port set --host '' "+p.ID+", once another mechanism driver binds ports there.", "Port %s: %v.", p.ID, err)
	}
}

// unbound reports whether a port with this binding:vif_type has no place yet.
func unbound(vifType string) bool {
	return slices.Contains([]string{"", "unbound", "binding_failed"}, vifType)
}

// noPort says what it means that Neutron has no port for an interface. Computes
// before 31 look for it later, once a minute; from then on none does.
func (b *builder) noPort(d *draft, nic NIC) {
	if nic.NetworkID == "" || d.has("K2O-621") || d.has("K2O-622") { // the rules have said it, when they had databases
		return
	}
	create := fmt.Sprintf("openstack port create --network %s --mac-address %s --project %s --device %s --device-owner compute:%s %s",
		nic.NetworkID, nic.MAC, cmp.Or(d.ProjectID, "PROJECT"), d.UUID, cmp.Or(d.AvailabilityZone, "nova"), d.UUID)
	if b.Release.Major == 0 || b.Release.HealsInfoCache() {
		d.findDo(attentionPort, create, "Interface %s has no port in Neutron: the instance shows no address, and a hard reboot before there is one starts it without this interface.", nic.MAC)
		return
	}
	d.findDo(blockedPort, create, "Interface %s has no port in Neutron, and this Nova never looks for one later: its first hard reboot would start it without this interface.", nic.MAC)
}

// checkAddresses compares what the guest uses with what it will be allowed:
// Neutron drops frames from any other address once Nova has plugged the port.
func (d *draft) checkAddresses(nic NIC, p cloud.Port, n cloud.Network, s cloud.Subnet) {
	for _, text := range nic.Addresses {
		a, err := netip.ParseAddr(text)
		if err != nil {
			continue
		}
		switch {
		case p.ID != "" && !slices.Contains(portAddresses(p), a):
			d.findDo(attentionAddress, fmt.Sprintf("openstack port set --fixed-ip ip-address=%s %s, or --allowed-address ip-address=%s", a, p.ID, a),
				"Interface %s uses %s, which its port does not have: with port security it is cut off at the first hard reboot.", nic.MAC, a)
		case p.ID == "" && !fits(a, n, s):
			d.findDo(attentionAddress, "Correct the networks section, or the addresses by a rule.",
				"Interface %s uses %s, which is in no subnet of network %s.", nic.MAC, a, quoted(n.Name))
		}
	}
}

// fits reports whether a is in the subnet, or in any of the network's; true
// when nothing is known of them.
func fits(a netip.Addr, n cloud.Network, s cloud.Subnet) bool {
	if s.ID != "" {
		return s.CIDR.Contains(a)
	}
	return len(n.Subnets) == 0 || slices.ContainsFunc(n.Subnets, func(s cloud.Subnet) bool { return s.CIDR.Contains(a) })
}
