package usage

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
)

// a domain of 8 vCPUs and 16 GB with a disk and an interface.
func domain() discover.Domain {
	return discover.Domain{
		Name: "web", VCPUs: 8, MemMaxKiB: 16 << 20, Guest: discover.Guest{Family: "linux"},
		Disks:      []discover.Disk{{Target: "vda"}},
		Interfaces: []discover.Interface{{MAC: "52:54:00:00:00:01", Target: "vnet0"}},
	}
}

// load is of that domain: so many processors, so many MB needed, and nothing
// on disk and network.
func load(processors float64, neededMB uint64) discover.Load {
	const given = 16 << 20
	return discover.Load{
		Interval: 10 * time.Second, Processors: &processors,
		Memory:     &discover.MemoryLoad{GivenKiB: given, ResidentKiB: given + 1000, Fresh: true, AvailableKiB: given - 100<<10, UnusedKiB: 1 << 10, UsableKiB: given - neededMB<<10},
		Disks:      []discover.DiskLoad{{Target: "vda", Rates: &discover.IO{}, CapacityBytes: 100 << 30, AllocationBytes: 25 << 30}},
		Interfaces: []discover.InterfaceLoad{{Tap: "vnet0"}},
	}
}

// verdict is idle, oversized and the suggestion on one line.
func verdict(u *Usage) string {
	var out []string
	if u.Idle {
		out = append(out, "idle")
	}
	if u.Oversized {
		out = append(out, "oversized")
	}
	if u.Suggestion != nil {
		out = append(out, u.Suggestion.String())
	}
	return strings.Join(out, " ")
}

func TestIdle(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*discover.Domain, *discover.Load)
		want   bool
	}{
		{"nothing done", func(*discover.Domain, *discover.Load) {}, true},
		{"at the limits", func(_ *discover.Domain, l *discover.Load) {
			*l.Processors, l.Disks[0].Rates.ReadRequests, l.Disks[0].Rates.WriteRequests, l.Interfaces[0].RxBytes, l.Interfaces[0].TxBytes = 0.05, 2, 3, 5120, 5120
		}, true},
		{"processor", func(_ *discover.Domain, l *discover.Load) { *l.Processors = 0.051 }, false},
		{"reads", func(_ *discover.Domain, l *discover.Load) { l.Disks[0].Rates.ReadRequests = 5.1 }, false},
		{"writes of the second disk", func(_ *discover.Domain, l *discover.Load) {
			l.Disks = append(l.Disks, discover.DiskLoad{Target: "vdb", Rates: &discover.IO{WriteRequests: 6}})
		}, false},
		{"receives", func(_ *discover.Domain, l *discover.Load) { l.Interfaces[0].RxBytes = 10241 }, false},
		{"sends", func(_ *discover.Domain, l *discover.Load) { l.Interfaces[0].TxBytes = 10241 }, false},
		{"no processor time", func(_ *discover.Domain, l *discover.Load) {
			l.Processors, l.Gaps = nil, []Gap{{What: "cpu", Why: "x"}}
		}, false},
		{"a disk not measured", func(_ *discover.Domain, l *discover.Load) { l.Gaps = []Gap{{What: "disk vdb", Why: "x"}} }, false},
		{"a disk without rates", func(_ *discover.Domain, l *discover.Load) { l.Disks[0].Rates = nil }, false},
		{"memory not measured", func(_ *discover.Domain, l *discover.Load) {
			l.Memory, l.Gaps = nil, []Gap{{What: "memory", Why: "x"}}
		}, true},
		{"an interface that nobody counts", func(d *discover.Domain, _ *discover.Load) {
			d.Interfaces = append(d.Interfaces, discover.Interface{MAC: "52:54:00:00:00:02", Type: "hostdev"})
		}, false},
		{"no interface at all", func(d *discover.Domain, l *discover.Load) { d.Interfaces, l.Interfaces = nil, nil }, true},
		{"paused", func(_ *discover.Domain, l *discover.Load) { l.Paused = true }, false},
		{"no pair of looks", func(_ *discover.Domain, l *discover.Load) {
			*l = discover.Load{Gaps: []Gap{{What: "all", Why: "restarted meanwhile"}}}
		}, false},
	} {
		d, l := domain(), load(0, 1000)
		c.change(&d, &l)
		if u := Of(d, l, Limits{}); u.Idle != c.want {
			t.Errorf("%s: Idle = %v, want %v (not measured: %v)", c.name, u.Idle, c.want, u.NotMeasured)
		}
	}
}

