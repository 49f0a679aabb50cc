package report

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
)

// ChangesSchema names the shape that ChangesJSON prints.
const ChangesSchema = "kvm2openstack.audit-changes/1"

// A changesJSON is the shape of what ChangesJSON prints piece by piece.
type changesJSON struct {
	Schema   string               `json:"schema"`   // name and version of this shape; within a version fields are only added
	At       time.Time            `json:"at"`       // when the hosts had been read
	By       string               `json:"by"`       // what made it
	Baseline baselineJSON         `json:"baseline"` // what it is compared with
	Hosts    []hostJSON           `json:"hosts"`    // of this audit, in the order they were given
	Changes  []audit.Change       `json:"changes"`  // new and changed domains, host by host, then those that are gone
	NotSeen  []audit.Absence      `json:"not_seen"` // domains of the baseline of which this audit can say nothing
	Totals   audit.ComparedTotals `json:"totals"`   // now = new + changed + same, then = changed + same + gone + not_seen
}

// baselineJSON is the earlier audit.
type baselineJSON struct {
	At time.Time `json:"at"` // when its hosts had been read
	By string    `json:"by"` // what made it; another version may have other rules
}

// ChangesJSON prints what differs from the baseline, for programs.
func ChangesJSON(w io.Writer, r audit.Report, c audit.Comparison, by string) error {
	j := jsonStream{w: w}
	j.print("{\n")
	j.field("schema", ChangesSchema)
	j.field("at", r.At)
	j.field("by", by)
	j.field("baseline", baselineJSON{c.At, c.By})
	array(&j, "hosts", slices.Values(r.Hosts), func(h audit.Host) any { return newHostJSON(h) })
	array(&j, "changes", c.Changes(), func(ch audit.Change) any {
		fillLists(reflect.ValueOf(&ch).Elem())
		return ch
	})
	array(&j, "not_seen", slices.Values(c.NotSeen), func(a audit.Absence) any { return a })
	j.last("totals", c.Totals)
	return j.err
}

// ChangesTable prints what differs from the baseline, and nothing else but how
// many domains that is; explain adds every new reason with what to do.
func ChangesTable(w io.Writer, r audit.Report, c audit.Comparison, v View, explain bool) error {
	changes := slices.Collect(c.Changes())
	style := v.Style
	if v.Wide {
		style.Width = 0
	}
	if len(changes) > 0 {
		if err := fit(changeColumns(), changes, style).print(w, changes, true); err != nil {
			return err
		}
	}
	for _, ch := range changes {
		if explain && len(ch.Found) > 0 {
			fmt.Fprintf(w, "\n%s / %s: %s\n", Line(ch.Host), Line(ch.Name), ch.Verdict)
			explainFindings(w, ch.Found)
		}
	}
	hostFailures(w, r)
	if len(c.NotSeen) > 0 && len(changes) > 0 {
		fmt.Fprintln(w)
	}
	for _, a := range c.NotSeen {
		fmt.Fprintf(w, "not seen: %s / %s: %s\n", Line(a.Host), Line(a.Name), a.Why)
	}
	if len(changes) > 0 {
		fmt.Fprintln(w)
	}
	return changesTotals(w, c)
}

// changesTotals are two sums: of what is there, and of what was.
func changesTotals(w io.Writer, c audit.Comparison) error {
	t := c.Totals
	notSeen := ""
	if t.NotSeen > 0 {
		notSeen = fmt.Sprintf(" + %d not seen", t.NotSeen)
	}
	_, err := fmt.Fprintf(w, "since %s: %s now = %d new + %d changed + %d the same; %d then = %d changed + %d the same + %d gone%s\n",
		since(c.Baseline), Count(t.Now, "domain"), t.New, t.Changed, t.Same, t.Then, t.Changed, t.Same, t.Gone, notSeen)
	return err
}

func changeColumns() []column[audit.Change] {
	titles := titles()
	return []column[audit.Change]{
		{title: "CHANGE", keep: 2, least: 7, cell: func(c audit.Change, _ int) string { return c.Change }},
		{title: "HOST", keep: 1, most: 24, fair: 8, least: 5, cell: func(c audit.Change, _ int) string { return Line(c.Host) }},
		{title: "DOMAIN", keep: 5, most: 40, fair: 18, least: 9, cell: func(c audit.Change, _ int) string { return Line(c.Name) }},
		{title: "VERDICT", keep: 4, least: 10, fair: 20, cell: func(c audit.Change, _ int) string { return verdictChange(c) }, paint: paintChange},
		{title: "WHAT", keep: 3, fair: 24, least: 12, cell: func(c audit.Change, _ int) string { return whatChanged(c, titles) }},
	}
}

func verdictChange(c audit.Change) string {
	switch {
	case c.Change == audit.Gone:
		return "was " + string(c.Before)
	case c.Before == "" || c.Before == c.Verdict:
		return string(c.Verdict)
	}
	return string(c.Before) + " -> " + string(c.Verdict)
}

func paintChange(c audit.Change, cell string) string {
	if c.Change == audit.Gone {
		return text.FgYellow.Sprint(cell)
	}
	return auditLine{verdict: c.Verdict}.colour(cell)
}

// whatChanged names the findings first, for they decide; then the facts.
func whatChanged(c audit.Change, titles map[string]string) string {
	var out, codes []string
	for _, f := range c.Found {
		codes = append(codes, f.Code)
	}
	slices.Sort(codes)
	for _, code := range slices.Compact(codes) {
		out = append(out, strings.TrimSpace("+"+code+" "+titles[code]))
	}
	for _, code := range c.NoLonger {
		if c.Change != audit.Gone {
			out = append(out, strings.TrimSpace("-"+code+" "+titles[code]))
		}
	}
	for _, d := range c.Differences {
		if d.Before == "" && d.Now == "" {
			out = append(out, d.Field)
			continue
		}
		out = append(out, Line(fmt.Sprintf("%s %s -> %s", d.Field, orNone(d.Before), orNone(d.Now))))
	}
	return strings.Join(out, "; ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// explainFindings prints what would happen, and what to do.
func explainFindings(w io.Writer, findings []check.Finding) {
	for _, f := range findings {
		if f.Severity != check.Info {
			fmt.Fprintf(w, "  %s %s: %s\n      do: %s\n", f.Code, f.Severity, Line(f.Text), Line(f.Action))
		}
	}
}
