package importer

import (
	"context"
	"errors"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// begin writes the intent, and with it the end of the step before.
func (r *runner) begin(ctx context.Context, s step, todo batch) error {
	var adoptions []journal.Adoption
	for _, it := range todo {
		if it.noted {
			continue
		}
		a, err := it.adoption()
		if err != nil {
			return errFatal{err, true}
		}
		adoptions = append(adoptions, a)
	}
	r.later = append(r.later, func(tx *journal.Tx) error {
		return errors.Join(tx.Adopt(adoptions), tx.Begin(s.name(), todo.uuids()...))
	})
	if err := r.flush(ctx); err != nil {
		return err
	}
	for _, it := range todo {
		it.side.learned = it.side.learned && it.noted // What was noted just now has it.
		it.noted, it.definition = true, ""            // It is the largest thing about an item.
	}
	return nil
}

// ended keeps how a step went for the next commit.
func (r *runner) ended(s step, todo batch, failed perDomain) error {
	endings := make([]journal.Ending, len(todo))
	var ids []journal.InstanceID
	for i, it := range todo {
		err := failed[it.uuid()]
		endings[i] = journal.Ending{UUID: it.uuid(), Made: it.made, Err: err}
		it.made = ""
		if err == nil {
			r.log.Info("step done", "host", it.planned.Host, "domain", it.planned.Domain, "uuid", it.uuid(), "step", s.name())
		}
		if it.id.Name != it.earlier.InstanceName {
			ids = append(ids, it.id)
		}
	}
	plans, err := todo.learned()
	if err != nil {
		return err
	}
	r.later = append(r.later, func(tx *journal.Tx) error {
		return errors.Join(tx.SetInstances(ids), tx.SetPlans(plans), tx.End(s.name(), endings...))
	})
	return nil
}

// learned are the plans of those of whom a step has found out something that
// the journal does not have yet.
func (b batch) learned() (map[string]string, error) {
	plans := map[string]string{}
	for _, it := range b {
		if !it.side.learned || !it.noted {
			continue
		}
		text, err := it.snippet()
		if err != nil {
			return nil, err
		}
		it.side.learned, plans[it.uuid()] = false, text
	}
	return plans, nil
}

// flush writes what is left to say, in one commit.
func (r *runner) flush(ctx context.Context) error {
	if len(r.later) == 0 {
		return nil
	}
	later := r.later
	err := r.ledger.Write(ctx, func(tx *journal.Tx) error {
		for _, f := range later {
			if err := f(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return errFatal{err, true}
	}
	r.later = nil
	return nil
}
