package openstack

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

// What passes is waited for, with a new token if it has to be.
func TestReadsAreRepeated(t *testing.T) {
	ok := paged("projects", "", []map[string]any{{"id": "p", "name": "p"}})
	tests := []struct {
		name    string
		handler http.HandlerFunc
		calls   int
		failed  string
	}{
		{"503 twice", flaky(2, 503, ok), 3, ""},
		{"502", flaky(1, 502, ok), 2, ""},
		{"500, as Neutron's new workers answer", flaky(1, 500, ok), 2, ""},
		{"429", flaky(3, 429, ok), 4, ""},
		{"503 for good", flaky(99, 503, ok), maxTries, "it answered 503"},
		{"429 for good", flaky(99, 429, ok), maxTries, "it answered 429"},
		{"403 is an answer", flaky(1, 403, ok), 1, "it answered 403"},
		{"501 is an answer", flaky(1, 501, ok), 1, "it answered 501"},
		{"cut off", cutOff(2, ok), 3, ""},
		{"cut off for good", cutOff(99, ok), maxTries, "closed the connection in the middle"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.handle("GET /identity/v3/projects", test.handler)
			c := f.open(t)
			var body any
			_, err := c.identity.Get(t.Context(), c.identity.ServiceURL("projects"), &body, nil)
			err = c.wrap(keystone, "list projects", err)
			if test.failed == "" && err != nil || test.failed != "" && (err == nil || !strings.Contains(err.Error(), test.failed)) {
				t.Errorf("error %v, want %q", err, test.failed)
			}
			if n := f.called("GET /identity/v3/projects"); n != test.calls {
				t.Errorf("%d calls, want %d", n, test.calls)
			}
		})
	}
}

// cutOff closes the first n connections without an answer.
func cutOff(n int32, then http.HandlerFunc) http.HandlerFunc {
	left := new(atomic.Int32)
	left.Store(n)
	return func(w http.ResponseWriter, r *http.Request) {
		if left.Add(-1) < 0 {
			then(w, r)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}
}

// What may have been carried out is not sent again; what never left may be.
func TestWritesAreNotRepeated(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{"503": flaky(1, 503, nil), "cut off": cutOff(1, nil)} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			t.Run(name+" "+method, func(t *testing.T) {
				f := newFake(t)
				f.handle(method+" /network/v2.0/ports", handler)
				c := f.open(t)
				if _, err := c.network.Request(t.Context(), method, c.network.ServiceURL("ports"), &gophercloud.RequestOpts{}); err == nil {
					t.Error("no error")
				}
				if n := f.called(method + " /network"); n != 1 {
					t.Errorf("%d calls, want 1", n)
				}
			})
		}
	}
	refused := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	if !passes("POST", "http://x/v2.0/ports", refused) {
		t.Error("a POST that never left is not sent again")
	}
}

// TestTokenIsRenewedInTurn: those who wait for the new token keep nobody from
// the turn to get it.
func TestTokenIsRenewedInTurn(t *testing.T) {
	f := newFake(t)
	f.handle("GET /", func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, map[string]any{}) })
	cfg := f.config(t)
	cfg.Calls = 1
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.expire()
	if err := errors.Join(spread(t.Context(), c, 16)()...); err != nil {
		t.Error(err)
	}
	if n := f.called("POST /identity/v3/auth/tokens"); n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
}

func TestTokenIsRenewed(t *testing.T) {
	f := newFake(t)
	f.handle("GET /identity/v3/projects", paged("projects", "", nil))
	c := f.open(t)
	f.expire()
	var body any
	if _, err := c.identity.Get(t.Context(), c.identity.ServiceURL("projects"), &body, nil); err != nil {
		t.Fatal(err)
	}
	if n := f.called("POST /identity/v3/auth/tokens"); n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
	f.expire()
	f.handle("POST /identity/v3/auth/tokens", func(w http.ResponseWriter, _ *http.Request) { answer(w, 401, keystoneError("The account is locked")) })
	_, err := c.identity.Get(t.Context(), c.identity.ServiceURL("projects"), &body, nil)
	err = c.wrap(keystone, "list projects", err)
	if err == nil || !strings.Contains(err.Error(), "list projects: the token has expired and Keystone gives no new one: it answered 401, The account is locked") {
		t.Errorf("error %v, want that there is no new token", err)
	}
}

// A service that does not answer is named within the deadline, and not asked
// again.
func TestSlowAnswer(t *testing.T) {
	f := newFake(t)
	f.fill(t)
	stop := make(chan struct{})
	defer close(stop)
	f.handle("GET /network/v2.0/ports", func(http.ResponseWriter, *http.Request) { <-stop })
	cfg := f.config(t)
	cfg.Timeout = time.Second
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Snapshot(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cloud fake: Neutron: list ports: no answer from "+strings.TrimPrefix(f.URL, "http://")+" in time (a call has 1s)") {
		t.Errorf("Snapshot = %v, want Neutron's deadline", err)
	}
	if n := f.called("GET /network/v2.0/ports"); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestStopped(t *testing.T) {
	f := newFake(t)
	f.fill(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.handle("GET /network/v2.0/ports", func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		answer(w, 503, nil)
	})
	cfg := f.config(t)
	cfg.pause = time.Hour
	c, err := Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Snapshot(ctx); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "Neutron: list ports: was stopped") {
		t.Errorf("Snapshot = %v, want that it was stopped", err)
	}
}

// A connection serves one request, and no more requests are in flight, to all
// services together, than the configuration says.
func TestConnections(t *testing.T) {
	f := newFake(t)
	var all, now atomic.Int32
	f.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			all.Add(1)
		}
	}
	const calls = 24
	come, proceed := make(chan struct{}, calls), make(chan struct{})
	f.handle("GET /", func(w http.ResponseWriter, r *http.Request) {
		if n := now.Add(1); n > 3 {
			t.Errorf("%d requests at a time, want 3", n)
		}
		if !r.Close {
			t.Error("the request does not say Connection: close")
		}
		if got := r.Header.Get("User-Agent"); !strings.HasPrefix(got, "kvm2openstack ") {
			t.Errorf("User-Agent %q", got)
		}
		come <- struct{}{}
		<-proceed
		now.Add(-1)
		answer(w, 200, map[string]any{})
	})
	cfg := f.config(t)
	cfg.Calls = 3
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	wait := spread(t.Context(), c, calls)
	for n := range calls {
		<-come
		if n >= 2 { // One goes, and the next comes.
			proceed <- struct{}{}
		}
	}
	close(proceed)
	if err := errors.Join(wait()...); err != nil {
		t.Error(err)
	}
	if turns := c.compute.HTTPClient.Transport.(*transport).turns; turns.most != 3 {
		t.Errorf("at most %d calls at a time, want 3", turns.most)
	}
	if n := all.Load(); n != calls+1 {
		t.Errorf("%d connections for %d requests", n, calls+1)
	}
}
