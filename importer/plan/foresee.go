package plan

import (
	"cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// Foresee is what a plan for Nova of that major version would say of a
// domain's hardware. It is for an audit, which asks for neither flavors nor
// ports.
func Foresee(found discover.Domain, s Settings, major int) Domain {
	d := &draft{found: found, rule: s.rule(found)}
	d.Domain.Domain, d.Host, d.UUID = found.Name, found.Host, found.UUID
	d.disks()
	d.Flavor = d.size()
	d.hardware(s.Defaults.WindowsNIC, major)
	for _, i := range found.Interfaces {
		rule, _ := s.Networks.Match(found.Host, i) // without a match nothing is known of its network
		d.NICs = append(d.NICs, NIC{MAC: i.MAC, Network: rule.Network})
	}
	return d.Domain
}

// Hardware is the part of a domain's records that Nova makes a definition
// from. Where s does not know a network, the MTU of its interfaces is 0.
func (d Domain) Hardware(s *cloud.Snapshot) nova.Instance {
	i := nova.Instance{
		UUID: d.UUID, ImageProperties: d.Properties(), OSType: d.OSType,
		Flavor: nova.Flavor{VCPUs: d.Flavor.VCPUs, MemoryMB: d.Flavor.MemoryMB, ExtraSpecs: d.Flavor.ExtraSpecs},
	}
	for _, disk := range d.Disks {
		i.Disks = append(i.Disks, nova.BlockDevice{Device: disk.Device, Bus: disk.Bus, Root: disk.Becomes == rootName})
	}
	for _, nic := range d.NICs {
		port := nova.Port{MAC: nic.MAC}
		if s != nil {
			n, _ := s.Network(cmp.Or(nic.NetworkID, nic.Network)) // zero when there is none, which is a finding
			port.MTU = n.MTU
		}
		i.Ports = append(i.Ports, port)
	}
	return i
}
