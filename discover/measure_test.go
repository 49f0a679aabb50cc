package discover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"
	"github.com/google/go-cmp/cmp"
)

// A fakeClock moves when somebody waits, and as a test pushes it.
type fakeClock struct {
	mu     sync.Mutex
	t      time.Time
	waited func() // between the looks
}

func (c *fakeClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *fakeClock) push(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func (c *fakeClock) wait(ctx context.Context, d time.Duration) error {
	c.push(d)
	if c.waited != nil {
		c.waited()
	}
	return ctx.Err()
}

// asksHost is in the question that needs no QEMU process.
const asksHost = uint32(libvirt.DomainStatsInterface)

// measured takes loads of hosts 10 seconds apart by c.
func measured(c *fakeClock, opt Options, hosts ...Host) (all []HostLoad) {
	m := measurer{opt: opt.withDefaults(), interval: 10 * time.Second, now: c.now, wait: c.wait}
	for l := range m.measure(context.Background(), hosts) {
		all = append(all, l)
	}
	return all
}

func runningDomain(name string, id int32) fakeDomain {
	d := newFakeDomain(name)
	d.id, d.state = id, 1
	return d
}

// busy counts as a daemon counts, by the seconds of c: one processor, and of
// disk and interface what is easy to read.
func busy(c *fakeClock) func(statsAsk, fakeDomain) []fakeStat {
	start := c.now()
	return func(ask statsAsk, _ fakeDomain) (out []fakeStat) {
		n := uint64(c.now().Sub(start).Seconds()) + 5
		add := func(prefix string, values ...any) {
			for i := 0; i < len(values); i += 2 {
				out = append(out, fakeStat{prefix + values[i].(string), values[i+1]})
			}
		}
		if ask.which&2 != 0 {
			add("cpu.", "time", n*1e9, "user", n*1e9)
		}
		if ask.which&4 != 0 {
			add("balloon.", "current", uint64(1<<20), "maximum", uint64(1<<21), "rss", uint64(1<<19), "available", uint64(1000000), "unused", uint64(400000), "last-update", n)
		}
		if ask.which&16 != 0 {
			add("net.", "count", int32(1), "0.name", "vnet0", "0.rx.bytes", n*100, "0.rx.pkts", n, "0.rx.errs", n, "0.rx.drop", uint64(0),
				"0.tx.bytes", n*200, "0.tx.pkts", n*2, "0.tx.errs", uint64(0), "0.tx.drop", n*3)
		}
		if ask.which&32 != 0 {
			add("block.", "count", int32(2), "0.name", "vda", "0.path", "/a", "0.rd.reqs", n, "0.rd.bytes", n*512, "0.rd.times", n, "0.wr.reqs", n*2, "0.wr.bytes", n*1024,
				"0.allocation", uint64(0), "0.capacity", uint64(1<<30), "0.physical", uint64(1<<28), "1.name", "hda", "1.rd.reqs", n, "1.rd.bytes", n, "1.wr.reqs", n, "1.wr.bytes", n)
		}
		return out
	}
}

func TestMeasure(t *testing.T) {
	c := &fakeClock{t: noon}
	d := &fakeDaemon{domains: []fakeDomain{runningDomain("web", 7), newFakeDomain("off"), runningDomain("db", 8)}, counters: busy(c)}
	all := measured(c, patient, d.start(t, "kvm1"))
	if len(all) != 1 || all[0].Err != nil {
		t.Fatalf("loads %+v", all)
	}
	one, quarter := 1.0, 25.0
	want := Load{
		Name: "web", UUID: d.domains[0].uuid().String(), Interval: 10 * time.Second, Processors: &one,
		Memory:     &MemoryLoad{GivenKiB: 1 << 20, ResidentKiB: 1 << 19, Fresh: true, AvailableKiB: 1000000, UnusedKiB: 400000},
		Disks:      []DiskLoad{{Target: "vda", Rates: &IO{512, 1024, 1, 2}, CapacityBytes: 1 << 30, AllocationBytes: 1 << 28, FillPercent: &quarter}},
		Interfaces: []InterfaceLoad{{Tap: "vnet0", RxBytes: 100, TxBytes: 200, RxPackets: 1, TxPackets: 2, TxDropped: 30, RxErrors: 10}},
	}
	db := want
	db.Name, db.UUID = "db", d.domains[2].uuid().String()
	if diff := cmp.Diff([]Load{db, want}, all[0].Loads); diff != "" {
		t.Error(diff)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked[procListDomains] != 2 || d.asked[procDomainStats] != 4 || d.asked[procXML] != 0 {
		t.Errorf("asked %v, want 2 lists and 4 questions for counters, however many domains", d.asked)
	}
}

// Many domains are asked about in parts, and each part once.
func TestMeasureInParts(t *testing.T) {
	c := &fakeClock{t: noon}
	d := &fakeDaemon{counters: busy(c)}
	const n = 2*countersAtOnce + 1
	for i := range n {
		d.domains = append(d.domains, runningDomain(fmt.Sprintf("d%04d", i), int32(i+1)))
	}
	all := measured(c, patient, d.start(t, "kvm1"))
	if all[0].Err != nil || len(all[0].Loads) != n {
		t.Fatalf("Err %v, %d loads, want %d", all[0].Err, len(all[0].Loads), n)
	}
	for _, l := range all[0].Loads {
		if len(l.Gaps) > 0 {
			t.Fatalf("%s: %s", l.Name, gapText(l))
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked[procDomainStats] != 12 {
		t.Errorf("asked %d times, want twice for each of 3 parts at 2 looks", d.asked[procDomainStats])
	}
}

// What happens to domains between the looks, over the wire.
func TestMeasureChanges(t *testing.T) {
	c := &fakeClock{t: noon}
	d := &fakeDaemon{domains: []fakeDomain{runningDomain("restarted", 1), runningDomain("stopped", 2), newFakeDomain("started"), runningDomain("paused", 3), runningDomain("gone", 4)}, counters: busy(c)}
	h := d.start(t, "kvm1")
	c.waited = func() {
		d.domains[0].id, d.domains[1].id, d.domains[2].id, d.domains[3].state = 9, -1, 10, 3
		d.domains[2].state = 1
		d.domains = d.domains[:4]
	}
	all := measured(c, patient, h)
	var got []string
	for _, l := range all[0].Loads {
		got = append(got, fmt.Sprintf("%s: %s %v", l.Name, gapText(l), l.Paused))
		if (l.Processors != nil) != (l.Name == "paused") {
			t.Errorf("%s: processors %v", l.Name, l.Processors)
		}
	}
	want := []string{
		"gone: all: stopped or left this host meanwhile false", "paused:  true", "restarted: all: restarted meanwhile false",
		"started: all: started meanwhile false", "stopped: all: stopped or left this host meanwhile false",
	}
	if diff := cmp.Diff(want, got); diff != "" || all[0].Err != nil {
		t.Error(all[0].Err, diff)
	}
}

// A host that is lost, at whichever look, is lost as a whole.
func TestMeasureLostHost(t *testing.T) {
	for _, c := range []struct {
		name string
		look int
		m    misdeed
		is   error
		says string
	}{
		{"dropped at once", 0, misdeed{drop: true}, ErrLost, "host kvm1: read counters: "},
		{"dropped later", 1, misdeed{drop: true}, ErrLost, "host kvm1: answered at the first look and not at the second: read counters: "},
		{"silent later", 1, misdeed{silent: true}, ErrNoAnswer, "host kvm1: answered at the first look and not at the second: read counters: "},
		{"too old", 0, misdeed{code: 3, message: "this function is not supported"}, nil, "since 1.2.8"},
	} {
		clock := &fakeClock{t: noon}
		look := 0
		clock.waited = func() { look = 1 }
		d := &fakeDaemon{domains: []fakeDomain{runningDomain("web", 7)}, counters: busy(clock)}
		d.beforeStats = func(ask statsAsk) *misdeed {
			if look == c.look && ask.which&asksHost != 0 {
				return &c.m
			}
			return nil
		}
		l := measured(clock, quick, d.start(t, "kvm1"))[0]
		if l.Err == nil || len(l.Loads) != 0 || c.is != nil && !errors.Is(l.Err, c.is) || !strings.Contains(l.Err.Error(), c.says) {
			t.Errorf("%s: Err = %v with %d loads, want %q", c.name, l.Err, len(l.Loads), c.says)
		}
	}
}

// A hung QEMU process holds the first question about memory and disks, and
// with it its domain: the next question passes over that and has the others.
func TestMeasureHungGuest(t *testing.T) {
	c := &fakeClock{t: noon}
	d := &fakeDaemon{domains: []fakeDomain{runningDomain("hung", 1), runningDomain("well", 2)}}
	well := busy(c)
	d.counters = func(ask statsAsk, f fakeDomain) []fakeStat {
		if f.name == "hung" && ask.which&asksHost == 0 {
			return []fakeStat{{"cpu.time", uint64(c.now().Sub(noon))}, {"balloon.current", uint64(1 << 20)}, {"block.count", int32(1)}, {"block.0.name", "vda"}, {"block.0.path", "/a"}}
		}
		return well(ask, f)
	}
	var held, without bool
	d.beforeStats = func(ask statsAsk) *misdeed {
		if ask.which&asksHost != 0 {
			if ask.which != asksHost|1 { // since libvirt 8.6 all but these two can hang
				t.Errorf("the question that must not hang is for %d", ask.which)
			}
			return nil
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		without = without || ask.flags&(1<<29) == 0
		if held {
			return nil
		}
		held = true
		return &misdeed{silent: true}
	}
	l := measured(c, quick, d.start(t, "kvm1"))[0]
	if l.Err != nil || len(l.Loads) != 2 || without {
		t.Fatalf("Err %v, %d loads, asked without NOWAIT: %v", l.Err, len(l.Loads), without)
	}
	if got := measuredText(l.Loads[1]); got != "cpu memory rates interface" {
		t.Errorf("the other guest: measured %q, gaps %q", got, gapText(l.Loads[1]))
	}
	if got := measuredText(l.Loads[0]); got != "cpu interface" || gapText(l.Loads[0]) != "memory: "+whyBusy+"; disks: "+whyBusy {
		t.Errorf("the hung guest: measured %q, gaps %q", got, gapText(l.Loads[0]))
	}
}

// A domain can be restarted between the two questions of one look.
func TestMeasureRestartedWithinLook(t *testing.T) {
	g := glance{{1}: &counters{id: 3}, {2}: &counters{id: 4}}
	params := []libvirt.TypedParam{{Field: "cpu.time", Value: libvirt.TypedParamValue{I: uint64(5)}}, {Field: "balloon.rss", Value: libvirt.TypedParamValue{I: uint64(6)}}}
	g.addProcesses(statsAnswer{at: at(0, 0), records: []libvirt.DomainStatsRecord{
		{Dom: libvirt.Domain{UUID: libvirt.UUID{1}, ID: 9}, Params: params}, {Dom: libvirt.Domain{UUID: libvirt.UUID{2}, ID: 4}, Params: params}, {Dom: libvirt.Domain{UUID: libvirt.UUID{3}, ID: 5}, Params: params},
	}})
	if a, b := g[libvirt.UUID{1}], g[libvirt.UUID{2}]; a.process != nil || a.cpu != nil || b.process == nil || b.ticked == nil || len(g) != 2 {
		t.Errorf("of the next run %+v, of the same %+v, domains %d", a, b, len(g))
	}
}

// NOWAIT passes over a domain that is busy for a moment; it is asked about
// again, and nobody else is.
func TestMeasureBusyGuest(t *testing.T) {
	c := &fakeClock{t: noon}
	d := &fakeDaemon{domains: []fakeDomain{runningDomain("busy", 1), runningDomain("well", 2)}}
	well := busy(c)
	var mu sync.Mutex
	passed := 0
	var alone [][]string
	d.counters = func(ask statsAsk, f fakeDomain) []fakeStat {
		mu.Lock()
		defer mu.Unlock()
		if ask.which&asksHost == 0 && f.name == "busy" {
			if passed++; passed%2 == 1 {
				return []fakeStat{{"balloon.current", uint64(1 << 20)}, {"block.count", int32(1)}, {"block.0.name", "vda"}, {"block.0.path", "/a"}}
			}
			alone = append(alone, ask.domains)
		}
		return well(ask, f)
	}
	l := measured(c, patient, d.start(t, "kvm1"))[0]
	if l.Err != nil || len(l.Loads) != 2 {
		t.Fatalf("Err %v, %d loads", l.Err, len(l.Loads))
	}
	for _, load := range l.Loads {
		if got := measuredText(load); got != "cpu memory rates interface" {
			t.Errorf("%s: measured %q, gaps %q", load.Name, got, gapText(load))
		}
	}
	if diff := cmp.Diff([][]string{{"busy"}, {"busy"}}, alone); diff != "" {
		t.Error("asked again about ", diff)
	}
}

// A daemon that stays silent about its QEMU processes still tells what it
// counts itself, and is not asked without end.
func TestMeasureSilentProcesses(t *testing.T) {
	c := &fakeClock{t: noon}
	d := &fakeDaemon{domains: []fakeDomain{runningDomain("web", 1)}, counters: busy(c)}
	asked := 0
	d.beforeStats = func(ask statsAsk) *misdeed {
		if ask.which&asksHost != 0 {
			return nil
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		asked++
		return &misdeed{silent: true}
	}
	hasty := quick
	hasty.CallTimeout = 300 * time.Millisecond // of many calls that have no answer
	l := measured(c, hasty, d.start(t, "kvm1"))[0]
	if l.Err != nil || measuredText(l.Loads[0]) != "interface" || !strings.Contains(gapText(l.Loads[0]), "cpu: ask about processors, memory and disks: no answer within 300ms; memory: ") {
		t.Errorf("Err %v, loads %+v", l.Err, l.Loads)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if asked != 2*processTries {
		t.Errorf("asked %d times, want %d at each look", asked, processTries)
	}
}

// Before libvirt 4.5 there is no NOWAIT.
func TestMeasureOldDaemon(t *testing.T) {
	c := &fakeClock{t: noon}
	d := &fakeDaemon{domains: []fakeDomain{runningDomain("web", 1)}, counters: busy(c)}
	d.beforeStats = func(ask statsAsk) *misdeed {
		if ask.flags&(1<<29) != 0 {
			return &misdeed{code: 8, message: "unsupported flags (0x20000000)"}
		}
		return nil
	}
	l := measured(c, patient, d.start(t, "kvm1"))[0]
	if l.Err != nil || measuredText(l.Loads[0]) != "cpu memory rates interface" {
		t.Errorf("Err %v, loads %+v", l.Err, l.Loads)
	}
}

// Time that a host takes to answer is no part of what was used, and where it
// is too much of the whole there is no rate.
func TestMeasureSlowHost(t *testing.T) {
	for took, measurable := range map[time.Duration]bool{900 * time.Millisecond: true, 3 * time.Second: false} {
		c := &fakeClock{t: noon}
		d := &fakeDaemon{domains: []fakeDomain{runningDomain("web", 1)}, counters: busy(c)}
		var second atomic.Bool
		c.waited = func() { second.Store(true) }
		d.beforeStats = func(ask statsAsk) *misdeed {
			if second.Load() && ask.which&asksHost == 0 {
				c.push(took)
			}
			return nil
		}
		l := measured(c, patient, d.start(t, "kvm1"))[0]
		if l.Err != nil || len(l.Loads) != 1 || (l.Loads[0].Processors != nil) != measurable {
			t.Errorf("an answer after %v: Err %v, loads %+v, want a rate: %v", took, l.Err, l.Loads, measurable)
		}
	}
}

// All hosts wait at the same time, however few are looked at at a time.
func TestMeasureWaitsForAllAtOnce(t *testing.T) {
	c := &fakeClock{t: noon}
	const hosts, limit = 12, 2
	var all sync.WaitGroup
	all.Add(hosts)
	c.waited = func() { all.Done(); all.Wait() } // nobody goes on before everybody waits
	var mu sync.Mutex
	open, most := 0, 0
	var list []Host
	for i := range hosts {
		d := &fakeDaemon{domains: []fakeDomain{runningDomain("web", 1)}, counters: busy(c)}
		d.before = func(proc uint32, _ int) *misdeed {
			mu.Lock()
			defer mu.Unlock()
			if proc == procOpen {
				open++
				most = max(most, open)
			}
			return nil
		}
		d.closedConn = func() { mu.Lock(); open--; mu.Unlock() }
		list = append(list, d.start(t, fmt.Sprintf("kvm%02d", i)))
	}
	opt := patient
	opt.Parallel = limit
	loads := measured(c, opt, list...)
	var names []string
	for _, l := range loads {
		if l.Err != nil || len(l.Loads) != 1 {
			t.Errorf("%s: Err %v, %d loads", l.Host.Name, l.Err, len(l.Loads))
		}
		names = append(names, l.Host.Name)
	}
	if len(names) != hosts || !slices.IsSorted(names) {
		t.Errorf("hosts %v are not all, in order", names)
	}
	mu.Lock()
	defer mu.Unlock()
	if most > limit+1 { // a daemon sees the end of a connection a little later
		t.Errorf("%d hosts were looked at at once, want %d", most, limit)
	}
}

func TestMeasureNoDaemon(t *testing.T) {
	l := measured(&fakeClock{t: noon}, patient, Host{Name: "folder", URI: "dir://" + t.TempDir()})[0]
	if !errors.Is(l.Err, ErrNoDaemon) {
		t.Errorf("Err = %v", l.Err)
	}
}

// When the context ends, hosts that wait or have not begun end with it.
func TestMeasureEndsWithContext(t *testing.T) {
	c := &fakeClock{t: noon}
	d := &fakeDaemon{domains: []fakeDomain{runningDomain("web", 1)}, counters: busy(c)}
	h := d.start(t, "kvm1")
	ctx, cancel := context.WithCancel(context.Background())
	c.waited = cancel
	n := 0
	m := measurer{opt: Options{Parallel: 1}.withDefaults(), interval: time.Hour, now: c.now, wait: c.wait}
	for l := range m.measure(ctx, []Host{h, h, h}) {
		n++
		if !errors.Is(l.Err, context.Canceled) {
			t.Errorf("Err = %v", l.Err)
		}
	}
	if n != 3 {
		t.Errorf("%d hosts, want 3", n)
	}
	if err := sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("sleep = %v", err)
	}
}
