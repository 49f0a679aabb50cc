package check

import (
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
	seen bool     // the join's bridge and tag, for it is a VLAN of the mapped bridge's own device
	out  []string // its ports that may lead out of the host
}

// route looks for the way. A port that nobody can say anything of leads nowhere,
// for it is worse to trust in one than to look at one; where none are to be
// seen, nothing is known.
func (s subject) route(j junction) (r route) {
	for _, d := range s.Facts.Host.Devices {
		switch {
		case s.joins(d, j):
			if !r.seen {
				r.port, r.seen = d.Name, d.Under == j.mapped
			}
		case s.mayLeadOut(d) && !s.elsewhere(d, j), d.Name == j.mapped && d.Master != "", s.mayJoin(d, j):
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
	if name == "" {
		return d, false
	}
	i := slices.IndexFunc(s.Facts.Host.Devices, func(d discover.NetDevice) bool { return d.Name == name })
	if i < 0 {
		return d, false
	}
	return s.Facts.Host.Devices[i], true
}

// joins reports whether a device joins Open vSwitch with the legacy bridge: the
// mapped bridge's own device there, or a VLAN of it, or the legacy bridge, or a
// pair's end.
func (s subject) joins(d discover.NetDevice, j junction) bool {
	if d.Master == j.bridge && (d.Name == j.mapped || d.Under == j.mapped) {
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
	if d.Master != "" || d.Peer == "" {
		return false
	}
	end, _ := s.device(d.Peer)
	return end.Master == j.bridge && !s.onKernelSwitch()
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

// elsewhere reports whether a port of Open vSwitch leads to other VLANs of the
// cards that the legacy bridge leads out by, and so to neither that bridge's
// segment nor the network's.
func (s subject) elsewhere(d discover.NetDevice, j junction) bool {
	legs, own := []discover.NetDevice{d}, s.uplinks(j.bridge)
	if end, pair := s.device(d.Peer); pair {
		legs = s.uplinks(end.Master)
	} else if d.Bridge {
		legs = s.uplinks(d.Name)
	}
	want, _ := j.tag()
	if want == 0 || len(legs) == 0 || len(own) == 0 {
		return false
	}
	return !slices.ContainsFunc(legs, func(leg discover.NetDevice) bool {
		return leg.VLAN == 0 || leg.VLAN == want || slices.ContainsFunc(own, func(up discover.NetDevice) bool {
			return leg.VLAN == up.VLAN || leg.Under != up.Under && leg.Under != up.Name
		})
	})
}
