package audit

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/rebuild"
	"github.com/lightcloud/kvm2openstack/nova"
)

// definition is a plain domain with one disk and one interface.
func definition(name, uuid, mac string) string {
	return strings.NewReplacer("NAME", name, "UUID", uuid, "MAC", mac).Replace(`<domain type='kvm' id='1'>
  <name>NAME</name><uuid>UUID</uuid><memory unit='MiB'>1024</memory><vcpu current='1'>2</vcpu>
  <os><type arch='x86_64' machine='pc-i440fx-6.2'>hvm</type></os><features><acpi/></features>
  <devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/img/NAME.qcow2'/><target dev='vda' bus='virtio'/></disk>
  <interface type='bridge'><mac address='MAC'/><source bridge='br0'/><model type='virtio'/></interface></devices></domain>`)
}

// fleet writes definitions as HOST/NAME.xml and gives the hosts.
func fleet(t *testing.T, files map[string]string) []discover.Host {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	hosts, err := discover.HostsFromDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return hosts
}

func codes(d Domain) (out []string) {
	for _, f := range d.Findings {
		out = append(out, f.Code)
	}
	return out
}

func TestRun(t *testing.T) {
	hosts := fleet(t, map[string]string{
		"kvm01/web.xml":     definition("web", "7d1ac0de-0000-4000-8000-000000000001", "52:54:00:00:00:01"),
		"kvm01/damaged.xml": "<domain>",
		"kvm02/web.xml":     definition("web-copy", "7d1ac0de-0000-4000-8000-000000000002", "52:54:00:00:00:01"),
		"kvm02/db.xml":      definition("db", "7d1ac0de-0000-4000-8000-000000000003", "52:54:00:00:00:03"),
	})
	r, err := Run(context.Background(), Input{
		Hosts: hosts,
		Keep:  func(d discover.Domain) bool { return d.Name != "web-copy" },
	})
	if err != nil {
		t.Fatal(err)
	}
	totals := r.Totals()
	if totals.Found != 4 || totals.Sum() != 4 || totals.Unreadable != 1 || totals.Filtered != 1 || totals.Hosts != 2 {
		t.Errorf("totals = %+v, want 4 found = 2 judged + 1 unreadable + 1 filtered on 2 hosts", totals)
	}
	for _, d := range collect(r) {
		// The neighbour that was filtered out still has the same MAC address.
		if got := slices.Contains(codes(d), "K2O-702"); got != (d.Name == "web") {
			t.Errorf("%s: MAC address twice = %v", d.Name, got)
		}
		// Nobody can look at files of a folder of definitions: no blocker.
		if c := codes(d); slices.Contains(c, "K2O-202") || !slices.Contains(c, "K2O-203") {
			t.Errorf("%s: findings %v, want K2O-203 and not K2O-202", d.Name, c)
		}
	}
}

func TestRunStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Input{Hosts: fleet(t, map[string]string{"kvm01/web.xml": "<domain/>"})}); err == nil {
		t.Error("a scan that was stopped must not pass for a whole one")
	}
}

// What one domain is to use is gone for the next.
func TestUse(t *testing.T) {
	k := known{
		quota: &nova.QuotaLeft{Instances: 5, Cores: 10, RAMMB: 4096},
		rooms: map[string]*nova.Room{"kvm01": {VCPUs: 8, MemoryMB: 4096, DiskGB: 100}},
	}
	c := &nova.Compute{Host: "kvm01"}
	d := discover.Domain{VCPUs: 2, VCPUsMax: 4, MemMaxKiB: 1 << 20, Disks: []discover.Disk{
		{Device: "disk", CapacityBytes: 10<<30 + 1}, {Device: "cdrom", CapacityBytes: 5 << 30},
	}}
	k.use(d, k.facts(d, c))
	if *k.quota != (nova.QuotaLeft{Instances: 4, Cores: 8, RAMMB: 3072}) {
		t.Errorf("quota left = %+v", *k.quota)
	}
	if *k.rooms["kvm01"] != (nova.Room{VCPUs: 6, MemoryMB: 3072, DiskGB: 89}) {
		t.Errorf("room left = %+v", *k.rooms["kvm01"])
	}
	if f := k.facts(d, nil); f.Room != nil || f.Quota.Cores != 8 {
		t.Errorf("facts without a host = %+v", f)
	}
}

