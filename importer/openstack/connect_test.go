package openstack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
)

func TestOpen(t *testing.T) {
	f := newFake(t)
	c := f.open(t)
	for _, s := range []struct{ got, want string }{
		{c.identity.ResourceBaseURL(), f.URL + "/identity/v3/"},
		{c.image.ResourceBaseURL(), f.URL + "/image/v2/"},
		{c.network.ResourceBaseURL(), f.URL + "/network/v2.0/"},
		{c.compute.ResourceBaseURL(), f.URL + "/compute/v2.1/"},
		{c.placement.ResourceBaseURL(), f.URL + "/placement/"},
	} {
		if s.got != s.want {
			t.Errorf("endpoint %s, want %s", s.got, s.want)
		}
	}
	if n := len(f.calls); n != 1 {
		t.Errorf("calls %q, want the login alone", f.calls)
	}
}

func TestCatalog(t *testing.T) {
	all := func(region string) (list []any) {
		for _, kind := range []string{"image", "network", "compute", "placement"} {
			list = append(list, fakeService(kind, region, "http://"+region+"/"+kind))
		}
		return list
	}
	tests := []struct {
		name    string
		catalog []any
		region  string // of clouds.yaml
		want    string // compute's endpoint
		failed  string
	}{
		{"one region, not named", all("one"), "", "http://one/compute/v2.1/", ""},
		{"one of two", append(all("one"), all("two")...), "two", "http://two/compute/v2.1/", ""},
		{"which of two", append(all("one"), all("two")...), "", "", "there are the regions one, two: say with region_name which one is meant"},
		{"no such region", all("one"), "RegionOne", "", `there is no region "RegionOne", there is one`},
		{"no placement", all("one")[:3], "one", "", `Placement is not in Keystone's catalog: no public endpoint of type "placement" in region "one"`},
		{"no URL", append(all("one")[1:], fakeService("image", "one", "glance:9292")), "one", "", "Glance's endpoint in Keystone's catalog is not a URL"},
		{"empty", []any{}, "one", "", "it is empty: the login is not for a project; set project_name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			f.catalog = test.catalog
			cfg := f.config(t)
			replaceInConfig(t, "RegionOne", test.region)
			c, err := Open(t.Context(), cfg)
			switch {
			case test.failed != "" && (err == nil || !strings.Contains(err.Error(), test.failed)):
				t.Errorf("Open = %v, want an error with %q", err, test.failed)
			case test.failed == "" && err != nil:
				t.Error(err)
			case test.failed == "" && c.compute.Endpoint != test.want:
				t.Errorf("compute is at %s, want %s", c.compute.Endpoint, test.want)
			}
		})
	}
}

// Catalogs name the same service in several ways.
func TestRootOf(t *testing.T) {
	for in, want := range map[string]string{
		"http://c:8774/v2.1":  "http://c:8774/",
		"http://c:8774/v2.1/": "http://c:8774/",
		"http://c:8774/v2.1/151eac5e92954d2d84227b2fdd4b6efc": "http://c:8774/",
		"http://c/compute/v2.1":                               "http://c/compute/",
		"http://c:9696":                                       "http://c:9696/",
		"https://c/network/":                                  "https://c/network/",
		"https://c/network/v2.0":                              "https://c/network/",
		"https://v2.example/image":                            "https://v2.example/image/",
	} {
		if got, err := rootOf(in, "x"); got != want || err != nil {
			t.Errorf("rootOf(%s) = %s, %v, want %s", in, got, err, want)
		}
	}
}

func TestOpenFails(t *testing.T) {
	status := func(code int, body any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { answer(w, code, body) }
	}
	tests := []struct {
		name  string
		login http.HandlerFunc
		want  string
	}{
		{"wrong password", status(401, keystoneError("The request you have made requires authentication.")),
			"/: it answered 401, The request you have made requires authentication; user, password, project or one of their domains is wrong in clouds.yaml"},
		{"not Keystone", status(404, nil), "it answered 404; auth_url should be Keystone's address"},
		{"page of a proxy", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(503)
			fmt.Fprint(w, "<html><h1>503 Service Unavailable</h1>\nNo server is available.</html>")
		}, "it answered 503, 503 Service Unavailable No server is available; its own log says why"},
		{"garbage", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201); fmt.Fprint(w, "hello") }, "the answer is not what this API answers"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/v3", http.StatusMovedPermanently)
		}, "it redirects to https://elsewhere.example/v3: set auth_url"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(t)
			cfg := f.config(t)
			f.handle("POST /identity/v3/auth/tokens", test.login)
			_, err := Open(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), "cloud fake: Keystone: log in at "+f.URL) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Open = %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestKeystoneIsDown(t *testing.T) {
	f := newFake(t)
	cfg := f.config(t)
	f.Close()
	_, err := Open(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "nothing listens at "+strings.TrimPrefix(f.URL, "http://")+" (connection refused): is it running?") {
		t.Errorf("Open = %v, want that nothing listens", err)
	}
}

