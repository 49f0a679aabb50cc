package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/usage"
)

// UsageTable prints one line a running domain: what it was seen to use, and
// what that says of its size. It prints nothing without a sample.
func UsageTable(w io.Writer, r audit.Report, s Style) {
	totals, sampled := r.Usage()
	if !sampled {
		return
	}
	t := newTable(w, s, "HOST", "DOMAIN", "CPU", "OF ALL", "RAM", "DISK R/W", "REQ/S", "NET IN/OUT", "LOST", "FULL", "SEEN")
	for d := range r.Domains() {
		if d.Usage == nil {
			continue
		}
		u := d.Usage
		t.AppendRow(table.Row{
			Line(d.Host), short(d.Name, 20), cpuCell(u), ofAllCell(u), memoryCell(u), ioCell(u), requestsCell(u),
			netCell(u), lostCell(u), fullCell(u), seen(u, s.Colour),
		})
	}
	fmt.Fprintln(w)
	if totals.Measured+totals.NotMeasured > 0 {
		t.Render()
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, usageSum(totals))
}

func usageSum(t audit.UsageTotals) string {
	out := fmt.Sprintf("watched for %g s: %d running domains = %d measured + %d not, or not whole; %d idle, %d oversized",
		t.Seconds, t.Measured+t.NotMeasured, t.Measured, t.NotMeasured, t.Idle, t.Oversized)
	if t.Oversized > 0 {
		out += fmt.Sprintf(" by %d vCPU and %s", t.VCPUsTooMany, Memory(t.MemoryTooMuch))
	}
	return out
}

// A cell of what was not measured is a dash: nothing is no number.
const notMeasured = "-"

func cpuCell(u *usage.Usage) string {
	if u.CPU == nil {
		return notMeasured
	}
	return percentage(u.CPU.PercentOfOne)
}

func ofAllCell(u *usage.Usage) string {
	if u.CPU == nil {
		return notMeasured
	}
	return percentage(u.CPU.PercentOfVCPUs)
}

// memoryCell marks what the process has of the host, which is more than what
// the guest needs.
func memoryCell(u *usage.Usage) string {
	switch {
	case u.Memory == nil:
		return notMeasured
	case u.Memory.Source == "rss":
		return percentage(u.Memory.Percent) + "r"
	}
	return percentage(u.Memory.Percent)
}

func ioCell(u *usage.Usage) string {
	io, ok := sumDisks(u)
	if !ok {
		return notMeasured
	}
	return brief(io.ReadBytes) + "/" + brief(io.WriteBytes)
}

func requestsCell(u *usage.Usage) string {
	io, ok := sumDisks(u)
	if !ok {
		return notMeasured
	}
	return fmt.Sprintf("%.0f/%.0f", io.ReadRequests, io.WriteRequests)
}

func netCell(u *usage.Usage) string {
	n, ok := sumInterfaces(u)
	if !ok {
		return notMeasured
	}
	return brief(n.RxBytes) + "/" + brief(n.TxBytes)
}

func lostCell(u *usage.Usage) string {
	n, ok := sumInterfaces(u)
	if !ok {
		return notMeasured
	}
	return strconv.FormatUint(lost(n), 10)
}

func lost(n usage.Interface) uint64 { return n.RxDropped + n.TxDropped + n.RxErrors + n.TxErrors }

func fullCell(u *usage.Usage) string {
	full, ok := fullest(u)
	if !ok {
		return notMeasured
	}
	return percentage(full)
}

// seen is the judgement, and what is missing for one.
func seen(u *usage.Usage, colour bool) string {
	var out []string
	if u.Paused {
		out = append(out, "paused")
	}
	if u.Idle {
		out = append(out, paint("idle", colour))
	}
	if u.Suggestion != nil {
		out = append(out, paint("oversized", colour)+": "+u.Suggestion.String()+" would do")
	}
	for _, g := range u.NotMeasured {
		out = append(out, Line(g.What+" not measured: "+g.Why))
	}
	return strings.Join(out, "; ")
}

func paint(word string, colour bool) string {
	if colour {
		return text.FgYellow.Sprint(word)
	}
	return word
}

func percentage(f float64) string { return fmt.Sprintf("%.0f%%", f) }

// brief prints bytes in three digits or so and the letter of the unit.
func brief(bytes float64) string {
	for _, unit := range []string{"", "K", "M", "G"} {
		if bytes < 1000 {
			if bytes > 0 && bytes < 9.95 && unit != "" {
				return fmt.Sprintf("%.1f%s", bytes, unit)
			}
			return fmt.Sprintf("%.0f%s", bytes, unit)
		}
		bytes /= 1024
	}
	return fmt.Sprintf("%.0fT", bytes)
}
