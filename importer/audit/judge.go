package audit

import (
	"maps"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/rebuild"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A judge applies the rules to one domain after the other. What an adoptable
// domain will use of quota and capacity is gone for those after it, so a pass
// over all domains begins with a fresh one.
type judge struct {
	in    Input
	fleet *check.Fleet
	known *known            // nil without databases
	cloud *check.CloudFacts // nil without the cloud's APIs
	hosts map[string]*Host
}

// newJudge also tells the hosts what Nova calls them, and lets them hold.
func newJudge(in Input, fleet *check.Fleet, k *known, hosts []Host) judge {
	j := judge{in: in, fleet: fleet, known: k, cloud: check.NewCloudFacts(in.Snapshot), hosts: map[string]*Host{}}
	for i := range hosts {
		h := &hosts[i]
		j.hosts[h.Host.Name] = h
		if k != nil {
			h.Compute = k.computes[ComputeHost(h.Inventory)]
			h.Capacity = k.capacity(h.Compute)
		}
	}
	return j
}

// fresh is the judge before its first domain.
func (j judge) fresh() judge {
	if j.known == nil {
		return j
	}
	k := *j.known
	if k.quota != nil {
		quota := *k.quota
		k.quota = &quota
	}
	k.rooms = maps.Clone(k.rooms)
	for host, room := range k.rooms {
		copied := nova.Room(*room)
		k.rooms[host] = &copied
	}
	j.known = &k
	return j
}

// domain judges d, and foretells what Nova would make of it.
func (j judge) domain(d discover.Domain) Domain {
	out := Domain{Domain: d, Assessment: j.assess(d)}
	if out.Verdict == check.VerdictManaged {
		return out
	}
	c := j.in.Compute
	if j.known != nil {
		c.Major = j.known.release.Major
	}
	out.Rebuild = rebuild.Differences(d, plan.Foresee(d, j.in.Planned, c.Major).Hardware(j.in.Snapshot), c)
	return out
}

func (j judge) assess(d discover.Domain) check.Assessment {
	f := check.Facts{
		Host: hostFacts(j.hosts[d.Host], j.in.Scan.SkipFiles), Settings: j.in.Settings,
		Fleet: j.fleet, Cloud: j.cloud, OwnerProblem: j.in.Identity.Problem,
	}
	if j.known != nil {
		f.Nova, f.Ports = j.known.facts(d, j.hosts[d.Host].Compute), j.known.ports
	}
	a := check.Assess(d, f)
	if j.known != nil && (a.Verdict == check.VerdictReady || a.Verdict == check.VerdictAttention) {
		j.known.use(d, f.Nova)
	}
	return a
}

// hostFacts are what the rules may know of a host. That its files could not be
// looked at blocks a domain; that nobody wanted to look (as asked, or because
// there are only definitions) is worth a word for each disk.
func hostFacts(h *Host, skipped bool) check.HostFacts {
	f := check.HostFacts{
		Name: h.Host.Name, Hostname: h.Hostname, FilesErr: h.FilesErr,
		InstancesDir: h.InstancesDir, CPUs: h.CPUs, MemoryKiB: h.MemoryKiB, Devices: h.Devices,
	}
	if skipped || strings.HasPrefix(h.Host.URI, "dir:") && h.Host.Files == "" {
		f.FilesErr = ""
	}
	return f
}
