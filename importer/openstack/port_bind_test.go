package openstack

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

func TestBindPort(t *testing.T) {
	f := newFake(t)
	n := f.neutron()
	id := n.add(map[string]any{"device_id": "i-1"})
	f.handle("PUT /network/v2.0/ports/{id}", lost(n.update))
	cl := f.open(t)
	if _, err := cl.BindPort(t.Context(), id, "kvm07"); err == nil {
		t.Error("BindPort whose answer is lost = nil")
	}
	f.handle("PUT /network/v2.0/ports/{id}", n.update)
	for range 2 {
		got, err := cl.BindPort(t.Context(), id, "kvm07")
		if err != nil || got.HostID != "kvm07" || got.VIFType != "ovs" || got.VIFDetails["bridge_name"] != "br-int" {
			t.Errorf("BindPort = %+v, %v", got, err)
		}
	}
	if puts := f.called("PUT /network/v2.0/ports/"); puts != 1 {
		t.Errorf("%d changes, want the first to be found", puts)
	}
	if _, err := cl.BindPort(t.Context(), id, "kvm08"); !errors.Is(err, cloud.ErrTaken) || !strings.Contains(err.Error(), "kvm07") {
		t.Errorf("BindPort to another host = %v, want cloud.ErrTaken and the host", err)
	}
	if _, err := cl.BindPort(t.Context(), "port-9", "kvm07"); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("BindPort of none = %v, want cloud.ErrNotFound", err)
	}
}

// OVN binds as Open vSwitch does, and says less of it; the host is known by a
// controller instead of an agent.
func TestBindPortOVN(t *testing.T) {
	for name, details := range map[string]map[string]any{
		"21": {"port_filter": true, "connectivity": "l2", "bound_drivers": map[string]any{"0": "ovn"}},
		"26": {"port_filter": true, "connectivity": "l2", "bridge_name": "br-int", "datapath_type": "system", "bound_drivers": map[string]any{"0": "ovn"}},
	} {
		f := newFake(t)
		n := f.neutron()
		n.details = details
		n.agents["kvm07"] = agent{Type: "OVN Controller agent", Host: "kvm07", Alive: true, Enabled: true, Configurations: map[string]any{"chassis_name": "2e7b1f0c", "bridge-mappings": "physnet1:br-ex"}}
		id := n.add(map[string]any{"device_id": "i-1", "device_owner": "compute:nova"})
		got, err := f.open(t).BindPort(t.Context(), id, "kvm07")
		if err != nil || got.VIFType != "ovs" || got.HostID != "kvm07" || got.IsHybrid() || got.Bridge("br-int") != "br-int" || got.Device("tap") != "tap"+id[:min(11, len(id))] {
			t.Errorf("%s: BindPort = %+v, %v", name, got, err)
		}
		if diff := cmp.Diff(details, got.VIFDetails); diff != "" {
			t.Errorf("%s: details (-want +got):\n%s", name, diff)
		}
	}
}

// TestUnbindPort leaves the port the instance's, and alone what is another's.
func TestUnbindPort(t *testing.T) {
	f := newFake(t)
	n := f.neutron()
	id := n.add(map[string]any{"device_id": "i-1", "device_owner": "compute:nova"})
	cl := f.open(t)
	if _, err := cl.BindPort(t.Context(), id, "kvm07"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ instance, host string }{{"i-2", "kvm07"}, {"i-1", ""}, {"i-1", ""}} {
		if err := cl.UnbindPort(t.Context(), id, c.instance); err != nil {
			t.Errorf("UnbindPort of %s = %v", c.instance, err)
		}
		if p, err := cl.Port(t.Context(), id); err != nil || p.HostID != c.host || p.DeviceID != "i-1" || p.DeviceOwner != "compute:nova" {
			t.Errorf("after UnbindPort of %s: %+v, %v, want host %q", c.instance, p, err, c.host)
		}
	}
	if puts := f.called("PUT /network/v2.0/ports/"); puts != 2 {
		t.Errorf("%d changes, want one to bind and one to unbind", puts)
	}
	if err := cl.UnbindPort(t.Context(), "port-9", "i-1"); err != nil {
		t.Errorf("UnbindPort of none = %v, want it fine", err)
	}
}

func TestBindPortFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		agent func(*fakeNeutron)
		host  string
		says  string
	}{
		{"no agent", func(*fakeNeutron) {}, "kvm08", "Neutron knows no L2 agent on host kvm08 (there are some on kvm07)"},
		{"no agent at all", func(n *fakeNeutron) { n.agents = nil }, "kvm08", "nor can any other be seen"},
		{"dead agent", func(n *fakeNeutron) {
			n.addAgent("kvm08")
			n.agents["kvm08"] = agent{Type: "Linux bridge agent", Host: "kvm08", Enabled: true}
		}, "kvm08", "the Linux bridge agent on kvm08 is down (last heartbeat 2026-01-02 03:04:05 UTC)"},
		{"disabled agent", func(n *fakeNeutron) {
			n.addAgent("kvm08")
			n.agents["kvm08"] = agent{Type: "Open vSwitch agent", Host: "kvm08", Alive: true}
		}, "kvm08", "is disabled"},
		{"other segment", func(n *fakeNeutron) { n.addAgent("kvm08", "physnet2") }, "kvm08",
			"network public is on physical network physnet1, and it has only bridge_mappings map[physnet2:br-ex]"},
		{"OVN, other segment", func(n *fakeNeutron) {
			n.agents["kvm08"] = agent{Type: "OVN Controller agent", Host: "kvm08", Alive: true, Enabled: true, Configurations: map[string]any{"bridge-mappings": "physnet2:br-ex"}}
		}, "kvm08", "it has only bridge-mappings physnet2:br-ex"},
		{"no reason to be seen", func(n *fakeNeutron) {
			n.agents["kvm08"] = agent{Type: "OVN Controller agent", Host: "kvm08", Alive: true, Enabled: true, Configurations: map[string]any{"bridge-mappings": "physnet2:br-2, physnet1:br-ex"}}
		}, "kvm08", "look whether its mechanism driver is enabled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.neutron()
			c.agent(n)
			id := n.add(map[string]any{"device_id": "i-1", "device_owner": "compute:nova"})
			_, err := f.open(t).BindPort(t.Context(), id, c.host)
			if !errors.Is(err, cloud.ErrUnbound) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "binding_failed") {
				t.Errorf("BindPort = %v, want cloud.ErrUnbound and %q", err, c.says)
			}
			if p := n.get(id); p["binding:host_id"] != "" || p["binding:vif_type"] != "unbound" || p["device_id"] != "i-1" {
				t.Errorf("it left %v", p)
			}
		})
	}
}

// TestBindPortFailsBlindly: the refusal is told even when its reason cannot be
// read.
func TestBindPortFailsBlindly(t *testing.T) {
	f := newFake(t)
	n := f.neutron()
	f.handle("GET /network/v2.0/agents", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 403, neutronError("PolicyNotAuthorized", "not allowed"))
	})
	id := n.add(nil)
	if _, err := f.open(t).BindPort(t.Context(), id, "kvm08"); !errors.Is(err, cloud.ErrUnbound) || !strings.Contains(err.Error(), "not allowed") {
		t.Errorf("BindPort = %v", err)
	}
}

func TestPortsOf(t *testing.T) {
	f := newFake(t)
	n := f.neutron()
	var instances []string
	for range 3 {
		for range devicesPerList {
			instances = append(instances, "i-"+string(rune('a'+len(instances)%26))+strings.Repeat("x", len(instances)/26))
		}
	}
	for _, i := range []int{0, 1, len(instances) - 1} {
		n.add(map[string]any{"device_id": instances[i]})
	}
	n.add(map[string]any{"device_id": "i-other"})
	got, err := f.open(t).PortsOf(t.Context(), instances)
	if calls := f.called("GET /network/v2.0/ports?"); err != nil || len(got) != 3 || calls != 3 {
		t.Errorf("PortsOf = %d ports, %v, in %d calls, want 3 in 3", len(got), err, calls)
	}
	if got[0].Floating == nil || len(got[0].Floating) != 0 {
		t.Errorf("floating IPs of a Neutron without them: %v, want that there are none", got[0].Floating)
	}
	if none, err := f.open(t).PortsOf(t.Context(), nil); err != nil || len(none) != 0 {
		t.Errorf("PortsOf nothing = %v, %v: an empty filter would be all of the cloud's", none, err)
	}
}