func TestVerdictsAreCounted(t *testing.T) {
	r := Report{Hosts: []Host{{Found: 4}}, verdicts: map[check.Verdict]int{
		check.VerdictReady: 1, check.VerdictAttention: 1, check.VerdictBlocked: 1, check.VerdictManaged: 1,
	}}
	if got := r.Totals(); got.Sum() != got.Found {
		t.Errorf("totals %+v do not add up", got)
	}
	r.verdicts = map[check.Verdict]int{check.VerdictReady: 3, "new": 1}
	if got := r.Totals(); got.Sum() == got.Found {
		t.Error("a verdict that nobody counts must not add up")
	}
}

// A second pass begins with the quota that the first began with.
func TestDomainsSayTheSameTwice(t *testing.T) {
	k := &known{
		quota: &nova.QuotaLeft{Instances: 2, Cores: 3, RAMMB: 4096},
		rooms: map[string]*nova.Room{"kvm01": {VCPUs: 3, MemoryMB: 4096, DiskGB: 100, MaxVCPUs: 8}},
	}
	r := Report{Hosts: []Host{{Inventory: discover.Inventory{Host: discover.Host{Name: "kvm01"}, Hostname: "kvm01"}}}}
	k.computes = map[string]*nova.Compute{"kvm01": {Host: "kvm01", Up: true}}
	for _, name := range []string{"a", "b", "c"} {
		r.domains = append(r.domains, []discover.Domain{{Host: "kvm01", Name: name, UUID: name, VCPUs: 2, MemMaxKiB: 1 << 20}})
	}
	r.judge = newJudge(Input{}, check.NewFleet(), k, r.Hosts)
	first, second := collect(r), collect(r)
	if diff := cmp.Diff(first, second, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("the second pass differs: %s", diff)
	}
	if k.quota.Cores != 3 || k.rooms["kvm01"].VCPUs != 3 {
		t.Errorf("a pass used up what is left: %+v, %+v", *k.quota, *k.rooms["kvm01"])
	}
}

func collect(r Report) (out []Domain) {
	for d := range r.Domains() {
		out = append(out, d)
	}
	return out
}

// Placement's count goes before what the databases let guess.
func TestPlacementKnowsBetter(t *testing.T) {
	guess := nova.Room{VCPUs: 1, MemoryMB: 2, DiskGB: 3, MaxVCPUs: 4}
	compute := func(uuid, problem string) *nova.Compute { return &nova.Compute{UUID: uuid, Problem: problem} }
	for _, live := range []bool{true, false} {
		k := &known{
			computes: map[string]*nova.Compute{"kvm01": compute("u1", ""), "kvm02": compute("u2", ""), "kvm03": compute("u3", "two nodes")},
			rooms:    map[string]*nova.Room{"kvm01": {VCPUs: 1, MemoryMB: 2, DiskGB: 3, MaxVCPUs: 4}, "kvm02": {VCPUs: 1, MemoryMB: 2, DiskGB: 3, MaxVCPUs: 4}},
		}
		k.askPlacement(&cloud.Snapshot{Live: live, Providers: []cloud.Provider{
			{UUID: "u1", Inventories: map[string]cloud.Inventory{"VCPU": {Total: 16, Ratio: 4, Used: 60, MaxUnit: 16}, "MEMORY_MB": {Total: 4096, Reserved: 512, Ratio: 1}}},
			{UUID: "u3", Inventories: map[string]cloud.Inventory{"VCPU": {Total: 16, Ratio: 4}}},
		}})
		want := nova.Room{VCPUs: 4, MemoryMB: 3584, DiskGB: 0, MaxVCPUs: 16}
		if !live {
			want = guess
		}
		if *k.rooms["kvm01"] != want || *k.rooms["kvm02"] != guess || k.rooms["kvm03"] != nil {
			t.Errorf("live %v: rooms are %+v, %+v and %v, want %+v, %+v and none", live, *k.rooms["kvm01"], *k.rooms["kvm02"], k.rooms["kvm03"], want, guess)
		}
	}
}

// With the cloud's APIs a port that is missing is no finding: the import makes it.
func TestPortsAreMade(t *testing.T) {
	hosts := fleet(t, map[string]string{"kvm01/web.xml": definition("web", "7d1ac0de-0000-4000-8000-000000000001", "52:54:00:00:00:01")})
	for _, live := range []bool{true, false} {
		k := &known{release: nova.Release{Major: 31}, computes: map[string]*nova.Compute{}, rooms: map[string]*nova.Room{}}
		r, err := Run(context.Background(), Input{Hosts: hosts})
		if err != nil {
			t.Fatal(err)
		}
		in := Input{Snapshot: &cloud.Snapshot{Live: live, Ports: []cloud.Port{}}}
		r.judge = newJudge(in, check.NewFleet(), k, r.Hosts)
		for _, d := range collect(r) {
			if found := slices.Contains(codes(d), "K2O-621"); found == live {
				t.Errorf("live %v: K2O-621 is found: %v", live, found)
			}
		}
	}
}

