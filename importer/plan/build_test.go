package plan

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// TestBuildGolden shows the whole file for one of each kind.
func TestBuildGolden(t *testing.T) {
	twoDisks := with(linux(3, "db1"), func(d *discover.Domain) {
		d.Disks = append(d.Disks,
			discover.Disk{Target: "vdb", Bus: "virtio", Device: "disk", Type: "file", Format: "qcow2", Path: "/srv/images/db1-data.qcow2", CapacityBytes: 100*gib + 1},
			discover.Disk{Target: "sdb", Bus: "scsi", Device: "disk", Type: "file", Format: "qcow2", Path: "/srv/images/db1-log.qcow2", CapacityBytes: 9 * gib})
		d.Controllers = []discover.Controller{{Type: "scsi", Model: "virtio-scsi"}}
	})
	blocked := Candidate{linux(4, "saved"), check.Assessment{Verdict: check.VerdictBlocked, Findings: []check.Finding{
		{Code: "K2O-102", Severity: check.Blocked, Text: "It has saved memory of its present definition.", Action: "virsh start saved"},
		{Code: "K2O-446", Severity: check.Info, Text: "Its title: \"a\" #1.", Action: ""},
	}}}
	managed := Candidate{linux(5, "instance-00000007"), check.Assessment{Verdict: check.VerdictManaged}}
	in := input(
		ready(linux(1, "web-1")), ready(windows(2, "WIN-DC1")), ready(twoDisks), blocked, managed,
		ready(linux(6, "数据库 01")), ready(linux(7, strings.Repeat("long.", 40))), ready(linux(8, "cat 🐈 <host>")),
		ready(linux(9, "evil\n    decision: import\n# 'x': \"y\"; DROP TABLE instances")),
	)
	in.Settings.Defaults.WindowsNIC = WindowsE1000
	in.Settings.Defaults.PlaceholderImage = "legacy-adopted"
	in.Settings.Rules = []Rule{{Match: Match{Name: "web-*"}, Wave: 2, Group: "web", Force: true, Probes: []Probe{{TCP: 22}, {HTTP: "http://10.66.0.1/health"}}}}
	in.Unreadable = []discover.Unreadable{{Host: "kvm01", Name: "broken", Err: errors.New("XML syntax error on line 3")}}
	in.Hosts = append(in.Hosts, discover.Inventory{Host: discover.Host{Name: "kvm02", URI: "qemu+ssh://root:hunter2@kvm02/system"}, Err: errors.New("dial kvm02: no route to host")})
	p, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "hunter2") {
		t.Error("the plan has a password in it")
	}
	golden(t, "plan.yaml", b.String())
	back, err := Read(strings.NewReader(b.String()))
	if err != nil {
		t.Fatalf("the plan does not load: %v", err)
	}
	if diff := cmp.Diff(p, back); diff != "" {
		t.Errorf("read back (-built +read):\n%s", diff)
	}
}

