package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// Import carries out the chosen domains of a plan. What became of each is in
// the summary, in the order in which they were done; the error is one that
// ended the run early, and then the rest is NotTried. Cancelling ctx ends it
// between two steps.
func (i *Importer) Import(ctx context.Context, p plan.Plan, only plan.Filter) (Summary, error) {
	if i.Cloud != nil && (i.Snapshot == nil || !i.Snapshot.Live) {
		return Summary{}, errors.New("import: the cloud's APIs are to be used, and its networks were not read from them")
	}
	domains := chosen(p, only)
	t := i.tally(domains)
	shared, err := i.makeShares(ctx, domains)
	if err != nil {
		return t.finish(), fmt.Errorf("import: %w", err)
	}
	known, err := i.knownWith(ctx, shared)
	if err != nil {
		return t.finish(), fmt.Errorf("import: %w", err)
	}
	run := &runner{ledger: i.Journal, log: i.log(), steps: i.steps(newFilesOf(i.Hosts), known)}
	check := i.checker(known, shared)
	var unanswered silence
	for _, g := range groups(p, domains) {
		if err := i.importGroup(ctx, run, check, g, t); err != nil {
			return t.finish(), fmt.Errorf("import: %w", err)
		}
		if ctx.Err() != nil {
			return t.finish(), fmt.Errorf("import: %w: %w", ErrInterrupted, context.Cause(ctx))
		}
		if err := unanswered.after(g.items); err != nil {
			return t.finish(), fmt.Errorf("import: %w", err)
		}
	}
	// Nothing is kept of what no domain came to use.
	left, err := i.dropShares(ctx, domains, func(k shareKey) bool { return shared.made[k] })
	t.warn(left)
	if err != nil {
		return t.finish(), fmt.Errorf("import: %w", err)
	}
	return t.finish(), nil
}

func (i *Importer) checker(k known, s shares) checker {
	c := checker{nova: i.Nova, known: k, earlier: i.Earlier, shared: s}
	c.world = plan.World{Cloud: i.Snapshot, RequestID: i.RequestID, Now: i.now()}
	if i.Cloud != nil {
		c.cloud = i.Cloud
	}
	return c
}

// steps of an import, in their order. Ports come first, for the records name
// them, and are bound when the disks are where Nova looks for them.
func (i *Importer) steps(files *filesOf, k known) []step {
	before, after := []step{records{i}, mappings{i}, directoryStep{files}}, []step{finalStep{i}, verifyStep{i, k.flavors}, unlockStep{i}}
	if i.Cloud == nil {
		return append(before, after...)
	}
	return slices.Concat([]step{portsStep{i}}, before, []step{bindStep{i}, allocationStep{i}}, after)
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
	files := directoryOf(run.steps)
	defer files.close()
	if ctx.Err() == nil { // Otherwise forward ends them.
		files.dropFormer(ctx, b)
	}
	fatal := run.forward(ctx, b)
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

// warn adds what is about no single domain to the last one.
func (t *tally) warn(texts []string) {
	if len(texts) == 0 || len(t.order) == 0 {
		return
	}
	last := t.order[len(t.order)-1]
	r := t.results[last]
	r.Warnings = slices.Concat(r.Warnings, texts)
	t.results[last] = r
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
