package openstack

import (
	"bytes"
	"context"
	"errors"
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

// A bubble is a cloud without a network, whose time is that of a test in
// testing/synctest: nothing in it depends on how busy the machine is.
type bubble struct {
	takes  time.Duration // until each answer
	status int           // of each answer
	broken int           // so many answers break off

	mu        sync.Mutex
	now, most int      // in flight
	sent      []string // the hosts that were asked
}

func (b *bubble) RoundTrip(req *http.Request) (*http.Response, error) {
	b.mu.Lock()
	b.now++
	b.most, b.sent = max(b.most, b.now), append(b.sent, req.URL.Host)
	status, body := b.status, io.Reader(strings.NewReader("{}"))
	if b.broken--; b.broken >= 0 {
		body = io.MultiReader(strings.NewReader("{"), brokenReader{})
	}
	b.mu.Unlock()
	defer func() { b.mu.Lock(); b.now--; b.mu.Unlock() }()
	select {
	case <-time.After(b.takes):
		return &http.Response{StatusCode: status, Body: io.NopCloser(body), Request: req}, nil
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
}

// inFlight is how many requests there are when nothing goes on but by the clock.
func (b *bubble) inFlight() int {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// open is a cloud that makes so many calls at a time, each within a minute.
func (b *bubble) open(calls int, log io.Writer) *Cloud {
	if b.status == 0 {
		b.status = http.StatusOK
	}
	c := &Cloud{name: "fake", timeout: time.Minute, log: slog.New(slog.NewTextHandler(log, nil))}
	c.turns = newTurns(calls, c.log)
	provider := &gophercloud.ProviderClient{}
	provider.HTTPClient.Transport = &transport{base: b, turns: c.turns, timeout: c.timeout, log: c.log}
	provider.RetryFunc = retrier{first: time.Second, log: c.log}.failed
	for host, client := range map[string]**gophercloud.ServiceClient{
		"keystone": &c.identity, "glance": &c.image, "neutron": &c.network, "nova": &c.compute, "placement": &c.placement,
	} {
		*client = &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: "http://" + host + "/"}
	}
	return c
}

// get makes a call as all of this package do.
func get(ctx context.Context, c *Cloud, client *gophercloud.ServiceClient) error {
	return c.ask(ctx, "a service", "read it", func(ctx context.Context) error {
		var body any
		_, err := client.Get(ctx, client.ServiceURL("it"), &body, nil)
		return err
	})
}

// spread makes n calls at the same time, to one service after the other, and
// gives what came of each once all are through.
func spread(ctx context.Context, c *Cloud, n int) (wait func() []error) {
	services := []*gophercloud.ServiceClient{c.identity, c.image, c.network, c.compute, c.placement}
	errs := make([]error, n)
	var calls sync.WaitGroup
	for i := range n {
		calls.Go(func() { errs[i] = get(ctx, c, services[i%len(services)]) })
	}
	return func() []error { calls.Wait(); return errs }
}

// TestTurns: so many requests are in flight as may be, and no more, whatever
// service they are for.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{takes: time.Second}
		wait := spread(t.Context(), b.open(3, io.Discard), 12)
		for range 4 {
			if n := b.inFlight(); n != 3 {
				t.Errorf("%d requests in flight, want 3", n)
			}
			time.Sleep(time.Second)
		}
		if err := errors.Join(wait()...); err != nil {
			t.Error(err)
		}
		asked := map[string]bool{}
		for _, host := range b.sent {
			asked[host] = true
		}
		if b.most != 3 || len(b.sent) != 12 || len(asked) != 5 {
			t.Errorf("%d of %d requests at a time, to %d services, want 3 of 12 to 5", b.most, len(b.sent), len(asked))
		}
	})
}

// TestWaitingIsFree: a call's time begins when it is sent.
func TestWaitingIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{takes: 24 * time.Second} // 40 percent of it
		if err := errors.Join(spread(t.Context(), b.open(1, io.Discard), 8)()...); err != nil {
			t.Error(err)
		}
		if b.most != 1 || len(b.sent) != 8 {
			t.Errorf("%d of %d requests at a time, want 1 of 8", b.most, len(b.sent))
		}
	})
}

// TestBudget: all requests of one call share its time, and so do the pauses
// between them.
func TestBudget(t *testing.T) {
	for _, test := range []struct {
		name   string
		takes  time.Duration
		status int
		pages  int
		sent   int
		failed func(error) bool
	}{
		{"there is enough", 19 * time.Second, 200, 3, 3, func(err error) bool { return err == nil }},
		{"the last page is late", 24 * time.Second, 200, 3, 3, isTimeout},
		// 3 x 19 s and pauses of 1 and 2 are all there is.
		{"no time for another try", 19 * time.Second, 503, 1, 3, func(err error) bool { return answered(err, 503) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, start := &bubble{takes: test.takes, status: test.status}, time.Now()
				c := b.open(1, io.Discard)
				err := c.ask(t.Context(), neutron, "list ports", func(ctx context.Context) error {
					var body any
					for range test.pages {
						if _, err := c.network.Get(ctx, "http://neutron/ports", &body, nil); err != nil {
							return err
						}
					}
					return nil
				})
				if !test.failed(err) || len(b.sent) != test.sent || time.Since(start) > time.Minute {
					t.Errorf("%v after %d requests in %v, want %d in a minute", err, len(b.sent), time.Since(start), test.sent)
				}
			})
		})
	}
}

