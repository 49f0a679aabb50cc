package sync

import (
	"context"
	"fmt"
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// cures sets right what has drifted of complete adoptions.
func (a *act) cures(ctx context.Context) error {
	var ailments []importer.Ailment
	for _, c := range importer.Cures {
		for _, d := range a.of(by(c)) {
			one, err := a.ailment(ctx, d, c)
			if err != nil {
				a.note(d, err.Error(), false, true)
				continue
			}
			ailments = append(ailments, one)
		}
	}
	ailments = append(ailments, a.reallocate(ailments)...)
	if len(ailments) == 0 {
		return nil
	}
	s, err := a.Importer.Heal(ctx, ailments)
	a.took(func(r importer.Result) Remedy { return by(importer.CureOf(r)) }, s)
	return err
}

func (a *act) ailment(ctx context.Context, d Drift, c importer.Cure) (importer.Ailment, error) {
	now, _ := a.here(d)
	one := importer.Ailment{Adoption: a.Importer.Earlier[d.UUID], Cure: c, Host: a.host, Compute: a.now.look.Compute, Domain: now}
	if c != importer.CureSizes {
		return one, nil
	}
	grown, err := a.grown(ctx, now)
	one.Grown = &grown
	return one, err
}

// reallocate has those that have grown allocated anew, where the policy allows
// that: the difference comes with the new size.
func (a *act) reallocate(ailments []importer.Ailment) (more []importer.Ailment) {
	if !slices.Contains(a.Policy.Heal, by(importer.CureAllocations)) || a.Runner.Cloud == nil {
		return nil
	}
	for _, one := range ailments {
		already := slices.ContainsFunc(ailments, func(x importer.Ailment) bool {
			return x.Adoption.UUID == one.Adoption.UUID && x.Cure == importer.CureAllocations
		})
		if one.Cure == importer.CureSizes && !already {
			one.Cure = importer.CureAllocations
			more = append(more, one)
		}
	}
	return more
}

// grown is a domain as it would be planned now.
func (a *act) grown(ctx context.Context, d discover.Domain) (plan.Domain, error) {
	in := a.Audit
	in.Hosts, in.Keep = []discover.Host{a.host}, func(x discover.Domain) bool { return x.UUID == d.UUID }
	in.Nova = unadopted{a.known.nova}
	here := a.now.look.Inventory
	here.Domains = slices.Clone(here.Domains)
	in.Source = func(yield func(discover.Inventory) bool) { yield(here) }
	report, err := audit.Run(ctx, in)
	if err != nil {
		return plan.Domain{}, err
	}
	p, err := a.Plan(ctx, report)
	if err != nil {
		return plan.Domain{}, err
	}
	for _, planned := range p.Domains {
		if planned.UUID == d.UUID && planned.Flavor.Name != "" {
			return planned, nil
		}
	}
	return plan.Domain{}, fmt.Errorf("%w: no flavor could be chosen for it", importer.ErrNotPlanned)
}

// unadopted records know no instance: a domain is planned as if it were new.
type unadopted struct{ *onceRecords }

func (unadopted) Presence(context.Context, []string) (map[string]nova.Presence, error) {
	return nil, nil
}
