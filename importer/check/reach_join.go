package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// see says what to do where the way is not known.
func (s subject) see(j junction) sentence {
	if out := s.route(j).out; len(out) > 0 {
		return s.lookFirst(j, out)
	}
	return s.join(j)
}

// join says how to join the two bridges under running guests. What is untagged
// on the legacy bridge, or in the interface's own VLAN, is the network's segment
// to the other one, and nothing else goes that way. The pair is as wide as the
// bridge, which else would take its size; and the bridge's address is its own
// before it could become the pair's, with which the host itself would be lost
// to its neighbours for a while.
func (s subject) join(j junction) sentence {
	vlan, port := j.tags()
	text := "on %[1]s, if ovs-vsctl list-ports %[2]s has no other way there, for two ways are a loop: " + strings.Join([]string{
		addPair("%[3]s", "%[4]s", "%[5]s"), enslave("%[4]s", "%[3]s") + vlan, "ip link set %[5]s up", "ovs-vsctl add-port %[2]s %[5]s" + port,
	}, " && ") + "; no guest is cut off by it" + thenSame
	return sentence{text, []any{show(s.Domain.Host), sh(j.mapped), sh(j.bridge), j.end("l-"), j.end("n-")}}
}

// end names an end of the pair.
func (j junction) end(prefix string) shellWord {
	return sh(prefix + j.bridge[:min(len(j.bridge), longestDevice-len(prefix))])
}

// addPair makes a pair whose end the bridge can take without losing of its MTU.
func addPair(bridge, end, other string) string {
	return fmt.Sprintf("m=$(cat /sys/class/net/%s/mtu) && ip link add %s mtu $m type veth peer name %s mtu $m", bridge, end, other)
}

// enslave makes a device a port of a bridge that keeps its MAC address. Else it
// has the lowest of its ports' (br_stp_recalculate_bridge_id in the kernel's
// net/bridge/br_stp_if.c).
func enslave(device, bridge string) string {
	return fmt.Sprintf("ip link set %[2]s address $(cat /sys/class/net/%[2]s/address) && ip link set %[1]s master %[2]s up", device, bridge)
}

// tags are what the pair's ends are told: the legacy bridge's of the interface's
// own VLAN, which that filters, and Open vSwitch's of the network's.
func (j junction) tags() (bridge, port string) {
	want, _ := j.tag()
	if j.VLAN != 0 {
		bridge = fmt.Sprintf(" && bridge vlan add dev %%[4]s vid %d", j.VLAN)
		if j.VLAN == want {
			return bridge, ""
		}
		bridge += " pvid untagged"
	}
	if want != 0 {
		return bridge, fmt.Sprintf(" tag=%d", want)
	}
	return bridge, " trunks=0" // untagged frames alone: the VLANs may have ways of their own
}

// lookFirst says what to look at where something may lead out of Open vSwitch:
// a second way there would be a loop, and so no command for one is given.
func (s subject) lookFirst(j junction, out []string) sentence {
	text := "on %s: ovs-vsctl list-ports %s; where %s is among them it has to reach the segment of bridge %s, and to join the two bridges besides would be a loop; only where none is, join them as kvm2openstack explain K2O-336 shows"
	return sentence{text, []any{show(s.Domain.Host), sh(j.mapped), oneOf(out), s.plugOf(j)}}
}

func oneOf(names []string) sentence {
	if len(names) == 1 {
		return sentence{"%s", []any{show(names[0])}}
	}
	return sentence{"one of %s", []any{list(names)}}
}

// plugOf names the legacy bridge with the devices by which it leads out.
func (s subject) plugOf(j junction) sentence {
	var names []string
	for _, d := range s.uplinks(j.bridge) {
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return sentence{"%s", []any{show(j.bridge)}}
	}
	return sentence{"%s (%s)", []any{show(j.bridge), list(names)}}
}

// unsure reports whether the guest's way hangs on what is not to be seen of the
// join: its tag where the network has one or the legacy bridge is on a VLAN, and
// which bridge it is a port of where several are mapped.
func (s subject) unsure(j junction) bool {
	r := s.route(j)
	if _, differs := s.otherVLAN(j); differs || !j.moves() || r.way != joined || r.seen {
		return false // K2O-335 speaks where they differ
	}
	want, _ := j.tag()
	if want != 0 || j.VLAN != 0 || r.port != j.mapped && j.severalMapped() {
		return true
	}
	up := s.uplinks(j.bridge)
	return len(up) > 0 && up[0].VLAN != 0
}

// severalMapped reports whether a port of Open vSwitch may be one of a bridge
// that leads to another physical network.
func (j junction) severalMapped() bool {
	return len(slices.Compact(slices.Sorted(maps.Values(j.agent.Mappings)))) > 1
}

// portTag is what the join's port in Open vSwitch has to have, in words and as
// ovs-vsctl prints it.
func (j junction) portTag() (words, printed string) {
	if want, _ := j.tag(); want != 0 && j.VLAN != want {
		return fmt.Sprintf("tag %d", want), fmt.Sprint(want)
	}
	return "no tag", "[]"
}

// lookAtVLAN says how to see which of two VLANs it is: a join may make one of them.
func (s subject) lookAtVLAN(j junction) sentence {
	text := "openstack network show %s; ip -d link show master %s on %s"
	args := []any{sh(j.network.ID), sh(cmp.Or(j.bridge, j.Bridge)), show(s.Domain.Host)}
	if r := s.route(j); j.moves() && r.way == joined && !r.seen && j.VLAN == 0 {
		text += "; with tag %d (ovs-vsctl get port %s tag) the guest stays where it is"
		args = append(args, j.network.SegmentationID, sh(r.port))
	}
	return sentence{text, args}
}

// lookAtJoin says how to see what the audit cannot.
func (s subject) lookAtJoin(j junction) sentence {
	port := s.route(j).port
	_, printed := j.portTag()
	text := "on %[1]s: ovs-vsctl port-to-br %[2]s has to say %[3]s, and ovs-vsctl get port %[2]s tag has to say %[4]s"
	if j.VLAN != 0 {
		text += fmt.Sprintf("; bridge vlan show has to list %d for its other end in %%[5]s", j.VLAN)
	}
	return sentence{text, []any{show(s.Domain.Host), sh(port), show(j.mapped), printed, show(j.bridge)}}
}
