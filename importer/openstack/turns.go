package openstack

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// DefaultCalls is how many calls are in flight when the configuration says
	// nothing: what a small controller has cores for.
	DefaultCalls = 4
	// MaxCalls is the most that a configuration may say.
	MaxCalls = 64
	// forOneMore is after how many good answers in a row one more call is made
	// at a time.
	forOneMore = 20
)

// turns bounds how many requests are in flight at a time, to all services
// together: they mostly share controllers, and always a database. Others use
// these too, and a call that waits behind our own uses up its deadline there.
//
// A cloud that shows that it has too much to do gets half as many at a time,
// down to one, and more again as it answers well (AIMD, as TCP does).
type turns struct {
	places *semaphore.Weighted
	most   int
	log    *slog.Logger

	mu   sync.Mutex
	now  int // at a time: most, or fewer
	owed int // places that have yet to come back for that
	good int // answers in a row
	cuts int // how often it was halved
}

func newTurns(most int, log *slog.Logger) *turns {
	return &turns{places: semaphore.NewWeighted(int64(most)), most: most, log: log, now: most}
}

// take waits for a turn, as long as ctx allows. The turn has to be ended.
func (t *turns) take(ctx context.Context) (turn, error) {
	if err := t.places.Acquire(ctx, 1); err != nil {
		return turn{}, fmt.Errorf("%w: %w", errNoTurn, context.Cause(ctx))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return turn{of: t, cuts: t.cuts}, nil
}

// A turn is the right to one request.
type turn struct {
	of   *turns
	cuts int // when it was taken
}

// end gives the turn to the next.
func (u turn) end(s signal) {
	t := u.of
	t.mu.Lock()
	defer t.mu.Unlock()
	switch s {
	case fine:
		t.more()
	case tooMuch:
		t.good = 0
		// What was sent before the last cut says nothing of the time since.
		if u.cuts == t.cuts {
			t.fewer()
		}
	}
	if t.owed > 0 {
		t.owed--
		return
	}
	t.places.Release(1)
}

// fewer halves what is in flight at a time. Nobody's turn is taken away: where
// all are in use, they are kept as they come back.
func (t *turns) fewer() {
	if t.now == 1 {
		return
	}
	level := slog.LevelDebug
	if t.cuts == 0 {
		level = slog.LevelWarn // Once is enough.
	}
	half := t.now / 2
	t.log.Log(context.Background(), level, "the cloud answers slowly, or has too much to do: fewer calls at a time now", "calls", half, "cloud_calls", t.most)
	t.cuts++
	t.owed += t.now - half
	t.now = half
	for t.owed > 0 && t.places.TryAcquire(1) {
		t.owed--
	}
}

// more counts a good answer.
func (t *turns) more() {
	if t.good++; t.good < forOneMore || t.now == t.most {
		return
	}
	t.now, t.good = t.now+1, 0
	t.log.Debug("the cloud answers well: one more call at a time", "calls", t.now, "cloud_calls", t.most)
	if t.owed > 0 {
		t.owed--
		return
	}
	t.places.Release(1)
}

// A signal is what a request says of how the cloud is.
type signal int

const (
	nothing signal = iota // it failed for another reason
	fine
	tooMuch
)

// signalOf: an answer that took a third of its time is slow whatever was asked
// for. What is usual for a request is not looked at: that differs with what is
// in the cloud, and the first ones may have come in a busy hour.
func signalOf(status int, took, timeout time.Duration) signal {
	switch {
	case took >= timeout/3:
		return tooMuch
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return tooMuch
	case status == 0:
		return nothing
	}
	return fine
}
