package report

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/lightcloud/kvm2openstack/importer"
)

// The shapes that the JSON of status and verify has.
const (
	StatusSchema = "kvm2openstack.status/1"
	VerifySchema = "kvm2openstack.verify/1"
)

// StatusTable prints adopted domains as a dashboard does.
func StatusTable(w io.Writer, rows []importer.StatusRow, s Style) {
	if len(rows) == 0 {
		fmt.Fprintln(w, "no domain is adopted")
		return
	}
	t := newTable(w, s, "NAME", "ADDRESSES", "SIZE", "STATUS", "TASK", "POWER STATE", "LOCKED", "ADOPTION", "HOST", "INSTANCE")
	for _, r := range rows {
		locked := ""
		if r.Locked {
			locked = "locked"
		}
		t.AppendRow(table.Row{short(r.Name, 32), Line(r.Addresses), r.Size, r.Status, r.Task, r.Power, locked, adoption(r), Line(r.Host), r.InstanceName})
	}
	t.Render()
	fmt.Fprintf(w, "\n%d adopted\n", len(rows))
}

func adoption(r importer.StatusRow) string {
	text := string(r.Adoption)
	if r.Reason != "" {
		text += ": " + Line(r.Reason)
	}
	if r.Next != "" {
		text += "; next: " + r.Next
	}
	return text
}

// StatusJSON prints the same for programs.
func StatusJSON(w io.Writer, rows []importer.StatusRow) error {
	if rows == nil {
		rows = []importer.StatusRow{}
	}
	return indented(w, struct {
		Schema    string               `json:"schema"`
		Instances []importer.StatusRow `json:"instances"`
	}{StatusSchema, rows})
}

// VerifyTable prints what does not agree, and how many domains were looked at.
func VerifyTable(w io.Writer, found []importer.Finding, looked int, s Style) {
	if len(found) > 0 {
		t := newTable(w, s, "HOST", "DOMAIN", "CODE", "WHAT", "ACTION")
		for _, f := range found {
			t.AppendRow(table.Row{Line(f.Host), short(f.Domain, 32), f.Code, Line(f.Text), Line(f.Action)})
		}
		t.Render()
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%d domains looked at, %d differences\n", looked, len(found))
}

// VerifyJSON prints the same for programs.
func VerifyJSON(w io.Writer, found []importer.Finding, looked int) error {
	if found == nil {
		found = []importer.Finding{}
	}
	return indented(w, struct {
		Schema   string             `json:"schema"`
		Looked   int                `json:"looked_at"`
		Findings []importer.Finding `json:"findings"`
	}{VerifySchema, looked, found})
}

func indented(w io.Writer, v any) error {
	text, err := marshal(v, "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}
