package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// NewPort is the port that is to be made for an interface whose plan says
// create_port. s is the cloud as it is now. An error says why Neutron would
// refuse it: its network is gone, or one of its addresses is in none of the
// network's subnets.
func NewPort(d Domain, nic NIC, s *cloud.Snapshot) (cloud.NewPort, error) {
	ips, err := newPortIPs(nic, s)
	if err != nil {
		return cloud.NewPort{}, fmt.Errorf("interface %s: %w", nic.MAC, err)
	}
	return cloud.NewPort{
		Instance: d.UUID, Name: fitText(d.DisplayName, maxName), ProjectID: d.ProjectID, NetworkID: nic.NetworkID, MAC: nic.MAC,
		FixedIPs: ips, PortSecurity: nic.PortSecurity, SecurityGroups: slices.Clone(nic.SecurityGroups),
		Zone:    cmp.Or(d.AvailabilityZone, defaultZone),
		Comment: fitText(d.Host+"/"+d.Domain, maxName-len(cloud.Mark)),
	}, nil
}

// defaultZone is where Nova counts hosts that no aggregate gives a zone
// ([DEFAULT] default_availability_zone).
const defaultZone = "nova"

// newPortIPs finds the subnet of each address.
func newPortIPs(nic NIC, s *cloud.Snapshot) ([]cloud.PortIP, error) {
	if s == nil {
		return nil, errors.New("nothing is known of its network without the cloud's answers")
	}
	n, err := s.Network(nic.NetworkID)
	if err != nil {
		return nil, err
	}
	subnets := n.Subnets
	if nic.Subnet != "" {
		one, err := n.Subnet(nic.Subnet)
		if err != nil {
			return nil, err
		}
		subnets = []cloud.Subnet{one}
	}
	var ips []cloud.PortIP
	for _, text := range nic.Addresses {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not an address", text)
		}
		at := slices.IndexFunc(subnets, func(s cloud.Subnet) bool { return s.CIDR.Contains(a) })
		if at < 0 {
			return nil, fmt.Errorf("%s is in no subnet of network %s that it may be in", a, quoted(cmp.Or(n.Name, n.ID)))
		}
		if subnets[at].Auto {
			continue // Neutron adds its own, and refuses any that is named.
		}
		ips = append(ips, cloud.PortIP{SubnetID: subnets[at].ID, Address: a})
	}
	return ips, nil
}

// NewFlavor is the flavor that is to be made for a domain whose plan says
// create: private to its project.
func NewFlavor(d Domain) cloud.NewFlavor {
	return cloud.NewFlavor{
		Name: d.Flavor.Name, ProjectID: d.ProjectID, VCPUs: d.Flavor.VCPUs, MemoryMB: d.Flavor.MemoryMB,
		RootGB: d.Flavor.RootGB, EphemeralGB: d.Flavor.EphemeralGB, ExtraSpecs: maps.Clone(d.Flavor.ExtraSpecs),
	}
}
