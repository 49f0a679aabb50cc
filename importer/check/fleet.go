package check

import (
	"path"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// NewFleet returns an empty fleet, to be fed by Add as the hosts are read.
func NewFleet() *Fleet {
	return &Fleet{UUIDs: newUsers(), MACs: newUsers(), Disks: map[string]Users{}, Bases: map[string]Users{}, Names: newUsers(), Hostnames: newUsers()}
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
// disk paths, what lies below those, and names, and nothing else of it. Add is
// not safe for use by several goroutines.
func (f *Fleet) Add(d discover.Domain) {
	user := label(d)
	f.UUIDs.note(strings.ToLower(d.UUID), &user)
	f.Names.note(d.Name, &user)
	f.Hostnames.note(hostname(d.Name), &user)
	for _, n := range d.Interfaces {
		f.MACs.note(strings.ToLower(n.MAC), &user)
	}
	for _, disk := range d.Disks {
		for _, p := range places(disk) {
			onHost(f.Disks, d.Host).note(p, &user)
		}
		for _, p := range bases(disk) {
			onHost(f.Bases, d.Host).note(p, &user)
		}
	}
}

// onHost are the users of a host's paths, made at the first of them.
func onHost(paths map[string]Users, host string) Users {
	u, ok := paths[host]
	if !ok {
		u = newUsers()
		paths[host] = u
	}
	return u
}

// Users says which domains, as "host/name", have a key. Of a hundred thousand
// domains hardly two have one key, so that of the first there is no more than
// where its label is. A label at another place is another domain: a folder may
// have two definitions of one name.
type Users struct {
	first map[string]*string
	more  map[string][]*string
}

func newUsers() Users { return Users{map[string]*string{}, map[string][]*string{}} }

// Of are the domains that have key, in the order in which they were added.
func (u Users) Of(key string) []string {
	if u.first[key] == nil {
		return nil
	}
	all := []string{*u.first[key]}
	for _, user := range u.more[key] {
		all = append(all, *user)
	}
	return all
}

// note adds user to those who have key. A domain that has a key twice is
// noted once: that is its own matter, not its neighbours'. As domains come one
// after the other it would be the last, so that a thousand clones of one
// template are not compared with each other.
func (u Users) note(key string, user *string) {
	more := u.more[key]
	switch {
	case key == "" || u.first[key] == user || len(more) > 0 && more[len(more)-1] == user:
	case u.first[key] == nil:
		u.first[key] = user
	default:
		u.more[key] = append(more, user)
	}
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

// bases are the paths of what lies below a disk's image, all the way down. What
// is no path, such as a pool's volume, has none.
func bases(d discover.Disk) []string {
	var paths []string
	for _, p := range d.Backing {
		if holdsData(d) && path.IsAbs(p) {
			paths = append(paths, path.Clean(p))
		}
	}
	return paths
}

// neighbours are the users of a key other than s itself.
func (s subject) neighbours(users []string) []string {
	if self := slices.Index(users, label(s.Domain)); self >= 0 {
		return slices.Delete(slices.Clone(users), self, self+1)
	}
	return users
}
