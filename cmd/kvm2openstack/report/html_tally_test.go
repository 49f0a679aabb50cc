package report

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/usage"
)

// said is a domain with findings of these codes.
func said(v check.Verdict, codes ...string) audit.Domain {
	d := audit.Domain{}
	d.Verdict = v
	for _, c := range codes {
		d.Findings = append(d.Findings, check.Finding{Code: c})
	}
	return d
}

// What frees most comes first, and what frees only together with others is
// counted when the last of them is settled.
func TestBlockers(t *testing.T) {
	r := newReasons()
	add := func(n int, d audit.Domain) {
		for range n {
			r.add(d)
		}
	}
	add(3, said(check.VerdictBlocked, "K2O-201"))
	add(1, said(check.VerdictBlocked, "K2O-212", "K2O-216")) // 216 only wants a look
	add(4, said(check.VerdictBlocked, "K2O-212", "K2O-213"))
	add(1, said(check.VerdictBlocked, "K2O-213", "K2O-213", "K2O-205", "K2O-201"))
	add(2, said(check.VerdictAttention, "K2O-216", "K2O-203"))
	add(9, said(check.VerdictManaged, "K2O-205")) // frees nobody: Nova has them
	views, freed := r.blockers()
	type line struct {
		code                string
		domains, alone, sum int
	}
	var got []line
	for _, v := range views {
		got = append(got, line{v.Code, v.Domains, v.Alone, v.Sum})
		if v.Title == "" || v.Action == "" {
			t.Errorf("%s has no title or nothing to do", v.Code)
		}
	}
	want := []line{{"K2O-201", 4, 3, 3}, {"K2O-212", 5, 1, 4}, {"K2O-213", 5, 0, 8}, {"K2O-205", 10, 0, 9}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(line{})); diff != "" {
		t.Error(diff)
	}
	if freed != (freedView{3, 8}) {
		t.Errorf("the first steps: %+v, want 3 that free 8", freed)
	}
	var looks []string
	for _, v := range r.attentions() {
		looks = append(looks, v.Code)
	}
	if diff := cmp.Diff([]string{"K2O-216", "K2O-203"}, looks); diff != "" {
		t.Error(diff)
	}
}

