package check

import (
	"path"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// NewFleet returns an empty fleet, to be fed by Add as the hosts are read.
func NewFleet() *Fleet {
	return &Fleet{
		UUIDs:     map[string][]string{},
		MACs:      map[string][]string{},
		Disks:     map[string][]string{},
		Names:     map[string][]string{},
		Hostnames: map[string][]string{},
	}
}

// FleetOf returns the fleet of these domains.
func FleetOf(domains ...discover.Domain) *Fleet {
	f := NewFleet()
	for _, d := range domains {
		f.Add(d)
	}
	return f
}

// Add takes note of d. Of a domain the fleet keeps its UUID, MAC addresses,
// disk paths and names in strings of their own, so that a scan of many hosts
// does not hold on to what it has read. Add is not safe for use by several
// goroutines.
func (f *Fleet) Add(d discover.Domain) {
	user := label(d)
	note(f.UUIDs, strings.ToLower(d.UUID), user)
	note(f.Names, d.Name, user)
	note(f.Hostnames, hostname(d.Name), user)
	for _, n := range d.Interfaces {
		note(f.MACs, strings.ToLower(n.MAC), user)
	}
	for _, disk := range d.Disks {
		for _, p := range places(disk) {
			note(f.Disks, d.Host+"\x00"+p, user)
		}
	}
}

// note adds user to those who have key. A domain that has a key twice is
// noted once: that is its own matter, not its neighbours'.
func note(users map[string][]string, key, user string) {
	if key == "" || slices.Contains(users[key], user) {
		return
	}
	users[strings.Clone(key)] = append(users[key], user)
}

// label names a domain among all hosts.
func label(d discover.Domain) string { return d.Host + "/" + d.Name }

// places are the paths under which a disk could be found to be another
// domain's as well. Removable media are left out: one ISO image in many
// drives is no conflict.
func places(d discover.Disk) []string {
	if !holdsData(d) || d.Path == "" || d.Type != "file" && d.Type != "block" {
		return nil
	}
	p := path.Clean(d.Path)
	if d.File != nil && d.File.Resolved != "" && d.File.Resolved != p {
		return []string{p, d.File.Resolved}
	}
	return []string{p}
}

// neighbours are the users of a key other than s itself.
func (s subject) neighbours(users []string) []string {
	self := label(s.Domain)
	return slices.DeleteFunc(slices.Clone(users), func(u string) bool { return u == self })
}