func TestKeystoneHasNoAddress(t *testing.T) {
	f := newFake(t)
	cfg := f.config(t)
	replaceInConfig(t, f.URL, "http://keystone.invalid:5000")
	_, err := Open(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), "the name keystone.invalid has no address here") {
		t.Errorf("Open = %v, want a word on the name", err)
	}
}

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
	cfg.Timeout = 100 * time.Millisecond
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Snapshot(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cloud fake: Neutron: list ports: no answer from "+strings.TrimPrefix(f.URL, "http://")+" in time (a call has 100ms)") {
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

// A connection serves one request, and no more are open than there should be.
func TestConnections(t *testing.T) {
	f := newFake(t)
	var open, most, all atomic.Int32
	f.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			all.Add(1)
			if n := open.Add(1); n > most.Load() {
				most.Store(n)
			}
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}
	f.handle("GET /identity/v3/projects", func(w http.ResponseWriter, r *http.Request) {
		if !r.Close {
			t.Error("the request does not say Connection: close")
		}
		if got := r.Header.Get("User-Agent"); !strings.HasPrefix(got, "kvm2openstack ") {
			t.Errorf("User-Agent %q", got)
		}
		time.Sleep(10 * time.Millisecond)
		answer(w, 200, map[string]any{"projects": []any{}})
	})
	c := f.open(t)
	const calls = 4 * maxConnections
	done := make(chan error, calls)
	for range calls {
		go func() {
			var body any
			_, err := c.identity.Get(t.Context(), c.identity.ServiceURL("projects"), &body, nil)
			done <- err
		}()
	}
	for range calls {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	// The server sees the end of a connection a moment after its client.
	if n := most.Load(); n > 2*maxConnections {
		t.Errorf("%d connections at once, want at most %d", n, maxConnections)
	}
	if n := all.Load(); n != calls+1 {
		t.Errorf("%d connections for %d requests", n, calls+1)
	}
}

// Whatever goes wrong, secrets stay out of errors and of the log.
func TestSecretsAreNotTold(t *testing.T) {
	echo := func(status int) http.HandlerFunc { // as Keystone's validation does
		return func(w http.ResponseWriter, r *http.Request) {
			text := fmt.Sprintf("Invalid input for field 'password': %s is not valid, token %s", fakePassword, r.Header.Get("X-Auth-Token"))
			answer(w, status, keystoneError(text))
		}
	}
	tests := []struct{ name, pattern string }{
		{"login", "POST /identity/v3/auth/tokens"},
		{"list", "GET /identity/v3/projects"},
		{"placement", "GET /placement/resource_providers"},
	}
	for _, test := range tests {
		for _, status := range []int{400, 401, 403, 500} {
			t.Run(fmt.Sprint(test.name, " ", status), func(t *testing.T) {
				f := newFake(t)
				f.fill(t)
				f.handle(test.pattern, echo(status))
				var log bytes.Buffer
				cfg := f.config(t)
				cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				c, err := Open(t.Context(), cfg)
				if err == nil {
					_, err = c.Snapshot(t.Context())
				}
				if err == nil {
					t.Fatal("no error")
				}
				if log.Len() == 0 || !strings.Contains(err.Error(), "***") {
					t.Errorf("the log is empty, or the answer did not come through: %v", err)
				}
				for what, text := range map[string]string{"error": err.Error(), "whole error": whole(err), "log": log.String()} {
					for _, secret := range []string{fakePassword, f.validToken()} {
						if strings.Contains(text, secret) {
							t.Errorf("%s tells %s:\n%s", what, secret, text)
						}
					}
				}
			})
		}
	}
}

// whole is the text of an error and of all that are in it.
func whole(err error) string {
	text := fmt.Sprintf("%v %+v", err, err)
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			text += whole(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			text += whole(inner)
		}
	}
	return text
}