// What Nova would make of a domain is told of all but those that it has, and
// as its own release would.
func TestRebuild(t *testing.T) {
	hosts := fleet(t, map[string]string{
		"kvm01/web.xml": definition("web", "7d1ac0de-0000-4000-8000-000000000001", "52:54:00:00:00:01"),
		"kvm01/had.xml": definition("had", "7d1ac0de-0000-4000-8000-000000000002", "52:54:00:00:00:02"),
	})
	in := Input{
		Hosts:    hosts,
		Compute:  rebuild.Config{CPUMode: "host-passthrough"},
		Planned:  plan.Settings{Rules: []plan.Rule{{NICModel: "e1000"}}, Networks: cloud.Mapping{{Bridge: "br0", Network: "public"}}},
		Snapshot: &cloud.Snapshot{Networks: []cloud.Network{{ID: "n", Name: "public", MTU: 1400}}},
	}
	r, err := Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, major := range []int{26, 34} {
		r.judge = newJudge(in, check.NewFleet(), &known{
			release: nova.Release{Major: major}, computes: map[string]*nova.Compute{}, rooms: map[string]*nova.Room{},
			presence: map[string]nova.Presence{"7d1ac0de-0000-4000-8000-000000000002": {Live: true, Host: "kvm01"}},
		}, r.Hosts)
		for _, d := range collect(r) {
			told := map[string]string{}
			for _, x := range d.Rebuild {
				told[x.Field] = x.Then
			}
			if d.Name == "had" {
				if d.Verdict != check.VerdictManaged || len(told) > 0 {
					t.Errorf("%s, which is %s, would become %v", d.Name, d.Verdict, told)
				}
				continue
			}
			want := map[string]string{"cpu": "host-passthrough", "nic.model": "e1000", "nic.mtu": "1400", "balloon.options": ""}
			if major == 34 {
				want["balloon.options"] = "autodeflate, freePageReporting"
			}
			for field, then := range want {
				if told[field] != then {
					t.Errorf("release %d: %s of %s becomes %q, want %q", major, field, d.Name, told[field], then)
				}
			}
		}
	}
}

// The devices of a host and Neutron's agents come to the rules: Open vSwitch
// leads nowhere on one host, and on the other nobody could look.
func TestReachOfHosts(t *testing.T) {
	domain := func(host string) discover.Domain {
		return discover.Domain{Host: host, Name: "web-" + host, UUID: host, Interfaces: []discover.Interface{{Type: "bridge", MAC: "52:54:00:00:00:01", Bridge: "br0"}}}
	}
	agent := func(host string) cloud.Agent {
		return cloud.Agent{ID: host, Type: "Open vSwitch agent", Host: host, Alive: true, Enabled: true, Mappings: map[string]string{"physnet1": "br-ex"}}
	}
	hosts := []discover.Inventory{
		{Host: discover.Host{Name: "kvm01"}, Hostname: "kvm01", Domains: []discover.Domain{domain("kvm01")}, Devices: []discover.NetDevice{{Name: "br0", Bridge: true}, {Name: discover.OpenVSwitch}}},
		{Host: discover.Host{Name: "kvm02"}, Hostname: "kvm02", Domains: []discover.Domain{domain("kvm02")}},
	}
	in := Input{
		Source:   slices.Values(hosts),
		Settings: check.Settings{Networks: cloud.Mapping{{Bridge: "br0", Network: "public"}}},
		Snapshot: &cloud.Snapshot{
			Live:     true,
			Networks: []cloud.Network{{ID: "n1", Name: "public", NetworkType: "flat", PhysicalNetwork: "physnet1"}},
			Agents:   []cloud.Agent{agent("kvm01"), agent("kvm02")},
		},
	}
	r, err := Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	k := &known{computes: map[string]*nova.Compute{"kvm01": {Host: "kvm01"}, "kvm02": {Host: "kvm02"}}, rooms: map[string]*nova.Room{}}
	r.judge = newJudge(in, check.NewFleet(), k, r.Hosts)
	for _, d := range collect(r) {
		want := map[string]string{"kvm01": "K2O-336", "kvm02": "K2O-337"}[d.Host]
		got := slices.DeleteFunc(codes(d), func(code string) bool { return code < "K2O-332" || code > "K2O-337" })
		if diff := cmp.Diff([]string{want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d.Name, diff)
		}
	}
}
