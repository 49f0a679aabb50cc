package restart

import (
	"context"
	"errors"
	"sync"
)

// ErrCancelled is why the context of a restart in hand ends.
var ErrCancelled = errors.New("the run was asked twice to stop")

// A Control is how a person holds a run up. Its zero value is ready; all of it
// may be called from any goroutine, before the run and after it.
type Control struct {
	mu      sync.Mutex
	held    bool
	asked   command
	changed chan struct{}
}

// A command is what a run was told.
type command int

// Each is told to begin less than the one before.
const (
	going      command = iota
	paused             // nothing new until it is resumed
	stopping           // nothing new; what is in hand is finished
	cancelling         // what is in hand stops between two steps
)

// Pause lets nothing new begin. What is in hand is finished.
func (c *Control) Pause() { c.tell(func() { c.held = true }) }

// Resume ends a pause.
func (c *Control) Resume() { c.tell(func() { c.held = false }) }

// Toggle pauses, or ends a pause.
func (c *Control) Toggle() { c.tell(func() { c.held = !c.held }) }

// Stop lets nothing new begin for good. What is in hand is finished.
func (c *Control) Stop() { c.tell(func() { c.asked = max(c.asked, stopping) }) }

// Cancel stops what is in hand, too, between two steps.
func (c *Control) Cancel() { c.tell(func() { c.asked = cancelling }) }

// Paused reports whether it is paused.
func (c *Control) Paused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

func (c *Control) tell(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// changes is closed at the next change.
func (c *Control) changes() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	return c.changed
}

func (c *Control) state() command {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked == going && c.held {
		return paused
	}
	return c.asked
}

// cancelling ends the context of the restarts when that is asked for.
func (c *Control) cancelling(work context.Context, cancel context.CancelCauseFunc) {
	for {
		change := c.changes()
		if c.state() == cancelling {
			cancel(ErrCancelled)
			return
		}
		select {
		case <-change:
		case <-work.Done():
			return
		}
	}
}