func TestOversized(t *testing.T) {
	for _, c := range []struct {
		name       string
		processors float64
		neededMB   uint64
		change     func(*discover.Domain, *discover.Load)
		want       string
	}{
		{"does nothing", 0, 100, nil, "idle oversized 1 vCPU 512 MB"},
		{"processors far too many", 0.5, 13000, nil, "oversized 1 vCPU 16384 MB"},
		{"one processor and the headroom is two", 1, 13000, nil, "oversized 2 vCPU 16384 MB"},
		{"two and two thirds are four: half of eight", 2.66, 13000, nil, "oversized 4 vCPU 16384 MB"},
		{"more than that are six, which is not far from eight", 2.67, 13000, nil, ""},
		{"memory far too much", 7, 3000, nil, "oversized 12 vCPU 4096 MB"}, // 7 and the headroom are more than 8
		{"memory alone", 5, 3000, nil, "oversized 8 vCPU 4096 MB"},
		{"memory and its headroom on a step", 5, 6553, nil, "oversized 8 vCPU 8192 MB"},
		{"memory above it", 5, 6554, nil, ""},
		{"memory is short, processors far too many", 0.5, 14000, nil, "oversized 1 vCPU 24576 MB"},
		{"resident memory is no reason for more", 0.5, 300, func(_ *discover.Domain, l *discover.Load) { l.Memory.Fresh = false }, "oversized 1 vCPU 16384 MB"},
		{"nor are caches", 0.5, 300, func(_ *discover.Domain, l *discover.Load) { l.Memory.UsableKiB, l.Memory.UnusedKiB = 0, 1<<10 }, "oversized 1 vCPU 16384 MB"},
		{"both busy", 7.5, 15000, nil, ""},
		{"small machine, small change", 0.1, 400, func(d *discover.Domain, _ *discover.Load) { d.VCPUs, d.MemMaxKiB = 2, 1<<20 }, ""},
		{"two vCPUs are worth it", 0.1, 13000, func(d *discover.Domain, _ *discover.Load) { d.VCPUs = 3 }, "oversized 1 vCPU 16384 MB"},
		{"one is not", 0.1, 14000, func(d *discover.Domain, _ *discover.Load) { d.VCPUs = 2 }, ""},
		{"Windows needs more to start at all", 0.5, 300, func(d *discover.Domain, _ *discover.Load) { d.Guest.Family = "windows" }, "oversized 1 vCPU 2048 MB"},
		{"swaps", 0.5, 300, func(_ *discover.Domain, l *discover.Load) { l.Memory.Swapped = true }, "oversized 1 vCPU 16384 MB"},
		{"memory not known", 0.5, 300, func(_ *discover.Domain, l *discover.Load) { l.Memory = nil }, "oversized 1 vCPU 16384 MB"},
		{"processor time not known", 0.5, 3000, func(_ *discover.Domain, l *discover.Load) { l.Processors = nil }, "oversized 8 vCPU 4096 MB"},
		{"resident memory", 5, 300, func(_ *discover.Domain, l *discover.Load) { l.Memory.Fresh, l.Memory.ResidentKiB = false, 3000<<10 }, "oversized 8 vCPU 4096 MB"},
		{"resident memory with the emulator's own", 5, 300, func(_ *discover.Domain, l *discover.Load) { l.Memory.Fresh = false }, ""},
		{"huge pages", 5, 300, func(d *discover.Domain, l *discover.Load) {
			d.Tuning.Hugepages, l.Memory.Fresh, l.Memory.ResidentKiB = true, false, 50<<10
		}, ""},
		{"an old guest that knows no usable memory", 5, 300, func(_ *discover.Domain, l *discover.Load) { l.Memory.UsableKiB, l.Memory.UnusedKiB = 0, 1<<20 }, ""},
		{"paused", 0, 100, func(_ *discover.Domain, l *discover.Load) { l.Paused = true }, ""},
		{"restarted", 0, 100, func(_ *discover.Domain, l *discover.Load) {
			*l = discover.Load{Gaps: []Gap{{What: "all", Why: "restarted meanwhile"}}}
		}, ""},
	} {
		d, l := domain(), load(c.processors, c.neededMB)
		if c.change != nil {
			c.change(&d, &l)
		}
		if got := strings.TrimPrefix(verdict(Of(d, l, Limits{})), "idle "); got != strings.TrimPrefix(c.want, "idle ") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Whatever was seen, a suggestion holds it and the headroom, is a size that
// flavors have, and is far smaller in one thing at least.
func TestSuggestionHolds(t *testing.T) {
	suggested := 0
	for vcpus := uint(1); vcpus <= 70; vcpus += 3 {
		for memMB := uint64(300); memMB < 300000; memMB = memMB*5/3 + 7 {
			for _, busy := range []float64{0, 0.01, 0.3, 0.9, 1.01} {
				for _, full := range []float64{0, 0.02, 0.3, 0.7, 1.1} {
					d, l := domain(), load(busy*float64(vcpus), 0)
					d.VCPUs, d.MemMaxKiB = vcpus, memMB<<10
					needed := uint64(full * float64(memMB<<10))
					given := max(memMB<<10, needed)
					l.Memory = &discover.MemoryLoad{GivenKiB: given, Fresh: true, AvailableKiB: given, UsableKiB: max(given-needed, 1)}
					u := Of(d, l, Limits{})
					if u.Suggestion == nil {
						continue
					}
					suggested++
					s := *u.Suggestion
					if float64(s.VCPUs) < busy*float64(vcpus)*1.5 || float64(s.MemoryMB) < float64(needed)/1024*1.25 {
						t.Fatalf("%d vCPU %d MB, seen %v and %v: suggestion %v is too small", vcpus, memMB, busy, full, s)
					}
					if s.VCPUs*2 > vcpus && s.MemoryMB*2 > memMB {
						t.Fatalf("%d vCPU %d MB, seen %v and %v: suggestion %v takes nothing away", vcpus, memMB, busy, full, s)
					}
				}
			}
		}
	}
	if suggested < 1000 {
		t.Errorf("only %d suggestions; this test no longer sees any", suggested)
	}
}

func TestStep(t *testing.T) {
	var got []string
	for _, n := range []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 17, 25, 512, 513, 769, 1024, 1025, 5000, 98305} {
		got = append(got, fmt.Sprintf("%v:%v", n, step(n)))
	}
	want := "0:1 1:1 2:2 3:4 4:4 5:6 6:6 7:8 8:8 9:12 13:16 17:24 25:32 512:512 513:768 769:1024 1024:1024 1025:1536 5000:6144 98305:131072"
	if strings.Join(got, " ") != want {
		t.Errorf("steps %v, want %v", got, want)
	}
}

func TestOf(t *testing.T) {
	d, l := domain(), load(2.5, 4000)
	quarter := 25.0
	l.Disks[0].FillPercent = &quarter
	d.VCPUsLive = 10
	d.Interfaces = append(d.Interfaces, discover.Interface{MAC: "52:54:00:00:00:02", Target: "vnet1"}, discover.Interface{MAC: "52:54:00:00:00:03"})
	l.Gaps = []Gap{{What: "interface vnet1", Why: "attached meanwhile"}}
	l.Disks = append(l.Disks, discover.DiskLoad{Target: "vdb"})
	u := Of(d, l, Limits{})
	text, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"seconds":10,"cpu":{"percent_of_one":250,"percent_of_vcpus":25,"vcpus":10},` +
		`"memory":{"source":"balloon","used_kib":16673792,"needed_kib":4096000,"at_most":false,"given_kib":16777216,"percent":99.384,"swapping":false},` +
		`"disks":[{"target":"vda","rates":{"read_bytes_per_s":0,"write_bytes_per_s":0,"read_requests_per_s":0,"write_requests_per_s":0},"capacity_bytes":107374182400,"allocation_bytes":26843545600,"fill_percent":25},{"target":"vdb"}],` +
		`"interfaces":[{"mac":"52:54:00:00:00:01","tap":"vnet0","rx_bytes_per_s":0,"tx_bytes_per_s":0,"rx_packets_per_s":0,"tx_packets_per_s":0,"rx_dropped":0,"tx_dropped":0,"rx_errors":0,"tx_errors":0}],` +
		`"not_measured":[{"what":"interface vnet1","why":"attached meanwhile"},{"what":"interface 52:54:00:00:00:03","why":"its host keeps no counters of it"}],` +
		`"paused":false,"idle":false,"oversized":true,"suggestion":{"vcpus":4,"memory_mb":6144}}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	if len(l.Gaps) != 1 {
		t.Error("Of changed the load it was given")
	}
}

