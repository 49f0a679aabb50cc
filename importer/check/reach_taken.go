package check

import (
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// mustLook reports whether it is not seen where the way leads that the guest takes.
func (s subject) mustLook(j junction) bool {
	_, taken := s.takenVLAN(j)
	return j.moves() && s.route(j).way == unknownWay && !taken
}

// takenVLAN is the device that takes the network's VLAN from a card which is a
// port of Open vSwitch. What joins the two bridges brings it there all the same.
func (s subject) takenVLAN(j junction) (d discover.NetDevice, is bool) {
	want, _ := j.tag()
	if want == 0 || !j.moves() || s.route(j).way == joined {
		return d, false
	}
	for _, d := range s.Facts.Host.Devices {
		if under, _ := s.device(d.Under); d.VLAN == want && under.Master == discover.OpenVSwitch {
			return d, true
		}
	}
	return d, false
}

// giveVLAN says how what uses that device leads out by Open vSwitch instead.
func (s subject) giveVLAN(j junction, d discover.NetDevice) sentence {
	if d.Master != j.bridge {
		return sentence{"on %[1]s, if ovs-vsctl port-to-br %[2]s says %[3]s: give what %[4]s is there for an internal port of %[3]s with tag %[5]d, and take %[4]s away" + thenSame,
			[]any{show(s.Domain.Host), sh(d.Under), show(j.mapped), show(d.Name), d.VLAN}}
	}
	text := "on %[1]s, if ovs-vsctl port-to-br %[2]s says %[3]s, have %[4]s lead out by it, with a moment's silence: " + strings.Join([]string{
		addPair("%[5]s", "%[6]s", "%[7]s"), enslave("%[6]s", "%[5]s"), "ip link set %[7]s up", "ip link del %[8]s", "ovs-vsctl add-port %[9]s %[7]s tag=%[10]d",
	}, " && ") + thenSame
	return sentence{text, []any{show(s.Domain.Host), sh(d.Under), show(j.mapped), show(j.bridge), sh(j.bridge),
		j.end("l-"), j.end("n-"), sh(d.Name), sh(j.mapped), d.VLAN}}
}
