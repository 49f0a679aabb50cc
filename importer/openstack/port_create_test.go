package openstack

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

func newPort() cloud.NewPort {
	return cloud.NewPort{
		Instance: "i-1", Name: "web-1", ProjectID: "p-1", NetworkID: fakeNetwork, MAC: "52:54:00:00:00:01",
		FixedIPs: []cloud.PortIP{{SubnetID: fakeSubnet, Address: netip.MustParseAddr("10.0.0.5")}},
		Zone:     "nova", Comment: "kvm07, domain web-1",
	}
}

func TestCreatePort(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*cloud.NewPort)
		want   map[string]any // of what Neutron is asked for
	}{
		{"as it is", func(*cloud.NewPort) {}, map[string]any{
			"fixed_ips":             []any{map[string]any{"subnet_id": fakeSubnet, "ip_address": "10.0.0.5"}},
			"port_security_enabled": false, "security_groups": nil,
		}},
		{"no address", func(n *cloud.NewPort) { n.FixedIPs = nil }, map[string]any{"fixed_ips": []any{}}},
		{"secure, default group", func(n *cloud.NewPort) { n.PortSecurity = true }, map[string]any{"port_security_enabled": true, "security_groups": nil}},
		{"secure, groups", func(n *cloud.NewPort) { n.PortSecurity, n.SecurityGroups = true, []string{"sg-1"} }, map[string]any{"security_groups": []any{"sg-1"}}},
		{"not secure, groups", func(n *cloud.NewPort) { n.SecurityGroups = []string{"sg-1"} }, map[string]any{"security_groups": nil}},
		{"long comment", func(n *cloud.NewPort) { n.Comment = strings.Repeat("ä", 300) }, map[string]any{
			"description": cloud.Mark + strings.Repeat("ä", 255-len(cloud.Mark)),
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.neutron()
			p := newPort()
			c.change(&p)
			made, err := f.open(t).CreatePort(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			asked := n.get(made.ID)
			for key, want := range c.want {
				if d := cmp.Diff(want, asked[key]); d != "" {
					t.Errorf("%s: %s", key, d)
				}
			}
			for key, want := range map[string]any{
				"network_id": fakeNetwork, "project_id": "p-1", "name": "web-1", "mac_address": "52:54:00:00:00:01",
				"device_id": "i-1", "device_owner": "compute:nova", "admin_state_up": true,
			} {
				if asked[key] != want {
					t.Errorf("%s: asked for %v, want %v", key, asked[key], want)
				}
			}
			if !made.Ours() || made.VIFType != "unbound" || len(made.FixedIPs) != len(p.FixedIPs) {
				t.Errorf("CreatePort = %+v", made)
			}
		})
	}
}

// TestCreatePortAgain: a port is made once, whatever happened to the first
// answer.
func TestCreatePortAgain(t *testing.T) {
	for _, c := range []struct {
		name  string
		first func(http.HandlerFunc) http.HandlerFunc
	}{
		{"answered", func(h http.HandlerFunc) http.HandlerFunc { return h }},
		{"answer lost", lost},
		{"proxy gave up", func(h http.HandlerFunc) http.HandlerFunc { return instead(504, "<h1>Gateway Timeout</h1>", h) }},
		{"garbage", func(h http.HandlerFunc) http.HandlerFunc { return instead(201, "<html>hello</html>", h) }},
		{"empty answer", func(h http.HandlerFunc) http.HandlerFunc { return instead(201, "{}", h) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.neutron()
			f.handle("POST /network/v2.0/ports", c.first(n.create))
			cl := f.open(t)
			first, err := cl.CreatePort(t.Context(), newPort())
			if err != nil {
				t.Fatal(err)
			}
			f.handle("POST /network/v2.0/ports", n.create)
			again, err := cl.CreatePort(t.Context(), newPort())
			if err != nil || again.ID != first.ID || n.count() != 1 {
				t.Errorf("CreatePort again = %s, %v, with %d ports, want %s and one", again.ID, err, n.count(), first.ID)
			}
		})
	}
}

// TestCreatePortNeutronDies: the request is carried out, and then Neutron is
// gone. The next run finds the port.
func TestCreatePortNeutronDies(t *testing.T) {
	f := newFake(t)
	n := f.neutron()
	var down atomic.Bool
	f.handle("POST /network/v2.0/ports", func(w http.ResponseWriter, r *http.Request) {
		down.Store(true)
		lost(n.create)(w, r)
	})
	f.handle("GET /network/v2.0/ports", func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		n.list(w, r)
	})
	cl := f.open(t)
	if _, err := cl.CreatePort(t.Context(), newPort()); err == nil || !strings.Contains(err.Error(), "52:54:00:00:00:01") {
		t.Fatalf("CreatePort with a dead Neutron = %v", err)
	}
	down.Store(false)
	if _, err := cl.CreatePort(t.Context(), newPort()); err != nil || n.count() != 1 || f.called("POST /network/v2.0/ports") != 1 {
		t.Errorf("CreatePort afterwards = %v, with %d ports and %d requests to make one", err, n.count(), f.called("POST /network/v2.0/ports"))
	}
}

