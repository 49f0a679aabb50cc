package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// Projects are the ids of the projects that the domains which may be imported
// would belong to: those whose Snapshot.Quotas Build wants. Names that cannot
// be resolved are left out, for Build says so.
func Projects(in Input) []string {
	var ids []string
	for _, c := range in.Domains {
		if c.Verdict == check.VerdictManaged || c.Verdict == check.VerdictBlocked {
			continue
		}
		p, err := in.Cloud.Project(in.Settings.project(in.Settings.rule(c.Domain)))
		if err == nil && p.ID != "" {
			ids = append(ids, p.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// A share is what a project may still have, while the domains of a plan are
// given their part of it one after the other.
type share struct {
	cloud.Quota
	name         string
	taken        quotaNeed
	wanted       quotaNeed
	planned, fit int
}

// quotaNeed counts by what openstack quota set calls it.
type quotaNeed map[string]int

// quotaOrder is the order in which quotas are told.
var quotaOrder = []string{"instances", "cores", "ram", "ports"}

func (s *share) limit(of string) cloud.Limit {
	switch of {
	case "instances":
		return s.Instances
	case "cores":
		return s.Cores
	case "ram":
		return s.RAMMB
	}
	return s.Ports
}

// quotaNeedOf is what importing d adds to what its project has. What an
// earlier run has begun is counted by Nova already.
func quotaNeedOf(d Domain) quotaNeed {
	n := quotaNeed{}
	if !d.begun() {
		n["instances"], n["cores"], n["ram"] = 1, d.Flavor.VCPUs, d.Flavor.MemoryMB
	}
	for _, nic := range d.NICs {
		if nic.CreatePort {
			n["ports"]++
		}
	}
	return n
}

// missing is what of the need the project's quota does not hold.
func (s *share) missing(of quotaNeed) []need {
	var short []need
	for _, what := range quotaOrder {
		left, bounded := s.limit(what).Left()
		left = max(left-s.taken[what], 0)
		if bounded && of[what] > left {
			short = append(short, need{what: what, needs: of[what], left: left, most: s.limit(what).Max})
		}
	}
	return short
}

// blocked says that a domain does not fit, how many do, and which quota all of
// them need.
func (s *share) blocked(short []need) Finding {
	var set []string
	for _, n := range short {
		set = append(set, fmt.Sprintf("--%s %d", n.what, s.limit(n.what).Used+s.wanted[n.what]))
	}
	return Finding{
		Code: blockedQuota.code, Severity: blockedQuota.severity,
		Text: fmt.Sprintf("The quota of project %s does not hold it: %s. Of the %d domains planned for the project %d fit.",
			quoted(s.name), join3(short), s.planned, s.fit),
		Action: fmt.Sprintf("For all of them: openstack quota set %s %s", strings.Join(set, " "), s.ProjectID),
	}
}
