package audit

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// known is what the databases say about everything that was found, read in
// bulk before the rules are applied.
type known struct {
	release   nova.Release
	computes  map[string]*nova.Compute  // by services.host
	presence  map[string]nova.Presence  // by uuid
	hostnames map[string][]string       // instances by the host name they have
	quota     *nova.QuotaLeft           // of the target project
	rooms     map[string]*nova.Room     // by services.host
	providers map[string]cloud.Provider // by compute_nodes.uuid; empty without Placement
	ports     map[string]bool           // by MAC
}

// askNova reads what the rules need, or gives nil without databases.
func askNova(ctx context.Context, in Input, r *Report) (*known, error) {
	if in.Nova == nil {
		return nil, nil
	}
	k := &known{release: in.Nova.Release(), computes: map[string]*nova.Compute{}, rooms: map[string]*nova.Room{}}
	r.Release = k.release
	computes, err := in.Nova.Computes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read Nova's compute hosts: %w", err)
	}
	r.Computes = computes
	for i := range computes {
		k.computes[computes[i].Host] = &computes[i]
	}
	if k.presence, err = in.Nova.Presence(ctx, uuids(r.all())); err != nil {
		return nil, fmt.Errorf("look for the domains' UUIDs in Nova: %w", err)
	}
	if k.hostnames, err = in.Nova.HostnamesInUse(ctx, hostnames(r.all())); err != nil {
		return nil, fmt.Errorf("look for the domains' host names in Nova: %w", err)
	}
	return k, k.readLimits(ctx, in)
}

// readLimits reads quota and capacity, and which addresses have a port.
func (k *known) readLimits(ctx context.Context, in Input) error {
	rooms, err := in.Nova.Rooms(ctx)
	if err != nil {
		return fmt.Errorf("read the capacity of Nova's hosts: %w", err)
	}
	for host, room := range rooms {
		k.rooms[host] = &room
	}
	k.askPlacement(in.Snapshot)
	if in.Identity.ProjectID != "" {
		left, err := in.Nova.QuotaLeft(ctx, []string{in.Identity.ProjectID})
		if err != nil {
			return fmt.Errorf("read the quota of project %s: %w", in.Identity.ProjectID, err)
		}
		if q, ok := left[in.Identity.ProjectID]; ok {
			k.quota = &q
		}
	}
	if in.Snapshot != nil {
		k.ports = map[string]bool{}
		for _, p := range in.Snapshot.Ports {
			k.ports[strings.ToLower(p.MAC)] = true
		}
	}
	return nil
}

// askPlacement puts Placement's own count in the place of what the databases
// let guess: what is reserved for a host is in Placement alone.
func (k *known) askPlacement(s *cloud.Snapshot) {
	if s == nil || !s.Live {
		return
	}
	k.providers = map[string]cloud.Provider{}
	for _, p := range s.Providers {
		k.providers[p.UUID] = p
	}
	for host, c := range k.computes {
		p, ok := k.providers[c.UUID]
		if ok && c.Problem == "" {
			has := p.Inventories
			k.rooms[host] = &nova.Room{
				VCPUs: has["VCPU"].Room(), MemoryMB: has["MEMORY_MB"].Room(), DiskGB: has["DISK_GB"].Room(), MaxVCPUs: has["VCPU"].MaxUnit,
			}
		}
	}
}

// ComputeHost is the name that Nova should know a host by.
func ComputeHost(inv discover.Inventory) string {
	if inv.Host.ComputeHost != "" {
		return inv.Host.ComputeHost
	}
	return inv.Hostname
}

// facts are what the rules may know of one domain. Quota and room are copies,
// for the rules see them as they are before this domain.
func (k *known) facts(d discover.Domain, c *nova.Compute) *check.NovaFacts {
	f := &check.NovaFacts{
		Release: k.release, Compute: c, Presence: k.presence[d.UUID],
		HostnameTaken: others(k.hostnames[nova.SanitizeHostname(d.Name, "")], d.UUID),
	}
	if k.quota != nil {
		q := *k.quota
		f.Quota = &q
	}
	if c != nil && k.rooms[c.Host] != nil {
		room := *k.rooms[c.Host]
		f.Room = &room
	}
	return f
}

// use takes d's share from what its project and its host have left.
func (k *known) use(d discover.Domain, f *check.NovaFacts) {
	memory := int(d.MemMaxKiB >> 10)
	if k.quota != nil {
		k.quota.Instances--
		k.quota.Cores -= int(d.VCPUs)
		k.quota.RAMMB -= memory
	}
	if f.Compute == nil || k.rooms[f.Compute.Host] == nil {
		return
	}
	room := k.rooms[f.Compute.Host]
	room.VCPUs -= int(d.VCPUs)
	room.MemoryMB -= memory
	for _, disk := range d.Disks {
		if disk.Device == "disk" || disk.Device == "lun" {
			room.DiskGB -= int((disk.CapacityBytes + 1<<30 - 1) >> 30)
		}
	}
}

// others are the values that are not self.
func others(values []string, self string) []string {
	var out []string
	for _, v := range values {
		if v != self {
			out = append(out, v)
		}
	}
	return out
}

func uuids(domains iter.Seq[discover.Domain]) (out []string) {
	for d := range domains {
		out = append(out, d.UUID)
	}
	return out
}

func hostnames(domains iter.Seq[discover.Domain]) (out []string) {
	for d := range domains {
		if name := nova.SanitizeHostname(d.Name, ""); name != "" {
			out = append(out, name)
		}
	}
	return out
}
