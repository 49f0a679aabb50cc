package plan

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// guests are n ordinary ones: 2 VCPU, 4096 MEMORY_MB and 40 DISK_GB each.
func guests(n int) []Candidate {
	var list []Candidate
	for i := range n {
		list = append(list, ready(linux(i+1, fmt.Sprintf("web-%02d", i+1))))
	}
	return list
}

// decisions is one letter for each domain: i(mport) or s(kip).
func decisions(p Plan) string {
	var s strings.Builder
	for _, d := range p.Domains {
		s.WriteByte(d.Decision[0])
	}
	return s.String()
}

func inventory(in *Input, class string, change func(*cloud.Inventory)) {
	i := in.Cloud.Providers[0].Inventories[class]
	change(&i)
	in.Cloud.Providers[0].Inventories[class] = i
}

// The room of a host is given away in the order of the plan, by Placement's
// own rules.
func TestRoom(t *testing.T) {
	set := func(class string, change func(*cloud.Inventory)) func(*Input) {
		return func(in *Input) { inventory(in, class, change) }
	}
	tests := []struct {
		name   string
		change func(*Input)
		want   string
		text   string
		action string
	}{
		{"room for all", func(*Input) {}, "iiii", "", ""},
		{"exactly", set("MEMORY_MB", func(i *cloud.Inventory) { i.Total = 4*4096 + 512 }), "iiii", "", ""},
		{"one MiB less", set("MEMORY_MB", func(i *cloud.Inventory) { i.Total = 4*4096 + 511 }), "iiis",
			"kvm01 has no room for it by Placement's count: MEMORY_MB needs 4096, 4095 of 16383 left. Of the 4 domains planned for the host 3 fit.",
			"For all of them: openstack resource provider inventory set --amend --resource MEMORY_MB:allocation_ratio=1.01 7f0d4a1e-63a8-4b32-9b0c-2f4b1f4f0a11 (and ram_allocation_ratio = 1.01 where the host's nova.conf sets it, or less reserved_host_memory_mb than 512); or leave others out by decision: skip, and plan again."},
		{"already used", set("VCPU", func(i *cloud.Inventory) { i.Used = 60 }), "iiss", "VCPU needs 2, 0 of 64 left. Of the 4 domains planned for the host 2 fit.", "VCPU:allocation_ratio=4.25"},
		{"overcommitted already", set("VCPU", func(i *cloud.Inventory) { i.Used = 70 }), "ssss", "VCPU needs 2, 0 of 64 left", "VCPU:allocation_ratio=4.88"},
		{"two classes", func(in *Input) {
			inventory(in, "VCPU", func(i *cloud.Inventory) { i.Ratio = 0.25 })
			inventory(in, "DISK_GB", func(i *cloud.Inventory) { i.Total = 100 })
		}, "iiss", "DISK_GB needs 40, 20 of 100 left; VCPU needs 2, 0 of 4 left.", "--resource DISK_GB:allocation_ratio=1.6 --resource VCPU:allocation_ratio=0.5"},
		{"a ratio that is no binary fraction", set("VCPU", func(i *cloud.Inventory) { i.Total, i.Ratio = 70, 1.1; i.Used = 69 }), "iiii", "", ""},
		{"max_unit", set("VCPU", func(i *cloud.Inventory) { i.MaxUnit = 1 }), "ssss", "2 VCPU is more than the max_unit of one instance, 1, at any ratio", "Move it to another host, or make it smaller."},
		{"min_unit", set("VCPU", func(i *cloud.Inventory) { i.MinUnit = 4 }), "ssss", "2 VCPU is less than the min_unit of one instance, 4", ""},
		{"step_size", set("DISK_GB", func(i *cloud.Inventory) { i.StepSize = 100 }), "ssss", "40 DISK_GB is no multiple of the step_size, 100", ""},
		{"class is missing", func(in *Input) { delete(in.Cloud.Providers[0].Inventories, "DISK_GB") }, "ssss", "40 DISK_GB of which the host has none", ""},
		{"all is reserved", set("MEMORY_MB", func(i *cloud.Inventory) { i.Reserved = i.Total }), "ssss", "MEMORY_MB needs 4096, 0 of 0 left", "Move it to another host"},
		{"no provider", func(in *Input) { in.Cloud.Providers[0].UUID = "other" }, "ssss", "Placement has no resource provider 7f0d4a1e-63a8-4b32-9b0c-2f4b1f4f0a11, which is that of kvm01", "openstack resource provider show 7f0d"},
		{"providers were not read", func(in *Input) { in.Cloud.Providers = nil }, "iiii", "", ""},
		{"not live", func(in *Input) {
			in.Cloud.Live, in.Cloud.Ports = false, snapshot().Ports
			inventory(in, "VCPU", func(i *cloud.Inventory) { i.Total = 0 })
		}, "iiii", "", ""},
		{"a smaller one still fits", func(in *Input) {
			inventory(in, "DISK_GB", func(i *cloud.Inventory) { i.Total = 2*40 + 10 })
			in.Domains[3].Disks[0].CapacityBytes = 10 * gib
		}, "iisi", "DISK_GB needs 40, 10 of 90 left. Of the 4 domains planned for the host 3 fit.", "DISK_GB:allocation_ratio=1.45"},
		{"a skipped one takes nothing", func(in *Input) {
			inventory(in, "DISK_GB", func(i *cloud.Inventory) { i.Total = 3 * 40 })
			in.Settings.Rules = []Rule{{Match: Match{Name: "web-01"}, Decision: Skip}}
		}, "siii", "", ""},
		{"one that Nova has takes nothing", func(in *Input) {
			inventory(in, "DISK_GB", func(i *cloud.Inventory) { i.Total, i.Used = 4*40, 40 })
			in.Domains[0].Verdict = check.VerdictManaged
		}, "siii", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := liveInput(guests(4)...)
			test.change(&in)
			p, err := Build(in)
			if err != nil {
				t.Fatal(err)
			}
			if got := decisions(p); got != test.want {
				t.Errorf("decisions are %s, want %s", got, test.want)
			}
			last := p.Domains[max(strings.LastIndex(decisions(p), "s"), 0)]
			if test.text == "" {
				return
			}
			if f := last.Findings[0]; f.Code != "K2O-951" || !strings.Contains(f.Text, test.text) || !strings.Contains(f.Action, test.action) {
				t.Errorf("%s %q, do: %q; want K2O-951 %q, do: %q", f.Code, f.Text, f.Action, test.text, test.action)
			}
			loads(t, in)
		})
	}
}

