package plan

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

const (
	webGroup  = "5e000000-0000-4000-8000-000000000001"
	shopID    = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	routerID  = "77000000-0000-4000-8000-000000000001"
	ownImage  = "3d7bfcaf-2fc1-44a1-aa20-a21ca9ebbca4"
	shopImage = "3d7bfcaf-2fc1-44a1-aa20-a21ca9ebbca5"
)

// liveInput is input with the cloud's APIs at hand: no guest has a port yet,
// and there is room for twenty of them.
func liveInput(domains ...Candidate) Input {
	in := input(domains...)
	s := in.Cloud
	s.Live = true
	s.Ports = []cloud.Port{{
		ID: routerID, MAC: "fa:16:3e:00:00:01", NetworkID: publicID, ProjectID: legacyID, DeviceID: "r1", DeviceOwner: "network:router_interface",
		FixedIPs: []cloud.PortIP{{SubnetID: "s4", Address: netip.MustParseAddr("10.66.0.254")}},
	}}
	s.Networks[0].Subnets[0].Gateway = netip.MustParseAddr("10.66.0.253")
	s.Projects = append(s.Projects, cloud.Project{ID: shopID, Name: "shop"})
	s.Images = []cloud.Image{
		{ID: ownImage, Name: "mine", Owner: legacyID, Status: "active", Visibility: "private"},
		{ID: shopImage, Name: "theirs", Owner: shopID, Status: "active", Visibility: "private"},
	}
	s.SecurityGroups = []cloud.SecurityGroup{
		{ID: "5e000000-0000-4000-8000-000000000000", Name: "default", ProjectID: legacyID}, {ID: webGroup, Name: "web", ProjectID: legacyID},
		{ID: "5e000000-0000-4000-8000-000000000002", Name: "web", ProjectID: shopID}, {ID: "5e000000-0000-4000-8000-000000000003", Name: "twice", ProjectID: legacyID},
		{ID: "5e000000-0000-4000-8000-000000000004", Name: "twice", ProjectID: legacyID},
	}
	s.Providers = []cloud.Provider{{UUID: compute().UUID, Name: "kvm01.example.org", Inventories: map[string]cloud.Inventory{
		"VCPU":      {Total: 16, MinUnit: 1, MaxUnit: 16, StepSize: 1, Ratio: 4},
		"MEMORY_MB": {Total: 128 << 10, Reserved: 512, MinUnit: 1, MaxUnit: 128 << 10, StepSize: 1, Ratio: 1},
		"DISK_GB":   {Total: 2000, MinUnit: 1, MaxUnit: 2000, StepSize: 1, Ratio: 1},
	}}}
	s.Quotas = []cloud.Quota{quota(legacyID, 20)}
	return in
}

// quota is one for n ordinary guests.
func quota(project string, n int) cloud.Quota {
	return cloud.Quota{
		ProjectID: project, Instances: cloud.Limit{Max: n}, Cores: cloud.Limit{Max: 2 * n},
		RAMMB: cloud.Limit{Max: 4096 * n}, Ports: cloud.Limit{Max: -1},
	}
}

// TestBuildLiveGolden shows what of a plan is to be made.
func TestBuildLiveGolden(t *testing.T) {
	twoNICs := with(linux(3, "two-nics"), func(d *discover.Domain) {
		d.Interfaces = append(d.Interfaces, discover.Interface{Type: "bridge", MAC: mac(103), Model: "virtio", Bridge: "br1"})
		d.Addresses = append(d.Addresses, discover.Address{MAC: mac(103), IP: netip.MustParseAddr("192.168.7.3"), Source: "arp"})
	})
	odd := with(linux(4, "odd"), func(d *discover.Domain) { d.VCPUs, d.Addresses = 3, nil })
	filtered := linux(5, "filtered")
	large := with(linux(6, "large"), func(d *discover.Domain) { d.MemoryKiB, d.MemMaxKiB = 120<<20, 120<<20 })
	in := liveInput(ready(linux(1, "web-1")), ready(twoNICs), ready(odd), ready(filtered), ready(large), ready(linux(7, "conflict")))
	yes := true
	in.Settings.Rules = []Rule{
		{Match: Match{Name: "filtered"}, PortSecurity: &yes, SecurityGroups: []string{"web"}, ImageRef: NoImage},
		{Match: Match{Name: "conflict"}, Addresses: map[string][]string{mac(7): {"10.66.0.254"}}},
	}
	in.Cloud.Ports = append(in.Cloud.Ports, portBut(port(1), func(p *cloud.Port) { p.DeviceID, p.DeviceOwner, p.HostID, p.VIFType = "", "", "", "unbound" }))
	p, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	golden(t, "plan-live.yaml", b.String())
	back, err := Read(strings.NewReader(b.String()))
	if err != nil {
		t.Fatalf("the plan does not load: %v", err)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Errorf("read back (-built +read):\n%s", diff)
	}
}

