package report

import (
	"cmp"
	"fmt"
	"io"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/lightcloud/kvm2openstack/importer/sync"
)

// SyncSchema is the shape that the JSON of sync has; fields are only added.
const SyncSchema = "kvm2openstack.sync/1"

// SyncTable prints what has drifted, and what was done about it. On a terminal
// the texts are cut to its width; the JSON has all of them.
func SyncTable(w io.Writer, r sync.Result, s Style) {
	if len(r.Drifts) > 0 {
		rows, room := syncRows(r, s)
		t := newTable(w, s, "HOST", "DOMAIN", "CODE", "SINCE", "OUTCOME", "WHAT")
		for _, row := range rows {
			if s.Width > 0 {
				row[len(row)-1] = short(row[len(row)-1], room)
			}
			t.AppendRow(table.Row{row[0], row[1], row[2], row[3], row[4], row[5]})
		}
		t.Render()
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, Line(r.String()))
	for _, c := range sync.Codes() {
		if n := countCode(r, c); n > 0 {
			fmt.Fprintf(w, "  %s: %d  %s: %s\n", c, n, c.Title(), c.Action())
		}
	}
}

// syncRows are the cells, and the columns that are left for the last.
func syncRows(r sync.Result, s Style) (rows [][6]string, room int) {
	width := [5]int{4, 6, 4, 5, 7} // of the titles
	for _, d := range r.Drifts {
		since, outcome := d.Since.UTC().Format("01-02 15:04"), Line(d.Outcome)
		if d.New {
			since = "new"
		}
		if s.Width > 0 {
			outcome = short(outcome, 40)
		}
		row := [6]string{short(cmp.Or(d.Host, "-"), 24), short(d.Domain, 32), string(d.Code), since, outcome, Line(what(d))}
		for n := range width {
			width[n] = max(width[n], text.StringWidth(row[n]))
		}
		rows = append(rows, row)
	}
	room = s.Width - 2 // The last column is padded, too.
	for _, n := range width {
		room -= n + 2
	}
	return rows, max(room, 20)
}

// what says what differs: the sentence of the code, where it is not said below
// anyway, would hide it.
func what(d sync.Drift) string { return cmp.Or(d.Text, d.Code.Title()) }

// countCode counts the drifts with a code that are not healed.
func countCode(r sync.Result, c sync.Code) (n int) {
	for _, d := range r.Drifts {
		if d.Code == c && !d.Healed {
			n++
		}
	}
	return n
}

type syncJSON struct {
	Schema  string      `json:"schema"`
	At      time.Time   `json:"at"`      // by the journal's clock
	Seconds float64     `json:"seconds"` // that the run took
	Hosts   []syncHost  `json:"hosts"`
	Drifts  []syncDrift `json:"drifts"`
	Left    int         `json:"left"`              // drifts that are not healed
	Failed  int         `json:"failed"`            // that were to be healed
	Stopped string      `json:"stopped,omitempty"` // why nothing may be healed
}

type syncHost struct {
	Host     string         `json:"host"`
	Error    string         `json:"error,omitempty"` // why it was not read whole, or is not itself
	Verdicts map[string]int `json:"verdicts"`
	Adopted  int            `json:"adopted"`
	Locked   int            `json:"locked"` // of the adopted
}

type syncDrift struct {
	sync.Drift
	Title  string `json:"title"`
	Action string `json:"action"`
}

// SyncJSON prints the same for programs.
func SyncJSON(w io.Writer, r sync.Result) error {
	out := syncJSON{Schema: SyncSchema, At: r.At, Seconds: r.Took.Seconds(), Hosts: []syncHost{}, Drifts: []syncDrift{}, Left: r.Left(), Failed: r.Failed, Stopped: r.Stopped}
	for _, h := range r.Hosts {
		out.Hosts = append(out.Hosts, syncHost{h.Host, h.Err, h.Verdicts, h.Adopted, h.Locked})
	}
	for _, d := range r.Drifts {
		out.Drifts = append(out.Drifts, syncDrift{d, d.Code.Title(), d.Code.Action()})
	}
	return indented(w, out)
}