func TestBuildDecisions(t *testing.T) {
	assessed := func(v check.Verdict) Candidate {
		c := Candidate{linux(1, "web-1"), check.Assessment{Verdict: v}}
		if v == check.VerdictBlocked {
			c.Findings = []check.Finding{{Code: "K2O-101", Severity: check.Blocked}}
		}
		return c
	}
	rule := func(r Rule) func(*Input) { return func(in *Input) { in.Settings.Rules = []Rule{r} } }
	tests := []struct {
		name   string
		of     Candidate
		change func(*Input)
		want   Decision
		codes  string
	}{
		{"ready", assessed(check.VerdictReady), nil, Import, ""},
		{"attention", assessed(check.VerdictAttention), nil, Import, ""},
		{"blocked", assessed(check.VerdictBlocked), nil, Skip, "K2O-101"},
		{"blocked hides what planning finds", assessed(check.VerdictBlocked), func(in *Input) { in.Settings.Defaults.User = "" }, Skip, "K2O-101"},
		{"managed", assessed(check.VerdictManaged), nil, Skip, "K2O-900"},
		{"rule says skip", assessed(check.VerdictReady), rule(Rule{Decision: Skip}), Skip, ""},
		{"rule cannot overrule a block", assessed(check.VerdictBlocked), rule(Rule{Decision: Import}), Skip, "K2O-101"},
		{"no project", assessed(check.VerdictReady), func(in *Input) { in.Settings.Defaults.Project = "" }, Skip, "K2O-901"},
		{"unknown project", assessed(check.VerdictReady), func(in *Input) { in.Settings.Defaults.Project = "nobody" }, Skip, "K2O-901"},
		{"no user", assessed(check.VerdictReady), func(in *Input) { in.Settings.Defaults.User = "" }, Skip, "K2O-902"},
		{"unknown image", assessed(check.VerdictReady), func(in *Input) { in.Settings.Defaults.PlaceholderImage = "nothing" }, Skip, "K2O-904"},
		{"no rule for its bridge", assessed(check.VerdictReady), func(in *Input) { in.Settings.Networks = nil }, Skip, "K2O-941"},
		{"names without the cloud", assessed(check.VerdictReady), func(in *Input) { in.Cloud = nil }, Skip, "K2O-901 K2O-902 K2O-941"},
		{"other zone", assessed(check.VerdictReady), func(in *Input) { in.Settings.Defaults.AvailabilityZone = "az9" }, Import, "K2O-903"},
		{"definition without digest", ready(with(linux(1, "x"), func(d *discover.Domain) { d.Digest = "" })), nil, Skip, "K2O-990"},
		{"definition without uuid", ready(with(linux(1, "x"), func(d *discover.Domain) { d.UUID = "" })), nil, Skip, "K2O-943"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(test.of)
			if test.change != nil {
				test.change(&in)
			}
			d := build(t, in)
			if d.Decision != test.want || codes(d) != test.codes {
				t.Errorf("decision %s with %q, want %s with %q:\n%v", d.Decision, codes(d), test.want, test.codes, d.Findings)
			}
			loads(t, in)
		})
	}
}

// loads makes sure that what Build makes of in is a plan that Read takes.
func loads(t *testing.T, in Input) {
	t.Helper()
	p, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(strings.NewReader(b.String())); err != nil {
		t.Errorf("the plan does not load: %v\n%s", err, b.String())
	}
}

func TestBuildWithIDsAlone(t *testing.T) {
	in := input(ready(linux(1, "web-1")))
	in.Cloud = nil
	in.Settings.Networks = cloud.Mapping{{Bridge: "br0", Network: publicID}}
	in.Settings.Defaults.Project, in.Settings.Defaults.User = legacyID, adminID
	d := build(t, in)
	if d.Decision != Skip || codes(d) != "K2O-950 K2O-945" {
		t.Errorf("decision %s with %q, want it skipped for the missing port", d.Decision, codes(d))
	}
	if d.ProjectID != legacyID || d.UserID != adminID || d.NICs[0].NetworkID != publicID {
		t.Errorf("ids are %q, %q, %q, want them as given", d.ProjectID, d.UserID, d.NICs[0].NetworkID)
	}
	loads(t, in)

	in.Release.Major = 31
	if d := build(t, in); d.Decision != Skip || codes(d) != "K2O-943" {
		t.Errorf("on 31: decision %s with %q, want it blocked: nothing would ever find the port", d.Decision, codes(d))
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		name, of, display, hostname string
	}{
		{"plain", "web-1", "web-1", "web-1"},
		{"capitals and blanks", "Web Server_1.example", "Web Server_1.example", "web-server-1-example"},
		{"Chinese", "数据库01", "数据库01", "01"},
		{"Chinese alone", "数据库", "数据库", "Server-1e6ac700-0000-4000-8000-000000000001"},
		{"200 characters", strings.Repeat("x", 200), strings.Repeat("x", 200), strings.Repeat("x", 63)},
		{"300 characters", strings.Repeat("é", 300), strings.Repeat("é", 255), strings.Repeat("é", 63)},
		{"emoji", "cat🐈", "cat_", "cat"},
		{"line break", "a\nb", "a_b", "a-b"},
		{"not UTF-8", "a\xffb", "a_b", "a-b"},
		{"turned round", "web\u202egol.exe", "web_gol.exe", "web-gol-exe"},
		{"wide blank", "财务\u3000一", "财务\u3000一", "Server-1e6ac700-0000-4000-8000-000000000001"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := build(t, input(ready(linux(1, test.of))))
			if d.DisplayName != test.display || d.Hostname != test.hostname {
				t.Errorf("names of %q are %q, %q, want %q, %q", test.of, d.DisplayName, d.Hostname, test.display, test.hostname)
			}
			loads(t, input(ready(linux(1, test.of))))
		})
	}
}

