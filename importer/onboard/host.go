package onboard

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A Host is what is known of a host before its nova-compute starts next.
type Host struct {
	Name    string // in the inventory
	Wanted  string // compute_host of the inventory, "" without
	Libvirt string // what libvirt calls it; it becomes compute_nodes.hypervisor_hostname
	System  string // what /etc/hostname calls it, "" when that was not read

	Domains int // that libvirt has, running or not
	Running int
	Guests  map[string]string // name and state, by UUID
	Empty   []Drive           // without a medium
	Bases   []Drive           // that rest on an image of Nova's cache

	Conf  NovaConf
	Files []IdentityFile // compute_id, where there is one; nil when nobody could look
	Err   string         // why the host could not be read, "" when it was
}

// A Drive is a drive or disk of a domain.
type Drive struct {
	Domain string `json:"domain"`
	Target string `json:"target"`
	Image  string `json:"image,omitempty"` // what it rests on
}

// A Cloud is what is known of the cloud that the hosts are to be in.
type Cloud struct {
	Release   nova.Release
	Records   nova.HostRecords
	Open      []nova.OpenCell
	Closed    []nova.ClosedCell
	Cell      string                   // name or UUID of the one that the hosts' transport_url leads to, if somebody has said so
	Providers []cloud.Provider         // of Placement, of the hosts' names; nil when it was not asked
	Presence  map[string]nova.Presence // of the hosts' guests, by the UUID that libvirt has
}

// ComputeHost is the name by which nova-compute calls the host: its nova.conf
// decides, and where that says nothing the system's own name.
func (h Host) ComputeHost() string {
	if h.Conf.Read() {
		return cmp.Or(h.Conf.Host, h.System, h.Wanted, h.Libvirt)
	}
	return cmp.Or(h.Wanted, h.Libvirt)
}

// Identity is what the host's compute_id says, "" without such a file.
func (h Host) Identity() string {
	for _, f := range h.Files {
		return f.UUID
	}
	return ""
}

// looked reports whether it is known which compute_id the host has.
func (h Host) looked() bool { return h.Files != nil }

// service is the row of the host's nova-compute that counts.
func (c Cloud) service(host string) (nova.HostService, bool) {
	i := slices.IndexFunc(c.Records.Services, func(s nova.HostService) bool {
		return !s.Deleted && strings.EqualFold(s.Host, host)
	})
	if i < 0 {
		return nova.HostService{}, false
	}
	return c.Records.Services[i], true
}

// nodes are those of a host that count.
func (c Cloud) nodes(host string) (found []nova.HostNode) {
	for _, n := range c.Records.Nodes {
		if !n.Deleted && strings.EqualFold(n.Host, host) {
			found = append(found, n)
		}
	}
	return found
}

// node is the host's only one, or the zero node.
func (c Cloud) node(host string) nova.HostNode {
	if all := c.nodes(host); len(all) == 1 {
		return all[0]
	}
	return nova.HostNode{}
}

func (c Cloud) mapping(host string) (nova.HostMapping, bool) {
	i := slices.IndexFunc(c.Records.Mappings, func(m nova.HostMapping) bool { return strings.EqualFold(m.Host, host) })
	if i < 0 {
		return nova.HostMapping{}, false
	}
	return c.Records.Mappings[i], true
}

func (c Cloud) provider(name string) (cloud.Provider, bool) {
	i := slices.IndexFunc(c.Providers, func(p cloud.Provider) bool { return p.Name == name })
	if i < 0 {
		return cloud.Provider{}, false
	}
	return c.Providers[i], true
}
