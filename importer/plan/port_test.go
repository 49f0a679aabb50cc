package plan

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// liveWorld is the one that liveInput plans for, with the guest's port made.
func liveWorld() World {
	w := world(smallFlavor())
	in := liveInput()
	w.Cloud = in.Cloud
	w.Images = map[string]string{legacyID: ownImage}
	return w
}

// made is what Neutron has after CreatePort.
func made(n int) cloud.Port {
	p := port(n)
	p.Description, p.HostID, p.VIFType, p.VIFDetails, p.Status = cloud.Mark+"kvm01/web-1", "", "unbound", nil, "DOWN"
	return p
}

func TestInstanceWithPortsThatAreMade(t *testing.T) {
	d := build(t, liveInput(ready(linux(1, "web-1"))))
	elsewhere := made(1)
	elsewhere.HostID, elsewhere.VIFType = "kvm09", "bridge"
	tests := []struct {
		name   string
		change func(*World)
		want   string // vif types of the instance's ports, or the error
	}{
		{"made just now", func(w *World) { w.Ports = []cloud.Port{made(2), made(1)} }, `[""]`},
		{"made by an earlier run", func(w *World) { w.Cloud.Ports = append(w.Cloud.Ports, made(1)) }, `[""]`},
		{"bound", func(w *World) { w.Ports, w.Cloud.Ports = []cloud.Port{port(1)}, append(w.Cloud.Ports, made(1)) }, `["bridge"]`},
		{"bound to another host", func(w *World) { w.Ports = []cloud.Port{elsewhere} }, `[""]`},
		{"preview", func(w *World) { w.Unmade = true }, `[]`},
		{"not made", func(*World) {}, "interface " + mac(1) + ": its port is to be made, and is not there"},
		{"no APIs", func(w *World) { w.Cloud.Live, w.Unmade = false, true }, "which needs the cloud's APIs"},
		{"no cloud", func(w *World) { w.Cloud, w.Unmade = nil, true }, "which needs the cloud's APIs"},
		{"somebody else's by now", func(w *World) {
			w.Cloud.Ports = append(w.Cloud.Ports, portBut(made(1), func(p *cloud.Port) { p.DeviceID = "c0ffee" }))
		}, "port " + portID(1) + ": belongs to device c0ffee"},
		{"network is gone", func(w *World) { w.Ports, w.Cloud.Networks = []cloud.Port{made(1)}, []cloud.Network{} }, `no network with the name or id "` + publicID},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := liveWorld()
			test.change(&w)
			in, err := Instance(d, w)
			types := []string{}
			for _, p := range in.Ports {
				types = append(types, `"`+p.VIFType+`"`)
			}
			got := fmt.Sprint(types)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("Instance: %s, want %s", got, test.want)
			}
			if err == nil && in.Ports != nil {
				if _, err := nova.Rows(in, w.Now); err != nil {
					t.Errorf("its rows: %v", err)
				}
			}
		})
	}
}

// A port that is not bound has all that its row needs, and nothing that could
// be taken for a binding.
func TestPortUnbound(t *testing.T) {
	d := build(t, liveInput(ready(linux(1, "web-1"))))
	p := made(1)
	p.VIFType, p.VIFDetails, p.HostID, p.Status = "bridge", map[string]any{"port_filter": true}, "kvm09", "ACTIVE"
	got, err := Port(liveWorld(), d, d.NICs[0], p)
	if err != nil {
		t.Fatal(err)
	}
	want := nova.Port{
		ID: portID(1), MAC: mac(1), NetworkID: publicID, NetworkName: "public", NetworkOwner: legacyID, MTU: 1500, Physical: "physlegacy", VNICType: "normal",
		FixedIPs: []nova.FixedIP{{
			Address: netip.MustParseAddr("10.66.0.1"), CIDR: netip.MustParsePrefix("10.66.0.0/24"), Gateway: netip.MustParseAddr("10.66.0.253"),
			DNS: []netip.Addr{netip.MustParseAddr("10.66.0.2")}, DHCPServer: netip.MustParseAddr("10.66.0.253"),
		}},
	}
	if diff := cmp.Diff(want, got, comparable); diff != "" {
		t.Errorf("Port (-want +got):\n%s", diff)
	}
	if _, err := Port(liveWorld(), d, NIC{MAC: mac(1), NetworkID: publicID, Port: portID(9)}, p); err == nil || !strings.Contains(err.Error(), "is not the one that is planned") {
		t.Errorf("Port = %v, want that another one is planned", err)
	}
}

