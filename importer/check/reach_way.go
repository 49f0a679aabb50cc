package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// moves: the interface leaves a Linux bridge for Open vSwitch.
func (j junction) moves() bool {
	return j.bridge != "" && j.agent.OnVSwitch() && j.mapped != ""
}

// A way leads from Open vSwitch to the legacy network, as far as can be seen.
type way int

const (
	unknownWay way = iota
	noWay          // nothing leads out of it
	joined         // it has a way to the legacy bridge
)

// A route is what the host's devices show of the way.
type route struct {
	way
	port string   // of Open vSwitch, by which it is joined with the legacy bridge
	out  []string // its ports that may lead out of the host
}

// route looks for the way. A port that nobody can say anything of leads nowhere,
// for it is worse to trust in one than to look at one; where none are to be
// seen, nothing is known.
func (s subject) route(j junction) (r route) {
	for _, d := range s.Facts.Host.Devices {
		switch {
		case s.joins(d, j):
			r.port = d.Name
		case s.mayLeadOut(d), d.Name == j.mapped && d.Master != "", s.mayJoin(d, j):
			r.out = append(r.out, d.Name)
		}
	}
	switch {
	case r.port != "":
		r.way = joined
	case s.onKernelSwitch() && len(r.out) == 0:
		r.way = noWay
	}
	return r
}

// onKernelSwitch reports whether all of Open vSwitch's ports are to be seen.
func (s subject) onKernelSwitch() bool {
	_, kernel := s.device(discover.OpenVSwitch)
	_, userspace := s.device(discover.OpenVSwitchUserspace)
	return kernel && !userspace
}

// device is the host's device of a name.
func (s subject) device(name string) (d discover.NetDevice, is bool) {
	i := slices.IndexFunc(s.Facts.Host.Devices, func(d discover.NetDevice) bool { return name != "" && d.Name == name })
	if i < 0 {
		return d, false
	}
	return s.Facts.Host.Devices[i], true
}

// joins reports whether a device joins Open vSwitch with the legacy bridge: the
// mapped bridge's own device there, or the legacy bridge, or a pair's end.
func (s subject) joins(d discover.NetDevice, j junction) bool {
	if d.Name == j.mapped && d.Master == j.bridge {
		return true
	}
	if d.Master != discover.OpenVSwitch || !s.onKernelSwitch() {
		return false
	}
	end, _ := s.device(d.Peer)
	return d.Name == j.bridge || end.Master == j.bridge
}

// mayJoin reports whether a device is a pair's end that may be a port of a
// userspace switch: the other is in the legacy bridge, and this one in none.
func (s subject) mayJoin(d discover.NetDevice, j junction) bool {
	end, _ := s.device(d.Peer)
	return end.Master == j.bridge && d.Master == "" && !s.onKernelSwitch()
}

// mayLeadOut reports whether a device is a port of Open vSwitch that may be a
// way out of the host. The bridges that Nova puts before a guest, and a pair
// between two bridges of Open vSwitch's, are none.
func (s subject) mayLeadOut(d discover.NetDevice) bool {
	if d.Master != discover.OpenVSwitch {
		return false
	}
	if d.Peer == "" {
		return d.Bridge || s.leadsOut(d)
	}
	end, _ := s.device(d.Peer)
	return end.Master != discover.OpenVSwitch && !strings.HasPrefix(end.Master, "qbr")
}

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
// bridge, which else would take its size.
func (s subject) join(j junction) sentence {
	end := func(prefix string) shellWord { return sh(prefix + j.bridge[:min(len(j.bridge), 13)]) }
	vlan, port := j.tags()
	text := "on %[1]s, if ovs-vsctl list-ports %[2]s has no other way there, for two ways are a loop: " + strings.Join([]string{
		addPair("%[3]s", "%[4]s", "%[5]s"), "ip link set %[4]s master %[3]s up" + vlan, "ip link set %[5]s up", "ovs-vsctl add-port %[2]s %[5]s" + port,
	}, " && ") + "; no guest is cut off by it; then the same in the host's own network configuration"
	return sentence{text, []any{show(s.Domain.Host), sh(j.mapped), sh(j.bridge), end("l-"), end("n-")}}
}

// addPair makes a pair whose end the bridge can take without losing of its MTU.
func addPair(bridge, end, other string) string {
	return fmt.Sprintf("m=$(cat /sys/class/net/%s/mtu) && ip link add %s mtu $m type veth peer name %s mtu $m", bridge, end, other)
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
