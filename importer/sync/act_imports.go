package sync

import (
	"context"
	"maps"
	"slices"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// vanished takes the records of domains out that are gone for good.
func (a *act) vanished(ctx context.Context) error {
	some := a.of(ByRelease)
	if len(some) == 0 {
		return nil
	}
	a.Importer.Vanished = map[string]bool{}
	var adoptions []importer.Adoption
	for _, d := range some {
		a.Importer.Vanished[d.UUID] = true
		adoptions = append(adoptions, a.Importer.Earlier[d.UUID])
	}
	p, err := importer.PlanOf(adoptions)
	if err != nil {
		return err
	}
	s, err := a.Importer.Release(ctx, p, plan.Filter{})
	a.took(always(ByRelease), s)
	return err
}

// unfinished goes on with imports that a run has left half done, if they are of
// domains that may be imported without asking anybody.
func (a *act) unfinished(ctx context.Context) error {
	var adoptions []importer.Adoption
	for _, d := range a.of(ByFinish) {
		if now, there := a.here(d); there && (slices.Contains(a.Policy.Heal, ByFinish) || a.Policy.imports(now)) {
			adoptions = append(adoptions, a.Importer.Earlier[d.UUID])
		}
	}
	if len(adoptions) == 0 {
		return nil
	}
	p, err := importer.PlanOf(adoptions)
	if err != nil {
		return err
	}
	s, err := a.Importer.Import(ctx, p, plan.Filter{})
	a.took(always(ByFinish), s)
	return err
}

// imports adopts new domains that are ready and that the policy names.
func (a *act) imports(ctx context.Context) error {
	wanted := map[string]Drift{}
	for _, d := range a.of(ByImport) {
		if now, there := a.here(d); there && a.Policy.imports(now) {
			wanted[d.UUID] = d
		}
	}
	if len(wanted) == 0 || a.now.report == nil {
		return nil
	}
	p, err := a.Plan(ctx, *a.now.report)
	if err != nil {
		return err
	}
	p.Domains = slices.DeleteFunc(p.Domains, func(d plan.Domain) bool {
		_, is := wanted[d.UUID]
		return !is || d.Decision != plan.Import
	})
	for _, d := range p.Domains {
		delete(wanted, d.UUID)
	}
	for _, uuid := range slices.Sorted(maps.Keys(wanted)) {
		a.note(wanted[uuid], "its plan says skip: kvm2openstack plan says why", false, true)
	}
	if len(p.Domains) == 0 {
		return nil
	}
	s, err := a.Importer.Import(ctx, p, plan.Filter{})
	a.took(always(ByImport), s)
	return err
}
