package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// Import carries out the chosen domains of a plan. What became of each is in
// the summary, in the order in which they were done; the error is one that
// ended the run early, and then the rest is NotTried. Cancelling ctx ends it
// between two steps.
func (i *Importer) Import(ctx context.Context, p plan.Plan, only plan.Filter) (Summary, error) {
	known, err := readKnown(ctx, i.Nova)
	if err != nil {
		return Summary{}, fmt.Errorf("import: %w", err)
	}
	files := newFilesOf(i.Hosts)
	run := &runner{ledger: i.Journal, log: i.log(), steps: i.steps(files, known)}
	world := plan.World{Cloud: i.Snapshot, RequestID: i.RequestID, Now: i.now()}
	check := newChecker(i.Nova, known, world, i.Earlier)
	t := i.tally(chosen(p, only))
	for _, g := range groups(p, chosen(p, only)) {
		if err := i.importGroup(ctx, run, check, g, t); err != nil {
			return t.finish(), fmt.Errorf("import: %w", err)
		}
		if ctx.Err() != nil {
			return t.finish(), fmt.Errorf("import: %w: %w", ErrInterrupted, context.Cause(ctx))
		}
	}
	return t.finish(), nil
}

// steps of an import, in their order.
func (i *Importer) steps(files *filesOf, k known) []step {
	return []step{records{i}, mappings{i}, directoryStep{files}, finalStep{i}, verifyStep{i, k.flavors}, unlockStep{i}}
}

// importGroup reads some hosts and takes their domains through the steps.
func (i *Importer) importGroup(ctx context.Context, run *runner, check checker, g group, t *tally) error {
	found, unread := readHosts(ctx, i.Hosts, g.reach(i))
	if ctx.Err() != nil {
		return nil // Nothing was begun; Import says that it was interrupted.
	}
	if err := check.check(ctx, g.items, found, unread); err != nil {
		return err
	}
	found = nil // Definitions are in the items now.
	checkFiles(ctx, i.Hosts, g.items.unfinished())
	t.note(g.items)
	var fatal error
	for _, b := range batches(g.items) {
		fatal = i.importBatch(ctx, run, b)
		t.note(b)
		if fatal != nil || ctx.Err() != nil {
			break
		}
	}
	return fatal
}

func (i *Importer) importBatch(ctx context.Context, run *runner, b batch) error {
	fatal := run.forward(ctx, b)
	for _, s := range run.steps {
		if d, ok := s.(directoryStep); ok {
			d.close()
		}
	}
	run.later = append(run.later, states(b)...)
	return errors.Join(fatal, run.flush(context.WithoutCancel(ctx)))
}

// states is what the journal says of a batch at its end: one statement for
// all that went well, and one for each that did not.
func states(b batch) (later []func(*journal.Tx) error) {
	var imported []string
	for _, it := range b {
		var state journal.State
		switch it.outcome {
		case Imported:
			imported = append(imported, it.uuid())
			continue
		case RolledBack:
			state = journal.StateFailed
		case Half:
			state = journal.StateHalf
		default:
			continue
		}
		later = append(later, func(tx *journal.Tx) error { return tx.SetState(state, it.result().Reason, it.uuid()) })
	}
	return append(later, func(tx *journal.Tx) error { return tx.SetState(journal.StateImported, "", imported...) })
}

// reach is how the group's hosts are reached, for the items too.
func (g group) reach(i *Importer) []discover.Host {
	byName := map[string]discover.Host{}
	hosts := make([]discover.Host, len(g.hosts))
	for n, h := range g.hosts {
		hosts[n] = i.reach(h)
		byName[h.Name] = hosts[n]
	}
	for _, it := range g.items {
		it.host = byName[it.place.Name]
	}
	return hosts
}

// A tally gathers results. Every chosen domain gets exactly one.
type tally struct {
	domains  []plan.Domain
	results  map[string]Result
	order    []string
	progress func(Progress)
}

func (i *Importer) tally(domains []plan.Domain) *tally {
	return &tally{domains: domains, results: make(map[string]Result, len(domains)), progress: i.Progress}
}

// note takes down the items that are through.
func (t *tally) note(items batch) {
	for _, it := range items {
		if _, seen := t.results[it.uuid()]; seen || it.outcome == "" {
			continue
		}
		r := it.result()
		t.results[it.uuid()] = r
		t.order = append(t.order, it.uuid())
		if t.progress != nil {
			t.progress(Progress{Done: len(t.order), Total: len(t.domains), Result: r})
		}
	}
}

func (t *tally) finish() Summary {
	s := Summary{Results: make([]Result, 0, len(t.domains))}
	for _, uuid := range t.order {
		s.Results = append(s.Results, t.results[uuid])
	}
	for _, d := range t.domains {
		if _, seen := t.results[d.UUID]; !seen {
			s.Results = append(s.Results, Result{Host: d.Host, Domain: d.Domain, UUID: d.UUID, DisplayName: d.DisplayName, Outcome: NotTried})
		}
	}
	return s
}
