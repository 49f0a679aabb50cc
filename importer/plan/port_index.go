package plan

import (
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

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
// MAC address, and each of their addresses; and by their device.
type portIndex struct {
	byMAC, byAddress map[string]cloud.Port
	byDevice         map[string][]cloud.Port // lower case
}

func indexPorts(s *cloud.Snapshot) portIndex {
	x := portIndex{map[string]cloud.Port{}, map[string]cloud.Port{}, map[string][]cloud.Port{}}
	if s == nil {
		return x
	}
	for _, p := range s.Ports {
		x.byMAC[key(p.NetworkID, p.MAC)] = p
		device := strings.ToLower(p.DeviceID)
		x.byDevice[device] = append(x.byDevice[device], p)
		for _, ip := range p.FixedIPs {
			x.byAddress[key(p.NetworkID, ip.Address.Unmap().String())] = p
		}
	}
	return x
}

// key joins a network with what is unique in it.
func key(network, what string) string { return network + "\x00" + strings.ToLower(what) }