func TestFlavorChoice(t *testing.T) {
	small := smallFlavor()
	but := func(change func(*nova.Flavor)) nova.Flavor {
		f := small
		change(&f)
		return f
	}
	const made = "legacy.2c4096m40d"
	tests := []struct {
		name    string
		flavors []nova.Flavor
		rule    string
		want    string
		create  bool
		codes   string
	}{
		{"exact", []nova.Flavor{small}, "", "m1.legacy", false, ""},
		{"no flavors", []nova.Flavor{}, "", made, true, "K2O-913"},
		{"more memory", []nova.Flavor{but(func(f *nova.Flavor) { f.MemoryMB++ })}, "", made, true, "K2O-913"},
		{"more disk", []nova.Flavor{but(func(f *nova.Flavor) { f.RootGB++ })}, "", made, true, "K2O-913"},
		{"ephemeral", []nova.Flavor{but(func(f *nova.Flavor) { f.EphemeralGB = 1 })}, "", made, true, "K2O-913"},
		{"swap", []nova.Flavor{but(func(f *nova.Flavor) { f.SwapMB = 512 })}, "", made, true, "K2O-913"},
		{"disabled", []nova.Flavor{but(func(f *nova.Flavor) { f.Disabled = true })}, "", made, true, "K2O-913"},
		{"of others", []nova.Flavor{but(func(f *nova.Flavor) { f.Public, f.Projects = false, []string{"else"} })}, "", made, true, "K2O-913"},
		{"private to the project", []nova.Flavor{but(func(f *nova.Flavor) { f.Public, f.Projects = false, []string{legacyID} })}, "", "m1.legacy", false, ""},
		{"pinned", []nova.Flavor{but(func(f *nova.Flavor) { f.ExtraSpecs = map[string]string{"hw:cpu_policy": "dedicated"} })}, "", made, true, "K2O-913"},
		{"resources", []nova.Flavor{but(func(f *nova.Flavor) { f.ExtraSpecs = map[string]string{"resources:VGPU": "1"} })}, "", made, true, "K2O-913"},
		{"aggregate", []nova.Flavor{but(func(f *nova.Flavor) { f.ExtraSpecs = map[string]string{"aggregate_instance_extra_specs:ssd": "true"} })}, "", "m1.legacy", false, ""},
		{"the plainest", []nova.Flavor{
			but(func(f *nova.Flavor) { f.Name, f.ExtraSpecs = "a", map[string]string{"trait:X": "required"} }),
			but(func(f *nova.Flavor) { f.Name, f.Public, f.Projects = "b", false, []string{legacyID} }),
			but(func(f *nova.Flavor) { f.Name = "d" }), but(func(f *nova.Flavor) { f.Name = "c" }),
		}, "", "c", false, ""},
		{"name is taken", []nova.Flavor{but(func(f *nova.Flavor) { f.Name, f.MemoryMB = made, 1 })}, "", made + "-151eac5e", true, "K2O-913"},
		{"name with the project is taken", []nova.Flavor{
			but(func(f *nova.Flavor) { f.Name, f.FlavorID, f.MemoryMB = made, "a", 1 }), but(func(f *nova.Flavor) { f.Name, f.FlavorID, f.Disabled = made+"-151eac5e", "b", true }),
		}, "", made + "-151eac5e-2", true, "K2O-913"},
		{"exact before the rule", []nova.Flavor{small, {Name: "big", FlavorID: "9", VCPUs: 8, MemoryMB: 9000, RootGB: 80, Public: true}}, "big", "m1.legacy", false, ""},
		{"rule, larger", []nova.Flavor{{Name: "big", FlavorID: "9", VCPUs: 8, MemoryMB: 9000, RootGB: 80, Public: true}}, "big", "big", false, "K2O-912"},
		{"rule by id", []nova.Flavor{{Name: "big", FlavorID: "9", VCPUs: 8, MemoryMB: 9000, RootGB: 80, Public: true}}, "9", "big", false, "K2O-912"},
		{"rule, too small", []nova.Flavor{{Name: "tiny", FlavorID: "1", VCPUs: 2, MemoryMB: 4096, RootGB: 39, Public: true}}, "tiny", "tiny", false, "K2O-911"},
		{"rule, unknown", []nova.Flavor{}, "none", "none", false, "K2O-911"},
		{"rule, without databases", nil, "some", "some", false, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(ready(linux(1, "web-1")))
			in.Flavors = test.flavors
			if test.rule != "" {
				in.Settings.Rules = []Rule{{Flavor: test.rule}}
			}
			d := build(t, in)
			if d.Flavor.Name != test.want || d.Flavor.Create != test.create || codes(d) != test.codes {
				t.Errorf("flavor %+v with %q, want %s, create %v, with %q", d.Flavor, codes(d), test.want, test.create, test.codes)
			}
		})
	}
}