// What was proposed makes room for all, by Placement's own count.
func TestRatioIsEnough(t *testing.T) {
	for total := 1; total < 200; total += 3 {
		for amount := 1; amount < 400; amount += 7 {
			i := cloud.Inventory{Total: total + 5, Reserved: 5}
			i.Ratio = ratioFor(i, amount)
			if capacity(i) < amount {
				t.Errorf("ratio %g for %d of %d gives %d", i.Ratio, amount, total, capacity(i))
			}
			if i.Ratio = (math.Round(100*i.Ratio) - 1) / 100; capacity(i) >= amount {
				t.Errorf("ratio %g is enough for %d of %d, and more was proposed", i.Ratio, amount, total)
			}
		}
	}
}

// An instance that an earlier run has begun is not counted twice.
func TestRoomOfWhatWasBegun(t *testing.T) {
	begun := func(c *Candidate) {
		c.Findings = []check.Finding{{Code: "K2O-612", Severity: check.Attention, Text: "Half-written."}}
	}
	of := func(provider string, disk int) map[string]cloud.Allocation {
		return map[string]cloud.Allocation{linux(1, "").UUID: {Provider: provider, Resources: map[string]int{"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": disk}}}
	}
	tests := []struct {
		name        string
		begun       bool
		allocations map[string]cloud.Allocation
		want        string
	}{
		{"not begun", false, nil, "is"},
		{"begun, nobody asked for its allocation", true, nil, "ii"},
		{"begun, not allocated", true, map[string]cloud.Allocation{}, "is"},
		{"begun, allocated", true, of(compute().UUID, 40), "ii"},
		{"begun, a smaller allocation", true, of(compute().UUID, 39), "is"},
		{"allocated on another host", true, of("other", 40), "is"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := liveInput(guests(2)...)
			inventory(&in, "DISK_GB", func(i *cloud.Inventory) { i.Total, i.Used = 80, 40 })
			if in.Allocations = test.allocations; test.begun {
				begun(&in.Domains[0])
			}
			p, err := Build(in)
			if err != nil {
				t.Fatal(err)
			}
			if got := decisions(p); got != test.want {
				t.Errorf("decisions are %s, want %s: %v", got, test.want, p.Domains)
			}
		})
	}
}

