package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// renameWork is what there is to do of a plan, by what the journal knows.
type renameWork struct {
	todo    []plan.Domain
	states  map[string]journal.State
	done    []restart.Result // renamed already
	refused []restart.Result
}

// sortOut tells the domains that can be restarted from those that are through,
// or not imported. With swap those that are through are restarted once more, for
// other interfaces.
func sortOut(p plan.Plan, adoptions []journal.Adoption, swap bool) renameWork {
	w := renameWork{states: map[string]journal.State{}}
	known := map[string]journal.Adoption{}
	for _, a := range adoptions {
		known[a.UUID] = a
		w.states[a.UUID] = a.State
	}
	for _, d := range p.Domains {
		if d.Decision != plan.Import {
			continue
		}
		r := restart.Result{Host: d.Host, Domain: d.Domain, UUID: d.UUID, DisplayName: d.DisplayName, InstanceName: known[d.UUID].InstanceName}
		switch w.states[d.UUID] {
		case journal.StateImported, journal.StateRenaming, journal.StateReturning, journal.StateSwapping:
			w.todo = append(w.todo, d)
		case journal.StateRenamed, journal.StateFinalized:
			if swap {
				w.todo = append(w.todo, d)
				continue
			}
			r.Outcome = restart.Already
			w.done = append(w.done, r)
		default:
			r.Outcome, r.Reason = restart.Refused, notImported(w.states[d.UUID])
			w.refused = append(w.refused, r)
		}
	}
	return w
}

func notImported(s journal.State) string {
	switch s {
	case "", journal.StateReleased, journal.StateFailed:
		return "it is not imported; kvm2openstack import PLAN comes first"
	}
	return fmt.Sprintf("its import has not come to its end (%s); kvm2openstack import PLAN comes first", s)
}

// isBegun: an earlier run has begun to restart it, and its guest may be off.
func (w renameWork) isBegun(d plan.Domain) bool {
	s := w.states[d.UUID]
	return s == journal.StateRenaming || s == journal.StateReturning || s == journal.StateSwapping
}

// isRenamed: it has Nova's name, and is restarted for its interfaces alone.
func isRenamed(s journal.State) bool {
	return s == journal.StateRenamed || s == journal.StateFinalized || s == journal.StateSwapping
}

func (w renameWork) begun() (some []plan.Domain) {
	for _, d := range w.todo {
		if w.isBegun(d) {
			some = append(some, d)
		}
	}
	return some
}

// swaps are those that were renamed before.
func (w renameWork) swaps() (some []plan.Domain) {
	for _, d := range w.todo {
		if isRenamed(w.states[d.UUID]) {
			some = append(some, d)
		}
	}
	return some
}

// settled are the results of those that need no restart.
func (w renameWork) settled() []restart.Result { return slices.Concat(w.done, w.refused) }

// roughly says a duration as a person would.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

// restartStatus is the exit status of a run of restarts.
func restartStatus(results []restart.Result) (code int) {
	for _, r := range results {
		code = max(code, statusOf(r))
	}
	return code
}

func statusOf(r restart.Result) int {
	switch r.Outcome {
	case restart.Half:
		return exitPerson
	case restart.RolledBack:
		return exitUndone
	case restart.Refused:
		return exitBlocked
	case restart.NotTried:
		return exitAttention
	}
	if len(r.Warnings) > 0 {
		return exitAttention
	}
	return exitClean
}