// Nothing that is still to be made can slip into what is written.
func TestInstanceUnmade(t *testing.T) {
	in := liveInput(ready(linux(1, "web-1")))
	in.Flavors = []nova.Flavor{}
	d := build(t, in)
	w := liveWorld()
	w.Flavor, w.Images, w.Unmade = nova.Flavor{}, nil, true
	got, err := Instance(d, w)
	if err != nil {
		t.Fatal(err)
	}
	if got.ImageRef != "" || len(got.Ports) != 0 || got.Flavor.ID != 0 || got.Flavor.Name != d.Flavor.Name || got.Flavor.MemoryMB != 4096 {
		t.Errorf("image %q, ports %v, flavor %+v; want none, none, and what is planned", got.ImageRef, got.Ports, got.Flavor)
	}
	if _, err := nova.Rows(got, w.Now); err != nil {
		t.Errorf("its rows cannot be shown: %v", err)
	}

	w.Unmade = false
	_, err = Instance(d, w)
	for _, part := range []string{"planned with flavor legacy.2c4096m40d", "placeholder image of project legacy, and there is none", "its port is to be made, and is not there"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Instance = %v, want an error with %q", err, part)
		}
	}
	w.Images = map[string]string{shopID: shopImage}
	if _, err = Instance(d, w); err == nil || !strings.Contains(err.Error(), "placeholder image") {
		t.Errorf("Instance = %v, want an error: the image is another project's", err)
	}
}

func TestInstanceHasThePlaceholder(t *testing.T) {
	d := build(t, liveInput(ready(linux(1, "web-1"))))
	w := liveWorld()
	w.Ports = []cloud.Port{made(1)}
	in, err := Instance(d, w)
	if err != nil || in.ImageRef != ownImage {
		t.Errorf("image %q, %v, want the project's placeholder", in.ImageRef, err)
	}
	d.Placeholder, d.ImageRef = false, shopImage
	if in, err = Instance(d, w); err != nil || in.ImageRef != shopImage {
		t.Errorf("image %q, %v, want the one that is planned", in.ImageRef, err)
	}
}

func TestFlavorGivenExtraSpecs(t *testing.T) {
	d := build(t, input(ready(linux(1, "web-1"))))
	w := world(smallFlavor())
	w.Flavor.ExtraSpecs = map[string]string{"hw:cpu_sockets": "1"}
	if _, err := Instance(d, w); err == nil || !strings.Contains(err.Error(), "extra specs {}, and Nova has it with {hw:cpu_sockets=1}") {
		t.Errorf("Instance = %v, want the extra specs named", err)
	}
}

func TestNewPort(t *testing.T) {
	d := Domain{
		Domain: "web-1", Host: "kvm01", UUID: linux(1, "").UUID, DisplayName: "Web 1", ProjectID: legacyID, AvailabilityZone: "az1",
	}
	nic := NIC{MAC: mac(1), Network: "public", NetworkID: publicID, CreatePort: true, Addresses: []string{"10.66.0.9", "2001:db8::9"}, PortSecurity: true, SecurityGroups: []string{webGroup}}
	s := liveInput().Cloud
	s.Networks[0].Subnets = append(s.Networks[0].Subnets, cloud.Subnet{ID: "s6", Name: "public-v6", CIDR: netip.MustParsePrefix("2001:db8::/64")})
	want := cloud.NewPort{
		Instance: d.UUID, Name: "Web 1", ProjectID: legacyID, NetworkID: publicID, MAC: mac(1), PortSecurity: true, SecurityGroups: []string{webGroup},
		FixedIPs: []cloud.PortIP{{SubnetID: "s4", Address: netip.MustParseAddr("10.66.0.9")}, {SubnetID: "s6", Address: netip.MustParseAddr("2001:db8::9")}},
		Zone:     "az1", Comment: "kvm01/web-1",
	}
	got, err := NewPort(d, nic, s)
	if diff := cmp.Diff(want, got, comparable); diff != "" || err != nil {
		t.Errorf("NewPort = %v (-want +got):\n%s", err, diff)
	}

	bare := nic
	bare.Addresses, d.AvailabilityZone, d.DisplayName, d.Domain = nil, "", strings.Repeat("x", 300), strings.Repeat("é", 300)
	got, err = NewPort(d, bare, s)
	if err != nil || len(got.FixedIPs) != 0 || got.Zone != "nova" || len(got.Name) != 255 || len([]rune(cloud.Mark+got.Comment)) != 255 {
		t.Errorf("NewPort = %+v, %v, want no address, the zone nova, and texts that Neutron can hold", got, err)
	}

	refused := []struct {
		change func(*NIC, *cloud.Snapshot)
		want   string
	}{
		{func(_ *NIC, s *cloud.Snapshot) { s.Networks = []cloud.Network{} }, `no network with the name or id "` + publicID},
		{func(n *NIC, _ *cloud.Snapshot) { n.Addresses = []string{"192.0.2.1"} }, "192.0.2.1 is in no subnet of network public"},
		{func(n *NIC, _ *cloud.Snapshot) { n.Subnet = "public-v4" }, "2001:db8::9 is in no subnet"},
		{func(n *NIC, _ *cloud.Snapshot) { n.Subnet = "gone" }, `"gone"`},
		{func(n *NIC, _ *cloud.Snapshot) { n.Addresses = []string{"x"} }, `"x" is not an address`},
	}
	for _, r := range refused {
		n, world := nic, *s
		r.change(&n, &world)
		if _, err := NewPort(d, n, &world); err == nil || !strings.Contains(err.Error(), r.want) || !strings.Contains(err.Error(), mac(1)) {
			t.Errorf("NewPort = %v, want an error of %s with %q", err, mac(1), r.want)
		}
	}
	if _, err := NewPort(d, nic, nil); err == nil {
		t.Error("NewPort without the cloud succeeds")
	}
}

