package discover

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"
	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is a question that was asked s seconds after noon and took some time.
func at(s float64, took time.Duration) *moment {
	asked := noon.Add(time.Duration(s * float64(time.Second)))
	return &moment{asked, asked.Add(took)}
}

// seen is a domain of two disks and an interface, n units of work into its
// life, at the given time.
func seen(s float64, n uint64) *counters {
	cpu := n * 1e9
	return &counters{
		name: "web", id: 3, host: at(s, 0), ticked: at(s, 0), process: at(s, 0), silence: whyBusy, cpu: &cpu,
		memory: memoryCounters{given: 4096, resident: 3000, available: 4000, unused: 1000, usable: 2000, updated: 100 + n},
		disks: []diskCounters{
			{target: "vda", path: "/a", io: [4]uint64{n * 1000, n * 2000, n * 10, n * 20}, has: 15, capacity: 1 << 30, allocation: 1 << 29},
			{target: "hda"}, // an empty drive
		},
		nics: []nicCounters{{tap: "vnet0", counts: [8]uint64{n * 100, n * 200, n, n * 2, n, 0, 0, n}, has: 255}},
	}
}

func TestBetween(t *testing.T) {
	u := libvirt.UUID{1}
	loads := between(glance{u: seen(0, 10)}, glance{u: seen(4, 18)})
	two, half := 2.0, 50.0
	want := []Load{{
		Name: "web", UUID: canonical(u), Interval: 4 * time.Second, Processors: &two,
		Memory:     &MemoryLoad{GivenKiB: 4096, ResidentKiB: 3000, Fresh: true, AvailableKiB: 4000, UnusedKiB: 1000, UsableKiB: 2000},
		Disks:      []DiskLoad{{Target: "vda", Rates: &IO{2000, 4000, 20, 40}, CapacityBytes: 1 << 30, AllocationBytes: 1 << 29, FillPercent: &half}},
		Interfaces: []InterfaceLoad{{Tap: "vnet0", RxBytes: 200, TxBytes: 400, RxPackets: 2, TxPackets: 4, RxDropped: 8, TxErrors: 8}},
	}}
	if diff := cmp.Diff(want, loads); diff != "" {
		t.Error(diff)
	}
}

