package audit

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
)

func TestMatch(t *testing.T) {
	at := func(host, name, uuid string) Seen {
		return Seen{Host: host, Name: name, UUID: uuid, Verdict: check.VerdictReady}
	}
	lost := func(host, name, uuid string) Seen { return SeenUnreadable(host, name, uuid) }
	tests := []struct {
		name      string
		then, now []Seen
		want      []int
	}{
		{"same", []Seen{at("a", "x", "1")}, []Seen{at("a", "x", "1")}, []int{0}},
		{"new", nil, []Seen{at("a", "x", "1")}, []int{-1}},
		{"renamed", []Seen{at("a", "x", "1")}, []Seen{at("a", "y", "1")}, []int{0}},
		{"moved", []Seen{at("a", "x", "1")}, []Seen{at("b", "x", "1")}, []int{0}},
		{"another under the same name", []Seen{at("a", "x", "1")}, []Seen{at("a", "x", "2")}, []int{-1}},
		{"names exchanged", []Seen{at("a", "x", "1"), at("a", "y", "2")}, []Seen{at("a", "y", "1"), at("a", "x", "2")}, []int{0, 1}},
		{"UUID twice, in another order", []Seen{at("a", "x", "1"), at("b", "x", "1")}, []Seen{at("b", "x", "1"), at("a", "x", "1")}, []int{1, 0}},
		{"copied to another host", []Seen{at("a", "x", "1")}, []Seen{at("b", "x", "1"), at("a", "x", "1")}, []int{-1, 0}},
		{"one of two left, the other moved", []Seen{at("a", "x", "1"), at("b", "x", "1")}, []Seen{at("c", "x", "1"), at("b", "x", "1")}, []int{0, 1}},
		{"damaged, UUID unknown", []Seen{at("a", "x", "1")}, []Seen{lost("a", "x", "")}, []int{0}},
		{"mended", []Seen{lost("a", "x", "")}, []Seen{at("a", "x", "1")}, []int{0}},
		{"damaged on another host", []Seen{at("a", "x", "1")}, []Seen{lost("b", "x", "")}, []int{-1}},
		{"nothing known of either", []Seen{lost("a", "", "")}, []Seen{lost("a", "", "")}, []int{-1}},
	}
	for _, test := range tests {
		if got := newMatcher(test.then).match(test.now); !slices.Equal(got, test.want) {
			t.Errorf("%s: match = %v, want %v", test.name, got, test.want)
		}
	}
}