func portBut(p cloud.Port, change func(*cloud.Port)) cloud.Port {
	change(&p)
	return p
}

// Every way in which Neutron could have a port of the guest's MAC address.
func TestLivePort(t *testing.T) {
	tests := []struct {
		name   string
		change func(*cloud.Port)
		want   Decision
		codes  string
		text   string
	}{
		{"bound already", func(p *cloud.Port) {}, Import, "", ""},
		{"ours, unbound", func(p *cloud.Port) { p.Description, p.VIFType, p.HostID = cloud.Mark+"kvm01/x", "unbound", "" }, Import, "", ""},
		{"unused", func(p *cloud.Port) { p.DeviceID, p.DeviceOwner, p.VIFType, p.HostID = "", "", "unbound", "" }, Import, "", ""},
		{"of an instance that is gone", func(p *cloud.Port) { p.DeviceID = "" }, Skip, "K2O-943", "belongs to compute:nova"},
		{"kept for a host", func(p *cloud.Port) { p.DeviceID, p.DeviceOwner = "", "" }, Skip, "K2O-943", `belongs to "host kvm01.example.org"`},
		{"its own, bound on another host", func(p *cloud.Port) { p.HostID = "kvm09" }, Import, "", ""},
		{"its own by id alone", func(p *cloud.Port) { p.DeviceOwner = "" }, Import, "", ""},
		{"its own by id, but of a router", func(p *cloud.Port) { p.DeviceOwner = "network:router_interface" }, Skip, "K2O-943", "network:router_interface"},
		{"binding failed", func(p *cloud.Port) { p.VIFType = "binding_failed" }, Import, "", ""},
		{"of another instance", func(p *cloud.Port) { p.DeviceID = "c0ffee" }, Skip, "K2O-943", `belongs to "compute:nova c0ffee"`},
		{"made for another domain", func(p *cloud.Port) { p.DeviceID, p.Description = "c0ffee", cloud.Mark+"kvm01/y" }, Skip, "K2O-943", `belongs to "compute:nova c0ffee"`},
		{"of DHCP", func(p *cloud.Port) { p.DeviceID, p.DeviceOwner = "dhcp1", "network:dhcp" }, Skip, "K2O-943", `belongs to "network:dhcp dhcp1"`},
		{"kept for a trunk", func(p *cloud.Port) { p.DeviceID, p.DeviceOwner = "", "trunk:subport" }, Skip, "K2O-943", "belongs to trunk:subport"},
		{"of another project", func(p *cloud.Port) { p.ProjectID = shopID }, Skip, "K2O-943", "belongs to project " + shopID},
		{"its own, on vhost-user", func(p *cloud.Port) { p.VIFType = "vhostuser" }, Skip, "K2O-943", `vif_type "vhostuser" is not one`},
		{"passed through", func(p *cloud.Port) { p.VNICType = "direct" }, Skip, "K2O-943", "vnic_type direct"},
		{"without the guest's address", func(p *cloud.Port) { p.FixedIPs = nil }, Import, "K2O-944", "which its port does not have"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := liveInput(ready(linux(1, "x")))
			in.Cloud.Ports = []cloud.Port{portBut(port(1), test.change)}
			d := build(t, in)
			if d.Decision != test.want || codes(d) != test.codes {
				t.Errorf("%s with %q, want %s with %q: %v", d.Decision, codes(d), test.want, test.codes, d.Findings)
			}
			if nic := d.NICs[0]; nic.Port != portID(1) || nic.CreatePort {
				t.Errorf("nic %+v, want the port that there is and none made", nic)
			}
			if test.text != "" && !strings.Contains(d.Findings[0].Text, test.text) {
				t.Errorf("text %q does not say %q", d.Findings[0].Text, test.text)
			}
			loads(t, in)
		})
	}
}