// TestCreatePortNotDone: what was not carried out is not tried twice behind
// the caller's back.
func TestCreatePortNotDone(t *testing.T) {
	f := newFake(t)
	f.neutron()
	f.handle("POST /network/v2.0/ports", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, 500, neutronError("HTTPInternalServerError", "Request Failed"))
	})
	if _, err := f.open(t).CreatePort(t.Context(), newPort()); err == nil || f.called("POST /network/v2.0/ports") != 1 {
		t.Errorf("CreatePort = %v after %d requests, want an error after one", err, f.called("POST /network/v2.0/ports"))
	}
}

func TestCreatePortRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		has   map[string]any // a port that is there
		asked func(*cloud.NewPort)
		quota int
		is    error
		says  []string
	}{
		{"MAC address of another instance", map[string]any{"mac_address": "52:54:00:00:00:01", "device_id": "i-2", "device_owner": "compute:nova", "binding:host_id": "kvm01"},
			nil, 0, cloud.ErrTaken, []string{"port-1", "i-2", "compute:nova", "kvm01", "p-other"}},
		{"MAC address of another adoption", map[string]any{"mac_address": "52:54:00:00:00:01", "device_id": "i-2", "device_owner": "compute:nova", "description": cloud.Mark + "kvm01, domain db"},
			nil, 0, cloud.ErrTaken, []string{"i-2", "kvm01, domain db"}},
		{"MAC address of an unused port", map[string]any{"mac_address": "52:54:00:00:00:01"}, nil, 0, cloud.ErrTaken, []string{"which no device uses"}},
		{"MAC address of this instance's foreign port", map[string]any{"mac_address": "52:54:00:00:00:01", "device_id": "i-1", "device_owner": "compute:nova"},
			nil, 0, cloud.ErrTaken, []string{"i-1"}},
		{"MAC address in capitals", map[string]any{"mac_address": "52:54:00:00:00:aa", "device_id": "i-2"},
			func(n *cloud.NewPort) { n.MAC = "52:54:00:00:00:AA" }, 0, cloud.ErrTaken, []string{"i-2"}},
		{"address", map[string]any{"device_owner": "network:dhcp", "device_id": "dhcp-1", "fixed_ips": []any{map[string]any{"subnet_id": fakeSubnet, "ip_address": "10.0.0.5"}}},
			nil, 0, cloud.ErrTaken, []string{"10.0.0.5 is that of port port-1", "network:dhcp", "dhcp-1"}},
		{"outside", nil, func(n *cloud.NewPort) { n.FixedIPs[0].Address = netip.MustParseAddr("192.0.2.1") }, 0, nil, []string{"not in its subnet", "192.0.2.1"}},
		{"quota", map[string]any{}, nil, 1, nil, []string{"openstack quota set --ports N p-1"}},
		{"network gone", nil, func(n *cloud.NewPort) { n.NetworkID = "net-9" }, 0, cloud.ErrNotFound, []string{"Network net-9 could not be found"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.neutron()
			n.quota = c.quota
			if c.has != nil {
				n.add(c.has)
			}
			p := newPort()
			if c.asked != nil {
				c.asked(&p)
			}
			before := n.count()
			_, err := f.open(t).CreatePort(t.Context(), p)
			if err == nil || c.is != nil && !errors.Is(err, c.is) {
				t.Fatalf("CreatePort = %v, want %v", err, c.is)
			}
			for _, text := range append(c.says, p.MAC, p.Instance) {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q is not in %q", text, err)
				}
			}
			if n.count() != before {
				t.Errorf("%d ports, want %d", n.count(), before)
			}
		})
	}
}

// TestCreatePortRace: another run makes the same port between the look and the
// request.
func TestCreatePortRace(t *testing.T) {
	f := newFake(t)
	n := f.neutron()
	f.handle("POST /network/v2.0/ports", func(w http.ResponseWriter, r *http.Request) {
		if n.count() == 0 {
			n.add(map[string]any{"mac_address": "52:54:00:00:00:01", "device_id": "i-1", "description": cloud.Mark})
		}
		n.create(w, r)
	})
	if got, err := f.open(t).CreatePort(t.Context(), newPort()); err != nil || got.ID != "port-1" {
		t.Errorf("CreatePort = %s, %v, want the other run's", got.ID, err)
	}
}
