package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A Cure is what can be set right of an adoption that is complete. Its text is
// what the configuration calls it.
type Cure string

// The cures. None of them touches the guest or its host.
const (
	// CurePower records what the domain does, where Nova's power sync would
	// take it for something else and power it off.
	CurePower Cure = "power"
	// CureSizes records what has grown: disks, memory, vCPUs.
	CureSizes Cure = "sizes"
	// CurePorts makes ports anew that were deleted, and binds those that are not
	// bound to the instance's host.
	CurePorts Cure = "ports"
	// CureInfoCache writes what Neutron says of the ports into Nova's info cache.
	CureInfoCache Cure = "info_cache"
	// CureAllocations allocates what the instance takes of its host.
	CureAllocations Cure = "allocations"
)

// Cures are all of them, in the order in which Heal goes: a size is allocated
// after it was recorded, and a port is cached after it was bound.
var Cures = []Cure{CurePower, CureSizes, CurePorts, CureInfoCache, CureAllocations}

// An Ailment is an adoption of which one thing is to be set right.
type Ailment struct {
	Adoption Adoption
	Cure     Cure
	Host     discover.Host   // that has the domain
	Compute  nova.Compute    // where Nova has the instance: the same host
	Domain   discover.Domain // as it was read
	Grown    *plan.Domain    // for CureSizes, as it would be planned now
}

// Why something is not set right.
var (
	// ErrNotMine: what has to be changed is somebody else's by now.
	ErrNotMine = errors.New("it is not for sync to change")
	// ErrShrunk: a size that is recorded is larger than what is there.
	ErrShrunk = errors.New("something of it has become smaller")
)

// Heal sets ailments right, each as a step in the journal: its intent before,
// its end after. Every step asks the world whether it is done, and right before
// it changes anything whether it still may, so that a run that was killed is
// completed by the next. What became of each is in the summary, in the order
// of Cures; the error is one that ended the run early.
//
// Nothing is taken back when a step fails: what was recorded before was wrong
// already, and the next comparison says what is left.
func (i *Importer) Heal(ctx context.Context, ailments []Ailment) (Summary, error) {
	var all batch
	run := &runner{ledger: i.Journal, log: i.log()}
	var fatal error
	for _, c := range Cures {
		b, err := i.ailing(ailments, c)
		if err != nil {
			return Summary{}, fmt.Errorf("heal: %w", err)
		}
		all = append(all, b...)
		if fatal == nil && ctx.Err() == nil {
			fatal = run.heal(ctx, i.cure(c), b.going())
		}
		for _, it := range b.going() {
			it.end(NotTried, curePrefix+string(c), nil)
		}
	}
	fatal = errors.Join(fatal, run.flush(context.WithoutCancel(ctx)))
	s := Summary{Results: make([]Result, len(all))}
	for n, it := range all {
		s.Results[n] = it.result()
	}
	if fatal == nil && ctx.Err() != nil {
		fatal = fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
	}
	if fatal != nil {
		return s, fmt.Errorf("heal: %w", fatal)
	}
	return s, nil
}

// ailing are the items of one cure.
func (i *Importer) ailing(ailments []Ailment, c Cure) (b batch, err error) {
	for _, a := range ailments {
		if a.Cure != c {
			continue
		}
		s, err := readSnippet(a.Adoption)
		if err != nil {
			return nil, err
		}
		it := &item{planned: s.Domain, place: s.Host, host: a.Host, compute: a.Compute, grown: a.Grown, now: a.Domain, stage: nova.Finished, noted: true}
		it.remember(a.Adoption)
		it.id.Name = a.Adoption.InstanceName
		it.side.world = plan.World{Host: s.Host, Compute: a.Compute, Cloud: i.Snapshot, Now: i.now()}
		if !stands(a.Adoption) {
			it.end(Refused, curePrefix+string(c), fmt.Errorf("%w: its adoption is %s", ErrNotMine, a.Adoption.State))
		}
		b = append(b, it)
	}
	return b, nil
}

func (i *Importer) cure(c Cure) step {
	switch c {
	case CurePower:
		return powerCure{i}
	case CureSizes:
		return sizesCure{i}
	case CurePorts:
		return portsCure{i}
	case CureInfoCache:
		return cacheCure{portsCure{i}}
	}
	return allocationCure{i}
}

// CureOf is the cure that a result of Heal is about.
func CureOf(r Result) Cure { return Cure(strings.TrimPrefix(r.Step, curePrefix)) }

// curePrefix keeps these steps apart from those of an import in the journal.
const curePrefix = "sync/"

// heal does one step for those of a batch for which it is not done, and takes
// nothing back.
func (r *runner) heal(ctx context.Context, s step, b batch) error {
	if len(b) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	done, err := s.done(ctx, b)
	if ask := (errAsk{}); errors.As(err, &ask) {
		for _, it := range b {
			it.end(NotTried, s.name(), err)
		}
		return nil
	}
	if err != nil {
		return errFatal{fmt.Errorf("find out what is done of %s: %w", s.name(), err), true}
	}
	todo := b.without(done)
	for _, it := range b {
		if !slices.Contains(todo, it) {
			it.end(Already, s.name(), nil)
		}
	}
	if len(todo) == 0 {
		return nil
	}
	if err := r.begin(ctx, s, todo); err != nil {
		return err // no intent on disk, no change in the world
	}
	failed, fatal := r.attempt(ctx, s, todo)
	if err := r.ended(s, todo, failed); err != nil && fatal == nil {
		fatal = errFatal{error: err}
	}
	for _, it := range todo {
		switch err := failed[it.uuid()]; {
		case err != nil:
			it.end(NotHealed, s.name(), err)
		case fatal == nil:
			it.end(Healed, s.name(), nil)
		}
	}
	return errors.Join(fatal, r.flush(ctx))
}

// rows reads Nova's rows of a batch, by UUID.
func (i *Importer) rows(ctx context.Context, b batch) (map[string]nova.Server, error) {
	all, err := i.Nova.Servers(ctx, b.uuids())
	if err != nil {
		return nil, fmt.Errorf("read instances: %w", err)
	}
	m := make(map[string]nova.Server, len(all))
	for _, s := range all {
		m[s.UUID] = s
	}
	return m, nil
}

// idle says why an instance is none that may be changed: the last look before
// a change, for the host was read a while ago.
func (it *item) idle(row nova.Server, there bool) error {
	switch {
	case !there:
		return ErrUnknown
	case row.Host != it.compute.Host:
		return fmt.Errorf("%w: on %q, and its domain on %q", ErrMoved, row.Host, it.compute.Host)
	case row.TaskState != "":
		return fmt.Errorf("%w: its task is %s", nova.ErrBusy, row.TaskState)
	case row.VMState == "resized":
		return fmt.Errorf("%w: a resize has not been confirmed", nova.ErrBusy)
	}
	return nil
}
