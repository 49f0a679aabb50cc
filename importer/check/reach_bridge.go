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
// on which a network of type vlan is tagged.
func (s subject) leaveIt(j junction, from string) sentence {
	end := func(prefix string) string { return prefix + from[:min(len(from), 8)] }
	port, steps := end("l-"), addPair("%[4]s", "%[2]s", "%[3]s")+" && "
	if j.network.NetworkType == "vlan" {
		port = fmt.Sprintf("%s.%d", end("l-"), j.network.SegmentationID)
		steps += "ip link set %[2]s up && ip link add link %[2]s name %[5]s type vlan id " + fmt.Sprint(j.network.SegmentationID) + " && "
	}
	return sentence{"on %[1]s: " + steps + "ip link set %[5]s master %[4]s up && ip link set %[3]s up; then map %[6]s:%[3]s instead of %[7]s in [linux_bridge] physical_interface_mappings" +
		" of linuxbridge_agent.ini and restart neutron-linuxbridge-agent; then the same in the host's own network configuration",
		[]any{show(s.Domain.Host), sh(end("l-")), sh(end("n-")), sh(from), sh(port), show(j.network.PhysicalNetwork), show(j.mapped)}}
}
