package discover

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// What keeps something from being measured.
const (
	whyStarted  = "started meanwhile"
	whyStopped  = "stopped or left this host meanwhile"
	whyRestart  = "restarted meanwhile"
	whyBack     = "its counter began anew meanwhile"
	whyAttached = "attached meanwhile"
	whyMedium   = "its file changed meanwhile"
	whyNone     = "libvirt gives no counters of it"
	whyBusy     = "its QEMU process did not answer, or another operation of libvirt was under way"
)

// between is what the domains of a host used from one look to the other.
func between(first, second glance) (loads []Load) {
	for u, now := range second {
		l := Load{Name: now.name, UUID: canonical(u), Paused: now.paused}
		switch then, ran := first[u]; {
		case !ran:
			l.gap("all", whyStarted)
		case then.id != now.id:
			l.gap("all", whyRestart)
		default:
			l.measure(then, now)
		}
		loads = append(loads, l)
	}
	for u, then := range first {
		if _, runs := second[u]; !runs {
			loads = append(loads, Load{Name: then.name, UUID: canonical(u), Gaps: []Gap{{"all", whyStopped}}})
		}
	}
	slices.SortFunc(loads, func(a, b Load) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.UUID, b.UUID)) })
	return loads
}

func (l *Load) gap(what, why string) { l.Gaps = append(l.Gaps, Gap{what, why}) }

func (l *Load) measure(then, now *counters) {
	l.processors(then, now)
	l.memory(then, now)
	l.disks(then, now)
	l.interfaces(then, now)
}

// mostUncertain is how far off an interval may be, as a part of it. Further,
// a rate would be a number without a meaning.
const mostUncertain = 0.1

// span is the time from one look to the other. When within a question the
// counters were read is not known: the middle is taken, and half of each
// question is what the interval may be off.
func span(then, now *moment) (time.Duration, string) {
	if then == nil || now == nil {
		return 0, whyBusy
	}
	took := then.answered.Sub(then.asked) + now.answered.Sub(now.asked)
	s := now.asked.Sub(then.asked) + (now.answered.Sub(now.asked)-then.answered.Sub(then.asked))/2
	if s <= 0 || float64(took)/2 > mostUncertain*float64(s) {
		return 0, fmt.Sprintf("its host took %v to answer, too long for looks %v apart; take a longer sample", took.Round(time.Millisecond), s.Round(time.Millisecond))
	}
	return s, ""
}

func (l *Load) processors(then, now *counters) {
	s, slow := span(then.ticked, now.ticked)
	switch {
	case then.ticked == nil:
		l.gap("cpu", then.noTime())
	case now.ticked == nil:
		l.gap("cpu", now.noTime())
	case slow != "":
		l.gap("cpu", slow)
	case *now.cpu < *then.cpu:
		l.gap("cpu", whyBack)
	default:
		p := float64(*now.cpu-*then.cpu) / float64(s.Nanoseconds())
		l.Interval, l.Processors = s, &p
	}
}

// noTime is why a domain has no processor time.
func (c *counters) noTime() string {
	if c.process != nil {
		return whyNone
	}
	return c.silence
}

// memory is of the second look alone; the first tells whether the guest's own
// report is a fresh one.
func (l *Load) memory(then, now *counters) {
	was, is := then.memory, now.memory
	if now.process == nil {
		l.gap("memory", now.silence)
		return
	}
	m := MemoryLoad{
		GivenKiB: is.given, ResidentKiB: is.resident,
		AvailableKiB: is.available, UnusedKiB: is.unused, UsableKiB: is.usable,
	}
	reports := then.process != nil && is.available > 0 && is.unused <= is.available
	m.Fresh = reports && (is.updated != was.updated || is.unused != was.unused)
	m.Swapped = m.Fresh && (is.swapIn > was.swapIn || is.swapOut > was.swapOut)
	if !m.Fresh && m.ResidentKiB == 0 {
		l.gap("memory", whyBusy)
		return
	}
	l.Memory = &m
}

func (l *Load) disks(then, now *counters) {
	if now.process == nil {
		l.gap("disks", now.silence)
		return
	}
	s, slow := span(then.process, now.process)
	if then.process == nil {
		slow = then.silence
	}
	for _, d := range now.disks {
		if d.path == "" && d.capacity == 0 {
			continue // an empty drive
		}
		load := DiskLoad{Target: d.target, CapacityBytes: d.capacity, AllocationBytes: d.allocation}
		if d.capacity > 0 && d.allocation > 0 {
			percent := thousandths(float64(d.allocation) / float64(d.capacity) * 100)
			load.FillPercent = &percent
		}
		was, why := sameDevice(then.disks, func(k diskCounters) bool { return k.target == d.target })
		switch {
		case slow != "":
			why = slow
		case why != "":
		case d.path != was.path:
			why = whyMedium
		case !d.has.all(len(ioKeys)) || !was.has.all(len(ioKeys)):
			why = whyBusy
		case back(was.io[:], d.io[:]):
			why = whyBack
		default:
			load.Rates = ioRates(was.io, d.io, s)
		}
		if why != "" {
			l.gap("disk "+d.target, why)
		}
		l.Disks = append(l.Disks, load)
	}
}

func ioRates(was, is [4]uint64, s time.Duration) *IO {
	rate := func(i int) float64 { return thousandths(float64(is[i]-was[i]) / s.Seconds()) }
	return &IO{ReadBytes: rate(0), WriteBytes: rate(1), ReadRequests: rate(2), WriteRequests: rate(3)}
}

func (l *Load) interfaces(then, now *counters) {
	s, slow := span(then.host, now.host)
	if slow != "" {
		l.gap("interfaces", slow)
		return
	}
	l.Interval = cmp.Or(l.Interval, s)
	for _, n := range now.nics {
		was, why := sameDevice(then.nics, func(k nicCounters) bool { return k.tap == n.tap })
		switch {
		case why != "":
		case !n.has.all(len(nicKeys)) || !was.has.all(len(nicKeys)):
			why = whyNone
		case back(was.counts[:], n.counts[:]):
			why = whyBack
		}
		if why != "" {
			l.gap("interface "+n.tap, why)
			continue
		}
		l.Interfaces = append(l.Interfaces, interfaceRates(was, n, s))
	}
}

func interfaceRates(was, is nicCounters, s time.Duration) InterfaceLoad {
	more := func(i int) uint64 { return is.counts[i] - was.counts[i] }
	rate := func(i int) float64 { return thousandths(float64(more(i)) / s.Seconds()) }
	return InterfaceLoad{
		Tap: is.tap, RxBytes: rate(0), TxBytes: rate(1), RxPackets: rate(2), TxPackets: rate(3),
		RxDropped: more(4), TxDropped: more(5), RxErrors: more(6), TxErrors: more(7),
	}
}

// sameDevice looks for the same device at the first look.
func sameDevice[T any](in []T, same func(T) bool) (T, string) {
	if i := slices.IndexFunc(in, same); i >= 0 {
		return in[i], ""
	}
	return *new(T), whyAttached
}

// back tells that counters began anew: one of them is less than it was.
func back(was, is []uint64) bool {
	for i := range was {
		if is[i] < was[i] {
			return true
		}
	}
	return false
}

// thousandths rounds: further decimals of what was seen between two looks say
// nothing.
func thousandths(f float64) float64 { return math.Round(f*1000) / 1000 }
