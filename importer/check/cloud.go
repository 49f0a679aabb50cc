package check

import (
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// CloudFacts are what the cloud's APIs say. They are there only where an
// import has the APIs, too: it then makes the ports that are missing.
type CloudFacts struct {
	Snapshot  *cloud.Snapshot
	providers map[string]bool          // by UUID
	ports     map[string][]cloud.Port  // by MAC address, lower case
	agents    map[string][]cloud.Agent // by host, those that plug ordinary ports in
}

// NewCloudFacts returns what the rules look up in a snapshot, and nil for one
// that was not read from the APIs. It is made once and used for all domains.
func NewCloudFacts(s *cloud.Snapshot) *CloudFacts {
	if s == nil || !s.Live {
		return nil
	}
	f := &CloudFacts{Snapshot: s, providers: map[string]bool{}, ports: map[string][]cloud.Port{}, agents: map[string][]cloud.Agent{}}
	for _, p := range s.Providers {
		f.providers[p.UUID] = true
	}
	for _, a := range s.Agents {
		if a.PlugsGuests() {
			f.agents[a.Host] = append(f.agents[a.Host], a)
		}
	}
	for _, p := range s.Ports {
		mac := strings.ToLower(p.MAC)
		f.ports[mac] = append(f.ports[mac], p)
	}
	return f
}

// unresolved says why an interface's network, or its subnet, is none that the
// cloud has; "" when they are, and when no rule of the mapping is for it.
func (s subject) unresolved(n discover.Interface) string {
	rule, ok := s.Settings.Networks.Match(s.Domain.Host, n)
	if !ok || s.Cloud == nil {
		return ""
	}
	network, err := s.Cloud.Snapshot.Network(rule.Network)
	if err == nil && rule.Subnet != "" {
		_, err = network.Subnet(rule.Subnet)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// taken is the port with an interface's MAC address on its network that is
// somebody else's.
func (s subject) taken(n discover.Interface) (p cloud.Port, user string) {
	rule, ok := s.Settings.Networks.Match(s.Domain.Host, n)
	if !ok || s.Cloud == nil {
		return p, ""
	}
	network, err := s.Cloud.Snapshot.Network(rule.Network)
	if err != nil {
		return p, ""
	}
	for _, p := range s.Cloud.ports[strings.ToLower(n.MAC)] {
		if p.NetworkID == network.ID {
			return p, PortUser(p, s.UUID)
		}
	}
	return p, ""
}

// providerless reports whether Placement does not know the host's node.
func (s subject) providerless() bool {
	return s.Cloud != nil && s.Cloud.Snapshot.Providers != nil && s.known() && !s.Cloud.providers[s.compute().UUID]
}

// PortUser names whose a port is, "" where an instance may have it: it is the
// instance's own already, or nobody's. One that is kept for a host or, with an
// owner and no device, for anything else, is somebody's.
func PortUser(p cloud.Port, instance string) string {
	own := strings.EqualFold(p.DeviceID, instance) && (p.DeviceOwner == "" || strings.HasPrefix(p.DeviceOwner, "compute:"))
	switch {
	case own && p.DeviceID != "":
		return ""
	case p.DeviceID != "" || p.DeviceOwner != "":
		return strings.TrimSpace(p.DeviceOwner + " " + p.DeviceID)
	case p.HostID != "":
		return "host " + p.HostID
	}
	return ""
}

// FreePort is what to do about a port that is somebody else's.
func FreePort(p cloud.Port) string {
	if p.DeviceID == "" {
		return fmt.Sprintf("If nothing uses it: openstack port set --device-owner '' --host '' %s; else give the interface another MAC address.", p.ID)
	}
	return fmt.Sprintf("Find its owner: openstack port show %s; give one of the two another MAC address.", p.ID)
}
