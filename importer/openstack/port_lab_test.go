//go:build lab

package openstack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// newPort is a port of the project on the lab's network, with an address that
// nobody has.
func (p *labProject) newPort(secure bool) cloud.NewPort {
	network, subnet := p.networkID()
	addr := netip.MustParseAddr(fmt.Sprintf("%s%d", labPrefix, 150+rand.IntN(49)))
	return cloud.NewPort{
		Instance: uuid.NewString(), Name: "web-1", ProjectID: p.id, NetworkID: network,
		MAC:      fmt.Sprintf("52:54:00:f0:%02x:%02x", rand.IntN(256), rand.IntN(256)),
		FixedIPs: []cloud.PortIP{{SubnetID: subnet, Address: addr}}, PortSecurity: secure, Zone: "nova", Comment: "kvm07, domain web-1",
	}
}

// free gives the port back and sees that it is gone.
func (p *labProject) free(port cloud.Port, instance string) {
	p.t.Helper()
	for range 2 {
		if err := p.FreePort(p.t.Context(), port.ID, instance); err != nil {
			p.t.Error(err)
		}
	}
	if _, err := p.Port(p.t.Context(), port.ID); !errors.Is(err, cloud.ErrNotFound) {
		p.t.Errorf("after FreePort: %v, want ErrNotFound", err)
	}
}

func TestLabPort(t *testing.T) {
	p := newLabProject(t)
	for _, secure := range []bool{true, false} {
		want := p.newPort(secure)
		made, err := p.CreatePort(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		if made.HostID != "" || made.VIFType != "unbound" || made.DeviceID != want.Instance || made.DeviceOwner != "compute:nova" ||
			made.PortSecurity != secure || !made.Ours() || made.ProjectID != p.id || made.Name != "web-1" ||
			len(made.FixedIPs) != 1 || made.FixedIPs[0] != want.FixedIPs[0] {
			t.Errorf("CreatePort = %+v", made)
		}
		if again, err := p.CreatePort(t.Context(), want); err != nil || again.ID != made.ID {
			t.Errorf("CreatePort again = %s, %v, want %s", again.ID, err, made.ID)
		}
		for range 2 {
			bound, err := p.BindPort(t.Context(), made.ID, labHost)
			if err != nil {
				t.Fatal(err)
			}
			if bound.HostID != labHost || bound.VIFType != p.vifType || len(bound.VIFDetails) == 0 {
				t.Errorf("BindPort = %+v", bound)
			}
		}
		all, err := p.PortsOf(t.Context(), []string{uuid.NewString(), want.Instance})
		if err != nil || len(all) != 1 || all[0].ID != made.ID {
			t.Errorf("PortsOf = %+v, %v", all, err)
		}
		if err := p.FreePort(t.Context(), made.ID, uuid.NewString()); err != nil {
			t.Error(err)
		}
		if left, err := p.Port(t.Context(), made.ID); err != nil || left.DeviceID != want.Instance || left.HostID != labHost {
			t.Errorf("FreePort for another instance left %+v, %v", left, err)
		}
		p.free(made, want.Instance)
	}
}

func TestLabPortWithoutAddress(t *testing.T) {
	p := newLabProject(t)
	for _, secure := range []bool{true, false} {
		want := p.newPort(secure)
		want.FixedIPs = nil
		made, err := p.CreatePort(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		if len(made.FixedIPs) > 0 {
			t.Errorf("it has %v", made.FixedIPs)
		}
		if bound, err := p.BindPort(t.Context(), made.ID, labHost); err != nil || bound.VIFType != p.vifType {
			t.Errorf("BindPort = %+v, %v", bound, err)
		}
		p.free(made, want.Instance)
	}
}

func TestLabPortRefused(t *testing.T) {
	p := newLabProject(t)
	has := p.newPort(false)
	made, err := p.CreatePort(t.Context(), has)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*cloud.NewPort)
		is     error
		says   string
	}{
		{"MAC address", func(n *cloud.NewPort) { n.MAC = has.MAC }, cloud.ErrTaken, `device_id "` + has.Instance},
		{"address", func(n *cloud.NewPort) { n.FixedIPs = has.FixedIPs }, cloud.ErrTaken, `device_id "` + has.Instance},
		{"outside", func(n *cloud.NewPort) { n.FixedIPs[0].Address = netip.MustParseAddr("192.0.2.1") }, nil, "not in its subnet"},
		{"network", func(n *cloud.NewPort) { n.NetworkID = uuid.NewString() }, cloud.ErrNotFound, "Network"},
		{"subnet", func(n *cloud.NewPort) { n.FixedIPs[0].SubnetID = uuid.NewString() }, cloud.ErrNotFound, ""},
		{"group", func(n *cloud.NewPort) { n.PortSecurity, n.SecurityGroups = true, []string{uuid.NewString()} }, cloud.ErrNotFound, "ecurity group"},
	} {
		n := p.newPort(false)
		for n.FixedIPs[0] == has.FixedIPs[0] {
			n = p.newPort(false)
		}
		c.change(&n)
		got, err := p.CreatePort(t.Context(), n)
		if err == nil {
			t.Errorf("%s: made %+v", c.name, got)
			continue
		}
		if c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v and %q", c.name, err, c.is, c.says)
		}
		t.Logf("%s: %v", c.name, err)
	}
	p.free(made, has.Instance)

	p.call(p.network, "PUT", "quotas/"+p.id, map[string]any{"quota": map[string]any{"port": 0}}, nil)
	t.Cleanup(func() { p.call(p.network, "DELETE", "quotas/"+p.id, nil, nil) })
	if _, err := p.CreatePort(t.Context(), p.newPort(false)); err == nil || !strings.Contains(err.Error(), "openstack quota set") {
		t.Errorf("over quota: %v", err)
	} else {
		t.Log(err)
	}
}

