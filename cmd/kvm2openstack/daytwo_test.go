package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dayTwoFile has what the tests in the lab have seen of operations on adopted
// guests; they write it, and README.md shows it as a table.
const dayTwoFile = "testdata/daytwo.json"

// works is the outcome of an operation without a limit.
const works = "works"

// A dayTwo is what became of operations on adopted guests.
type dayTwo struct {
	Date     string            `json:"date"` // of the last entry
	Versions map[string]string `json:"versions"`
	Results  []dayResult       `json:"results"`
}

// A dayResult is one operation on a guest of one shape.
type dayResult struct {
	Operation string `json:"operation"`
	Phase     string `json:"phase"` // imported, renamed
	Shape     string `json:"shape"`
	Outcome   string `json:"outcome"`
	Reason    string `json:"reason,omitempty"` // of an outcome that is a limit, in Nova's code
}

func loadDayTwo(file string) (d dayTwo, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(text, &d)
}

// add notes results in place of older ones of the same kind. The order is that
// in which operations were first seen.
func (d *dayTwo) add(results ...dayResult) {
	for _, r := range results {
		i := slices.IndexFunc(d.Results, func(x dayResult) bool {
			return x.Operation == r.Operation && x.Phase == r.Phase && x.Shape == r.Shape
		})
		if i < 0 {
			d.Results = append(d.Results, r)
			continue
		}
		d.Results[i] = r
	}
}

// phases are the columns of the table.
var phases = []string{"imported", "renamed"}

// markdown is the table, with a line for each operation.
func (d dayTwo) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Seen on %s with %s, on %d shapes of guests:\n\n", d.Date, d.versions(), len(d.shapes()))
	b.WriteString("| operation | imported, not yet restarted | renamed | why, in Nova's code |\n|---|---|---|---|\n")
	for _, operation := range d.operations() {
		fmt.Fprintf(&b, "| %s |", operation)
		for _, phase := range phases {
			fmt.Fprintf(&b, " %s |", d.cell(operation, phase))
		}
		fmt.Fprintf(&b, " %s |\n", d.reasons(operation))
	}
	return b.String()
}

func (d dayTwo) versions() string {
	var all []string
	for _, name := range []string{"Nova", "Neutron", "libvirt", "QEMU"} {
		all = append(all, name+" "+d.Versions[name])
	}
	return strings.Join(all, ", ")
}

func (d dayTwo) operations() (names []string) {
	for _, r := range d.Results {
		if !slices.Contains(names, r.Operation) {
			names = append(names, r.Operation)
		}
	}
	return names
}

func (d dayTwo) shapes() (names []string) {
	for _, r := range d.Results {
		if !slices.Contains(names, r.Shape) {
			names = append(names, r.Shape)
		}
	}
	return names
}

// reasons are those of an operation's limits.
func (d dayTwo) reasons(operation string) string {
	var all []string
	for _, r := range d.Results {
		for reason := range strings.SplitSeq(r.Reason, "; ") {
			if r.Operation == operation && reason != "" && !slices.Contains(all, reason) {
				all = append(all, reason)
			}
		}
	}
	return strings.Join(all, "; ")
}

// cell says what becomes of an operation, and for whom it is otherwise.
func (d dayTwo) cell(operation, phase string) string {
	by := map[string][]string{}
	var outcomes []string
	for _, r := range d.Results {
		if r.Operation != operation || r.Phase != phase {
			continue
		}
		if by[r.Outcome] == nil {
			outcomes = append(outcomes, r.Outcome)
		}
		by[r.Outcome] = append(by[r.Outcome], r.Shape)
	}
	if len(outcomes) == 0 {
		return "not tried"
	}
	slices.SortStableFunc(outcomes, func(a, b string) int { return len(by[b]) - len(by[a]) })
	parts := []string{strings.Replace(outcomes[0], works, "yes", 1)}
	for _, o := range outcomes[1:] {
		parts = append(parts, fmt.Sprintf("%s: %s", strings.Join(slices.Sorted(slices.Values(by[o])), ", "), strings.Replace(o, works, "yes", 1)))
	}
	return strings.Join(parts, "; ")
}

// The table in README.md stands between these lines.
const (
	dayTwoBegins = "<!-- daytwo: go test ./cmd/kvm2openstack -run DayTwoTable -update -->\n"
	dayTwoEnds   = "<!-- /daytwo -->\n"
)

// README.md's table is what the last run in the lab has seen.
func TestDayTwoTable(t *testing.T) {
	d, err := loadDayTwo(dayTwoFile)
	if err != nil || len(d.Results) == 0 {
		t.Fatalf("%s has %d results: %v", dayTwoFile, len(d.Results), err)
	}
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), dayTwoBegins)
	table, after, ended := strings.Cut(rest, dayTwoEnds)
	if !found || !ended {
		t.Fatalf("README.md has no place for the table: %q … %q", dayTwoBegins, dayTwoEnds)
	}
	want := "\n" + d.markdown() + "\n"
	if *update {
		if err := os.WriteFile("../../README.md", []byte(before+dayTwoBegins+want+dayTwoEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("README.md does not show what the lab has seen; -update rewrites it:\n%s", diff)
	}
}

func TestDayTwoCell(t *testing.T) {
	var d dayTwo
	d.add(dayResult{"stop", "imported", "a", works, ""}, dayResult{"stop", "imported", "b", "fails", "code"}, dayResult{"stop", "imported", "c", works, ""})
	d.add(dayResult{"stop", "imported", "b", "is refused", "other code"}, dayResult{"stop", "renamed", "b", "fails", "code; other code"})
	for phase, want := range map[string]string{"imported": "yes; b: is refused", "renamed": "fails"} {
		if got := d.cell("stop", phase); got != want {
			t.Errorf("cell of %s = %q, want %q", phase, got, want)
		}
	}
	if got, want := d.reasons("stop"), "other code; code"; got != want {
		t.Errorf("reasons = %q, want %q", got, want)
	}
	if got := d.cell("start", "renamed"); got != "not tried" {
		t.Errorf("cell of what was not tried = %q", got)
	}
}
