package onboard

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// A step is one change to a host or to what Nova has of it.
//
// done looks at the world, not at the journal. do returns what the way back
// needs, as JSON. undo is harmless on what never took effect.
type step struct {
	name string
	done func(ctx context.Context) (bool, error)
	do   func(ctx context.Context) (made string, err error)
	undo func(ctx context.Context, made string) error
}

// The steps' names in the journal.
const (
	stepIdentity   = "compute-id"
	stepService    = "service"
	stepFirstStart = "first-start"
	stepDisable    = "disable"
	stepFirstEnd   = "first-start-ends"
	stepStart      = "start"
	stepRecords    = "records"
	stepMap        = "map"
)

// A work is one host in hand.
type work struct {
	*Onboarder
	Intent
	host     Host
	machine  Machine
	finished bool     // once before
	left     []string // that is left to somebody, and why
}

func (w *work) leave(format string, args ...any) {
	w.left = append(w.left, fmt.Sprintf(format, args...))
}

// steps are those of a way, in their order.
//
// The service is disabled before nova-compute sees the guests, and the host is
// mapped last: until then the scheduler cannot use it.
func (w *work) steps() []step {
	switch w.Way {
	case ByFirstStart:
		return []step{w.firstStart(), w.disable(), w.endFirstStart(), w.start(), w.recordsThere(), w.mapped()}
	case ByRecords:
		return []step{w.identityFile(), w.serviceRow(), w.start(), w.recordsThere(), w.mapped()}
	}
	return []step{w.disableUncounted(), w.mapped()}
}

// Steps are the names of a way's steps in the journal, in their order; of "" those
// of a host that is only not mapped.
func (y Way) Steps() (names []string) {
	for _, s := range (&work{Intent: Intent{Way: y}}).steps() {
		names = append(names, s.name)
	}
	return names
}

// uncounted: the host has guests that are no instance of Nova's there, as the
// verdict asks, too.
func (w *work) uncounted(ctx context.Context) (bool, error) {
	if w.host.Domains == 0 {
		return false, nil
	}
	known, err := w.Nova.Presence(ctx, GuestIDs([]Host{w.host}))
	return Cloud{Presence: known}.strangers(w.host) > 0, err
}

// forward does what is not done. A step that fails stays begun in the journal:
// the same run again goes on with it, and an undo takes it back.
//
// A host that was onboarded once may be in use: it is mapped again at most.
func (w *work) forward(ctx context.Context) (did bool, failed string, err error) {
	for _, s := range w.steps() {
		if ctx.Err() != nil {
			return did, s.name, fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
		}
		if w.finished && s.name != stepMap {
			continue
		}
		done, err := s.done(ctx)
		if err != nil {
			return did, s.name, fmt.Errorf("find out whether it is done: %w", err)
		}
		if done {
			continue
		}
		w.say(w.Host, s.name)
		did = true
		if err := w.once(ctx, s); err != nil {
			return did, s.name, err
		}
	}
	return did, "", nil
}

// once does one step, with the journal before and after it.
func (w *work) once(ctx context.Context, s step) error {
	key := Key(w.ComputeHost)
	err := w.Journal.Write(ctx, func(tx *journal.Tx) error { return tx.Begin(s.name, key) })
	if err != nil {
		return err // no intent on disk, no change in the world
	}
	made, err := s.do(ctx)
	noted := w.Journal.Write(ctx, func(tx *journal.Tx) error {
		return tx.End(s.name, journal.Ending{UUID: key, Made: made, Err: err})
	})
	return errors.Join(err, noted)
}

// backward takes back what was begun, the last thing first, and in the end the
// intent.
func (w *work) backward(ctx context.Context, begun []journal.Step) (failed string, err error) {
	known := map[string]step{}
	for _, s := range w.steps() {
		known[s.name] = s
	}
	key := Key(w.ComputeHost)
	for _, b := range slices.Backward(begun) {
		if ctx.Err() != nil {
			return b.Step, fmt.Errorf("%w: %w", ErrInterrupted, context.Cause(ctx))
		}
		w.say(w.Host, "undo "+b.Step)
		if err := w.Journal.Write(ctx, func(tx *journal.Tx) error { return tx.BeginUndo(b.Step, key) }); err != nil {
			return b.Step, err
		}
		if undo := known[b.Step].undo; undo != nil {
			if err := undo(context.WithoutCancel(ctx), b.Made); err != nil {
				return b.Step, err
			}
		}
		if err := w.Journal.Write(ctx, func(tx *journal.Tx) error { return tx.EndUndo(b.Step, key) }); err != nil {
			return b.Step, err
		}
	}
	return "", nil
}