func TestNewFlavor(t *testing.T) {
	d := Domain{ProjectID: legacyID, Flavor: Flavor{Name: "legacy.2c4096m40d9e", Create: true, VCPUs: 2, MemoryMB: 4096, RootGB: 40, EphemeralGB: 9, ExtraSpecs: map[string]string{"quota:cpu_shares": "512"}}}
	want := cloud.NewFlavor{Name: "legacy.2c4096m40d9e", ProjectID: legacyID, VCPUs: 2, MemoryMB: 4096, RootGB: 40, EphemeralGB: 9, ExtraSpecs: map[string]string{"quota:cpu_shares": "512"}}
	if diff := cmp.Diff(want, NewFlavor(d)); diff != "" {
		t.Errorf("NewFlavor (-want +got):\n%s", diff)
	}
}

// Nova's cache says of a subnet whether it has DHCP where nova-compute keeps
// that, and otherwise calls its gateway the server where no agent is.
func TestPortTellsOfDHCP(t *testing.T) {
	d := build(t, liveInput(ready(linux(1, "web-1"))))
	tests := []struct {
		version     int
		dhcp, agent bool
		want        string // enable_dhcp, dhcp_server
	}{
		{66, true, false, "- 10.66.0.253"},
		{66, true, true, "- 10.66.0.4"},
		{66, false, false, "- invalid IP"},
		{66, false, true, "- 10.66.0.4"}, // it has not gone yet
		{67, true, false, "true invalid IP"},
		{67, true, true, "true 10.66.0.4"},
		{68, false, false, "false invalid IP"},
		{73, false, true, "false 10.66.0.4"},
	}
	for _, test := range tests {
		w := liveWorld()
		w.Compute.Version = test.version
		w.Cloud.Networks[0].Subnets[0].DHCP = test.dhcp
		for n := range 2 {
			if test.agent {
				w.Cloud.Ports = append(w.Cloud.Ports, cloud.Port{DeviceOwner: "network:dhcp", FixedIPs: []cloud.PortIP{{SubnetID: "s4", Address: netip.AddrFrom4([4]byte{10, 66, 0, byte(3 + n)})}}})
			}
		}
		p, err := Port(w, d, d.NICs[0], made(1))
		if err != nil {
			t.Fatal(err)
		}
		dhcp, ip := "-", p.FixedIPs[0]
		if ip.DHCP != nil {
			dhcp = fmt.Sprint(*ip.DHCP)
		}
		if got := dhcp + " " + ip.DHCPServer.String(); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// All that Neutron has of a port reaches Nova's cache, in the order in which
// Neutron tells Nova.
func TestPortIsWhole(t *testing.T) {
	d := build(t, liveInput(ready(linux(1, "web-1"))))
	w := liveWorld()
	n := &w.Cloud.Networks[0]
	n.PhysicalNetwork, n.Segments = "", []string{"", "physlegacy"}
	n.Subnets[0].Routes = []cloud.Route{{Destination: netip.MustParsePrefix("198.51.100.0/24"), NextHop: netip.MustParseAddr("10.66.0.9")}}
	n.Subnets = append(n.Subnets, cloud.Subnet{ID: "a6", Name: "public-v6", CIDR: netip.MustParsePrefix("2001:db8::/64"), Mode: "slaac"})
	p := port(1)
	p.HostID, p.Status, p.AdminDown, p.Profile = w.Compute.Host, "DOWN", true, json.RawMessage(`{"trusted":true}`)
	p.FixedIPs = append(p.FixedIPs, cloud.PortIP{SubnetID: "a6", Address: netip.MustParseAddr("2001:db8::1")})
	w.Cloud.FloatingIPs = map[string][]cloud.FloatingIP{p.ID: {
		{Address: netip.MustParseAddr("203.0.113.7"), Fixed: p.FixedIPs[0].Address}, {Address: netip.MustParseAddr("203.0.113.8"), Fixed: netip.MustParseAddr("10.66.0.77")},
	}}
	got, err := Port(w, d, d.NICs[0], p)
	if err != nil {
		t.Fatal(err)
	}
	info, err := nova.NetworkInfo([]nova.Port{got})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"subnets":[{"cidr":"2001:db8::/64",`, `"meta":{"ipv6_address_mode":"slaac"}`, `},{"cidr":"10.66.0.0/24",`,
		`"floating_ips":[{"address":"203.0.113.7","type":"floating","version":4,"meta":{}}]`,
		`"routes":[{"cidr":"198.51.100.0/24","gateway":{"address":"10.66.0.9","type":"gateway","version":4,"meta":{}},"interface":null,"meta":{}}]`,
		`"physical_network":"physlegacy"`, `"active":true`, `"profile":{"trusted":true}`,
	} {
		if !strings.Contains(info, want) {
			t.Errorf("%s is not in %s", want, info)
		}
	}
}
