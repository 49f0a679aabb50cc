package check

import (
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// takes is the device that the agent of Linux bridges takes out of a bridge of
// the host's into its own, at the first tap of the network that it serves.
// Where the agent maps a bridge it takes nothing.
func (s subject) takes(j junction) (d discover.NetDevice, is bool) {
	flat, vlan := j.network.NetworkType == "flat", j.network.NetworkType == "vlan"
	if j.mapped == "" || j.agent.OnVSwitch() || !flat && !vlan {
		return d, false
	}
	bridges := map[string]bool{}
	for _, d := range s.Facts.Host.Devices {
		bridges[d.Name] = d.Bridge && !strings.HasPrefix(d.Name, "brq")
	}
	for _, d := range s.Facts.Host.Devices {
		if bridges[d.Master] && (flat && d.Name == j.mapped || vlan && !bridges[j.mapped] && j.isSegment(d)) {
			return d, true
		}
	}
	return d, false
}

// longestDevice is the longest name of a device.
const longestDevice = 15

// isSegment: the agent takes the device for the network's VLAN. One whose name
// would be too long it gives a hash instead.
func (j junction) isSegment(d discover.NetDevice) bool {
	name := fmt.Sprintf("%s.%d", j.mapped, j.network.SegmentationID)
	if len(name) > longestDevice {
		return d.Under == j.mapped && d.VLAN == j.network.SegmentationID
	}
	return d.Name == name
}

// leaveIt says how the agent reaches the bridge without its uplink: by a pair,
// on which networks of type vlan are tagged, all of the device's by the same one.
func (s subject) leaveIt(j junction, from string) sentence {
	end := func(prefix string) string { return prefix + j.mapped[max(0, len(j.mapped)-8):] }
	port, pair, last := end("l-"), "ip link add %[2]s mtu $m type veth peer name %[3]s mtu $m", "then"
	if j.network.NetworkType == "vlan" {
		port = onVLAN(end("l-"), j.network.SegmentationID)
		pair = "{ [ -e /sys/class/net/%[2]s ] || " + pair + "; } && ip link set %[2]s up && ip link add link %[2]s name %[5]s type vlan id " + fmt.Sprint(j.network.SegmentationID)
		last = "when all bridges of %[6]s are in it,"
	}
	return sentence{"on %[1]s: m=$(cat /sys/class/net/%[7]s/mtu) && " + pair + " && " + enslave("%[5]s", "%[4]s") + " && ip link set %[3]s up; " + last +
		" map %[6]s:%[3]s instead of %[7]s in [linux_bridge] physical_interface_mappings of linuxbridge_agent.ini and restart neutron-linuxbridge-agent" + thenSame,
		[]any{show(s.Domain.Host), sh(end("l-")), sh(end("n-")), sh(from), sh(port), show(j.network.PhysicalNetwork), sh(j.mapped)}}
}

// thenSame ends what is done by hand, for the host forgets it.
const thenSame = "; then the same in the host's own network configuration"

// onVLAN names the device of a VLAN.
func onVLAN(device string, vlan int) string {
	return fmt.Sprintf("%s.%d", device[:min(len(device), longestDevice-len(".4094"))], vlan)
}

// bridgeAgent reports whether the interface's network is reached by a device of
// the agent of Linux bridges, not by a bridge.
func (s subject) bridgeAgent(j junction) bool {
	d, _ := s.device(j.mapped)
	return j.bridge != "" && j.mapped != "" && !j.agent.OnVSwitch() && !d.Bridge
}

// inTheWay is the device that keeps the agent from making its own for the
// network's VLAN: a card has one for each.
func (s subject) inTheWay(j junction) (d discover.NetDevice, is bool) {
	want, _ := j.tag()
	name := fmt.Sprintf("%s.%d", j.mapped, want)
	if want == 0 || !s.bridgeAgent(j) || len(name) > longestDevice {
		return d, false
	}
	for _, d := range s.Facts.Host.Devices {
		if d.Under == j.mapped && d.VLAN == want && d.Name != name {
			return d, true
		}
	}
	return d, false
}

// deadEnd is the end of the agent's pair, or the network's VLAN on it, that has
// to be in the legacy bridge and is in none. Its name alone says that the VLAN
// has no device.
func (s subject) deadEnd(j junction) (d discover.NetDevice, is bool) {
	mapped, _ := s.device(j.mapped)
	end, pair := s.device(mapped.Peer)
	want, seen := j.tag()
	if !pair || !seen || end.Master != "" || !s.bridgeAgent(j) {
		return d, false
	}
	if want == 0 {
		return end, true
	}
	for _, d := range s.Facts.Host.Devices {
		if d.Under == end.Name && d.VLAN == want {
			return d, d.Master == ""
		}
	}
	return discover.NetDevice{Name: onVLAN(end.Name, want), Under: end.Name, VLAN: want}, true
}

// endIt says how the pair leads to the legacy bridge.
func (s subject) endIt(j junction, d discover.NetDevice) sentence {
	text := "on %[1]s: "
	if _, is := s.device(d.Name); !is {
		text += "ip link add link %[4]s name %[2]s type vlan id " + fmt.Sprint(d.VLAN) + " && "
	}
	return sentence{text + enslave("%[2]s", "%[3]s") + thenSame, []any{show(s.Domain.Host), sh(d.Name), sh(j.bridge), sh(d.Under)}}
}
