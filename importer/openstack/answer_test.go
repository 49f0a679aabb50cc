package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestCallsEnd: neither a service that does not answer nor a list without an
// end keeps anybody longer than the time for one call.
func TestCallsEnd(t *testing.T) {
	f := newFake(t)
	f.neutron()
	block := make(chan struct{})
	t.Cleanup(func() { close(block) })
	f.handle("GET /network/v2.0/ports/{id}", func(http.ResponseWriter, *http.Request) { <-block })
	pages := 0
	f.handle("GET /network/v2.0/ports", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(20 * time.Millisecond)
		pages++
		answer(w, 200, map[string]any{
			"ports":       []any{map[string]any{"id": fmt.Sprintf("port-%d", pages), "network_id": fakeNetwork}},
			"ports_links": []any{map[string]any{"rel": "next", "href": "/"}},
		})
	})
	cfg := f.config(t)
	cfg.Timeout = time.Second
	c, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, call := range []struct {
		name string
		do   func() error
		is   error
	}{
		{"no answer", func() error { _, err := c.Port(t.Context(), "port-1"); return err }, context.DeadlineExceeded},
		{"a list without an end", func() error { _, err := c.PortsOf(t.Context(), []string{"i-1"}); return err }, context.DeadlineExceeded},
		{"stopped by the caller", func() error { _, err := c.BindPort(stopped, "port-1", "kvm07"); return err }, context.Canceled},
	} {
		start := time.Now()
		if err := call.do(); !errors.Is(err, call.is) {
			t.Errorf("%s: %v, want %v", call.name, err, call.is)
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("%s: took %s", call.name, took)
		}
	}
}

func TestKindOf(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"NeutronError": {"type": "MacAddressInUse", "message": "x"}}`, "MacAddressInUse"},
		{`{"NeutronError": "text"}`, ""},
		{`{"errors": [{"code": "placement.concurrent_update"}]}`, "placement.concurrent_update"},
		{`{"conflictingRequest": {"code": 409, "message": "x"}}`, ""},
		{`{"errors": []}`, ""},
		{`<html>`, ""},
		{``, ""},
	} {
		f := newFake(t)
		f.handle("GET /network/v2.0/ports/{id}", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, c.body, http.StatusConflict) })
		_, err := f.open(t).Port(t.Context(), "port-1")
		if got := kindOf(err); got != c.want || !answered(err, 404, 409) || doubtful(err) {
			t.Errorf("%s: kind %q of %v, want %q", c.body, got, err, c.want)
		}
	}
}
