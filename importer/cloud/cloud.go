// Package cloud knows the part of an OpenStack cloud that is not in Nova's
// databases: projects, users, networks, subnets and ports.
//
// A Snapshot is that part at one moment. It is made of the very JSON that
// Keystone's, Neutron's and Glance's list calls answer (Lists), be it from the
// APIs themselves or, for work on the databases alone, from a file.
package cloud

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"strings"
)

// A Mapping says which Neutron network a domain's interface belongs to. The
// first rule that matches wins.
type Mapping []NetworkRule

// A NetworkRule matches interfaces by where they are plugged. Empty fields
// match anything; VLAN nil matches any tag, and 0 means untagged.
type NetworkRule struct {
	Host      string `yaml:"host,omitempty"`   // glob on the host's name
	Bridge    string `yaml:"bridge,omitempty"` // Linux or OVS bridge
	Source    string `yaml:"source,omitempty"` // libvirt network
	PortGroup string `yaml:"portgroup,omitempty"`
	VLAN      *int   `yaml:"vlan,omitempty"`
	MAC       string `yaml:"mac,omitempty"` // one interface

	Network string `yaml:"network"`          // Neutron network, by name or id
	Subnet  string `yaml:"subnet,omitempty"` // by name or id; any of the network's when empty
}

// A Network is a Neutron network.
type Network struct {
	ID, Name, ProjectID string
	Shared              bool
	SharedWith          []string // projects that an RBAC policy shares it with
	External            bool     // router:external
	MTU                 int
	PhysicalNetwork     string
	NetworkType         string // flat, vlan, vxlan, geneve
	SegmentationID      int
	Segments            []string // physical networks of the segments, "" of an overlay; only if there are several
	Subnets             []Subnet
}

// A Subnet of a Network.
type Subnet struct {
	ID, Name string
	CIDR     netip.Prefix
	Gateway  netip.Addr
	DNS      []netip.Addr
	DHCP     bool
	Pools    [][2]netip.Addr
	// Auto: every port has the address that follows from its MAC address, and
	// Neutron refuses to give it another (SLAAC, stateless DHCPv6).
	Auto   bool
	Mode   string  // ipv6_address_mode
	Routes []Route // host_routes
}

// A Route is one that a subnet tells its guests of.
type Route struct {
	Destination netip.Prefix
	NextHop     netip.Addr
}

// A Port is a Neutron port.
type Port struct {
	ID, Name, MAC, NetworkID, ProjectID string
	DeviceID, DeviceOwner, HostID       string
	VIFType, VNICType, Status           string
	VIFDetails                          map[string]any
	Profile                             json.RawMessage // binding:profile; nil for an empty one
	AdminDown                           bool            // admin_state_up is false
	FixedIPs                            []PortIP
	Floating                            []FloatingIP // nil where only the snapshot knows them
	Description                         string
	PortSecurity                        bool // also where Neutron has no such switch: it is on then
}

// Ours reports whether the port was made for an adoption.
func (p Port) Ours() bool { return strings.HasPrefix(p.Description, Mark) }

// IsHybrid reports whether a Linux bridge is between guest and Open vSwitch, for
// iptables to filter on.
func (p Port) IsHybrid() bool {
	hybrid, _ := p.VIFDetails["ovs_hybrid_plug"].(bool)
	return hybrid
}

// Device is the name that Neutron and Nova give one of the port's devices
// (nova/network/model.py, NIC_NAME_LEN: a prefix of three letters and 11 more).
func (p Port) Device(prefix string) string { return DeviceName(prefix, p.ID) }

// DeviceName is Port.Device for whatever has an id.
func DeviceName(prefix, id string) string { return prefix + id[:min(len(id), 11)] }

// Bridge is the one that the binding names, or the usual one
// (nova/network/neutron.py, _nw_info_build_network).
func (p Port) Bridge(usual string) string {
	name, _ := p.VIFDetails["bridge_name"].(string)
	name = cmp.Or(name, usual)
	return name[:min(len(name), 14)]
}

// A FloatingIP leads to one address of a port.
type FloatingIP struct {
	Address, Fixed netip.Addr
}

// A PortIP is one address of a Port.
type PortIP struct {
	SubnetID string
	Address  netip.Addr
}
