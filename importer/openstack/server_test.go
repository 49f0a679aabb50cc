package openstack

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

func TestServer(t *testing.T) {
	f := newFake(t)
	n := f.servers()
	c := f.open(t)
	want := cloud.Server{
		UUID: fakeServer, Status: "SHUTOFF", VMState: "stopped", Power: 4, Host: "kvm07", InstanceName: "instance-0000000a", Locked: true,
	}
	read := func(wantFault string) {
		t.Helper()
		want.Fault = wantFault
		got, err := c.Server(t.Context(), fakeServer)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Server, want -, got +:\n%s", diff)
		}
	}
	read("")
	n.note("stop")
	read("")
	n.fails(n.note("start"), "libvirtError\n")
	read("start failed: libvirtError")
	n.note("stop")
	read("") // The failure is not of the last action.

	n.is("ERROR", "error", nil)
	n.server["fault"] = map[string]any{"code": 500, "message": "no   such disk.", "created": "2026-01-01T00:00:00Z"}
	want.Status, want.VMState = "ERROR", "error"
	read("no such disk")

	if _, err := c.Server(t.Context(), "5a1e0000-0000-4000-8000-00000000dead"); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("Server that is gone = %v, want %v", err, cloud.ErrNotFound)
	}
}

func TestServerGarbage(t *testing.T) {
	for _, c := range []struct{ name, body string }{
		{"another one", `{"server": {"id": "x", "OS-EXT-STS:vm_state": "active", "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z"}}`},
		{"no states", `{"server": {"id": "` + fakeServer + `", "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:00Z"}}`},
		{"nothing", `{}`},
		{"no JSON", `<html>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.servers()
			f.handle("GET /compute/v2.1/servers/{id}", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(c.body))
			})
			cl := f.open(t)
			if got, err := cl.Server(t.Context(), fakeServer); err == nil {
				t.Errorf("Server = %+v, want an error", got)
			}
			if err := cl.Start(t.Context(), fakeServer); err == nil || n.orders != 0 {
				t.Errorf("Start = %v with %d orders, want an error and none", err, n.orders)
			}
		})
	}
}

func TestActions(t *testing.T) {
	start := func(c *Cloud, ctx context.Context) error { return c.Start(ctx, fakeServer) }
	reboot := func(c *Cloud, ctx context.Context) error { return c.HardReboot(ctx, fakeServer) }
	for _, c := range []struct {
		name            string
		do              func(*Cloud, context.Context) error
		status, vmState string
		task            any
		orders          int
		is              error
	}{
		{"start", start, "SHUTOFF", "stopped", nil, 1, nil},
		{"start, active", start, "ACTIVE", "active", nil, 0, nil},
		{"start, under way", start, "SHUTOFF", "stopped", "powering-on", 0, nil},
		{"start, busy", start, "SHUTOFF", "stopped", "image_snapshot", 0, cloud.ErrBusy},
		{"start, held", start, "SHUTOFF", "stopped", "block_device_mapping", 0, cloud.ErrBusy},
		{"start, paused", start, "PAUSED", "paused", nil, 0, cloud.ErrBusy},
		{"start, error", start, "ERROR", "error", nil, 0, cloud.ErrBusy},
		{"reboot, active", reboot, "ACTIVE", "active", nil, 1, nil},
		{"reboot, stopped", reboot, "SHUTOFF", "stopped", nil, 1, nil},
		{"reboot, error", reboot, "ERROR", "error", nil, 1, nil},
		{"reboot, under way", reboot, "HARD_REBOOT", "active", "rebooting_hard", 0, nil},
		{"reboot, started", reboot, "HARD_REBOOT", "active", "reboot_started_hard", 0, nil},
		{"reboot, a soft one under way", reboot, "REBOOT", "active", "rebooting", 0, cloud.ErrBusy},
		{"reboot, being built", reboot, "BUILD", "building", nil, 0, cloud.ErrBusy},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.servers()
			n.is(c.status, c.vmState, c.task)
			if err := c.do(f.open(t), t.Context()); !errors.Is(err, c.is) || n.orders != c.orders {
				t.Errorf("%v with %d orders, want %v with %d", err, n.orders, c.is, c.orders)
			}
		})
	}
}

// TestActionsInDoubt: an order whose answer is lost is not given again; what
// Nova has noted says whether it was taken.
func TestActionsInDoubt(t *testing.T) {
	const pattern = "POST /compute/v2.1/servers/{id}/action"
	done := func(n *fakeServers, h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			h(w, r)
			n.is("ACTIVE", "active", nil)
		}
	}
	for _, c := range []struct {
		name   string
		h      func(n *fakeServers) http.HandlerFunc
		orders int
		fails  bool
	}{
		{"taken, answer lost", func(n *fakeServers) http.HandlerFunc { return lost(n.order) }, 1, false},
		{"taken and done, answer lost", func(n *fakeServers) http.HandlerFunc { return lost(done(n, n.order)) }, 1, false},
		{"taken, a proxy gave up", func(n *fakeServers) http.HandlerFunc { return instead(504, "", n.order) }, 1, false},
		{"not taken, 500", func(*fakeServers) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { answer(w, 500, nil) }
		}, 0, true},
		{"somebody was quicker", func(n *fakeServers) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				n.note("start")
				n.is("SHUTOFF", "stopped", "powering-on")
				n.order(w, r)
			}
		}, 0, false},
		{"somebody did something else", func(n *fakeServers) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				n.note("snapshot")
				n.is("SHUTOFF", "stopped", "image_snapshot")
				n.order(w, r)
			}
		}, 0, true},
		{"forbidden", func(*fakeServers) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				answer(w, 403, novaError("forbidden", "Policy doesn't allow it."))
			}
		}, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.servers()
			n.note("start") // an old one, which must not be taken for this
			f.handle(pattern, c.h(n))
			err := f.open(t).Start(t.Context(), fakeServer)
			if (err != nil) != c.fails || n.orders != c.orders {
				t.Errorf("Start = %v with %d orders, want an error: %t, with %d", err, n.orders, c.fails, c.orders)
			}
			if err != nil && !strings.Contains(err.Error(), fakeServer) {
				t.Errorf("%q does not name the instance", err)
			}
			if f.called("POST /compute/v2.1/servers/") != 1 {
				t.Errorf("%d orders were sent, want 1", f.called("POST /compute/v2.1/servers/"))
			}
		})
	}
}