func TestRoom(t *testing.T) {
	r := resource{what: "vCPUs", physical: 16, class: audit.Class{Total: 16, Ratio: 1.5, Limit: 24, Used: 4}, managed: 4, adoptable: 30, outside: 6, show: inCount}
	got := r.view()
	want := roomView{
		What: "vCPUs", Physical: "16", Guests: "40", Limit: "24", Ratio: "ratio 1.5", Used: "4", After: "34", Left: "10 short", Short: true,
		Bar: bar{of: 40, at: 40,
			Segments: []segment{{"managed", "0.00%", "10.00%"}, {"adopt", "10.00%", "50.00%"}, {"over", "60.00%", "25.00%"}, {"outside", "85.00%", "15.00%"}},
			Marks:    []segment{{Class: "physical", From: "40.00%"}, {Class: "limit", From: "60.00%"}}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(bar{})); diff != "" {
		t.Error(diff)
	}
	r.class.Limit = 256 // far beyond: no mark, and the bar keeps its scale
	if got := r.view(); got.Short || got.Left != "222" || len(got.Bar.Marks) != 1 || got.Bar.of != 40 {
		t.Errorf("with a far limit: %+v", got)
	}
	r.class.Limit = 60 // near enough to be shown
	if got := r.view(); got.Bar.of != 60 || len(got.Bar.Marks) != 2 {
		t.Errorf("with a near limit: %+v", got)
	}
	r.class = audit.Class{} // not known
	if got := r.view(); got.Limit != "" || got.Left != "" || got.Used != "" || len(got.Bar.Segments) != 3 || len(got.Bar.Marks) != 1 {
		t.Errorf("without a limit: %+v", got)
	}
}

func host(name string, cpus int, c *audit.Capacity) *hostTally {
	h := &hostTally{}
	h.host.Host.Name, h.host.CPUs, h.host.MemoryKiB, h.host.Capacity = name, cpus, uint64(cpus)<<22, c
	return h
}

func TestLimits(t *testing.T) {
	placement := &audit.Capacity{VCPUs: audit.Class{Total: 8, Limit: 9, Ratio: 1, Used: 1}, Placement: true}
	for _, c := range []struct {
		host   *hostTally
		source string
		limit  string
	}{
		{host("a", 8, placement), "limits: Placement", "9"},
		{host("b", 8, &audit.Capacity{VCPUs: audit.Class{Total: 8, Limit: 7}}), "limits: Nova's databases", "7"},
		{host("c", 8, nil), "limits: Nova's defaults, for Nova was not asked", "32"},
		{host("d", 0, nil), "its size is not known", ""},
	} {
		rooms, source := c.host.room()
		if source != c.source || rooms[0].Limit != c.limit {
			t.Errorf("%s: %q and %q, want %q and %q", c.host.host.Host.Name, rooms[0].Limit, source, c.limit, c.source)
		}
	}
}

// A sum over some hosts must not pass for one over all.
func TestFleet(t *testing.T) {
	c := &audit.Capacity{VCPUs: audit.Class{Total: 8, Limit: 32, Ratio: 4, Used: 1}, MemoryMB: audit.Class{Total: 32768, Limit: 32000, Ratio: 1}}
	other := &audit.Capacity{VCPUs: audit.Class{Total: 8, Limit: 128, Ratio: 16}}
	one, two := host("a", 8, c), host("b", 8, other)
	d := said(check.VerdictReady, roomRule)
	d.VCPUs, d.MemMaxKiB = 2, 1<<20
	one.add(d)
	two.add(said(check.VerdictBlocked, "K2O-201"))
	all := (&tally{hosts: []*hostTally{one, two}}).fleet()
	if vcpus := all.Room[0]; vcpus.Physical != "16" || vcpus.Limit != "160" || vcpus.Ratio != "" || vcpus.After != "3" || vcpus.Left != "157" {
		t.Errorf("both hosts have %+v", vcpus)
	}
	if !all.Tight || all.Fits != "room for 0 of 1 that can be adopted" || all.Domains[0].Domains != 1 || all.Domains[2].Domains != 1 {
		t.Errorf("both hosts: %+v", all)
	}
	all = (&tally{hosts: []*hostTally{one, two, host("c", 4, nil)}}).fleet()
	if vcpus := all.Room[0]; vcpus.Physical != "20" || vcpus.Limit+vcpus.After+vcpus.Left+vcpus.Used != "" || all.Source != "Nova knows 2 of 3 hosts" || all.Fits != "" {
		t.Errorf("with a host that Nova does not know: %+v, %s", vcpus, all.Source)
	}
}

func TestDiskPlaces(t *testing.T) {
	instances := &discover.File{FS: "1", Kind: "dir"}
	file := func(fs string) *discover.File { return &discover.File{Kind: "file", FS: fs, Format: "qcow2"} }
	for _, c := range []struct {
		disk                    discover.Disk
		format, place, linkable string
	}{
		{discover.Disk{Type: "file", Path: "/a/b.img", Format: "raw", File: file("1")}, "qcow2", "/a", "yes"},
		{discover.Disk{Type: "file", Path: "/a/b.img", Format: "raw", File: file("2")}, "qcow2", "/a", "other file system"},
		{discover.Disk{Type: "file", Path: "/a/b.img", Format: "raw", File: file("")}, "qcow2", "/a", "not known"},
		{discover.Disk{Type: "file", Path: "/a/b.img", Format: "raw"}, "raw", "/a", "not looked at"},
		{discover.Disk{Type: "file", Path: "/a/b.img", File: &discover.File{Missing: true}}, "not known", "/a", "missing"},
		{discover.Disk{Type: "file", Path: "/a/b.img", File: &discover.File{Error: "EACCES"}}, "not known", "/a", "not readable"},
		{discover.Disk{Type: "file", Path: "/dev/vg0/x", Format: "raw", File: &discover.File{Kind: "block"}}, "raw", "block device in /dev/vg0", "no file"},
		{discover.Disk{Type: "block", Path: "/dev/vg0/x", Format: "raw"}, "raw", "block device in /dev/vg0", "no file"},
		{discover.Disk{Type: "network", Protocol: "rbd", Path: "pool/x", Format: "raw"}, "raw", "rbd pool", "no file"},
		{discover.Disk{Type: "volume", Path: "default/x", Format: "qcow2"}, "qcow2", "storage pool default", "no file"},
		{discover.Disk{Type: "file", Path: "/a\x1b/b"}, "not known", `/a\x1b`, "not looked at"},
	} {
		if f, p, l := diskFormat(c.disk), place(c.disk), linkable(c.disk, instances); f != c.format || p != c.place || l != c.linkable {
			t.Errorf("%+v: %q, %q, %q; want %q, %q, %q", c.disk, f, p, l, c.format, c.place, c.linkable)
		}
	}
	if got := linkable(discover.Disk{Type: "file", File: file("1")}, nil); got != "not known" {
		t.Errorf("without instances_path: %q", got)
	}
}

// Places beyond the largest are one line, and nothing of them is lost.
func TestDiskPlacesAreBounded(t *testing.T) {
	tl := newTally(audit.Report{}, Page{})
	var d audit.Domain
	for n := range mostPlaces + 5 {
		d.Disks = append(d.Disks, discover.Disk{Device: "disk", Type: "file", Path: "/" + strings.Repeat("d", n+1) + "/x", CapacityBytes: 1 << 30})
	}
	d.Disks = append(d.Disks, discover.Disk{Device: "cdrom", Type: "file", Path: "/cd/x"})
	tl.addDisks(audit.Host{}, d)
	views := tl.diskViews()
	disks := 0
	for _, v := range views {
		disks += v.Disks
	}
	if len(views) != mostPlaces+1 || disks != mostPlaces+5 || views[mostPlaces].Place != "others: 5" || views[mostPlaces].Size != "5 GB" {
		t.Errorf("%d lines of %d disks, the last %+v", len(views), disks, views[len(views)-1])
	}
}

func TestShares(t *testing.T) {
	s := shares{}
	for n := range 6 {
		for range n + 1 {
			s.add(strings.Repeat("x", n+1), []string{"agent", "high"}[n%2])
		}
	}
	views := s.views(3)
	if len(views) != 4 || views[0].Count != 6 || views[3].Name != "others: 3" || views[3].Count != 6 {
		t.Errorf("views are %+v", views)
	}
	if diff := cmp.Diff([]countView{{"agent", 4}, {"high", 2}}, views[3].By); diff != "" {
		t.Error(diff)
	}
}

func TestPlug(t *testing.T) {
	tag := 7
	m := cloud.Mapping{{Bridge: "br1", VLAN: &tag, Network: "private", Subnet: "v4"}, {Bridge: "br0", Network: "public"}}
	for _, c := range []struct {
		nic           discover.Interface
		plug, network string
	}{
		{discover.Interface{Type: "bridge", Bridge: "br0"}, "bridge br0", "public"},
		{discover.Interface{Type: "bridge", Bridge: "br1", VLAN: 7}, "bridge br1 VLAN 7", "private / v4"},
		{discover.Interface{Type: "bridge", Bridge: "br1", Trunk: true, VLAN: 7}, "bridge br1 trunk", notMapped},
		{discover.Interface{Type: "network", Network: "default", NetworkForward: "nat", NetworkBridge: "virbr0"}, "libvirt network default (nat, virbr0)", notMapped},
		{discover.Interface{Type: "network", Network: "lan", NetworkForward: "bridge", NetworkBridge: "br0", PortGroup: "web"}, "libvirt network lan (bridge, br0) port group web", "public"},
		{discover.Interface{Type: "network", Network: "x", NetworkForward: "unknown"}, "libvirt network x", notMapped},
		{discover.Interface{Type: "direct", SourceDev: "eno1"}, "macvtap on eno1", notMapped},
		{discover.Interface{Type: "user"}, "user", notMapped},
	} {
		if p, n := plug(c.nic), networkOf(m, "kvm01", c.nic); p != c.plug || n != c.network {
			t.Errorf("%+v: %q and %q, want %q and %q", c.nic, p, n, c.plug, c.network)
		}
	}
}

func TestRemarks(t *testing.T) {
	h := audit.Host{Found: 3}
	h.Err, h.Silent = errors.New("dropped"), []discover.Silence{{Name: "a\nb", Err: errors.New("no answer")}}
	want := []string{"Read in part: dropped", `Domain a\nb runs, but its QEMU did not answer: no answer`}
	if diff := cmp.Diff(want, remarks(h)); diff != "" {
		t.Error(diff)
	}
}

// What was not measured is not said, or said to be so.
func TestUsageFacts(t *testing.T) {
	for name, c := range map[string]struct {
		usage *usage.Usage
		want  []fact
	}{
		"no sample": {nil, nil},
		"nothing measured": {&usage.Usage{NotMeasured: []usage.Gap{{What: "all", Why: "no answer"}}},
			[]fact{{"Not measured", "all: no answer"}}},
		"in part": {&usage.Usage{Seconds: 9.96, Disks: []usage.Disk{{Target: "vda"}}, Interfaces: []usage.Interface{{Tap: "vnet0", RxBytes: -1, TxErrors: 2}}, Idle: true, Paused: true},
			[]fact{{"Measured over", "9.96 s"}, {"Disk vda", "rates were not measured"},
				{"Interface vnet0", "receives 0 B/s (0.0 packets), sends 0 B/s (0.0 packets); errors meanwhile: 0 in, 2 out"},
				{"Paused", "so what it was seen to use says nothing of its size"}, {"Idle", "next to nothing was done"}}},
	} {
		if diff := cmp.Diff(c.want, usageFacts(c.usage)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for want, m := range map[string]usage.Memory{
		"at most 2 GB needed (what its process has of the host)": {Source: "rss", NeededKiB: 2 << 20, AtMost: true},
		"at most 2 GB needed (its caches are in it)":             {Source: "balloon", NeededKiB: 2 << 20, AtMost: true},
		"512 MB needed (by its balloon); the guest swaps":        {Source: "balloon", NeededKiB: 1 << 19, Swapping: true},
	} {
		if got := needed(m); got != want {
			t.Errorf("needed(%+v) = %q, want %q", m, got, want)
		}
	}
}

func TestLead(t *testing.T) {
	for want, c := range map[string]struct {
		totals audit.Totals
		freed  freedView
	}{
		"No domain was found.": {audit.Totals{}, freedView{}},
		"None of 2 domains can be adopted now. Nova has 2 already.":                                      {audit.Totals{Found: 2, Managed: 2}, freedView{}},
		"3 of 3 domains can be adopted now, as they are.":                                                {audit.Totals{Found: 3, Ready: 3}, freedView{}},
		"3 of 4 domains can be adopted now, after a look at the reason. 1 is blocked; one step frees 1.": {audit.Totals{Found: 4, Attention: 3, Blocked: 1}, freedView{1, 1}},
		"1,200 of 5,000 domains can be adopted now: 1,000 as they are, 200 after a look at the reason. Nova has 7 already. 3,793 are blocked; the first 3 steps free 3,000. 5 could not be read.": {audit.Totals{Found: 5006, Ready: 1000, Attention: 200, Managed: 7, Blocked: 3793, Unreadable: 5, Filtered: 6}, freedView{3, 3000}},
	} {
		if got := lead(c.totals, c.freed); got != want {
			t.Errorf("lead = %q, want %q", got, want)
		}
	}
}

// The rule that the page counts by is there.
func TestRoomRule(t *testing.T) {
	if titles()[roomRule] == "" {
		t.Errorf("there is no rule %s", roomRule)
	}
}
