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

// A dayTwo is what became of operations on adopted guests, in a lab of each release.
type dayTwo []*dayRelease

// A dayRelease is what was seen with one release of OpenStack.
type dayRelease struct {
	Release  string            `json:"release"`
	Versions map[string]string `json:"versions"`
	Results  []dayResult       `json:"results"`
}

// A dayResult is one operation on a guest of one shape.
type dayResult struct {
	Operation string `json:"operation"`
	Phase     string `json:"phase"` // one of phases
	Shape     string `json:"shape"`
	Outcome   string `json:"outcome"`
	Reason    string `json:"reason,omitempty"` // of an outcome that is a limit, in Nova's code
	Seen      string `json:"seen"`             // the day of the run
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

// of is the part of a release, which is made if there is none.
func (d *dayTwo) of(release string) *dayRelease {
	for _, r := range *d {
		if r.Release == release {
			return r
		}
	}
	*d = append(*d, &dayRelease{Release: release})
	return (*d)[len(*d)-1]
}

// add notes results in place of older ones of the same kind. The order is that
// in which operations were first seen.
func (d *dayRelease) add(results ...dayResult) {
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

// phases are the tables: what the guests are when something is done to them.
var phases = []struct{ name, title string }{
	{"imported", "Imported, and not yet restarted by Nova"},
	{"renamed", "Renamed, and started by Nova"},
	{"started", "Renamed, and started by libvirt; not yet restarted by Nova"},
}

// markdown is what was seen: a table for each phase, with a line for each
// operation and a column for each release.
func (d dayTwo) markdown() string {
	var b strings.Builder
	shapes := d.shapes()
	for _, r := range d {
		fmt.Fprintf(&b, "%s was seen %s with %s, on %d shapes of guests.\n", r.Release, r.days(), r.versions(), len(r.shapes("", "")))
	}
	for _, phase := range phases {
		fmt.Fprintf(&b, "\n%s:\n\n| operation |", phase.title)
		for _, r := range d {
			fmt.Fprintf(&b, " %s |", r.Release)
		}
		fmt.Fprintf(&b, " why, in Nova's code |\n%s\n", strings.Repeat("|---", len(d)+2)+"|")
		for _, operation := range d.operations(phase.name) {
			fmt.Fprintf(&b, "| %s |", operation)
			for _, r := range d {
				fmt.Fprintf(&b, " %s |", r.cell(operation, phase.name, shapes))
			}
			fmt.Fprintf(&b, " %s |\n", d.reasons(operation, phase.name))
		}
	}
	return b.String()
}

// days are those of the runs: one may be of a part, and what it does not try is
// as an earlier one has seen it.
func (d *dayRelease) days() string {
	var all []string
	for _, r := range d.Results {
		all = append(all, r.Seen)
	}
	first, last := slices.Min(all), slices.Max(all)
	if first == last {
		return "on " + first
	}
	return "from " + first + " to " + last
}

func (d *dayRelease) versions() string {
	var all []string
	for _, name := range []string{"Nova", "Neutron", "libvirt", "QEMU"} {
		all = append(all, name+" "+d.Versions[name])
	}
	return strings.Join(all, ", ")
}

// operations are those of a phase.
func (d dayTwo) operations(phase string) (names []string) {
	for _, release := range d {
		for _, r := range release.Results {
			if r.Phase == phase && !slices.Contains(names, r.Operation) {
				names = append(names, r.Operation)
			}
		}
	}
	return names
}

// shapes are those that any release was tried on.
func (d dayTwo) shapes() (names []string) {
	for _, r := range d {
		names = append(names, r.shapes("", "")...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// shapes are those that an operation was tried on in a phase; "" is all of them.
func (d *dayRelease) shapes(operation, phase string) (names []string) {
	for _, r := range d.Results {
		if (operation == "" || r.Operation == operation) && (phase == "" || r.Phase == phase) {
			names = append(names, r.Shape)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// untried are the shapes that an operation was not tried on in a phase.
func (d *dayRelease) untried(operation, phase string, shapes []string) []string {
	tried := d.shapes(operation, phase)
	return slices.DeleteFunc(slices.Clone(shapes), func(s string) bool { return slices.Contains(tried, s) })
}

// reasons are those of an operation's limits in a phase.
func (d dayTwo) reasons(operation, phase string) string {
	var all []string
	for _, release := range d {
		for _, r := range release.Results {
			if r.Operation != operation || r.Phase != phase {
				continue
			}
			for reason := range strings.SplitSeq(r.Reason, "; ") {
				if reason != "" && !slices.Contains(all, reason) {
					all = append(all, reason)
				}
			}
		}
	}
	return strings.Join(all, "; ")
}

// cell says what becomes of an operation, for whom it is otherwise, and which
// of the shapes it was not tried on.
func (d *dayRelease) cell(operation, phase string, shapes []string) string {
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
	return strings.Join(append(parts, d.gaps(operation, phase, shapes)...), "; ")
}

// gaps says where an operation was not tried on all shapes: the fewer of those
// that it was tried on and those that it was not are named.
func (d *dayRelease) gaps(operation, phase string, shapes []string) []string {
	tried, not := d.shapes(operation, phase), d.untried(operation, phase, shapes)
	switch {
	case len(not) == 0:
		return nil
	case len(not) <= len(tried):
		return []string{"not tried on " + strings.Join(not, ", ")}
	}
	return []string{fmt.Sprintf("tried on %s alone, %d of %d", strings.Join(tried, ", "), len(tried), len(shapes))}
}

// The table in README.md stands between these lines.
const (
	dayTwoBegins = "<!-- daytwo: go test ./cmd/kvm2openstack -run DayTwoTable -update -->\n"
	dayTwoEnds   = "<!-- /daytwo -->\n"
)

// README.md's table is what the last run in the lab has seen.
func TestDayTwoTable(t *testing.T) {
	d, err := loadDayTwo(dayTwoFile)
	if err != nil || len(d) == 0 {
		t.Fatalf("%s has results of %d releases: %v", dayTwoFile, len(d), err)
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

func TestDayTwoMarkdown(t *testing.T) {
	var d dayTwo
	a, b := d.of("A"), d.of("B")
	a.add(dayResult{"stop", "imported", "x", works, "", "1970-01-02"}, dayResult{"stop", "imported", "y", "fails", "code", "1970-01-02"}, dayResult{"stop", "imported", "z", works, "", "1970-01-02"})
	a.add(dayResult{"stop", "imported", "y", "is refused", "other code", "1970-01-02"}, dayResult{"stop", "renamed", "y", "fails", "code; other code", "1970-01-01"})
	b.add(dayResult{"stop", "imported", "y", works, "", "1970-01-02"}, dayResult{"start", "renamed", "y", works, "", "1970-01-02"})
	for _, r := range d {
		r.Versions = map[string]string{"Nova": "1", "Neutron": "2", "libvirt": "3", "QEMU": "4"}
	}
	b.add(dayResult{"start", "renamed", "z", works, "", "1970-01-02"})
	const want = `A was seen from 1970-01-01 to 1970-01-02 with Nova 1, Neutron 2, libvirt 3, QEMU 4, on 3 shapes of guests.
B was seen on 1970-01-02 with Nova 1, Neutron 2, libvirt 3, QEMU 4, on 2 shapes of guests.

Imported, and not yet restarted by Nova:

| operation | A | B | why, in Nova's code |
|---|---|---|---|
| stop | yes; y: is refused | yes; tried on y alone, 1 of 3 | other code |

Renamed, and started by Nova:

| operation | A | B | why, in Nova's code |
|---|---|---|---|
| stop | fails; tried on y alone, 1 of 3 | not tried | code; other code |
| start | not tried | yes; not tried on x |  |
`
	if diff := cmp.Diff(want, strings.Split(d.markdown(), "\nRenamed, and started by libvirt")[0]); diff != "" {
		t.Error(diff)
	}
	if d.of("A") != a || len(d) != 2 {
		t.Errorf("of does not find what is there: %d releases", len(d))
	}
}