// Two entries for one machine share its room.
func TestRoomIsTheNodes(t *testing.T) {
	in := liveInput(ready(linux(1, "a")), ready(with(linux(2, "b"), func(d *discover.Domain) { d.Host = "kvm01-again" })))
	in.Hosts = append(in.Hosts, discover.Inventory{Host: discover.Host{Name: "kvm01-again", ComputeHost: "kvm01.example.org"}})
	inventory(&in, "DISK_GB", func(i *cloud.Inventory) { i.Total = 40 })
	p, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	if got := decisions(p); got != "is" {
		t.Errorf("decisions are %s, want the second skipped", got)
	}
}

func TestQuota(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Input)
		want   string
		text   string
		action string
	}{
		{"fits", func(*Input) {}, "iiii", "", ""},
		{"instances", func(in *Input) { in.Cloud.Quotas[0].Instances = cloud.Limit{Max: 10, Used: 8} }, "iiss",
			"The quota of project legacy does not hold it: instances needs 1, 0 of 10 left. Of the 4 domains planned for the project 2 fit.",
			"For all of them: openstack quota set --instances 12 " + legacyID},
		{"cores and ram", func(in *Input) {
			in.Cloud.Quotas[0].Cores, in.Cloud.Quotas[0].RAMMB = cloud.Limit{Max: 7}, cloud.Limit{Max: 15 << 10}
		}, "iiis", "cores needs 2, 1 of 7 left; ram needs 4096, 3072 of 15360 left.", "openstack quota set --cores 8 --ram 16384 " + legacyID},
		{"ports", func(in *Input) { in.Cloud.Quotas[0].Ports = cloud.Limit{Max: 50, Used: 49} }, "isss", "ports needs 1, 0 of 50 left", "--ports 53"},
		{"ports that are there need none", func(in *Input) {
			in.Cloud.Quotas[0].Ports = cloud.Limit{Max: 50, Used: 50}
			in.Cloud.Ports = []cloud.Port{port(1), port(2), port(3), port(4)}
		}, "iiii", "", ""},
		{"over it already", func(in *Input) { in.Cloud.Quotas[0].Cores = cloud.Limit{Max: 5, Used: 9} }, "ssss", "cores needs 2, 0 of 5 left", "--cores 17"},
		{"unlimited", func(in *Input) {
			in.Cloud.Quotas[0].Instances, in.Cloud.Quotas[0].Cores, in.Cloud.Quotas[0].RAMMB = cloud.Limit{Max: -1, Used: 9}, cloud.Limit{Max: -1}, cloud.Limit{Max: -1}
		}, "iiii", "", ""},
		{"none at all", func(in *Input) { in.Cloud.Quotas[0].Instances = cloud.Limit{} }, "ssss", "0 of 0 left", "--instances 4"},
		{"of another project", func(in *Input) { in.Cloud.Quotas[0].ProjectID = shopID }, "iiii", "", ""},
		{"begun by an earlier run", func(in *Input) {
			in.Cloud.Quotas[0].Instances = cloud.Limit{Max: 10, Used: 7}
			in.Domains[0].Findings = []check.Finding{{Code: "K2O-612", Severity: check.Attention}}
		}, "iiii", "", ""},
		{"what does not fit on its host takes none", func(in *Input) {
			in.Cloud.Quotas[0].Instances = cloud.Limit{Max: 3}
			in.Domains[0].VCPUs = 17
		}, "siii", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := liveInput(guests(4)...)
			test.change(&in)
			p, err := Build(in)
			if err != nil {
				t.Fatal(err)
			}
			if got := decisions(p); got != test.want {
				t.Errorf("decisions are %s, want %s", got, test.want)
			}
			if test.text == "" {
				return
			}
			f := p.Domains[strings.LastIndex(decisions(p), "s")].Findings[0]
			if f.Code != "K2O-952" || !strings.Contains(f.Text, test.text) || !strings.Contains(f.Action, test.action) {
				t.Errorf("%s %q, do: %q; want K2O-952 %q, do: %q", f.Code, f.Text, f.Action, test.text, test.action)
			}
			loads(t, in)
		})
	}
}