func TestNewFlavorsOfTwoProjects(t *testing.T) {
	in := input(ready(linux(1, "a")), ready(linux(2, "b")), ready(linux(3, "c")))
	in.Flavors = []nova.Flavor{}
	in.Cloud.Projects = append(in.Cloud.Projects, cloud.Project{ID: "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", Name: "shop"})
	in.Settings.Rules = []Rule{{Match: Match{Name: "b"}, Project: "shop"}}
	p, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range p.Domains {
		got = append(got, d.Flavor.Name)
	}
	want := []string{"legacy.2c4096m40d", "legacy.2c4096m40d-bbbbbbbb", "legacy.2c4096m40d"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a flavor is private to its project and its name unique (-want +got):\n%s", diff)
	}
}

func TestRootDisk(t *testing.T) {
	disk := func(target, device string, order uint) discover.Disk {
		return discover.Disk{Target: target, Bus: "virtio", Device: device, Format: "qcow2", Path: "/" + target, BootOrder: order, CapacityBytes: gib}
	}
	tests := []struct {
		name  string
		disks []discover.Disk
		want  string
	}{
		{"first", []discover.Disk{disk("vda", "disk", 0), disk("vdb", "disk", 0)}, "vda=disk vdb=disk.eph0"},
		{"definition order, not name", []discover.Disk{disk("vdb", "disk", 0), disk("vda", "disk", 0)}, "vdb=disk vda=disk.eph0"},
		{"cdrom first", []discover.Disk{disk("sda", "cdrom", 1), disk("vda", "disk", 2)}, "vda=disk"},
		{"boot order", []discover.Disk{disk("vda", "disk", 3), disk("vdb", "disk", 0), disk("vdc", "disk", 2)}, "vdc=disk vda=disk.eph0 vdb=disk.eph1"},
		{"floppy", []discover.Disk{disk("fda", "floppy", 0), disk("vda", "disk", 0)}, "vda=disk"},
		{"lun", []discover.Disk{disk("sda", "lun", 0)}, "sda=disk"},
		{"none", []discover.Disk{disk("sda", "cdrom", 0)}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := build(t, input(ready(with(linux(1, "x"), func(d *discover.Domain) { d.Disks = test.disks }))))
			var got []string
			for _, disk := range d.Disks {
				got = append(got, disk.Target+"="+disk.Becomes)
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("disks are %q, want %q", s, test.want)
			}
			if (test.want == "") != (d.Decision == Skip) {
				t.Errorf("decision %s", d.Decision)
			}
		})
	}
}

func TestDiskSizes(t *testing.T) {
	size := func(capacity uint64, file *discover.File) Domain {
		return build(t, input(ready(with(linux(1, "x"), func(d *discover.Domain) {
			d.Disks[0].CapacityBytes, d.Disks[0].File = capacity, file
		}))))
	}
	for capacity, want := range map[uint64]int{1: 1, gib: 1, gib + 1: 2, 40*gib - 512: 40} {
		if got := size(capacity, nil).Disks[0].SizeGB; got != want {
			t.Errorf("%d bytes are %d GB, want %d", capacity, got, want)
		}
	}
	if got := size(0, &discover.File{VirtualBytes: 3 * gib}).Disks[0].SizeGB; got != 3 {
		t.Errorf("size by the image's header is %d GB, want 3", got)
	}
	if d := size(0, nil); d.Decision != Skip || !strings.Contains(codes(d), "K2O-921") {
		t.Errorf("unknown size: %s with %q, want a skip with K2O-921", d.Decision, codes(d))
	}
}