// TestNoTurn: whoever is stopped while waiting has sent nothing, and keeps
// nobody from a turn.
func TestNoTurn(t *testing.T) {
	stop := errors.New("the window is over")
	for _, test := range []struct {
		name string
		ctx  func(context.Context) (context.Context, context.CancelFunc)
		says string
	}{
		{"stopped", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, "cloud fake: a service: read it: was stopped"},
		{"no time left", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, "it was not its turn in time: the calls before it take too long"},
		{"no time left, for a reason", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(ctx, time.Second, stop)
		}, "it was not its turn in time: the calls before it take too long"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bubble{takes: 10 * time.Second}
				c := b.open(1, io.Discard)
				first := spread(t.Context(), c, 1)
				synctest.Wait()
				ctx, cancel := test.ctx(t.Context())
				defer cancel()
				second, start := spread(ctx, c, 1), time.Now()
				err := second()[0]
				if err == nil || !strings.Contains(err.Error(), test.says) || time.Since(start) != time.Second {
					t.Errorf("%v after %v, want %q at once", err, time.Since(start), test.says)
				}
				third := spread(t.Context(), c, 1)
				if err := errors.Join(first()[0], third()[0]); err != nil || len(b.sent) != 2 {
					t.Errorf("the others: %v, with %d requests, want 2", err, len(b.sent))
				}
			})
		})
	}
}

// TestTurnOfABrokenAnswer: gophercloud repeats a request before it has closed
// the answer that broke off.
func TestTurnOfABrokenAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{broken: 2}
		if err := spread(t.Context(), b.open(1, io.Discard), 1)()[0]; err != nil || len(b.sent) != 3 {
			t.Errorf("%v after %d requests, want an answer to the third", err, len(b.sent))
		}
	})
}

// TestFewerTurns: a cloud that has too much to do gets half as many calls, and
// more again after a while; this is told once.
func TestFewerTurns(t *testing.T) {
	for _, bad := range []struct {
		name   string
		takes  time.Duration
		status int
	}{
		{"429", time.Second, 429},
		{"503", time.Second, 503},
		{"504", time.Second, 504},
		{"slow", 20 * time.Second, 200},
		{"no answer", time.Hour, 200},
	} {
		t.Run(bad.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				b := &bubble{}
				c := b.open(8, &log)
				c.compute.ProviderClient.RetryFunc = nil // they share one
				calls := func(n, atOnce int) {
					t.Helper()
					wait := spread(t.Context(), c, n)
					if got := b.inFlight(); got != atOnce {
						t.Errorf("%d of %d calls at a time, want %d", got, n, atOnce)
					}
					wait()
				}
				b.takes, b.status = bad.takes, bad.status
				calls(8, 8) // sent together, they are one sign and not eight
				calls(4, 4)
				calls(3, 2) // the third is one more sign
				calls(3, 1)
				b.takes, b.status = time.Second, 200
				calls(forOneMore-1, 1)
				calls(1, 1)
				for n := 2; n <= 8; n++ {
					calls(forOneMore, n)
				}
				calls(2*forOneMore, 8)
				if told := strings.Count(log.String(), "\n"); told != 1 || !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "calls=4 cloud_calls=8") {
					t.Errorf("the log is %q, want one warning", log.String())
				}
			})
		})
	}
}

// TestRest: where somebody watches, and even one call at a time is too much,
// there is a rest after each, as long as it took, then three times as long, and
// never more.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{status: http.StatusGatewayTimeout, takes: time.Second}
		c := b.open(1, io.Discard)
		c.compute.ProviderClient.RetryFunc = nil
		unwatch := c.turns.watch()
		call := func(takes, rest time.Duration) {
			t.Helper()
			b.takes = takes
			start := time.Now()
			spread(t.Context(), c, 1)()
			b.takes, b.status = 0, http.StatusOK
			spread(t.Context(), c, 1)()
			if got := time.Since(start) - takes; got != rest {
				t.Errorf("the call after one of %v came after %v more, want %v", takes, got, rest)
			}
			b.status = http.StatusGatewayTimeout
		}
		call(time.Second, time.Second)
		call(time.Second, 3*time.Second)
		call(time.Second, 3*time.Second)
		call(19*time.Second, longestRest)
		unwatch()
		call(time.Second, 0)
	})
}

// TestFewerTurnsAtRest: with turns that nobody uses fewer are taken as well.
func TestFewerTurnsAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{status: http.StatusGatewayTimeout, takes: time.Second}
		c := b.open(8, io.Discard)
		c.compute.ProviderClient.RetryFunc = nil
		spread(t.Context(), c, 1)()
		wait := spread(t.Context(), c, 8)
		if n := b.inFlight(); n != 4 {
			t.Errorf("%d calls at a time, want 4", n)
		}
		wait()
	})
}

func TestSignalOf(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		took   time.Duration
		want   signal
	}{
		{"an answer", 200, 9 * time.Second, fine},
		{"a refusal is one", 409, time.Second, fine},
		{"a service that fails for itself", 500, time.Second, fine},
		{"no connection", 0, time.Second, nothing},
		{"no answer", 0, 30 * time.Second, tooMuch},
		{"a slow answer", 200, 10 * time.Second, tooMuch},
		{"a limit of requests", 429, time.Second, tooMuch},
		{"a proxy without a service", 503, time.Second, tooMuch},
		{"a proxy that gave up", 504, time.Second, tooMuch},
	} {
		if got := signalOf(test.status, test.took, 30*time.Second); got != test.want {
			t.Errorf("%s: signalOf = %v, want %v", test.name, got, test.want)
		}
	}
}
