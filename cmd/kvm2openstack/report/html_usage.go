package report

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/lightcloud/kvm2openstack/importer/usage"
)

// usageFacts says what a sample saw. What it did not see it says, too.
func usageFacts(u *usage.Usage) (out []fact) {
	if u == nil {
		return nil
	}
	add := func(word, format string, args ...any) {
		out = append(out, fact{word, Line(fmt.Sprintf(format, args...))})
	}
	if u.Seconds > 0 {
		add("Measured over", "%.3g s", u.Seconds)
	}
	if c := u.CPU; c != nil {
		add("Processor", "%.1f%% of %d vCPU, %.1f%% of one of the host's", c.PercentOfVCPUs, c.VCPUs, c.PercentOfOne)
	}
	if m := u.Memory; m != nil {
		add("Memory", "%s of %s used, %.0f%%, %s", inMB(int(m.UsedKiB>>10)), inMB(int(m.GivenKiB>>10)), m.Percent, needed(*m))
	}
	for _, k := range u.Disks {
		out = append(out, diskUsage(k))
	}
	for _, n := range u.Interfaces {
		out = append(out, interfaceUsage(n))
	}
	for _, g := range u.NotMeasured {
		add("Not measured", "%s: %s", g.What, g.Why)
	}
	if u.Suggestion != nil {
		add("Oversized", "%s would do", u.Suggestion)
	}
	if u.Paused {
		add("Paused", "so what it was seen to use says nothing of its size")
	}
	if u.Idle {
		add("Idle", "next to nothing was done")
	}
	return out
}

// needed is what a guest could not do without, and how that is known.
func needed(m usage.Memory) string {
	out := inMB(int(m.NeededKiB >> 10))
	switch {
	case m.Source == "rss":
		out = "at most " + out + " needed (what its process has of the host)"
	case m.AtMost:
		out = "at most " + out + " needed (its caches are in it)"
	default:
		out += " needed (by its balloon)"
	}
	if m.Swapping {
		out += "; the guest swaps"
	}
	return out
}

func diskUsage(k usage.Disk) fact {
	text := "rates were not measured"
	if r := k.Rates; r != nil {
		text = fmt.Sprintf("reads %s/s (%.1f requests), writes %s/s (%.1f requests)", rate(r.ReadBytes), r.ReadRequests, rate(r.WriteBytes), r.WriteRequests)
	}
	if k.FillPercent != nil {
		text += fmt.Sprintf("; %.0f%% of it is filled", *k.FillPercent)
	}
	return fact{Line("Disk " + k.Target), Line(text)}
}

func interfaceUsage(n usage.Interface) fact {
	name := n.MAC
	if name == "" {
		name = n.Tap
	}
	text := fmt.Sprintf("receives %s/s (%.1f packets), sends %s/s (%.1f packets)", rate(n.RxBytes), n.RxPackets, rate(n.TxBytes), n.TxPackets)
	if lost := n.RxDropped + n.TxDropped; lost > 0 {
		text += fmt.Sprintf("; dropped meanwhile: %d in, %d out", n.RxDropped, n.TxDropped)
	}
	if bad := n.RxErrors + n.TxErrors; bad > 0 {
		text += fmt.Sprintf("; errors meanwhile: %d in, %d out", n.RxErrors, n.TxErrors)
	}
	return fact{Line("Interface " + name), Line(text)}
}

// rate prints bytes; a counter that went back is no rate.
func rate(bytes float64) string { return humanize.IBytes(uint64(max(bytes, 0))) }

// usageMarks are the judgements that domains can be looked for by.
var usageMarks = []string{"idle", "oversized", "not all measured"}

func marksOf(u *usage.Usage) (marks []string) {
	for i, is := range []bool{u.Idle, u.Suggestion != nil, len(u.NotMeasured) > 0} {
		if is {
			marks = append(marks, usageMarks[i])
		}
	}
	return marks
}
