package openstack

import (
	"errors"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

func TestTakePort(t *testing.T) {
	for _, c := range []struct {
		name  string
		has   map[string]any
		taken bool // refused as cloud.ErrTaken
		says  string
	}{
		{"unused", map[string]any{}, false, ""},
		{"ours already", map[string]any{"device_id": "i-1", "device_owner": "compute:nova", "binding:host_id": "kvm07"}, false, ""},
		{"ours without owner", map[string]any{"device_id": "i-1"}, false, ""},
		{"another instance's", map[string]any{"device_id": "i-2", "device_owner": "compute:nova"}, true, "i-2"},
		{"a router's", map[string]any{"device_id": "r-1", "device_owner": "network:router_interface"}, true, "network:router_interface"},
		{"owner without device", map[string]any{"device_owner": "baremetal:none"}, true, "baremetal:none"},
		{"bound without device", map[string]any{"binding:host_id": "kvm01", "binding:vif_type": "ovs"}, true, "on host kvm01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.neutron()
			id := n.add(c.has)
			got, err := f.open(t).TakePort(t.Context(), id, "i-1", "nova")
			if c.taken {
				if !errors.Is(err, cloud.ErrTaken) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("TakePort = %v, want cloud.ErrTaken and %q", err, c.says)
				}
				if n.get(id)["device_id"] == "i-1" {
					t.Error("it was taken all the same")
				}
				return
			}
			if err != nil || got.DeviceID != "i-1" || got.DeviceOwner != "compute:nova" {
				t.Errorf("TakePort = %+v, %v", got, err)
			}
		})
	}
}

// TestTakePortRace: somebody takes the port between the look and the request.
func TestTakePortRace(t *testing.T) {
	f := newFake(t)
	n := f.neutron()
	id := n.add(nil)
	n.onRead = func(p map[string]any) {
		if p["device_id"] == "" {
			p["device_id"], p["device_owner"] = "i-2", "compute:nova"
			p["revision_number"] = p["revision_number"].(int) + 1
		}
	}
	if _, err := f.open(t).TakePort(t.Context(), id, "i-1", "nova"); !errors.Is(err, cloud.ErrTaken) {
		t.Errorf("TakePort = %v, want cloud.ErrTaken", err)
	}
	if got := n.get(id)["device_id"]; got != "i-2" {
		t.Errorf("the port is %v's, want i-2's", got)
	}
}

// TestTakePortRestless: a port that changes all the time is given up on.
func TestTakePortRestless(t *testing.T) {
	f := newFake(t)
	n := f.neutron()
	id := n.add(nil)
	n.onRead = func(p map[string]any) { p["revision_number"] = p["revision_number"].(int) + 1 }
	if _, err := f.open(t).TakePort(t.Context(), id, "i-1", "nova"); !errors.Is(err, cloud.ErrConflict) {
		t.Errorf("TakePort = %v, want cloud.ErrConflict", err)
	}
}

func TestFreePort(t *testing.T) {
	ours := cloud.Mark + "kvm07, domain web-1"
	for _, c := range []struct {
		name string
		has  map[string]any
		left map[string]any // nil: deleted
	}{
		{"ours", map[string]any{"description": ours, "device_id": "i-1", "device_owner": "compute:nova", "binding:host_id": "kvm07", "binding:vif_type": "ovs"}, nil},
		{"ours, interrupted", map[string]any{"description": ours}, nil},
		{"ours, now another's", map[string]any{"description": ours, "device_id": "i-2", "device_owner": "compute:nova", "binding:host_id": "kvm01"},
			map[string]any{"device_id": "i-2", "device_owner": "compute:nova", "binding:host_id": "kvm01"}},
		{"taken", map[string]any{"description": "web", "device_id": "i-1", "device_owner": "compute:nova", "binding:host_id": "kvm07", "binding:vif_type": "ovs"},
			map[string]any{"device_id": "", "device_owner": "", "binding:host_id": "", "binding:vif_type": "unbound"}},
		{"taken, free again", map[string]any{"description": "web"}, map[string]any{"device_id": "", "revision_number": 1}},
		{"another's", map[string]any{"device_id": "i-2", "device_owner": "compute:nova"}, map[string]any{"device_id": "i-2", "revision_number": 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.neutron()
			id := n.add(c.has)
			cl := f.open(t)
			for range 2 {
				if err := cl.FreePort(t.Context(), id, "i-1"); err != nil {
					t.Fatal(err)
				}
			}
			left := n.get(id)
			if (left == nil) != (c.left == nil) {
				t.Fatalf("left %v, want %v", left, c.left)
			}
			for key, want := range c.left {
				if left[key] != want {
					t.Errorf("%s: %v, want %v", key, left[key], want)
				}
			}
		})
	}
}

// TestFreePortDies: Neutron dies between the two requests, and the next call
// ends what is left.
func TestFreePortDies(t *testing.T) {
	f := newFake(t)
	n := f.neutron()
	id := n.add(map[string]any{"description": cloud.Mark, "device_id": "i-1", "device_owner": "compute:nova", "binding:host_id": "kvm07"})
	f.handle("PUT /network/v2.0/ports/{id}", lost(n.update))
	cl := f.open(t)
	if err := cl.FreePort(t.Context(), id, "i-1"); err == nil {
		t.Error("FreePort whose answer is lost = nil")
	}
	f.handle("PUT /network/v2.0/ports/{id}", n.update)
	if err := cl.FreePort(t.Context(), id, "i-1"); err != nil || n.get(id) != nil {
		t.Errorf("FreePort afterwards = %v, left %v", err, n.get(id))
	}
}
