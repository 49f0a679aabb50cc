package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// unlinkLegacy removes the legacy names of renamed domains' disks. It is asked
// twice, for nothing leads back from it.
func (o *renameOptions) unlinkLegacy(ctx context.Context, a *app, c config, p plan.Plan) error {
	known, err := c.adoptions(ctx)
	if err != nil {
		return err
	}
	work := sortOutRenamed(p, known)
	if len(work.todo) == 0 {
		if len(work.settled()) == 0 {
			return refused(errors.New("the plan has no domain with \"decision: import\""))
		}
		return a.concludeRestart(o.output, work.settled())
	}
	n := plural(len(work.todo), "renamed domain", "renamed domains")
	for _, question := range []string{
		fmt.Sprintf("remove the legacy names of the disks of %s (guests keep running)", n),
		"from then on a delete in Nova takes the data with it, and release makes the old names anew instead of finding them. Really",
	} {
		if err := a.confirm(ctx, o.yes, question); err != nil {
			return err
		}
	}
	ch, err := a.openChange(ctx, c, p, cloudSide{})
	if err != nil {
		return err
	}
	work = sortOutRenamed(p, slices.Collect(maps.Values(ch.Earlier)))
	results, runErr := ch.finalizeAll(ctx, a, c, p, work.todo)
	all := slices.Concat(results, work.settled())
	err = errors.Join(runErr, ch.close(ctx, report.RestartCounts(all)))
	printErr := a.concludeRestart(o.output, all)
	if err != nil {
		return statusError{status: max(restartStatus(all), exitBlocked), err: err}
	}
	return printErr
}

// sortOutRenamed is sortOut for what comes after a restart.
func sortOutRenamed(p plan.Plan, adoptions []journal.Adoption) renameWork {
	w := sortOut(p, adoptions, false)
	todo, done := w.todo, w.done
	w.todo, w.done = nil, nil
	for _, d := range p.Domains {
		if d.Decision == plan.Import && w.states[d.UUID] == journal.StateRenamed {
			w.todo = append(w.todo, d)
		}
	}
	for _, r := range done {
		if w.states[r.UUID] == journal.StateFinalized {
			w.done = append(w.done, r)
		}
	}
	for _, d := range todo {
		w.refused = append(w.refused, restart.Result{
			Host: d.Host, Domain: d.Domain, UUID: d.UUID, DisplayName: d.DisplayName, Outcome: restart.Refused,
			Reason: fmt.Sprintf("its restart has not come to its end (%s); kvm2openstack rename PLAN comes first", w.states[d.UUID]),
		})
	}
	return w
}

// finalizeAll goes through the domains one by one; nobody waits for it.
func (ch *change) finalizeAll(ctx context.Context, a *app, c config, p plan.Plan, domains []plan.Domain) ([]restart.Result, error) {
	list, err := ch.jobs(ctx, p, domains)
	if err != nil {
		return nil, err
	}
	hosts := c.restartHosts(a.log())
	defer hosts.Close()
	r := ch.restarter(restarting{config: c, view: newRestartView(a)}, hosts)
	var results []restart.Result
	for _, j := range list {
		if ctx.Err() != nil {
			results = append(results, restart.Result{
				Host: j.Plan.Host, Domain: j.Plan.Domain, UUID: j.Plan.UUID, Outcome: restart.NotTried, Reason: "the run was stopped",
			})
			continue
		}
		results = append(results, r.Finalize(context.WithoutCancel(ctx), j))
	}
	return results, nil
}