func TestLock(t *testing.T) {
	no := false
	data := with(linux(1, "x"), func(d *discover.Domain) {
		d.Disks = append(d.Disks, discover.Disk{Target: "vdb", Bus: "virtio", Device: "disk", Format: "qcow2", Path: "/b", CapacityBytes: gib})
	})
	tests := []struct {
		name     string
		of       discover.Domain
		rule     Lock
		untilRen *bool
		want     Lock
	}{
		{"default", linux(1, "x"), "", nil, UntilRenamed},
		{"default off", linux(1, "x"), "", &no, None},
		{"data disks", data, "", nil, Keep},
		{"data disks, default off", data, "", &no, Keep},
		{"rule", data, None, nil, None},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(ready(test.of))
			in.Settings.Defaults.LockUntilRenamed = test.untilRen
			in.Settings.Rules = []Rule{{Lock: test.rule}}
			if d := build(t, in); d.Lock != test.want {
				t.Errorf("lock is %s, want %s", d.Lock, test.want)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	seen := func(ip, source string) discover.Address {
		return discover.Address{MAC: strings.ToUpper(mac(1)), IP: netip.MustParseAddr(ip), Source: source}
	}
	all := []discover.Address{
		seen("10.66.0.3", "arp"), seen("10.66.0.2", "lease"), seen("10.66.0.1", "agent"), seen("fe80::1", "agent"),
		seen("10.66.0.1", "agent"), seen("2001:db8::1", "agent"), seen("127.0.0.1", "agent"), {MAC: mac(9), IP: netip.MustParseAddr("10.66.0.9"), Source: "agent"},
	}
	tests := []struct {
		name string
		of   []discover.Address
		rule map[string][]string
		want NIC
	}{
		{"agent", all, nil, NIC{Addresses: []string{"10.66.0.1", "2001:db8::1"}, Seen: "agent"}},
		{"lease", all[:2], nil, NIC{Addresses: []string{"10.66.0.2"}, Seen: "lease"}},
		{"arp", all[:1], nil, NIC{Addresses: []string{"10.66.0.3"}, Seen: "arp"}},
		{"agent has only link-local", []discover.Address{all[3], all[1]}, nil, NIC{Addresses: []string{"10.66.0.2"}, Seen: "lease"}},
		{"port", nil, nil, NIC{Addresses: []string{"10.66.0.1"}, Seen: "port"}},
		{"rule", all, map[string][]string{strings.ToUpper(mac(1)): {"10.66.0.77", "10.66.0.77"}}, NIC{Addresses: []string{"10.66.0.77"}, Seen: "rule"}},
		{"rule says none", all, map[string][]string{mac(1): {}}, NIC{Addresses: []string{}, Seen: "rule"}},
		{"rule for another", all[:1], map[string][]string{mac(2): {"10.66.0.77"}}, NIC{Addresses: []string{"10.66.0.3"}, Seen: "arp"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(ready(with(linux(1, "x"), func(d *discover.Domain) { d.Addresses = test.of })))
			in.Settings.Rules = []Rule{{Addresses: test.rule}}
			d := build(t, in)
			test.want.MAC, test.want.Network, test.want.NetworkID, test.want.Port = mac(1), "public", publicID, portID(1)
			if diff := cmp.Diff([]NIC{test.want}, d.NICs); diff != "" {
				t.Errorf("nics (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPortProblems(t *testing.T) {
	tests := []struct {
		name   string
		change func(*cloud.Port)
		want   Decision
		codes  string
	}{
		{"fits", func(p *cloud.Port) {}, Import, ""},
		{"no device yet", func(p *cloud.Port) { p.DeviceID = "" }, Import, ""},
		{"other device", func(p *cloud.Port) { p.DeviceID = "router" }, Skip, "K2O-943"},
		{"other project", func(p *cloud.Port) { p.ProjectID = "else" }, Skip, "K2O-943"},
		{"unbound", func(p *cloud.Port) { p.VIFType = "unbound" }, Skip, "K2O-943"},
		{"binding failed", func(p *cloud.Port) { p.VIFType = "binding_failed" }, Skip, "K2O-943"},
		{"other host", func(p *cloud.Port) { p.HostID = "kvm09" }, Skip, "K2O-943"},
		{"other address", func(p *cloud.Port) { p.FixedIPs[0].Address = netip.MustParseAddr("10.66.0.200") }, Import, "K2O-944"},
		{"no port", func(p *cloud.Port) { p.MAC = mac(99) }, Skip, "K2O-950 K2O-945"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(ready(linux(1, "x")))
			test.change(&in.Cloud.Ports[0])
			if d := build(t, in); d.Decision != test.want || codes(d) != test.codes {
				t.Errorf("%s with %q, want %s with %q: %v", d.Decision, codes(d), test.want, test.codes, d.Findings)
			}
		})
	}
}

func TestNoPortIsSaidOnce(t *testing.T) {
	in := input(Candidate{linux(1, "x"), check.Assessment{Verdict: check.VerdictAttention, Findings: []check.Finding{{Code: "K2O-622", Severity: check.Attention, Text: "No port."}}}})
	in.Cloud.Ports = []cloud.Port{}
	if d := build(t, in); codes(d) != "K2O-950 K2O-622" {
		t.Errorf("findings are %q, want the rules' own, and that the info cache would be empty", codes(d))
	}
}

// An info cache that would be empty is none to import with, whatever the
// release: one with the other interfaces is, where Nova looks for the rest.
func TestEmptyCache(t *testing.T) {
	second := func(d *discover.Domain) {
		d.Interfaces = append(d.Interfaces, d.Interfaces[0])
		d.Interfaces[1].MAC = mac(99)
	}
	for _, c := range []struct {
		name   string
		major  int
		domain func(*discover.Domain)
		ports  bool
		want   Decision
		codes  string
	}{
		{"Zed, one without a port", 26, second, true, Import, "K2O-945"},
		{"Zed, none has one", 26, second, false, Skip, "K2O-950 K2O-945 K2O-945"},
		{"2024.2, none has one", 30, second, false, Skip, "K2O-950 K2O-945 K2O-945"},
		{"2025.1, one without a port", 31, second, true, Skip, "K2O-943"},
		{"2025.1, none has one", 31, second, false, Skip, "K2O-943 K2O-943"},
		{"Zed, no interface", 26, func(d *discover.Domain) { d.Interfaces, d.Addresses = nil, nil }, false, Import, ""},
		{"no databases", 0, second, false, Import, "K2O-945 K2O-945"},
	} {
		in := input(ready(with(linux(1, "x"), c.domain)))
		in.Release.Major = c.major
		if !c.ports {
			in.Cloud.Ports = []cloud.Port{}
		}
		if d := build(t, in); d.Decision != c.want || codes(d) != c.codes {
			t.Errorf("%s: %s with %q, want %s with %q", c.name, d.Decision, codes(d), c.want, c.codes)
		}
	}
}

func TestBuildErrors(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Input)
		want   string
	}{
		{"host", func(in *Input) { in.Domains[0].Domain.Host = "kvm77" }, `"kvm77", which is not among the hosts`},
		{"mapping", func(in *Input) { in.Settings.Networks[0].Network = "" }, "networks: rule 1: names no network"},
		{"windows_nic", func(in *Input) { in.Settings.Defaults.WindowsNIC = "yes" }, `windows_nic "yes"`},
		{"rule", func(in *Input) {
			in.Settings.Rules = []Rule{{Match: Match{Name: "["}, NICModel: "ne2k", Lock: "always", Probes: []Probe{{}}, Addresses: map[string][]string{"x": {"y"}}}}
		}, `rule 1: match: name "["`},
		{"security groups without effect", func(in *Input) { in.Settings.Rules = []Rule{{SecurityGroups: []string{"web"}}} }, "rule 1: security_groups do nothing without port_security: true"},
		{"unreachable", func(in *Input) { in.Settings.Rules = []Rule{{}, {Match: Match{Name: "a"}}} }, "rule 2 is never reached"},
		{"property", func(in *Input) {
			in.Settings.Rules = []Rule{{ImageProperties: map[string]string{"hw_video_model": "vgaa"}}}
		}, `hw_video_model: "vgaa"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(ready(linux(1, "x")))
			test.change(&in)
			if _, err := Build(in); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Build = %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestBuildIsStable(t *testing.T) {
	one, err := Build(input(ready(linux(2, "b")), ready(linux(1, "a"))))
	if err != nil {
		t.Fatal(err)
	}
	two, err := Build(input(ready(linux(1, "a")), ready(linux(2, "b"))))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("the order in which a host lists its domains shows:\n%s", diff)
	}
}
