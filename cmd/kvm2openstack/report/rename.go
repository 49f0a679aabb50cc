package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// Seconds prints how long something took, as a person reads it: 0.3 ms, 21 ms,
// 3.4 s, 95 s, 12m10s.
func Seconds(d time.Duration) string {
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 5*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return d.Round(time.Second).String()
}

// RestartTable prints what became of every domain of a run of restarts, with
// its downtime: the guest's own shutdown, what we added (the gap), the start
// and the boot.
func RestartTable(w io.Writer, results []restart.Result, style Style) {
	t := newTable(w, style, "HOST", "DOMAIN", "INSTANCE", "OUTCOME", "SHUTDOWN", "GAP", "START", "BOOT", "DOWN", "WHY")
	for _, r := range results {
		x := r.Times
		t.AppendRow(table.Row{
			Line(r.Host), short(r.Domain, 32), r.InstanceName, restartOutcome(r.Outcome, style.Colour),
			took(x.Shutdown), took(x.Gap), took(x.Start), took(x.Boot), took(x.Down), restartWhy(r),
		})
	}
	t.Render()
	for _, r := range results {
		for _, warning := range r.Warnings {
			fmt.Fprintf(w, "warning: %s: domain %s: %s\n", Line(r.Host), Line(r.Domain), Line(warning))
		}
	}
	fmt.Fprintf(w, "\n%s\n", RestartCounts(results))
	downtimes(w, results)
}

// took leaves a phase blank that was not reached.
func took(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return Seconds(d)
}

func restartWhy(r restart.Result) string {
	if r.Reason == "" || r.Step == "" {
		return Line(r.Reason)
	}
	return r.Step + ": " + Line(r.Reason)
}

func restartOutcome(o restart.Outcome, colour bool) string {
	if !colour {
		return string(o)
	}
	switch o {
	case restart.Renamed, restart.Swapped, restart.Returned, restart.Finalized, restart.Already:
		return text.FgGreen.Sprint(o)
	case restart.Refused, restart.NotTried:
		return text.FgYellow.Sprint(o)
	}
	return text.FgRed.Sprint(o)
}

// outcomesOfRestart in the order in which a summary names them.
var outcomesOfRestart = []restart.Outcome{
	restart.Renamed, restart.Swapped, restart.Returned, restart.Finalized, restart.Already,
	restart.Refused, restart.RolledBack, restart.Half, restart.NotTried,
}

// RestartCounts reads like "12 renamed, 1 rolled back".
func RestartCounts(results []restart.Result) string {
	counts := map[restart.Outcome]int{}
	for _, r := range results {
		counts[r.Outcome]++
	}
	line := ""
	for _, o := range outcomesOfRestart {
		if counts[o] > 0 {
			line += fmt.Sprintf(", %d %s", counts[o], o)
		}
	}
	if line == "" {
		return "no domains"
	}
	return line[2:]
}

// downtimes prints what the guests' users have seen.
func downtimes(w io.Writer, results []restart.Result) {
	for _, what := range []struct {
		name string
		of   func(restart.Times) time.Duration
	}{
		{"guests down", func(t restart.Times) time.Duration { return t.Down }},
		{"of it our gap", func(t restart.Times) time.Duration { return t.Gap }},
	} {
		var all []time.Duration
		for _, r := range results {
			if d := what.of(r.Times); d > 0 {
				all = append(all, d)
			}
		}
		if len(all) > 0 {
			slices.Sort(all)
			fmt.Fprintf(w, "%s: median %s, longest %s (%d measured)\n", what.name, Seconds(all[len(all)/2]), Seconds(all[len(all)-1]), len(all))
		}
	}
}

// SortRestarts orders results as a person looks for them.
func SortRestarts(results []restart.Result) {
	slices.SortStableFunc(results, func(a, b restart.Result) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Domain, b.Domain))
	})
}
