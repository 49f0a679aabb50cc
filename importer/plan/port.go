package plan

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// ports are those of the interfaces that have one, in the interfaces' order.
func (w World) ports(d Domain) ([]nova.Port, error) {
	var out []nova.Port
	var errs []error
	for _, nic := range d.NICs {
		p, ok, err := w.find(nic)
		if err == nil && ok {
			var port nova.Port
			if port, err = Port(w, d, nic, p); err == nil {
				out = append(out, port)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("interface %s: %w", nic.MAC, err))
		}
	}
	return out, errors.Join(errs...)
}

// find returns the port of an interface, and false where there is none and
// none is wanted.
func (w World) find(nic NIC) (cloud.Port, bool, error) {
	switch p, ok := w.own(nic); {
	case ok:
		return p, true, nil
	case nic.CreatePort:
		return w.made(nic)
	case nic.Port == "":
		return cloud.Port{}, false, nil // the plan says that there is none
	case w.Cloud == nil:
		return cloud.Port{}, false, fmt.Errorf("port %s: nothing is known of it without the cloud's answers", nic.Port)
	}
	p, ok := w.Cloud.PortByID(nic.Port)
	if !ok {
		return p, false, fmt.Errorf("port %s: is not in the cloud", nic.Port)
	}
	return p, true, nil
}

// own is the interface's port among w.Ports.
func (w World) own(nic NIC) (cloud.Port, bool) {
	for _, p := range w.Ports {
		if nic.Port != "" && p.ID == nic.Port || nic.CreatePort && p.NetworkID == nic.NetworkID && strings.EqualFold(p.MAC, nic.MAC) {
			return p, true
		}
	}
	return cloud.Port{}, false
}

// made is a port that the plan has the import make: there already when an
// earlier run made it.
func (w World) made(nic NIC) (cloud.Port, bool, error) {
	if w.Cloud == nil || !w.Cloud.Live {
		return cloud.Port{}, false, errors.New("its port is to be made, which needs the cloud's APIs")
	}
	p, ok := w.Cloud.Port(nic.MAC, nic.NetworkID)
	if !ok && !w.Unmade {
		return p, false, errors.New("its port is to be made, and is not there")
	}
	return p, ok, nil
}

// Port turns a port as Neutron has it now into what Nova records of it, after
// a look at all that would make Nova drop it or stop over it. With w.Cloud read
// from the APIs (Snapshot.Live) the port may still be unbound, or bound to
// another host: its VIFType is empty then, and it is not yet for an info cache.
func Port(w World, d Domain, nic NIC, p cloud.Port) (nova.Port, error) {
	out, err := w.port(d, nic, p)
	if err != nil {
		return nova.Port{}, fmt.Errorf("port %s: %w", p.ID, err)
	}
	return out, nil
}

func (w World) port(d Domain, nic NIC, p cloud.Port) (nova.Port, error) {
	if w.Cloud == nil {
		return nova.Port{}, errors.New("nothing is known of its network without the cloud's answers")
	}
	if err := w.portProblem(d, nic, p); err != nil {
		return nova.Port{}, err
	}
	n, err := w.Cloud.Network(p.NetworkID)
	if err != nil {
		return nova.Port{}, err
	}
	ips, err := w.fixedIPs(p, n)
	if err != nil {
		return nova.Port{}, err
	}
	out := nova.Port{
		ID: p.ID, MAC: strings.ToLower(p.MAC), NetworkID: n.ID, NetworkName: n.Name, NetworkOwner: n.ProjectID,
		MTU: n.MTU, Physical: n.Physical(), Tunneled: n.Tunneled(), VNICType: cmp.Or(p.VNICType, "normal"), Profile: p.Profile, FixedIPs: ips,
	}
	if w.boundHere(p) {
		out.VIFType, out.VIFDetails, out.Active = p.VIFType, p.VIFDetails, p.Status == "ACTIVE" || p.AdminDown
	}
	return out, nil
}

// boundHere reports whether the port is bound to the instance's own host.
func (w World) boundHere(p cloud.Port) bool { return !unbound(p.VIFType) && p.HostID == w.Compute.Host }

// portProblem says what of the port is not as planned, or keeps Nova from
// finding it.
func (w World) portProblem(d Domain, nic NIC, p cloud.Port) error {
	switch {
	case nic.Port != "" && p.ID != nic.Port:
		return fmt.Errorf("is not the one that is planned, %s", nic.Port)
	case !strings.EqualFold(p.MAC, nic.MAC):
		return fmt.Errorf("has the MAC address %s", p.MAC)
	case nic.NetworkID != "" && p.NetworkID != nic.NetworkID:
		return fmt.Errorf("is on network %s, planned on %s", p.NetworkID, nic.NetworkID)
	case p.ProjectID != d.ProjectID:
		return fmt.Errorf("belongs to project %q: Nova finds ports by the instance's project", p.ProjectID)
	case p.DeviceID != "" && !strings.EqualFold(p.DeviceID, d.UUID):
		return fmt.Errorf("belongs to device %s", p.DeviceID)
	case w.boundHere(p):
		return nova.CheckVIFType(p.VIFType)
	case w.Cloud.Live:
		return nil // the import binds it
	case unbound(p.VIFType):
		return fmt.Errorf("is not bound (vif_type %q): nova-compute would set the instance to ERROR when it starts", p.VIFType)
	}
	return fmt.Errorf("is bound on host %q, not on %q", p.HostID, w.Compute.Host)
}

// keepsDHCP is the service version of Nova 29.0.0, the first that keeps in its
// cache whether Neutron serves a subnet's DHCP, and no longer takes the gateway
// for the server where no agent has a port (nova/network/neutron.py,
// _get_subnets_from_port). It tells a guest's config drive by that. Late ones of
// 27 and 28 do so too, and those heal their caches themselves.
const keepsDHCP = 67

// fixedIPs are in the order of their subnets' ids, in which Neutron answers
// Nova.
func (w World) fixedIPs(p cloud.Port, n cloud.Network) ([]nova.FixedIP, error) {
	var out []nova.FixedIP
	ips := slices.SortedStableFunc(slices.Values(p.FixedIPs), func(a, b cloud.PortIP) int { return strings.Compare(a.SubnetID, b.SubnetID) })
	for _, ip := range ips {
		s, err := n.Subnet(ip.SubnetID)
		if err != nil {
			return nil, err
		}
		fixed := nova.FixedIP{
			Address: ip.Address, Floating: w.Cloud.Floating(p, ip.Address), CIDR: s.CIDR, Gateway: s.Gateway,
			DNS: s.DNS, DHCPServer: w.dhcpServer(s), Mode: s.Mode,
		}
		if w.Compute.Version >= keepsDHCP {
			fixed.DHCP = &s.DHCP
		}
		for _, r := range s.Routes {
			fixed.Routes = append(fixed.Routes, nova.Route{Destination: r.Destination, Gateway: r.NextHop})
		}
		out = append(out, fixed)
	}
	return out, nil
}

// dhcpServer is the agent's port, or else, for a Nova that knows no better, the
// gateway.
func (w World) dhcpServer(s cloud.Subnet) netip.Addr {
	if a := w.Cloud.DHCPServer(s.ID); a.IsValid() || !s.DHCP || w.Compute.Version >= keepsDHCP {
		return a
	}
	return s.Gateway
}
