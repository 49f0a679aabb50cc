package cloud

import (
	"errors"
	"fmt"
	"net"
	"path"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// Match returns the first rule that says which network interface i of a
// domain on host belongs to, and false when there is none.
func (m Mapping) Match(host string, i discover.Interface) (NetworkRule, bool) {
	for _, r := range m {
		if r.matches(host, i) {
			return r, true
		}
	}
	return NetworkRule{}, false
}

func (r NetworkRule) matches(host string, i discover.Interface) bool {
	return globFold(r.Host, host) &&
		(r.Bridge == "" || r.Bridge == bridgeOf(i)) &&
		(r.Source == "" || r.Source == i.Network) &&
		(r.PortGroup == "" || r.PortGroup == i.PortGroup) &&
		r.matchesVLAN(i) &&
		(r.MAC == "" || strings.EqualFold(r.MAC, i.MAC))
}

// matchesVLAN treats libvirt's ways of saying "untagged" as one. A rule that
// names a tag never matches a trunk: the interface carries other networks too.
func (r NetworkRule) matchesVLAN(i discover.Interface) bool {
	if r.VLAN == nil {
		return true
	}
	return !i.Trunk && untagged(*r.VLAN) == untagged(i.VLAN)
}

// untagged returns 0 for the tags that mean none: 0 and 4095.
func untagged(tag int) int {
	if tag == 4095 {
		return 0
	}
	return tag
}

// bridgeOf returns the bridge that i's frames leave by. A libvirt network
// stands for its bridge only when it forwards nothing itself: behind NAT or a
// route the bridge is another network.
func bridgeOf(i discover.Interface) string {
	if i.Bridge != "" {
		return i.Bridge
	}
	if i.NetworkForward == "bridge" {
		return i.NetworkBridge
	}
	return ""
}

// globFold matches host names, which differ in nothing but case at most.
func globFold(pattern, name string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(name))
	return ok && err == nil // Check has named bad patterns
}

// Check reports every rule that cannot do what its author meant: without a
// network, with a tag, pattern or address that is none, or never reached
// because an earlier rule takes all that it would match.
func (m Mapping) Check() error {
	var errs []error
	for n, r := range m {
		for _, problem := range r.problems() {
			errs = append(errs, fmt.Errorf("networks: rule %d: %s", n+1, problem))
		}
		if first := m[:n].hides(r); first >= 0 {
			errs = append(errs, fmt.Errorf("networks: rule %d is never reached: rule %d matches all that it would match", n+1, first+1))
		}
	}
	return errors.Join(errs...)
}

func (r NetworkRule) problems() []string {
	var p []string
	if strings.TrimSpace(r.Network) == "" {
		p = append(p, "names no network")
	}
	if r.VLAN != nil && (*r.VLAN < 0 || *r.VLAN > 4095) {
		p = append(p, fmt.Sprintf("vlan %d is not between 0 and 4095", *r.VLAN))
	}
	if _, err := path.Match(r.Host, ""); err != nil {
		p = append(p, fmt.Sprintf("host %q is not a pattern", r.Host))
	}
	if r.MAC != "" && !isMAC(r.MAC) {
		p = append(p, fmt.Sprintf("mac %q is not a MAC address", r.MAC))
	}
	return p
}

// hides returns the index of the first rule in m that matches everything r
// does, or -1.
func (m Mapping) hides(r NetworkRule) int {
	for n, earlier := range m {
		if earlier.covers(r) {
			return n
		}
	}
	return -1
}

// covers reports whether each condition of r is absent or the same in later.
func (r NetworkRule) covers(later NetworkRule) bool {
	same := func(a, b string) bool { return a == "" || strings.EqualFold(a, b) }
	exact := func(a, b string) bool { return a == "" || a == b }
	vlan := r.VLAN == nil || later.VLAN != nil && untagged(*r.VLAN) == untagged(*later.VLAN)
	return vlan && same(r.Host, later.Host) && exact(r.Bridge, later.Bridge) && exact(r.Source, later.Source) &&
		exact(r.PortGroup, later.PortGroup) && same(r.MAC, later.MAC)
}

// isMAC reports whether s is an Ethernet address of six octets.
func isMAC(s string) bool {
	hw, err := net.ParseMAC(s)
	return err == nil && len(hw) == 6 && strings.Count(s, ":") == 5
}
