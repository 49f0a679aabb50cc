package restart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// prefix keeps the steps of a restart apart from those of an import, whose
// names they share in the journal, and swapPrefix those of a later one.
const (
	prefix     = "rename/"
	swapPrefix = "nic/"
)

// note writes into the journal. Nothing more is done to a domain after it
// fails: what is not written down could not be taken back.
func (w *walk) note(ctx context.Context, writes ...func(*journal.Tx) error) error {
	err := w.Journal.Write(ctx, func(tx *journal.Tx) error {
		for _, write := range writes {
			if err := write(tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return nil
}

func (w *walk) begun(step string) func(*journal.Tx) error {
	return func(tx *journal.Tx) error { return tx.Begin(w.shelf.prefix+step, w.job.uuid()) }
}

func (w *walk) ended(step, made string, failed error) func(*journal.Tx) error {
	return func(tx *journal.Tx) error {
		return tx.End(w.shelf.prefix+step, journal.Ending{UUID: w.job.uuid(), Made: made, Err: failed})
	}
}

// toState says how far the domain has come, with other writes in one commit. What
// is on its way back keeps the reason, for the call that goes on with it.
func (w *walk) toState(ctx context.Context, state journal.State, reason string, writes ...func(*journal.Tx) error) error {
	err := w.note(ctx, append(writes, func(tx *journal.Tx) error { return tx.SetState(state, reason, w.job.uuid()) })...)
	if err == nil {
		w.state, w.reason = state, reason
	}
	return err
}

// undone says that nothing is left of any step.
func (w *walk) undone(tx *journal.Tx) error {
	return errors.Join(tx.EndUndoAll(prefix, w.job.uuid()), tx.EndUndoAll(swapPrefix, w.job.uuid()))
}

// begunStep reports whether a step was begun and not taken back.
func (w *walk) begunStep(step string) bool {
	_, begun := w.steps[w.shelf.prefix+step]
	return begun
}

// readJournal is the journal's word by now: the state, and the steps that were
// begun and not taken back, each as it was begun last.
func (w *walk) readJournal(ctx context.Context) error {
	found, err := w.Journal.Adoptions(ctx, w.job.uuid())
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("%w: the journal does not know it", ErrState)
	}
	w.state, w.reason = found[0].State, found[0].Reason
	steps, err := w.Journal.Steps(ctx, w.job.uuid())
	if err != nil {
		return err
	}
	w.steps = map[string]journal.Step{}
	for _, s := range steps {
		w.steps[s.Step] = s // oldest first
	}
	return nil
}

// madeBy reads what an ended step has left in the journal; false when it has
// not ended.
func (w *walk) madeBy(step string, into any) (bool, error) {
	s, ok := w.steps[w.shelf.prefix+step]
	if !ok || s.Ended == nil || s.Error != "" {
		return false, nil
	}
	if err := json.Unmarshal([]byte(s.Made), into); err != nil {
		return false, fmt.Errorf("read what %s has left in the journal: %w", step, err)
	}
	return true, nil
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("%T cannot be written as JSON: %v", v, err)) // a mistake of this package
	}
	return string(text)
}
