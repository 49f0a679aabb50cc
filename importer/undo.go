package importer

import (
	"context"
	"errors"
	"slices"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// backward takes steps back, the last one first. A domain that cannot be taken
// back at one step keeps the earlier ones, so that a rerun finds it as it is.
func (r *runner) backward(ctx context.Context, steps []step, b batch) (failed perDomain, fatal error) {
	failed = perDomain{}
	for _, s := range slices.Backward(steps) {
		b = b.without(failed.set())
		if len(b) == 0 {
			break
		}
		now, fatal := r.takeBack(ctx, s, b)
		if fatal != nil {
			return failed, fatal
		}
		for uuid, err := range now {
			failed[uuid] = err
		}
	}
	return failed, nil
}

func (r *runner) takeBack(ctx context.Context, s step, b batch) (failed perDomain, fatal error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	if l, ok := s.(looker); ok {
		if err := l.look(ctx, b); err != nil {
			return b.all(err), nil
		}
	}
	plans, err := b.learned()
	if err != nil {
		return nil, errFatal{err, true}
	}
	r.later = append(r.later, func(tx *journal.Tx) error {
		return errors.Join(tx.SetPlans(plans), tx.BeginUndo(s.name(), b.uuids()...))
	})
	if err := r.flush(ctx); err != nil {
		return nil, err
	}
	err = s.undo(ctx, b)
	switch {
	case errors.Is(err, nova.ErrLockLost):
		return nil, errFatal{error: err}
	case err != nil && !errors.As(err, &failed):
		failed = b.all(err)
	}
	undone := b.without(failed.set())
	names := append([]string{s.name()}, undoneWith[s.name()]...)
	for _, it := range undone {
		r.log.Info("step taken back", "host", it.planned.Host, "domain", it.planned.Domain, "uuid", it.uuid(), "step", s.name())
	}
	r.later = append(r.later, func(tx *journal.Tx) (err error) {
		for _, name := range names {
			err = errors.Join(err, tx.EndUndo(name, undone.uuids()...))
		}
		return err
	})
	return failed, nil
}

// A looker is a step that has to find out what there is before it takes any of
// it back, so that the journal has it when the undo is stopped in the middle.
type looker interface {
	look(ctx context.Context, b batch) error
}

// undoneWith are the steps of which nothing is left when another is taken back:
// rows are removed all at once.
var undoneWith = map[string][]string{
	stepFinal:    {stepUnlock, stepVerify, stepMappings, stepRecords},
	stepMappings: {stepRecords},
}

// set are the UUIDs that failed.
func (p perDomain) set() map[string]bool {
	m := make(map[string]bool, len(p))
	for uuid := range p {
		m[uuid] = true
	}
	return m
}
