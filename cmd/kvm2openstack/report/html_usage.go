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
		swaps := ""
		if m.Swapping {
			swaps = "; the guest swaps"
		}
		add("Memory", "%s of %s used, %.0f%%, %s needed (by %s)%s", inMB(int(m.UsedKiB>>10)), inMB(int(m.GivenKiB>>10)), m.Percent, inMB(int(m.NeededKiB>>10)), m.Source, swaps)
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
	switch {
	case u.Suggestion != nil:
		add("Oversized", "%s would do", u.Suggestion)
	case u.Oversized:
		add("Oversized", "it has far more than it was seen to need")
	}
	if u.Idle {
		add("Idle", "next to nothing was done")
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
		text += fmt.Sprintf("; dropped in all: %d in, %d out", n.RxDropped, n.TxDropped)
	}
	if bad := n.RxErrors + n.TxErrors; bad > 0 {
		text += fmt.Sprintf("; errors in all: %d in, %d out", n.RxErrors, n.TxErrors)
	}
	return fact{Line("Interface " + name), Line(text)}
}

// rate prints bytes; a counter that went back is no rate.
func rate(bytes float64) string { return humanize.IBytes(uint64(max(bytes, 0))) }
