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

// restart opens all that restarts need, does them, and prints what became of
// them.
func (a *app) restart(ctx context.Context, c config, p plan.Plan, r restarts, output string) error {
	view := newRestartView(a)
	side, err := c.openPorts(ctx, a)
	if err != nil {
		return err
	}
	ch, err := view.app(a).openChange(ctx, c, p, side)
	if err != nil {
		return err
	}
	// What the journal said before the lock was taken may be old by now.
	work := sortOut(p, slices.Collect(maps.Values(ch.Earlier)), r.swap)
	results, runErr := ch.restartAll(ctx, a, restarting{restarts: r, config: c, view: view, side: side}, p, work)
	all := slices.Concat(results, work.settled())
	err = errors.Join(runErr, ch.close(ctx, report.RestartCounts(all)))
	printErr := a.concludeRestart(output, all)
	if err != nil {
		return statusError{status: max(restartStatus(all), exitBlocked), err: err}
	}
	return printErr
}

// openPorts opens what tells how Neutron has bound ports: its API, the file
// with its answers, or nothing.
func (c config) openPorts(ctx context.Context, a *app) (cloudSide, error) {
	if c.CloudFile != "" {
		return c.readCloud(ctx, a)
	}
	return c.openCloud(ctx, a)
}

// A restarting is a run of restarts with all that it was told.
type restarting struct {
	restarts
	config config
	view   *restartView
	side   cloudSide
	back   bool // to what the domains were before
}

// restartAll restarts what there is to do, one wave after the other.
func (ch *change) restartAll(ctx context.Context, a *app, run restarting, p plan.Plan, work renameWork) ([]restart.Result, error) {
	tasks, ordered := restart.Tasks(work.todo, run.groupBy, work.isBegun)
	jobs, err := ch.jobs(ctx, p, ordered)
	if err != nil {
		return untried(tasks, err), err
	}
	if err := ch.measured(ctx, &run.limits.Expect); err != nil {
		return untried(tasks, err), err
	}
	log := run.view.app(a).log()
	hosts := run.config.restartHosts(log)
	defer hosts.Close()
	r := ch.restarter(run, hosts)
	one := func(ctx context.Context, n int) restart.Result {
		switch {
		case run.back:
			return r.Back(ctx, jobs[n], run.options)
		case isRenamed(jobs[n].Adoption.State):
			return r.Swap(ctx, jobs[n], run.options)
		}
		return r.Forward(ctx, jobs[n], run.options)
	}
	control := &restart.Control{}
	defer steer(control, run.view.say)()
	defer run.view.show(len(tasks))()
	s := restart.Schedule{
		Limits: run.limits, Control: control, Log: log,
		Notify: func(e restart.Event) { run.view.event(tasks, e) },
	}
	return s.Run(ctx, tasks, one), nil
}

// untried are the results of a run that did not get to its domains.
func untried(tasks []restart.Task, why error) []restart.Result {
	results := make([]restart.Result, len(tasks))
	for n, t := range tasks {
		results[n] = restart.Result{Host: t.Host, Domain: t.Domain, UUID: t.UUID, Outcome: restart.NotTried, Reason: why.Error()}
		if t.Begun {
			results[n].Outcome = restart.Half
		}
	}
	return results
}

// jobs are the domains with all that a restart of each needs to know.
func (ch *change) jobs(ctx context.Context, p plan.Plan, domains []plan.Domain) ([]restart.Job, error) {
	return jobs(ctx, ch.db, p, domains, ch.Earlier, ch.Reach)
}

// concludeRestart prints what became of every domain.
func (a *app) concludeRestart(output string, results []restart.Result) error {
	report.SortRestarts(results)
	if output == "json" {
		if err := report.RestartJSON(a.out, results); err != nil {
			return err
		}
		return status(restartStatus(results))
	}
	report.RestartTable(a.out, results, a.style())
	said := map[string]bool{}
	for _, r := range results {
		if text := advice(r.Err); text != "" && !said[text] {
			said[text] = true
			fmt.Fprintf(a.out, "try: %s\n", text)
		}
	}
	return status(restartStatus(results))
}

// measured adds to the estimate what earlier runs took.
func (ch *change) measured(ctx context.Context, e *restart.Estimate) error {
	var uuids []string
	for uuid, a := range ch.Earlier {
		if a.State == journal.StateRenamed || a.State == journal.StateFinalized {
			uuids = append(uuids, uuid)
		}
	}
	steps, err := ch.record.Steps(ctx, uuids...)
	if err != nil {
		return err
	}
	e.Add(restart.Measured(steps)...)
	return nil
}
