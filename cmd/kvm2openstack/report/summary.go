package report

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/lightcloud/kvm2openstack/importer"
)

// SummarySchema names the shape that SummaryJSON prints.
const SummarySchema = "kvm2openstack.run/1"

// SummaryTable prints what became of every domain of a run, and the counts.
func SummaryTable(w io.Writer, s importer.Summary, style Style) {
	t := newTable(w, style, "HOST", "DOMAIN", "INSTANCE", "OUTCOME", "WHY")
	for _, r := range s.Results {
		t.AppendRow(table.Row{Line(r.Host), short(r.Domain, 32), r.InstanceName, outcome(r.Outcome, style.Colour), why(r)})
	}
	t.Render()
	for _, r := range s.Results {
		for _, warning := range r.Warnings {
			fmt.Fprintf(w, "warning: %s: domain %s: %s\n", r.Host, Line(r.Domain), Line(warning))
		}
	}
	fmt.Fprintf(w, "\n%s\n", s)
}

func why(r importer.Result) string {
	if r.Reason == "" {
		return ""
	}
	if r.Step == "" {
		return Line(r.Reason)
	}
	return r.Step + ": " + Line(r.Reason)
}

func outcome(o importer.Outcome, colour bool) string {
	if !colour {
		return string(o)
	}
	switch o {
	case importer.Imported, importer.Released, importer.Already:
		return text.FgGreen.Sprint(o)
	case importer.Refused, importer.NotTried:
		return text.FgYellow.Sprint(o)
	}
	return text.FgRed.Sprint(o)
}

// SummaryJSON prints the same for programs.
func SummaryJSON(w io.Writer, s importer.Summary) error {
	counts := map[importer.Outcome]int{}
	for _, r := range s.Results {
		counts[r.Outcome]++
	}
	return indented(w, struct {
		Schema  string                   `json:"schema"`
		Results []importer.Result        `json:"results"`
		Totals  map[importer.Outcome]int `json:"totals"`
	}{SummarySchema, s.Results, counts})
}
