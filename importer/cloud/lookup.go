package cloud

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// ErrUnresolved says that a name was given where only the cloud could tell
// the id, and the cloud is not at hand.
var ErrUnresolved = errors.New("name cannot be resolved without the cloud; give the id")

// errNone is how find says that there is none.
var errNone = errors.New("no")

// idShape is a UUID, 32 hex digits as Keystone makes them, or the 64 that it
// makes for users from LDAP.
var idShape = regexp.MustCompile(`^(?i:[0-9a-f]{32}|[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// IsID reports whether s has the shape of an OpenStack id.
func IsID(s string) bool { return idShape.MatchString(s) }

// Project returns the project of that id or name. Without a snapshot, or with
// one that has no projects, an id is taken as given and a name is
// ErrUnresolved; so it is with the other lookups.
func (s *Snapshot) Project(nameOrID string) (Project, error) {
	if s == nil || s.Projects == nil {
		return Project{ID: nameOrID}, asGiven("project", nameOrID)
	}
	p, err := find("project", nameOrID, s.Projects, func(p Project) (string, string) { return p.ID, p.Name })
	if errors.Is(err, errNone) && slices.Contains(s.Partial, "projects") {
		return Project{ID: nameOrID}, unlisted("project", nameOrID)
	}
	return p, err
}

// User returns the user of that id or name.
func (s *Snapshot) User(nameOrID string) (User, error) {
	if s == nil || s.Users == nil {
		return User{ID: nameOrID}, asGiven("user", nameOrID)
	}
	u, err := find("user", nameOrID, s.Users, func(u User) (string, string) { return u.ID, u.Name })
	if errors.Is(err, errNone) && slices.Contains(s.Partial, "users") {
		return User{ID: nameOrID}, unlisted("user", nameOrID)
	}
	return u, err
}

// Network returns the network of that id or name.
func (s *Snapshot) Network(nameOrID string) (Network, error) {
	if s == nil || s.Networks == nil {
		return Network{ID: nameOrID}, asGiven("network", nameOrID)
	}
	return find("network", nameOrID, s.Networks, func(n Network) (string, string) { return n.ID, n.Name })
}

// Image returns the image of that id or name.
func (s *Snapshot) Image(nameOrID string) (Image, error) {
	if s == nil || s.Images == nil {
		return Image{ID: nameOrID}, asGiven("image", nameOrID)
	}
	return find("image", nameOrID, s.Images, func(i Image) (string, string) { return i.ID, i.Name })
}

// Port returns the port that has mac on the network. Neutron lets a MAC
// address occur once in a network.
func (s *Snapshot) Port(mac, networkID string) (Port, bool) {
	if s == nil {
		return Port{}, false
	}
	for _, p := range s.Ports {
		if p.NetworkID == networkID && strings.EqualFold(p.MAC, mac) {
			return p, true
		}
	}
	return Port{}, false
}

// PortByID returns the port of that id.
func (s *Snapshot) PortByID(id string) (Port, bool) {
	if s == nil {
		return Port{}, false
	}
	for _, p := range s.Ports {
		if p.ID == id {
			return p, true
		}
	}
	return Port{}, false
}

// Floating returns the floating IPs that lead to an address of a port: those
// that were read with the port, for they come and go, or else the snapshot's.
func (s *Snapshot) Floating(p Port, fixed netip.Addr) (list []netip.Addr) {
	all := p.Floating
	if all == nil && s != nil {
		all = s.FloatingIPs[p.ID]
	}
	for _, f := range all {
		if f.Fixed == fixed {
			list = append(list, f.Address)
		}
	}
	return list
}

// DHCPServer returns the address of the DHCP agent's own port in a subnet,
// which Nova keeps as the subnet's dhcp_server: of several agents' the one that
// Neutron lists last. It is the zero Addr when none has been made.
func (s *Snapshot) DHCPServer(subnetID string) netip.Addr {
	if s == nil {
		return netip.Addr{}
	}
	for _, p := range slices.Backward(s.Ports) {
		if p.DeviceOwner != "network:dhcp" {
			continue
		}
		for _, ip := range p.FixedIPs {
			if ip.SubnetID == subnetID {
				return ip.Address
			}
		}
	}
	return netip.Addr{}
}

// VisibleTo reports whether the network is the project's own or shared with
// it. Of a network that is shared by a policy with this project alone, a file
// knows it only if it has the list "rbac_policies".
func (n Network) VisibleTo(projectID string) bool {
	return n.Shared || n.ProjectID == projectID || slices.Contains(n.SharedWith, projectID)
}

// Subnet returns the network's subnet of that id or name.
func (n Network) Subnet(nameOrID string) (Subnet, error) {
	return find("subnet of network "+firstOf(n.Name, n.ID), nameOrID, n.Subnets,
		func(s Subnet) (string, string) { return s.ID, s.Name })
}

// Physical is the physical network that Nova records in its info cache: of
// several segments that of the first one that has one
// (nova/network/neutron.py, _get_physnet_tunneled_info).
func (n Network) Physical() string {
	for _, physical := range n.Segments {
		if physical != "" {
			return physical
		}
	}
	return n.PhysicalNetwork
}

// Tunneled reports whether the network is an overlay, which Nova records next
// to it.
func (n Network) Tunneled() bool {
	switch n.NetworkType {
	case "vxlan", "gre", "geneve":
		return true
	}
	return false
}

// unlisted is asGiven for a list that Keystone gave in part.
func unlisted(kind, nameOrID string) error {
	if IsID(nameOrID) {
		return nil
	}
	return fmt.Errorf("%s %q: Keystone does not list it, and did not list all: give the id", kind, nameOrID)
}

func asGiven(kind, nameOrID string) error {
	if IsID(nameOrID) {
		return nil
	}
	return fmt.Errorf("%s %q: %w", kind, nameOrID, ErrUnresolved)
}

// find returns the one of list that has the id, else the one that has the
// name; key gives an entry's id and name.
func find[T any](kind, nameOrID string, list []T, key func(T) (id, name string)) (T, error) {
	var found T
	var ids []string
	for _, t := range list {
		id, name := key(t)
		if id == nameOrID {
			return t, nil
		}
		if name == nameOrID {
			found, ids = t, append(ids, id)
		}
	}
	switch len(ids) {
	case 1:
		return found, nil
	case 0:
		return found, fmt.Errorf("there is %w %s with the name or id %q", errNone, kind, nameOrID)
	}
	var none T
	return none, fmt.Errorf("%s %q: %d have this name, give the id: %s", kind, nameOrID, len(ids), strings.Join(ids, ", "))
}