func TestLabPortUnbound(t *testing.T) {
	p := newLabProject(t)
	want := p.newPort(false)
	made, err := p.CreatePort(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.BindPort(t.Context(), made.ID, "nowhere")
	if !errors.Is(err, cloud.ErrUnbound) || !strings.Contains(err.Error(), "no L2 agent on host nowhere (there are some on "+labHost) {
		t.Errorf("BindPort to a host without agent = %v", err)
	}
	t.Log(err)
	if left, err := p.Port(t.Context(), made.ID); err != nil || left.HostID != "" || left.VIFType != "unbound" {
		t.Errorf("it left %+v, %v", left, err)
	}
	if _, err := p.BindPort(t.Context(), made.ID, labHost); err != nil {
		t.Error(err)
	}
	if _, err := p.BindPort(t.Context(), made.ID, "nowhere"); !errors.Is(err, cloud.ErrTaken) {
		t.Errorf("BindPort of a bound one to another host = %v", err)
	}
	p.free(made, want.Instance)
	if _, err := p.BindPort(t.Context(), made.ID, labHost); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("BindPort of none = %v", err)
	}
}

// TestLabPortTaken: a port that the operator made keeps existing.
func TestLabPortTaken(t *testing.T) {
	p := newLabProject(t)
	n := p.newPort(false)
	id := p.create(p.network, "ports", "port", map[string]any{"network_id": n.NetworkID, "project_id": p.id, "name": "reserved", "fixed_ips": []any{}})
	if _, err := p.CreatePort(t.Context(), func() cloud.NewPort { n := n; n.MAC = p.mac(id); return n }()); !errors.Is(err, cloud.ErrTaken) || !strings.Contains(err.Error(), "no device uses") {
		t.Errorf("CreatePort beside it = %v", err)
	}
	for range 2 {
		taken, err := p.TakePort(t.Context(), id, n.Instance, "nova")
		if err != nil || taken.DeviceID != n.Instance || taken.DeviceOwner != "compute:nova" {
			t.Fatalf("TakePort = %+v, %v", taken, err)
		}
	}
	if _, err := p.TakePort(t.Context(), id, uuid.NewString(), "nova"); !errors.Is(err, cloud.ErrTaken) {
		t.Errorf("TakePort for another instance = %v", err)
	}
	if _, err := p.BindPort(t.Context(), id, labHost); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := p.FreePort(t.Context(), id, n.Instance); err != nil {
			t.Error(err)
		}
	}
	left, err := p.Port(t.Context(), id)
	if err != nil || left.DeviceID != "" || left.DeviceOwner != "" || left.HostID != "" || left.VIFType != "unbound" {
		t.Errorf("FreePort left %+v, %v", left, err)
	}
}

func (p *labProject) mac(id string) string {
	p.t.Helper()
	has, err := p.Port(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return has.MAC
}

// TestLabPortChanged: Neutron refuses a change to a port that is not as it was
// read.
func TestLabPortChanged(t *testing.T) {
	p := newLabProject(t)
	n := p.newPort(false)
	made, err := p.CreatePort(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	stale, err := p.readPort(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	name := "changed"
	if err := ports.Update(t.Context(), p.network, made.ID, ports.UpdateOpts{Name: &name}).Err; err != nil {
		t.Fatal(err)
	}
	if _, err := p.updatePort(t.Context(), stale, *hostChange(labHost)); !answered(err, 412) {
		t.Errorf("change of a stale port = %v, want 412", err)
	}
	p.free(made, n.Instance)
}