// A cache that is compared with ports, or made of them, has the floating IPs of
// this moment, not those that were there when the networks were read.
func TestPortsOfAreWhole(t *testing.T) {
	f := newFake(t)
	n := f.neutron()
	first := n.add(map[string]any{"device_id": "i-1", "binding:profile": map[string]any{"trusted": true}, "admin_state_up": false})
	second := n.add(map[string]any{"device_id": "i-1", "binding:profile": nil})
	leads := func(id, to, fixed, port string) map[string]any {
		return map[string]any{"id": id, "floating_ip_address": to, "fixed_ip_address": fixed, "port_id": port}
	}
	f.handle("GET /network/v2.0/floatingips", func(w http.ResponseWriter, r *http.Request) {
		if asked := r.URL.Query()["port_id"]; len(asked) != 2 || !slices.Contains(asked, first) || !slices.Contains(asked, second) {
			t.Errorf("floating IPs of the ports %v are asked for, want those of %s and %s", asked, first, second)
		}
		paged("floatingips", "floatingips_links", []map[string]any{
			leads("f1", "203.0.113.7", "10.0.0.5", first), leads("f2", "203.0.113.8", "10.0.0.6", first), leads("f3", "203.0.113.9", "10.0.0.5", first),
		})(w, r)
	})
	got, err := f.open(t).PortsOf(t.Context(), []string{"i-1"})
	if err != nil || len(got) != 2 {
		t.Fatalf("PortsOf = %v, %v, want two", got, err)
	}
	slices.SortFunc(got, func(a, b cloud.Port) int { return strings.Compare(a.ID, b.ID) })
	var none *cloud.Snapshot
	if to := fmt.Sprint(none.Floating(got[0], netip.MustParseAddr("10.0.0.5"))); to != "[203.0.113.7 203.0.113.9]" || len(got[0].Floating) != 3 || len(got[1].Floating) != 0 {
		t.Errorf("floating IPs %v and %v, %s for 10.0.0.5", got[0].Floating, got[1].Floating, to)
	}
	if string(got[0].Profile) != `{"trusted":true}` || got[1].Profile != nil || !got[0].AdminDown || got[1].AdminDown {
		t.Errorf("profiles %s and %s, down %v and %v", got[0].Profile, got[1].Profile, got[0].AdminDown, got[1].AdminDown)
	}
	for name, answers := range map[string]http.HandlerFunc{
		"no address": paged("floatingips", "", []map[string]any{leads("f1", "203.0.113.7", "", first)}),
		"forbidden": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, 403, neutronError("PolicyNotAuthorized", "no"))
		},
	} {
		f.handle("GET /network/v2.0/floatingips", answers)
		if got, err := f.open(t).PortsOf(t.Context(), []string{"i-1"}); err == nil || !strings.Contains(err.Error(), "floating IP") {
			t.Errorf("%s: PortsOf = %v, %v, want an error: a cache without them would be written", name, got, err)
		}
	}
}

func TestPortGarbage(t *testing.T) {
	for _, text := range []string{`<html>`, `{}`, `{"port": null}`, `{"port": []}`, `{"port": {"id": "port-1"}}`,
		`{"port": {"id": "port-1", "network_id": "n", "fixed_ips": [{"ip_address": "ten"}]}}`} {
		f := newFake(t)
		f.handle("GET /network/v2.0/ports/{id}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
		if got, err := f.open(t).Port(t.Context(), "port-1"); err == nil {
			t.Errorf("Port answered %s = %+v, want an error", text, got)
		}
	}
}