// What cannot be measured has a reason and no number; all else is measured.
func TestBetweenGaps(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(then, now *counters)
		gaps     string // "what: why", in order
		measured string // what of cpu, memory, rates, interface still is
	}{
		{"nothing", func(_, _ *counters) {}, "", "cpu memory rates interface"},
		{"restarted", func(_, now *counters) { now.id = 4 }, "all: restarted meanwhile", ""},
		{"restarted with the same number", func(_, now *counters) { *now = *seen(4, 1); now.memory.updated = 1 },
			"cpu: its counter began anew meanwhile; disk vda: its counter began anew meanwhile; interface vnet0: its counter began anew meanwhile", "memory"},
		{"no processor time", func(then, _ *counters) { then.cpu, then.ticked = nil, nil }, "cpu: libvirt gives no counters of it", "memory rates interface"},
		{"balloon silent, process known", func(then, now *counters) { then.memory.available, now.memory.available = 0, 0 }, "", "cpu resident rates interface"},
		{"balloon of yesterday", func(then, now *counters) { now.memory.updated = then.memory.updated }, "", "cpu resident rates interface"},
		{"balloon without a date that moves", func(then, now *counters) { then.memory.updated, now.memory.updated, now.memory.unused = 0, 0, 999 }, "", "cpu memory rates interface"},
		{"balloon that contradicts itself", func(_, now *counters) { now.memory.unused = 5000 }, "", "cpu resident rates interface"},
		{"no memory at all", func(_, now *counters) { now.memory = memoryCounters{given: 4096} }, "memory: its QEMU process did not answer, or another operation of libvirt was under way", "cpu rates interface"},
		{"process silent at the second look", func(_, now *counters) { now.process, now.silence = nil, "no answer within 15s" },
			"memory: no answer within 15s; disks: no answer within 15s", "cpu interface"},
		{"process silent at the first look", func(then, _ *counters) { then.process, then.silence = nil, "no answer within 15s" },
			"disk vda: no answer within 15s", "cpu resident interface"},
		{"disk busy", func(_, now *counters) { now.disks[0].has = 0 }, "disk vda: its QEMU process did not answer, or another operation of libvirt was under way", "cpu memory interface"},
		{"disk busy before", func(then, _ *counters) { then.disks[0].has = 7 }, "disk vda: its QEMU process did not answer, or another operation of libvirt was under way", "cpu memory interface"},
		{"disk attached", func(then, _ *counters) { then.disks = nil }, "disk vda: attached meanwhile", "cpu memory interface"},
		{"disk moved", func(_, now *counters) { now.disks[0].path = "/b" }, "disk vda: its file changed meanwhile", "cpu memory interface"},
		{"one counter of a disk anew", func(_, now *counters) { now.disks[0].io[3] = 0 }, "disk vda: its counter began anew meanwhile", "cpu memory interface"},
		{"interface attached", func(then, _ *counters) { then.nics[0].tap = "vnet9" }, "interface vnet0: attached meanwhile", "cpu memory rates"},
		{"interface without drops", func(_, now *counters) { now.nics[0].has = 15 }, "interface vnet0: libvirt gives no counters of it", "cpu memory rates"},
		{"processor time of a process that is busy", func(then, now *counters) { then.process, now.process = nil, nil }, "memory: " + whyBusy + "; disks: " + whyBusy, "cpu interface"},
		{"processes silent altogether", func(_, now *counters) {
			now.cpu, now.ticked, now.process, now.silence = nil, nil, nil, "no answer within 15s"
		},
			"cpu: no answer within 15s; memory: no answer within 15s; disks: no answer within 15s", "interface"},
		{"host slow", func(_, now *counters) { now.host = at(4, time.Second) }, "interfaces: " + tooLong("1s", "4.5s"), "cpu memory rates"},
		{"host a little slow", func(_, now *counters) { now.host = at(4, 800*time.Millisecond) }, "", "cpu memory rates interface"},
		{"processor time slow", func(_, now *counters) { now.ticked = at(4, time.Second) }, "cpu: " + tooLong("1s", "4.5s"), "memory rates interface"},
		{"process slow", func(then, _ *counters) { then.process = at(0, 2*time.Second) }, "disk vda: " + tooLong("2s", "3s"), "cpu memory interface"},
		{"clock that stands", func(_, now *counters) { now.host = at(0, 0) }, "interfaces: " + tooLong("0s", "0s"), "cpu memory rates"},
	} {
		then, now := seen(0, 10), seen(4, 18)
		c.change(then, now)
		u := libvirt.UUID{1}
		loads := between(glance{u: then}, glance{u: now})
		if len(loads) != 1 {
			t.Fatalf("%s: %d loads", c.name, len(loads))
		}
		if got := gapText(loads[0]); got != c.gaps {
			t.Errorf("%s: gaps %q, want %q", c.name, got, c.gaps)
		}
		if got := measuredText(loads[0]); got != c.measured {
			t.Errorf("%s: measured %q, want %q", c.name, got, c.measured)
		}
	}
}

func tooLong(took, apart string) string {
	return "its host took " + took + " to answer, too long for looks " + apart + " apart; take a longer sample"
}

func gapText(l Load) string {
	var out []string
	for _, g := range l.Gaps {
		out = append(out, g.What+": "+g.Why)
	}
	return strings.Join(out, "; ")
}

// measuredText says "memory" for the guest's own report and "resident" for
// what its process has.
func measuredText(l Load) string {
	var out []string
	if l.Processors != nil {
		out = append(out, "cpu")
	}
	if l.Memory != nil {
		out = append(out, map[bool]string{true: "memory", false: "resident"}[l.Memory.Fresh])
	}
	if len(l.Disks) > 0 && l.Disks[0].Rates != nil {
		out = append(out, "rates")
	}
	if len(l.Interfaces) > 0 {
		out = append(out, "interface")
	}
	return strings.Join(out, " ")
}

// Domains come and go; what is left is in the order of the names.
func TestBetweenComings(t *testing.T) {
	first := glance{{1}: seen(0, 1), {2}: seen(0, 1)}
	second := glance{{2}: seen(4, 1), {3}: seen(4, 1)}
	first[libvirt.UUID{1}].name, second[libvirt.UUID{3}].name = "gone", "new"
	var got []string
	for _, l := range between(first, second) {
		got = append(got, fmt.Sprintf("%s %s", l.Name, gapText(l)))
	}
	want := []string{"gone all: stopped or left this host meanwhile", "new all: started meanwhile", "web "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSwapping(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(now *counters)
		want   bool
	}{
		{"none", func(*counters) {}, false},
		{"in", func(now *counters) { now.memory.swapIn = 1 }, true},
		{"out", func(now *counters) { now.memory.swapOut = 1 }, true},
		{"a stale report", func(now *counters) { now.memory.swapOut, now.memory.updated = 1, 101 }, false},
	} {
		now := seen(4, 18)
		c.change(now)
		loads := between(glance{{1}: seen(0, 1)}, glance{{1}: now})
		if got := loads[0].Memory.Swapped; got != c.want {
			t.Errorf("%s: Swapped = %v, want %v", c.name, got, c.want)
		}
	}
}
