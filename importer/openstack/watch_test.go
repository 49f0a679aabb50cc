package openstack

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// A busyCloud has a few workers for all its services. Whoever comes while they
// have something to do waits for one. An answer to a watch takes a tenth of
// the others'.
type busyCloud struct {
	workers chan bool
	takes   time.Duration
	refuses bool // a watch

	mu   sync.Mutex
	most int // of ours at a time
	now  int
}

func (b *busyCloud) RoundTrip(req *http.Request) (*http.Response, error) {
	takes := b.takes
	if aside := strings.Contains(req.URL.RawQuery, "limit=1"); aside {
		takes /= 10
		if b.refuses {
			return &http.Response{StatusCode: http.StatusForbidden, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
		}
	} else {
		b.mu.Lock()
		b.now++
		b.most = max(b.most, b.now)
		b.mu.Unlock()
		defer func() { b.mu.Lock(); b.now--; b.mu.Unlock() }()
	}
	b.work(takes)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: req}, nil
}

func (b *busyCloud) work(takes time.Duration) {
	b.workers <- true
	time.Sleep(takes)
	<-b.workers
}

// others is what somebody else waits for an answer in the middle, from now on
// until stop is called.
func (b *busyCloud) others() (stop func() time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	var took []time.Duration
	var asking sync.WaitGroup
	asking.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			b.work(b.takes / 5)
			took = append(took, time.Since(began))
			time.Sleep(130 * time.Millisecond)
		}
	})
	return func() time.Duration {
		cancel()
		asking.Wait()
		return median(took)
	}
}

// TestWatch: with a single worker others wait no longer than twice as long as
// before, and with enough of them nothing is lost.
func TestWatch(t *testing.T) {
	const calls, n = 4, 2000
	for _, test := range []struct {
		name    string
		workers int
		refuses bool
		most    int // in flight
		twice   bool
		within  time.Duration // 0: however long
	}{
		{"a controller with one worker", 1, false, 2, true, 0},
		{"one with enough", 16, false, calls, true, n * 100 * time.Millisecond / calls * 11 / 10},
		{"one that does not say how fast it is", 1, true, calls, false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &busyCloud{workers: make(chan bool, test.workers), takes: 100 * time.Millisecond, refuses: test.refuses}
				var log strings.Builder
				c := (&bubble{}).open(calls, &log)
				c.compute.ProviderClient.HTTPClient.Transport = &transport{base: b, turns: c.turns, timeout: c.timeout, log: c.log}
				stop := b.others()
				time.Sleep(10 * time.Second)
				before := stop()
				stop, began := b.others(), time.Now()
				end := c.Watch(t.Context())
				for _, err := range spread(t.Context(), c, n)() {
					if err != nil {
						t.Fatal(err)
					}
				}
				end()
				took, meanwhile := time.Since(began), stop()
				if kept := meanwhile <= 2*before; kept != test.twice || b.most > test.most || test.most == calls && b.most != calls {
					t.Errorf("others waited %v before and %v meanwhile, with up to %d calls in flight, want up to %d", before, meanwhile, b.most, test.most)
				}
				if test.within > 0 && took > test.within {
					t.Errorf("%d calls took %v, want %v", n, took, test.within)
				}
				if told := strings.Count(log.String(), "level=WARN"); (told == 1) != (test.most == 2) || told > 1 {
					t.Errorf("said %q, want one warning where calls had to be fewer", log.String())
				}
				if c.turns.watched {
					t.Error("it is watched although that was ended")
				}
			})
		})
	}
}

// TestWatchOfASlowHour: when the cloud gets slow by itself, that is seen, and
// calls are made as before.
func TestWatchOfASlowHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &busyCloud{workers: make(chan bool, 16), takes: 100 * time.Millisecond}
		c := (&bubble{}).open(4, io.Discard)
		c.compute.ProviderClient.HTTPClient.Transport = &transport{base: b, turns: c.turns, timeout: c.timeout, log: c.log}
		end := c.Watch(t.Context())
		b.takes = time.Second
		spread(t.Context(), c, 200)()
		b.mu.Lock()
		b.most = 0
		b.mu.Unlock()
		spread(t.Context(), c, 20)()
		end()
		if b.most != 4 {
			t.Errorf("%d calls at a time in a cloud that is slow for itself, want 4", b.most)
		}
	})
}

// TestWatchEndsInDoubt: calls that are held back while it is looked at go on
// when the watch ends.
func TestWatchEndsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{takes: time.Second}
		c := b.open(2, io.Discard)
		w := &watch{Cloud: c, patience: 1}
		c.turns.mu.Lock()
		c.turns.now = 2
		w.goOn = c.turns.hold()
		c.turns.mu.Unlock()
		wait := spread(t.Context(), c, 4)
		if n := b.inFlight(); n != 0 {
			t.Errorf("%d calls in flight, want none while they are held", n)
		}
		w.end()
		if n := b.inFlight(); n != 2 {
			t.Errorf("%d calls in flight after it, want 2", n)
		}
		wait()
	})
}

// TestLoginWhileHeld: calls wait for the login that renews the token, those of a
// watch too. It would never end if the login waited for a turn.
func TestLoginWhileHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{takes: time.Second}
		c := b.open(1, io.Discard)
		c.turns.mu.Lock()
		goOn := c.turns.hold()
		c.turns.mu.Unlock()
		other := spread(t.Context(), c, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.identity.Post(ctx, c.identity.ServiceURL("v3", "auth", "tokens"), map[string]any{}, nil, &gophercloud.RequestOpts{OkCodes: []int{200}})
		if err != nil || len(b.sent) != 1 {
			t.Errorf("%v with %d requests, want a login and nothing else", err, len(b.sent))
		}
		goOn()
		if err := other()[0]; err != nil {
			t.Error(err)
		}
	})
}

// TestWatchIsQuiet: what it asks is not told as the program's calls are.
func TestWatchIsQuiet(t *testing.T) {
	var log strings.Builder
	f := newFake(t)
	for _, path := range []string{"GET /compute/v2.1/flavors", "GET /network/v2.0/networks"} {
		f.handle(path, func(w http.ResponseWriter, r *http.Request) { answer(w, 200, map[string]any{}) })
	}
	cfg := f.config(t)
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Watch(t.Context())()
	if f.called("GET /compute/v2.1/flavors?limit=1") < usualRounds || f.called("GET /network/v2.0/networks?limit=1") < usualRounds || log.Len() > 0 {
		t.Errorf("asked %v, and said %q", f.calls, log.String())
	}
}
