package main

import (
	"context"
	"maps"
	"slices"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// toReturn are the domains of a plan that were restarted under Nova's name, or
// were about to be: a release has to bring them back first.
func toReturn(p plan.Plan, adoptions []journal.Adoption) renameWork {
	w := renameWork{states: map[string]journal.State{}}
	for _, a := range adoptions {
		w.states[a.UUID] = a.State
	}
	for _, d := range p.Domains {
		switch w.states[d.UUID] {
		case journal.StateRenaming, journal.StateRenamed, journal.StateReturning, journal.StateFinalized, journal.StateSwapping:
			w.todo = append(w.todo, d)
		}
	}
	return w
}

// bringBack restarts the renamed domains of a plan as they were. What is left
// of the plan can be released: all but those that could not be brought back.
func (ch *change) bringBack(ctx context.Context, a *app, run restarting, p plan.Plan) (back []restart.Result, left plan.Plan, err error) {
	work := toReturn(p, slices.Collect(maps.Values(ch.Earlier)))
	if len(work.todo) == 0 {
		return nil, p, nil
	}
	if back, err = ch.restartAll(ctx, a, run, p, work); err != nil {
		return back, p, err
	}
	stay := map[string]bool{}
	for _, r := range back {
		stay[r.UUID] = r.Outcome != restart.Returned && r.Outcome != restart.Already
	}
	left = p
	left.Domains = nil
	for _, d := range p.Domains {
		if !stay[d.UUID] {
			left.Domains = append(left.Domains, d)
		}
	}
	// They are imported ones again, and nothing else.
	adoptions, err := ch.journal.Adoptions(ctx)
	ch.Earlier = importer.Earlier(adoptions)
	return back, left, err
}
