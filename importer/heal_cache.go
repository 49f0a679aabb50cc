package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/nova"
)

// unboundTypes are what Neutron calls a port that no host has.
var unboundTypes = []string{"", "unbound", "binding_failed"}

// CompareCache says what of the info cache of an instance is not as its ports
// are: the texts of the differences. Where nobody has asked for the ports, only
// what Nova could not read or plug is said.
func CompareCache(row nova.Server, ports []nova.Port) (texts []string) {
	if row.NetworksProblem != "" {
		return []string{row.NetworksProblem}
	}
	for _, p := range ports {
		n := slices.IndexFunc(row.Networks, func(n nova.ServerNetwork) bool { return n.PortID == p.ID })
		if n < 0 {
			texts = append(texts, fmt.Sprintf("port %s (%s) is not in it: a hard reboot would start the guest without this interface", p.ID, p.MAC))
			continue
		}
		have := row.Networks[n]
		if have.VIFType != p.VIFType {
			texts = append(texts, fmt.Sprintf("port %s is of type %q in it, %q in Neutron", p.ID, have.VIFType, p.VIFType))
		}
		if a, b := addressesIn(have.Addresses), addressesOfPort(p); a != b && len(have.Addresses) > 0 {
			texts = append(texts, fmt.Sprintf("port %s has %s in it, %s in Neutron", p.ID, orSay(a, "no address"), orSay(b, "none")))
		}
	}
	return texts
}

func addressesIn(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func addressesOfPort(p nova.Port) string {
	var list []string
	for _, ip := range p.FixedIPs {
		list = append(list, ip.Address.String())
	}
	return addressesIn(list)
}