func TestDifferences(t *testing.T) {
	domain := func(change func(*discover.Domain)) Domain {
		d := Domain{Domain: discover.Domain{
			Host: "a", Name: "x", UUID: "1", State: discover.StateRunning, VCPUs: 2, MemMaxKiB: 1 << 20, MachineType: "pc", Digest: "d1",
			Disks:      []discover.Disk{{Target: "vda", Path: "/x.qcow2", CapacityBytes: 10 << 30, AllocationBytes: 1}},
			Interfaces: []discover.Interface{{MAC: "52:54:00:00:00:01", Model: "virtio", Bridge: "br0", RxDropped: 1}},
			Guest:      discover.Guest{Family: "linux"},
		}}
		change(&d.Domain)
		return d
	}
	tests := map[string]struct {
		change func(*discover.Domain)
		want   []Difference
	}{
		"nothing": {func(*discover.Domain) {}, nil},
		"what moves by itself": {func(d *discover.Domain) {
			d.Disks[0].AllocationBytes, d.Interfaces[0].RxDropped, d.Addresses = 2, 2, []discover.Address{{MAC: "x"}}
		}, nil},
		"host":            {func(d *discover.Domain) { d.Host = "b" }, []Difference{{"host", "a", "b"}}},
		"host and digest": {func(d *discover.Domain) { d.Host, d.Digest = "b", "d2" }, []Difference{{"host", "a", "b"}, {Field: "definition"}}},
		"state":           {func(d *discover.Domain) { d.State = discover.StateShutoff }, []Difference{{"state", "running", "shutoff"}}},
		"vCPUs say how":   {func(d *discover.Domain) { d.VCPUs, d.Digest = 4, "d2" }, []Difference{{"vcpus", "2", "4"}}},
		"memory":          {func(d *discover.Domain) { d.MemMaxKiB = 2 << 20 }, []Difference{{"memory_mib", "1024", "2048"}}},
		"disk grown":      {func(d *discover.Domain) { d.Disks[0].CapacityBytes++ }, []Difference{{"disks", "vda /x.qcow2 10 GiB", "vda /x.qcow2 11 GiB"}}},
		"drive opened":    {func(d *discover.Domain) { d.Disks[0].Path, d.Disks[0].CapacityBytes = "", 0 }, []Difference{{"disks", "vda /x.qcow2 10 GiB", "vda empty"}}},
		"VLAN":            {func(d *discover.Domain) { d.Interfaces[0].VLAN = 7 }, []Difference{{"interfaces", "52:54:00:00:00:01 virtio br0", "52:54:00:00:00:01 virtio br0.7"}}},
		"system":          {func(d *discover.Domain) { d.Guest.Name = "Debian 12" }, []Difference{{"os", "linux", "Debian 12"}}},
		"something else":  {func(d *discover.Domain) { d.Digest = "d2" }, []Difference{{Field: "definition"}}},
	}
	before := SeenDomain(domain(func(*discover.Domain) {}))
	for name, test := range tests {
		now := SeenDomain(domain(test.change))
		if diff := cmp.Diff(test.want, now.differences(before)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if same := now.same(before); same != (test.want == nil) {
			t.Errorf("%s: same = %v", name, same)
		}
	}
	if d := SeenUnreadable("a", "x", "1").differences(before); d != nil {
		t.Errorf("of a domain that cannot be read only that is known, not %v", d)
	}
}

// What keeps a domain from being ready counts, each code once; the rest does not.
func TestSeenCodes(t *testing.T) {
	with := func(codes ...string) Seen {
		var d Domain
		for _, code := range codes {
			severity := check.Attention
			if code[0] == 'i' {
				severity = check.Info
			}
			d.Findings = append(d.Findings, check.Finding{Code: code, Severity: severity})
		}
		return SeenDomain(d)
	}
	if a, b := with("a1", "a1", "i1"), with("i2", "a1"); !a.same(b) {
		t.Errorf("%v and %v are not the same", a.Codes, b.Codes)
	}
	a, b := with("a1", "a2"), with("a1", "a3")
	if a.same(b) {
		t.Errorf("%v and %v are the same", a.Codes, b.Codes)
	}
	c := b.change(a, false, []check.Finding{{Code: "a1", Severity: check.Attention}, {Code: "a3", Severity: check.Attention}, {Code: "i1", Severity: check.Info}})
	if len(c.Found) != 1 || c.Found[0].Code != "a3" || !slices.Equal(c.NoLonger, []string{"a2"}) {
		t.Errorf("found %v, no longer %v, want a3 and a2", c.Found, c.NoLonger)
	}
}

func TestBlocks(t *testing.T) {
	blocked, eye := check.Finding{Severity: check.Blocked}, check.Finding{Severity: check.Attention}
	tests := []struct {
		name string
		of   Change
		want bool
	}{
		{"new and ready", Change{Verdict: check.VerdictReady}, false},
		{"new and blocked", Change{Verdict: check.VerdictBlocked, Found: []check.Finding{blocked}}, true},
		{"blocked by one more", Change{Before: check.VerdictBlocked, Verdict: check.VerdictBlocked, Found: []check.Finding{blocked}}, true},
		{"blocked as before", Change{Before: check.VerdictBlocked, Verdict: check.VerdictBlocked, Found: []check.Finding{eye}}, false},
		{"blocked since", Change{Before: check.VerdictReady, Verdict: check.VerdictBlocked}, true},
		{"unreadable since", Change{Before: check.VerdictReady, Verdict: check.VerdictUnreadable}, true},
		{"unreadable as before", Change{Before: check.VerdictUnreadable, Verdict: check.VerdictUnreadable}, false},
		{"attention", Change{Before: check.VerdictReady, Verdict: check.VerdictAttention, Found: []check.Finding{eye}}, false},
		{"gone", Change{Change: Gone, Before: check.VerdictReady}, false},
	}
	for _, test := range tests {
		if got := test.of.Blocks(); got != test.want {
			t.Errorf("%s: Blocks = %v, want %v", test.name, got, test.want)
		}
	}
}

// The sums hold for every pair of audits.
func TestComparedTotalsAddUp(t *testing.T) {
	seen := []Seen{
		{Host: "a", Name: "x", UUID: "1"}, {Host: "a", Name: "y", UUID: "2"}, {Host: "b", Name: "z", UUID: "1"}, SeenUnreadable("a", "w", ""),
	}
	for n := range 1 << len(seen) {
		for m := range 1 << len(seen) {
			var then, now []Seen
			for i, s := range seen {
				if n>>i&1 == 1 {
					then = append(then, s)
				}
				if m>>i&1 == 1 {
					now = append(now, s)
				}
			}
			r := Report{Hosts: []Host{{Inventory: discover.Inventory{Host: discover.Host{Name: "a"}}}}, verdicts: map[check.Verdict]int{}}
			for _, s := range now {
				r.Unreadable = append(r.Unreadable, discover.Unreadable{Host: s.Host, Name: s.Name, UUID: s.UUID})
			}
			c := Compare(r, Baseline{Domains: then})
			got := c.Totals
			if got.Now != len(now) || got.Then != len(then) || got.Now != got.New+got.Changed+got.Same || got.Then != got.Changed+got.Same+got.Gone+got.NotSeen {
				t.Fatalf("%v and %v: totals %+v do not add up", then, now, got)
			}
			if changes := slices.Collect(c.Changes()); len(changes) != got.New+got.Changed+got.Gone {
				t.Fatalf("%v and %v: %d changes, totals %+v", then, now, len(changes), got)
			}
		}
	}
}
