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
		want, err := p.Cached()
		if err != nil {
			texts = append(texts, fmt.Sprintf("port %s cannot be in it: %v", p.ID, err))
			continue
		}
		texts = append(texts, compareCached(row.Networks[n], want)...)
	}
	return texts
}

// compareCached compares one entry. It leaves out what Nova does not keep alike
// at all times and in all releases, such as whether the port is active.
func compareCached(have, want nova.ServerNetwork) (texts []string) {
	say := func(a, b string) {
		texts = append(texts, fmt.Sprintf("port %s %s in it, %s in Neutron", want.PortID, a, b))
	}
	if have.VIFType != want.VIFType {
		say(fmt.Sprintf("is of type %q", have.VIFType), fmt.Sprintf("%q", want.VIFType))
	}
	if len(have.Addresses) > 0 {
		for _, l := range []struct {
			none       string
			have, want []string
		}{
			{"no address", have.Addresses, want.Addresses},
			{"no floating IP", have.Floating, want.Floating},
			{"no route", have.Routes, want.Routes},
			{"no IPv6 address mode", have.Modes, want.Modes},
		} {
			if a, b := sorted(l.have), sorted(l.want); a != b {
				say("has "+orSay(a, l.none), orSay(b, "none"))
			}
		}
	}
	if have.Profile != want.Profile {
		say("has "+orSay(have.Profile, "no profile"), orSay(want.Profile, "none"))
	}
	return texts
}

func sorted(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(list, ", ")
}