// The plan's own count replaces what the audit guessed from the databases.
func TestAuditsRoomIsDropped(t *testing.T) {
	c := Candidate{linux(1, "x"), check.Assessment{Verdict: check.VerdictAttention, Findings: []check.Finding{
		{Code: "K2O-651", Severity: check.Attention}, {Code: "K2O-652", Severity: check.Attention}, {Code: "K2O-527", Severity: check.Attention},
	}}}
	if d := build(t, liveInput(c)); codes(d) != "K2O-527" {
		t.Errorf("findings are %q, want the one that is not about room", codes(d))
	}
	in := liveInput(c)
	in.Cloud.Providers, in.Cloud.Quotas = nil, nil
	if d := build(t, in); codes(d) != "K2O-651 K2O-652 K2O-527" {
		t.Errorf("findings are %q, want all: nobody has counted", codes(d))
	}
}

func TestProjects(t *testing.T) {
	in := liveInput(guests(6)...)
	in.Domains[4].Verdict, in.Domains[5].Verdict = check.VerdictBlocked, check.VerdictManaged
	in.Settings.Rules = []Rule{{Match: Match{Name: "web-02"}, Project: "shop"}, {Match: Match{Name: "web-03"}, Project: "nobody"}, {Match: Match{Name: "web-0[56]"}, Project: "c" + shopID[1:]}}
	if diff := cmp.Diff([]string{legacyID, shopID}, Projects(in)); diff != "" {
		t.Errorf("projects (-want +got):\n%s", diff)
	}
	in.Cloud = nil
	if got := Projects(in); len(got) != 0 {
		t.Errorf("projects without the cloud are %v, want none: their names mean nothing", got)
	}
}

func TestResources(t *testing.T) {
	flavor := Flavor{VCPUs: 2, MemoryMB: 4096, RootGB: 40, EphemeralGB: 9}
	tests := []struct {
		name  string
		specs map[string]string
		want  map[string]int
	}{
		{"size", nil, map[string]int{"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 49}},
		{"others say nothing", map[string]string{"hw:cpu_sockets": "1", "trait:X": "required", "resourcesVCPU": "7"}, map[string]int{"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 49}},
		{"none of a class", map[string]string{"resources:VCPU": "0"}, map[string]int{"MEMORY_MB": 4096, "DISK_GB": 49}},
		{"another amount", map[string]string{"resources:DISK_GB": "1"}, map[string]int{"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 1}},
		{"a class of their own", map[string]string{"resources:CUSTOM_GOLD": "3"}, map[string]int{"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 49, "CUSTOM_GOLD": 3}},
		{"groups add up", map[string]string{"resources1:VCPU": "2", "resources_B:VCPU": "1"}, map[string]int{"VCPU": 3, "MEMORY_MB": 4096, "DISK_GB": 49}},
		{"dedicated", map[string]string{"resources:PCPU": "2"}, map[string]int{"PCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 49}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := flavor
			f.ExtraSpecs = test.specs
			if diff := cmp.Diff(test.want, Resources(Domain{Flavor: f})); diff != "" {
				t.Errorf("Resources (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBegun: only those that an earlier run has begun are asked for.
func TestBegun(t *testing.T) {
	half := ready(linux(2, "half"))
	half.Findings = []check.Finding{{Code: "K2O-612", Severity: check.Attention}}
	if got := Begun(liveInput(ready(linux(1, "new")), half)); len(got) != 1 || got[0] != half.Domain.UUID {
		t.Errorf("Begun = %v, want %s", got, half.Domain.UUID)
	}
}
