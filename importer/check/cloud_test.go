package check

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// inCloud gives the clean domain the cloud's APIs, without a port of its own.
func inCloud(change func(*cloud.Snapshot)) tweak {
	return func(_ *discover.Domain, f *Facts) {
		s := &cloud.Snapshot{
			Live: true,
			Networks: []cloud.Network{
				{ID: "n1", Name: "public", Subnets: []cloud.Subnet{{ID: "s1", Name: "public-v4", CIDR: netip.MustParsePrefix("10.66.0.0/24")}}},
				{ID: "n2", Name: "private"},
			},
			Ports: []cloud.Port{
				{ID: "p1", NetworkID: "n1", MAC: "52:54:00:10:00:99", DeviceID: "other", DeviceOwner: "compute:nova"},
				{ID: "p2", NetworkID: "n2", MAC: cleanMAC, DeviceID: "other", DeviceOwner: "compute:nova"}, // another network
			},
			Providers: []cloud.Provider{{UUID: "c0"}},
		}
		if change != nil {
			change(s)
		}
		f.Ports, f.Cloud = nil, NewCloudFacts(s)
	}
}

// portOf is a port of the clean domain's MAC address on its network.
func portOf(owner, device, host string) tweak {
	return inCloud(func(s *cloud.Snapshot) {
		s.Ports = append(s.Ports, cloud.Port{ID: "p3", NetworkID: "n1", MAC: strings.ToUpper(cleanMAC), DeviceOwner: owner, DeviceID: device, HostID: host})
	})
}

// With the APIs at hand nobody has to make ports beforehand.
func TestCleanInCloudIsReady(t *testing.T) {
	for name, with := range map[string]tweak{
		"Zed":         inCloud(nil),
		"2025.1":      both(inCloud(nil), release(31)),
		"not asked":   inCloud(func(s *cloud.Snapshot) { s.Providers = nil }),
		"own port":    portOf("compute:nova", cleanUUID, "kvm01"),
		"unused port": portOf("", "", ""),
		"wired":       wired(nil),
	} {
		if a := Assess(made(with)); a.Verdict != VerdictReady || len(a.Findings) != 0 {
			t.Errorf("%s: Assess = %v, want ready without findings", name, a)
		}
	}
}

func TestFileIsNoCloud(t *testing.T) {
	if NewCloudFacts(nil) != nil || NewCloudFacts(&cloud.Snapshot{}) != nil {
		t.Error("without the APIs there are cloud facts, and nobody would be told of missing ports")
	}
}

func TestUnresolvedNetwork(t *testing.T) {
	rule := func(network, subnet string) tweak {
		return both(inCloud(nil), func(_ *discover.Domain, f *Facts) {
			f.Settings.Networks[0].Network, f.Settings.Networks[0].Subnet = network, subnet
		})
	}
	for _, test := range []struct{ network, subnet, want string }{
		{"nothing", "", `Interface 52:54:00:10:00:0b on bridge br0 belongs to no network: there is no network with the name or id "nothing".`},
		{"public", "nothing", `Interface 52:54:00:10:00:0b on bridge br0 belongs to no network: there is no subnet of network public with the name or id "nothing".`},
		{"private", "public-v4", `there is no subnet of network private with the name or id "public-v4".`},
	} {
		if f := finding(t, "K2O-331", rule(test.network, test.subnet)); !strings.HasSuffix(f.Text, test.want) {
			t.Errorf("%s, %s: %q, want %q", test.network, test.subnet, f.Text, test.want)
		}
	}
	if a := Assess(made(rule("n1", "s1"))); len(a.Findings) > 0 {
		t.Errorf("by id: %v, want nothing", a.Findings)
	}
}

func TestAddresslessInCloud(t *testing.T) {
	f := finding(t, "K2O-348", both(inCloud(nil), unaddressed(discover.StateRunning)))
	if want := "No address of interface " + cleanMAC + " is known, and its port is made without one: the instance shows none."; f.Text != want {
		t.Errorf("K2O-348 says %q, want %q", f.Text, want)
	}
}

func TestPortUser(t *testing.T) {
	tests := []struct{ owner, device, host, want string }{
		{"", "", "", ""},
		{"compute:nova", strings.ToUpper(cleanUUID), "kvm01", ""},
		{"", cleanUUID, "", ""},
		{"compute:nova", "other", "", "compute:nova other"},
		{"network:router_interface", cleanUUID, "", "network:router_interface " + cleanUUID},
		{"trunk:subport", "", "", "trunk:subport"},
		{"compute:nova", "", "", "compute:nova"},
		{"", "other", "", "other"},
		{"", "", "kvm09", "host kvm09"},
	}
	for _, test := range tests {
		p := cloud.Port{ID: "p3", DeviceOwner: test.owner, DeviceID: test.device, HostID: test.host}
		if got := PortUser(p, cleanUUID); got != test.want {
			t.Errorf("PortUser(%q, %q on %q) = %q, want %q", test.owner, test.device, test.host, got, test.want)
		}
		a := Assess(made(portOf(test.owner, test.device, test.host)))
		if found := slices.Contains(codes(a.Findings), "K2O-625"); found != (test.want != "") {
			t.Errorf("%q, %q on %q: K2O-625 is found: %v", test.owner, test.device, test.host, found)
		}
	}
	if got := PortUser(cloud.Port{DeviceID: ""}, ""); got != "" {
		t.Errorf("a port of nobody, asked for nobody, is that of %q", got)
	}
}

// The layout that is proposed multiplies to the vCPUs.
func TestTopologyProposed(t *testing.T) {
	tests := []struct {
		vcpus uint
		cpu   discover.CPU
		want  string
	}{
		{2, discover.CPU{Sockets: 2, Dies: 1, Cores: 4, Threads: 1}, `{hw_cpu_sockets: "2", hw_cpu_cores: "1", hw_cpu_threads: "1"}; or give it all vCPUs first: virsh setvcpus web-1 8 --config`},
		{3, discover.CPU{Sockets: 2, Dies: 1, Cores: 2, Threads: 2}, `{hw_cpu_sockets: "1", hw_cpu_cores: "3", hw_cpu_threads: "1"}; or give it all vCPUs first: virsh setvcpus web-1 8 --config`},
		{8, discover.CPU{Sockets: 2, Dies: 2, Cores: 2, Threads: 2}, `{hw_cpu_sockets: "2", hw_cpu_cores: "2", hw_cpu_threads: "2"}; or give it all vCPUs first: virsh setvcpus web-1 16 --config`},
	}
	for _, test := range tests {
		f := finding(t, "K2O-428", func(d *discover.Domain, _ *Facts) { d.VCPUs, d.VCPUsMax, d.CPU = test.vcpus, test.vcpus, test.cpu })
		if !strings.Contains(f.Action, test.want) {
			t.Errorf("%d vCPUs of %+v: %q, want %q in it", test.vcpus, test.cpu, f.Action, test.want)
		}
	}
	f := finding(t, "K2O-427", func(d *discover.Domain, _ *Facts) {
		d.VCPUs, d.VCPUsMax, d.CPU = 8, 8, discover.CPU{Mode: "host-model", Sockets: 1, Dies: 2, Cores: 4, Threads: 1}
	})
	if want := "Its 1 socket of 8 cores of 1 thread are kept: the plan records them as hw_cpu_* image properties, the cores of its dies counted together."; f.Text != want {
		t.Errorf("K2O-427 says %q, want %q", f.Text, want)
	}
}