// Every address that a new port could be asked to have.
func TestLiveAddress(t *testing.T) {
	address := func(list ...string) func(*Input) {
		return func(in *Input) { in.Settings.Rules = []Rule{{Addresses: map[string][]string{mac(1): list}}} }
	}
	subnet := func(in *Input) { in.Settings.Networks[0].Subnet = "public-v4" }
	second := func(in *Input) {
		in.Cloud.Networks[0].Subnets = append(in.Cloud.Networks[0].Subnets, cloud.Subnet{ID: "s6", Name: "public-v6", CIDR: netip.MustParsePrefix("2001:db8::/64"), Gateway: netip.MustParseAddr("2001:db8::1")})
	}
	all := func(changes ...func(*Input)) func(*Input) {
		return func(in *Input) {
			for _, c := range changes {
				c(in)
			}
		}
	}
	yes := true
	tests := []struct {
		name   string
		change func(*Input)
		want   Decision
		codes  string
		text   string
	}{
		{"free", func(*Input) {}, Import, "", ""},
		{"none known", address(), Import, "K2O-948", "its port gets none and the instance shows none"},
		{"none known, with port security", all(address(), func(in *Input) { in.Settings.Defaults.PortSecurity = &yes }), Import, "K2O-944", "cut off at the first hard reboot"},
		{"in no subnet", address("192.0.2.1"), Skip, "K2O-947", "in no subnet of network public"},
		{"in a subnet, but not the chosen one", all(second, subnet, address("2001:db8::9")), Skip, "K2O-947", "not in subnet public-v4 (10.66.0.0/24) of network public"},
		{"in the second subnet", all(second, address("10.66.0.9", "2001:db8::9")), Import, "", ""},
		{"network without subnets", func(in *Input) { in.Cloud.Networks[0].Subnets = nil }, Skip, "K2O-947", "which has none"},
		{"network without subnets, no address", all(address(), func(in *Input) { in.Cloud.Networks[0].Subnets = nil }), Import, "K2O-948", ""},
		{"gateway", address("10.66.0.253"), Skip, "K2O-947", "the gateway of subnet public-v4"},
		{"gateway of the second subnet", all(second, address("2001:db8::1")), Skip, "K2O-947", "the gateway of subnet public-v6"},
		{"the network's own", address("10.66.0.0"), Skip, "K2O-947", "the first or the last of its subnet in network public"},
		{"broadcast", address("10.66.0.255"), Skip, "K2O-947", "the first or the last"},
		{"the last of IPv6", all(second, address("2001:db8::ffff:ffff:ffff:ffff")), Import, "", ""},
		{"the first of IPv6", all(second, address("2001:db8::")), Skip, "K2O-947", "the first or the last"},
		{"of a router", address("10.66.0.254"), Skip, "K2O-947", "which port " + routerID + ` (fa:16:3e:00:00:01) has: it belongs to "network:router_interface r1"`},
		{"of an unused port", all(address("10.66.0.254"), func(in *Input) { in.Cloud.Ports[0].DeviceID, in.Cloud.Ports[0].DeviceOwner = "", "" }), Skip, "K2O-947", "it belongs to nobody, in project " + legacyID},
		{"of a port on another network", all(address("10.66.0.254"), func(in *Input) { in.Cloud.Ports[0].NetworkID = privateID }), Import, "", ""},
		{"two of three wrong", address("10.66.0.9", "10.66.0.253", "192.0.2.1"), Skip, "K2O-947 K2O-947", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := liveInput(ready(linux(1, "x")))
			test.change(&in)
			d := build(t, in)
			if d.Decision != test.want || codes(d) != test.codes {
				t.Errorf("%s with %q, want %s with %q: %v", d.Decision, codes(d), test.want, test.codes, d.Findings)
			}
			if !d.NICs[0].CreatePort || d.NICs[0].Port != "" {
				t.Errorf("nic %+v, want a port to be made", d.NICs[0])
			}
			if test.text != "" && (len(d.Findings) == 0 || !strings.Contains(d.Findings[0].Text, test.text)) {
				t.Errorf("findings %v do not say %q", d.Findings, test.text)
			}
			loads(t, in)
		})
	}
}

