package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// Release takes back the adoptions that ChooseRelease chooses of a plan: rows
// first, then links. Domains that the journal knows are released as they were
// imported, whatever the plan says by now; others only where their rows carry
// this program's mark. Nothing is done to a domain that Nova has made anew: its
// link is the name it runs on.
func (i *Importer) Release(ctx context.Context, p plan.Plan, only plan.Filter) (Summary, error) {
	p, err := i.asImported(p, only)
	if err != nil {
		return Summary{}, fmt.Errorf("release: %w", err)
	}
	run := &runner{ledger: i.Journal, log: i.log(), steps: i.releaseSteps(newFilesOf(i.Hosts))}
	t := i.tally(p.Domains)
	var unanswered silence
	for _, g := range groups(p, p.Domains) {
		if ctx.Err() != nil {
			break
		}
		found, unread := readHosts(ctx, i.Hosts, g.reach(i))
		if err := i.checkRelease(ctx, g.items, found, unread); err != nil {
			return t.finish(), fmt.Errorf("release: %w", err)
		}
		i.probeCloud(ctx, g.items)
		t.note(g.items)
		for _, b := range batches(g.items) {
			err := i.releaseBatch(ctx, run, b)
			t.note(b)
			if err != nil {
				return t.finish(), fmt.Errorf("release: %w", err)
			}
		}
		if err := unanswered.after(g.items); err != nil {
			return t.finish(), fmt.Errorf("release: %w", err)
		}
	}
	if ctx.Err() != nil {
		return t.finish(), fmt.Errorf("release: %w: %w", ErrInterrupted, context.Cause(ctx))
	}
	left, err := i.dropShares(ctx, p.Domains, func(shareKey) bool { return true })
	t.warn(left)
	if err != nil {
		return t.finish(), fmt.Errorf("release: %w", err)
	}
	return t.finish(), nil
}

// releaseSteps are taken back from the last to the first.
func (i *Importer) releaseSteps(files *filesOf) []step {
	if i.Cloud == nil {
		return []step{records{i}, mappings{i}, directoryStep{files}, legacyStep{i}, finalStep{i}}
	}
	return []step{portsStep{i}, switchStep{i}, records{i}, mappings{i}, directoryStep{files}, bindStep{i}, allocationStep{i}, legacyStep{i}, finalStep{i}}
}

// asImported is the plan with only the chosen domains, each as the journal
// has it.
func (i *Importer) asImported(p plan.Plan, only plan.Filter) (plan.Plan, error) {
	q := ChooseRelease(p, i.Earlier, only).Plan
	hosts := map[string]bool{}
	for _, h := range p.Hosts {
		hosts[h.Name] = true
	}
	for n, d := range q.Domains {
		if a, ok := i.Earlier[d.UUID]; ok {
			s, err := readSnippet(a)
			if err != nil {
				return q, err
			}
			q.Domains[n] = s.Domain
			if !hosts[s.Host.Name] { // left out of the plan since
				hosts[s.Host.Name] = true
				q.Hosts = append(q.Hosts[:len(q.Hosts):len(q.Hosts)], s.Host)
			}
		}
	}
	return q, nil
}

// releaseBatch takes a batch back.
func (i *Importer) releaseBatch(ctx context.Context, run *runner, b batch) error {
	ctx = context.WithoutCancel(ctx) // A signal stops between batches.
	run.later = append(run.later, func(tx *journal.Tx) error { return tx.SetState(journal.StateReleasing, "", b.uuids()...) })
	defer directoryOf(run.steps).close()
	failed, fatal := run.backward(ctx, run.steps, b)
	for uuid, err := range failed {
		i.unreleased(ctx, b, uuid, err)
	}
	for _, it := range b.going() {
		if fatal != nil {
			it.end(Half, stepRelease, fatal)
		}
	}
	if fatal == nil {
		i.warnOfTraces(ctx, b.going())
	}
	for _, it := range b.going() {
		it.end(Released, "", nil)
	}
	run.later = append(run.later, released(b)...)
	return errors.Join(fatal, run.flush(ctx))
}

// unreleased tells a domain that Nova would not let go, and that is as it was,
// from one that is half out.
func (i *Importer) unreleased(ctx context.Context, b batch, uuid string, err error) {
	outcome := Half
	if errors.Is(err, nova.ErrInUse) {
		p, asked := i.Nova.Presence(ctx, []string{uuid})
		if asked == nil && mapped(p[uuid]) {
			outcome = Refused
		}
	}
	for _, it := range b {
		if it.uuid() == uuid {
			it.end(outcome, stepRelease, err)
		}
	}
}

// warnOfTraces looks whether anything of the instances is left in Nova.
func (i *Importer) warnOfTraces(ctx context.Context, b batch) {
	expected := make([]nova.Expect, len(b))
	byUUID := map[string]*item{}
	for n, it := range b {
		expected[n] = nova.Expect{UUID: it.uuid(), Absent: true}
		byUUID[it.uuid()] = it
	}
	found, err := i.Nova.Verify(ctx, expected)
	if err != nil {
		i.log().Warn("could not look for what is left in Nova", "err", err)
		return
	}
	for _, v := range found {
		byUUID[v.UUID].warnings = append(byUUID[v.UUID].warnings, v.String())
	}
	if i.Cloud == nil {
		return
	}
	// Somebody else may have healed an allocation for it.
	look, err := lookInCloud(ctx, i.Cloud, b)
	if err != nil {
		i.log().Warn("could not look for what is left in the cloud", "err", err)
		return
	}
	for _, it := range b {
		for _, f := range look.leftOf(it) {
			it.warnings = append(it.warnings, f.Text+": "+f.Action)
		}
	}
}

// released is what the journal says of a batch at the end of its release.
func released(b batch) (later []func(*journal.Tx) error) {
	var gone []string
	for _, it := range b {
		switch it.outcome {
		case Released:
			gone = append(gone, it.uuid())
		case Refused:
			later = append(later, func(tx *journal.Tx) error {
				return tx.SetState(it.earlier.State, it.result().Reason, it.uuid())
			})
		case Half:
			later = append(later, func(tx *journal.Tx) error {
				return tx.SetState(journal.StateReleasing, it.result().Reason, it.uuid())
			})
		}
	}
	return append(later, func(tx *journal.Tx) error { return tx.SetState(journal.StateReleased, "", gone...) })
}

// PlanOf makes a plan of what the journal has, for a release without the plan
// that was imported.
func PlanOf(adoptions []Adoption) (plan.Plan, error) {
	p := plan.Plan{Schema: plan.Schema}
	seen := map[string]bool{}
	for _, a := range adoptions {
		s, err := readSnippet(a)
		if err != nil {
			return p, err
		}
		p.Made.InstancesPath = s.InstancesPath
		p.Domains = append(p.Domains, s.Domain)
		if !seen[s.Host.Name] {
			seen[s.Host.Name] = true
			p.Hosts = append(p.Hosts, s.Host)
		}
	}
	return p, nil
}
