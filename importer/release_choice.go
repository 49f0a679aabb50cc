package importer

import (
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// A ReleaseChoice is what a release of a plan takes out.
type ReleaseChoice struct {
	Plan  plan.Plan // with these domains alone, as the plan has them
	Known int       // how many of them the journal has in Nova, in part or whole; the records of others have to carry this program's mark
	Stay  int       // how many more of the plan the journal has in Nova, but Nova had them before the plan was made
}

// ChooseRelease chooses the domains of a plan that a release of it takes out:
// those that it imports, and those of which somebody wrote "skip" after their
// import. A domain that the plan skips because Nova had it already is what
// another plan imported; it goes only if the filter names it.
func ChooseRelease(p plan.Plan, earlier map[string]Adoption, only plan.Filter) ReleaseChoice {
	c := ReleaseChoice{Plan: p}
	c.Plan.Domains = nil
	for _, d := range p.Domains {
		a, ok := earlier[d.UUID]
		if !only.Match(d) || !ok && d.Decision != plan.Import {
			continue
		}
		in := ok && inNova(a.State)
		if d.Decision != plan.Import && d.Verdict() == check.VerdictManaged && !only.Names(d) {
			if in {
				c.Stay++
			}
			continue
		}
		if in {
			c.Known++
		}
		c.Plan.Domains = append(c.Plan.Domains, d)
	}
	return c
}

// inNova: a run has begun to import it, and none has released it to the end.
func inNova(s journal.State) bool {
	switch s {
	case "", journal.StateReleased, journal.StateFailed:
		return false
	}
	return true
}