func TestUnmeasured(t *testing.T) {
	text, err := json.Marshal(Unmeasured("host lost"))
	if want := `{"seconds":0,"not_measured":[{"what":"all","why":"host lost"}],"paused":false,"idle":false,"oversized":false}`; err != nil || string(text) != want {
		t.Errorf("%s, want %s (%v)", text, want, err)
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits Limits
		want   string
	}{
		{"a quieter idle", Limits{IdleCPUPercent: 1}, "oversized 1 vCPU 512 MB"},
		{"more headroom", Limits{CPUHeadroom: 9900, MemoryHeadroom: 900}, "idle oversized 4 vCPU 1024 MB"},
		{"only what is ten times too large", Limits{OversizedTimes: 10}, "idle oversized 8 vCPU 512 MB"},
	} {
		if got := verdict(Of(domain(), load(0.03, 100), c.limits)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		limits Limits
		want   string
	}{
		{Limits{}, ""},
		{Limits{IdleCPUPercent: -1}, "usage: idle_cpu_percent is -1; it must be at least 0"},
		{Limits{MemoryHeadroom: -5}, "usage: memory_headroom is -5; it must be at least 0"},
		{Limits{OversizedTimes: 0.5}, "usage: oversized_times is 0.5; it must be at least 1"},
	} {
		if got := fmt.Sprint(c.limits.Check()); got != c.want && !(c.want == "" && got == "<nil>") {
			t.Errorf("Check(%+v) = %q, want %q", c.limits, got, c.want)
		}
	}
}