// What one domain's new port will have, the next one's cannot; but a domain
// that is not imported takes nothing.
func TestLiveClaims(t *testing.T) {
	same := func(d *discover.Domain) { d.Addresses[0].IP = netip.MustParseAddr("10.66.0.1") }
	in := liveInput(ready(linux(1, "a")), ready(with(linux(2, "b"), same)), ready(with(linux(3, "c"), func(d *discover.Domain) {
		d.Interfaces[0].MAC, d.Addresses = strings.ToUpper(mac(1)), nil
	})))
	p, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if got := codes(p.Domains[0]); got != "" {
		t.Errorf("the first has %q", got)
	}
	if d := p.Domains[1]; d.Decision != Skip || codes(d) != "K2O-947" || !strings.Contains(d.Findings[0].Text, "planned for kvm01/a") {
		t.Errorf("same address: %s, %v, want it blocked for kvm01/a", d.Decision, d.Findings)
	}
	if d := p.Domains[2]; d.Decision != Skip || !strings.Contains(d.Findings[0].Text, "is also that of kvm01/a") {
		t.Errorf("same MAC address: %s, %v, want it blocked for kvm01/a", d.Decision, d.Findings)
	}

	in.Settings.Rules = []Rule{{Match: Match{Name: "a"}, Decision: Skip}}
	if p, err = Build(in); err != nil {
		t.Fatal(err)
	}
	if d := p.Domains[1]; d.Decision != Import {
		t.Errorf("after a skipped one: %s, %v, want import", d.Decision, d.Findings)
	}
}

func TestNoAddressIsSaidOnce(t *testing.T) {
	in := liveInput(Candidate{with(linux(1, "x"), func(d *discover.Domain) { d.Addresses = nil }), check.Assessment{
		Verdict: check.VerdictAttention, Findings: []check.Finding{{Code: "K2O-348", Severity: check.Attention, Text: "No address."}},
	}})
	if d := build(t, in); codes(d) != "K2O-348" || !d.NICs[0].CreatePort {
		t.Errorf("findings are %q, want the rules' own alone", codes(d))
	}
}

func TestPortSecurity(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		name     string
		defaults *bool
		rule     Rule
		want     NIC
		codes    string
	}{
		{"default", nil, Rule{}, NIC{}, ""},
		{"by default", &yes, Rule{}, NIC{PortSecurity: true}, ""},
		{"by rule", nil, Rule{PortSecurity: &yes}, NIC{PortSecurity: true}, ""},
		{"not by rule", &yes, Rule{PortSecurity: &no}, NIC{}, ""},
		{"group by name, the project's own", &yes, Rule{SecurityGroups: []string{"web"}}, NIC{PortSecurity: true, SecurityGroups: []string{webGroup}}, ""},
		{"group by id, twice", &yes, Rule{SecurityGroups: []string{webGroup, "web"}}, NIC{PortSecurity: true, SecurityGroups: []string{webGroup}}, ""},
		{"unknown group", &yes, Rule{SecurityGroups: []string{"nothing"}}, NIC{PortSecurity: true}, "K2O-949"},
		{"another project's id", &yes, Rule{SecurityGroups: []string{"5e000000-0000-4000-8000-000000000002"}}, NIC{PortSecurity: true}, "K2O-949"},
		{"ambiguous name", &yes, Rule{SecurityGroups: []string{"twice"}}, NIC{PortSecurity: true}, "K2O-949"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := liveInput(ready(linux(1, "x")))
			in.Settings.Defaults.PortSecurity, in.Settings.Rules = test.defaults, []Rule{test.rule}
			d := build(t, in)
			got := NIC{PortSecurity: d.NICs[0].PortSecurity, SecurityGroups: d.NICs[0].SecurityGroups}
			if diff := cmp.Diff(test.want, got); diff != "" || codes(d) != test.codes {
				t.Errorf("with %q, want %q (-want +got):\n%s", codes(d), test.codes, diff)
			}
			loads(t, in)
		})
	}
}

