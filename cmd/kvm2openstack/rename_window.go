package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	_ "time/tzdata" // zones must be known on bastions that have none installed

	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// awaitWindow waits until the window opens. Nothing is open and no lock is held
// meanwhile, so that others can work. What an earlier run was killed in is not
// kept waiting: its guests may be off.
func (a *app) awaitWindow(ctx context.Context, w restart.Window, begun []plan.Domain) error {
	opens := w.Next(time.Now())
	wait := time.Until(opens)
	if wait <= 0 || len(begun) > 0 {
		return nil
	}
	fmt.Fprintf(a.err, "waiting for the window %s, which opens at %s, in %s; Ctrl-C ends it\n", w, opens.Format("Mon 15:04 MST"), roughly(wait))
	for wait > 0 {
		select {
		case <-ctx.Done():
			return statusError{exitAttention, errors.New("stopped while it was waiting for the window; nothing was done")}
		case <-time.After(min(wait, 10*time.Second)): // Clocks are set, and machines sleep.
		}
		wait = opens.Sub(time.Now().Round(0)) // by the clock on the wall
	}
	return nil
}
