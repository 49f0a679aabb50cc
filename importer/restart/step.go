package restart

import (
	"cmp"
	"context"
	"errors"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// The steps by name, as progress and the journal have them.
const (
	stepLook     = "look"
	stepSave     = "save"
	stepHold     = "hold"
	stepStage    = "stage"
	stepShutdown = "shutdown"
	stepName     = "name"
	stepStart    = "start"
	stepHealth   = "health"
	stepSettle   = "settle"
	stepPause    = "shutdown to prove"
	stepProve    = "prove"
	stepProven   = "proven"
	stepUnlock   = "unlock"
	stepEnd      = "end"

	stepReturn    = "return"  // the decision to go back, and everything up to the domain
	stepRelease   = "release" // that it is for a release
	stepStop      = "stop"
	stepNames     = "names"
	stepVariables = "variables"
	stepRestore   = "restore"
	stepClear     = "clear"
	stepAgain     = "start again"
	stepModel     = "model"
	stepFinalize  = "finalize"
	stepElsewhere = "elsewhere" // its guest was seen to go on at another place
)

// A step is one change to a domain.
//
// done looks at the world, which was looked at just before, and not at the
// journal: after a crash nobody knows whether the last do took effect. do may
// be called for what is done already.
type step struct {
	name string
	done func(ctx context.Context) (bool, error)
	do   func(ctx context.Context) error
}

// run does one step, if it is not done.
func (w *walk) run(ctx context.Context, s step) error {
	w.tell(s.name)
	done, err := w.isDone(ctx, s)
	if err != nil || done {
		return err
	}
	if err := w.note(ctx, w.begun(s.name)); err != nil {
		return err
	}
	failed := s.do(ctx)
	w.steps[w.shelf.prefix+s.name] = journal.Step{Step: w.shelf.prefix + s.name}
	if err := w.note(ctx, w.ended(s.name, "", failed)); err != nil {
		return errors.Join(err, failed)
	}
	if failed == nil {
		w.log.Info("step done", "step", s.name, "back", w.back)
	}
	return failed
}

func (w *walk) isDone(ctx context.Context, s step) (bool, error) {
	if err := w.look(ctx); err != nil {
		return false, err
	}
	if err := cmp.Or(w.stranger(), w.elsewhere()); err != nil {
		return false, err
	}
	return s.done(ctx)
}

// swift does steps one right after the other: all that is left of them is found
// out, and the journal told, before the first. The guest is off in between.
func (w *walk) swift(ctx context.Context, steps ...step) error {
	var todo []step
	var begun, ended []func(*journal.Tx) error
	for _, s := range steps {
		done, err := w.isDone(ctx, s)
		if err != nil {
			w.tell(s.name)
			return err
		}
		if !done {
			todo = append(todo, s)
			begun = append(begun, w.begun(s.name))
		}
	}
	if len(todo) == 0 {
		return nil
	}
	if err := w.note(ctx, begun...); err != nil {
		return err
	}
	var failed error
	for _, s := range todo {
		w.tell(s.name)
		failed = s.do(ctx)
		ended = append(ended, w.ended(s.name, "", failed))
		if failed != nil {
			break
		}
	}
	if err := w.note(ctx, ended...); err != nil {
		return errors.Join(err, failed)
	}
	return failed
}