// What the cloud does not have, or the project cannot see, is said beforehand.
func TestLiveResolves(t *testing.T) {
	shop := func(in *Input) { in.Settings.Defaults.Project = "shop" }
	tests := []struct {
		name   string
		change func(*Input)
		codes  string
		text   string
	}{
		{"no such project", func(in *Input) { in.Settings.Defaults.Project = "nobody" }, "K2O-901", `no project with the name or id "nobody"`},
		{"no such user", func(in *Input) { in.Settings.Defaults.User = "nobody" }, "K2O-902", `no user with the name or id "nobody"`},
		{"no such network", func(in *Input) { in.Settings.Networks[0].Network = "nothing" }, "K2O-941", `no network with the name or id "nothing"`},
		{"no such subnet", func(in *Input) { in.Settings.Networks[0].Subnet = "nothing" }, "K2O-941", `"nothing"`},
		{"network of another project", func(in *Input) { shop(in); in.Cloud.Networks[0].Shared = false }, "K2O-946", "project shop cannot see network public"},
		{"network shared with this project", func(in *Input) {
			shop(in)
			in.Cloud.Networks[0].Shared, in.Cloud.Networks[0].SharedWith = false, []string{shopID}
		}, "", ""},
		{"image of another project", func(in *Input) { in.Settings.Defaults.PlaceholderImage = "theirs" }, "K2O-904", "cannot see its placeholder image theirs"},
		{"image of another project, public", func(in *Input) {
			in.Settings.Defaults.PlaceholderImage, in.Cloud.Images[1].Visibility = "theirs", "public"
		}, "", ""},
		{"image that is not there yet", func(in *Input) { in.Settings.Defaults.PlaceholderImage, in.Cloud.Images[0].Status = "mine", "queued" }, "K2O-904", "is queued, not active"},
		{"no such image", func(in *Input) { in.Settings.Defaults.PlaceholderImage = "nothing" }, "K2O-904", `"nothing"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := liveInput(ready(linux(1, "x")))
			test.change(&in)
			d := build(t, in)
			if codes(d) != test.codes || (d.Decision == Skip) != (test.codes != "") {
				t.Errorf("%s with %q, want %q: %v", d.Decision, codes(d), test.codes, d.Findings)
			}
			if test.text != "" && !strings.Contains(d.Findings[0].Text, test.text) {
				t.Errorf("text %q does not say %q", d.Findings[0].Text, test.text)
			}
			loads(t, in)
		})
	}
}

func TestPlaceholder(t *testing.T) {
	tests := []struct {
		name              string
		live              bool
		defaults, rule    string
		wantPlaceholder   bool
		wantImage, wanted string
	}{
		{"default", true, "", "", true, "", ""},
		{"left out", true, NoImage, "", false, "", "K2O-905"},
		{"left out by rule", true, "", NoImage, false, "", "K2O-905"},
		{"named", true, "mine", "", false, ownImage, ""},
		{"named by rule", true, NoImage, "mine", false, ownImage, ""},
		{"without the APIs", false, "", "", false, "", ""},
		{"without the APIs, left out", false, NoImage, "", false, "", ""},
		{"without the APIs, named", false, "", "mine", false, ownImage, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := liveInput(ready(linux(1, "x")))
			if in.Cloud.Live = test.live; !test.live {
				in.Cloud.Ports = []cloud.Port{port(1)}
			}
			in.Settings.Defaults.PlaceholderImage, in.Settings.Rules = test.defaults, []Rule{{ImageRef: test.rule}}
			d := build(t, in)
			if d.Placeholder != test.wantPlaceholder || d.ImageRef != test.wantImage || codes(d) != test.wanted {
				t.Errorf("placeholder %v, image %q, findings %q; want %v, %q, %q", d.Placeholder, d.ImageRef, codes(d), test.wantPlaceholder, test.wantImage, test.wanted)
			}
			loads(t, in)
		})
	}
}

func TestLiveFlavor(t *testing.T) {
	in := liveInput(ready(linux(1, "x")))
	in.Flavors = []nova.Flavor{}
	d := build(t, in)
	if !d.Flavor.Create || codes(d) != "K2O-914" || d.Verdict() != check.VerdictReady {
		t.Errorf("flavor %+v with %q, want one that the import makes", d.Flavor, codes(d))
	}
	// A later plan finds it, private to its project, and makes no second one.
	in.Flavors = []nova.Flavor{{FlavorID: "f1", Name: d.Flavor.Name, VCPUs: 2, MemoryMB: 4096, RootGB: 40, Projects: []string{legacyID}}}
	if again := build(t, in); again.Flavor.Create || again.Flavor.Name != d.Flavor.Name || codes(again) != "" {
		t.Errorf("flavor %+v with %q, want the one that was made", again.Flavor, codes(again))
	}
}

// TestBuildLiveAuto: in a subnet where guests make their addresses themselves
// Neutron refuses a port that names one, even the right one.
func TestBuildLiveAuto(t *testing.T) {
	own := netip.MustParseAddr("2001:db8:1::5054:ff:fe10:1")
	for text, found := range map[string]bool{own.String(): false, "2001:db8:1::77": true} {
		d := with(linux(1, "web-1"), func(d *discover.Domain) {
			d.Addresses = append(d.Addresses, discover.Address{MAC: mac(1), IP: netip.MustParseAddr(text), Source: d.Addresses[0].Source})
		})
		in := liveInput(ready(d))
		in.Settings.Networks[0].Subnet = ""
		in.Cloud.Networks[0].Subnets = append(in.Cloud.Networks[0].Subnets, cloud.Subnet{ID: "s6", CIDR: netip.MustParsePrefix("2001:db8:1::/64"), Auto: true})
		p, err := Build(in)
		if err != nil {
			t.Fatal(err)
		}
		got := p.Domains[0]
		if got.Decision != Import || len(got.NICs[0].Addresses) != 2 {
			t.Fatalf("%s: %s with %v: %+v", text, got.Decision, got.NICs[0].Addresses, got.Findings)
		}
		if said := strings.Contains(findingsText(got), "its port gets "+own.String()); said != found {
			t.Errorf("%s: said %t, want %t: %s", text, said, found, findingsText(got))
		}
		made, err := NewPort(got, got.NICs[0], in.Cloud)
		if err != nil || len(made.FixedIPs) != 1 || made.FixedIPs[0].SubnetID == "s6" {
			t.Errorf("%s: port %+v, %v, want only the IPv4 address named", text, made.FixedIPs, err)
		}
	}
}

func findingsText(d Domain) string {
	var texts []string
	for _, f := range d.Findings {
		texts = append(texts, f.Text)
	}
	return strings.Join(texts, "\n")
}

// TestBuildLiveOtherPort: a port of the instance that is no interface's would
// become one.
func TestBuildLiveOtherPort(t *testing.T) {
	d := linux(1, "web-1")
	for mark, do := range map[string]string{"": "openstack port set --device ''", cloud.Mark: "kvm2openstack release"} {
		in := liveInput(ready(d))
		in.Cloud.Ports = append(in.Cloud.Ports, cloud.Port{
			ID: portID(77), MAC: mac(77), NetworkID: publicID, ProjectID: legacyID, DeviceID: strings.ToUpper(d.UUID), DeviceOwner: "compute:nova", Description: mark,
		})
		p, err := Build(in)
		if err != nil {
			t.Fatal(err)
		}
		got := p.Domains[0]
		if got.Decision != Skip || !strings.Contains(findingsText(got), portID(77)) || !strings.Contains(got.Findings[0].Action, do) {
			t.Errorf("%q: %s, %+v, want it blocked by its port and %q", mark, got.Decision, got.Findings, do)
		}
	}
}
