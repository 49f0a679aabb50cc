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
	// longestRests is how long a rest is at most, in times that a call took,
	longestRests = 3
	// longestRest is the same in seconds: an answer that came just within its
	// time says little of the next one.
	longestRest = 10 * time.Second
)

// turns bounds how many requests are in flight at a time, to all services
// together: they mostly share controllers, and always a database. Others use
// these too, and a call that waits behind our own uses up its deadline there.
//
// A cloud that shows that it has too much to do gets half as many at a time,
// down to one, and more again as it answers well (AIMD, as TCP does). With a
// watch that is down to a quarter of one: half of one is one, and a rest of the
// same length before the next. A service with a single worker is busy all the
// time with one after the other.
type turns struct {
	places *semaphore.Weighted
	most   int
	log    *slog.Logger

	mu      sync.Mutex
	now     int  // at a time: most, or fewer
	rest    int  // after each, in times that it took
	owed    int  // places that have yet to come back for that
	good    int  // answers in a row
	cuts    int  // how often it was halved
	told    bool // that there are fewer
	watched bool // by a watch, which knows more than good answers tell
}

func newTurns(most int, log *slog.Logger) *turns {
	return &turns{places: semaphore.NewWeighted(int64(most)), most: most, log: log, now: most}
}

// watch has somebody else say when there may be more, and begins with one at a
// time; unwatch ends that.
func (t *turns) watch() (unwatch func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watched = true
	t.keep(1)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.watched, t.rest = false, 0
	}
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

// end gives the turn to the next, after a rest where there has to be one.
func (u turn) end(s signal, took time.Duration) {
	t := u.of
	t.mu.Lock()
	defer t.mu.Unlock()
	switch s {
	case fine:
		if t.good++; t.good >= forOneMore && !t.watched {
			t.more()
		}
	case tooMuch:
		t.good = 0
		// What was sent before the last cut says nothing of the time since.
		if u.cuts == t.cuts {
			t.fewer()
		}
	}
	if rest := min(time.Duration(t.rest)*took, longestRest); rest > 0 {
		time.AfterFunc(rest, func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.back()
		})
		return
	}
	t.back()
}

// back returns a place, to whom it is owed first.
func (t *turns) back() {
	if t.owed > 0 {
		t.owed--
		return
	}
	t.places.Release(1)
}

// fewer halves what is in flight at a time.
func (t *turns) fewer() {
	if t.now <= 1 && !t.watched || t.rest == longestRests {
		return
	}
	t.cuts++
	if t.now == 1 {
		t.rest = 2*t.rest + 1
	} else {
		t.keep(t.now / 2)
	}
	text, worth := "the cloud answers slowly, or has too much to do: fewer calls at a time now", true
	if t.watched {
		text, worth = "others would wait for the cloud: fewer calls at a time now", t.rest == longestRests
	}
	level := slog.LevelDebug
	if worth && !t.told {
		level, t.told = slog.LevelWarn, true // Once is enough.
	}
	t.log.Log(context.Background(), level, text, "calls", t.calls(), "cloud_calls", t.most)
}

// hold lets nothing more be sent until goOn is called. The caller has t locked.
func (t *turns) hold() (goOn func()) {
	held := t.now
	t.keep(0)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.now = held
		for range held {
			t.back()
		}
	}
}

// keep leaves n at a time of those that there are. Nobody's turn is taken away:
// where all are in use, they are kept as they come back.
func (t *turns) keep(n int) {
	t.owed += t.now - n
	t.now = n
	for t.owed > 0 && t.places.TryAcquire(1) {
		t.owed--
	}
}

// more lets one more be in flight, or the same with a shorter rest.
func (t *turns) more() {
	t.good = 0
	switch {
	case t.rest > 0:
		t.rest = (t.rest - 1) / 2
	case t.now < t.most:
		t.now++
		t.back()
	default:
		return
	}
	t.log.Debug("the cloud answers well: more calls at a time", "calls", t.calls(), "cloud_calls", t.most)
}

// calls are how many are in flight at a time, rests counted.
func (t *turns) calls() float64 { return float64(t.now) / float64(1+t.rest) }

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
