package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// A gap is a part of the tables that no run is to fill.
type gap struct {
	phase, release string // "" is each
	operations     []string
	shapes         []string // nil is all but those that a run has tried
	why            string
}

// operationsOf are what has to be in the table of each phase: a run that leaves one
// out would not be missed otherwise.
var operationsOf = map[string][]string{
	"imported": slices.Concat(everyDay, disturbing, []string{"start", "delete"}),
	"renamed":  slices.Concat(everyDay, disturbing, []string{"delete", "delete without a legacy name", "delete with the legacy names", "resize, confirm"}),
	"started":  slices.Concat(disturbing, []string{"delete"}),
}

var (
	everyDay = []string{
		"show", "list", "diagnostics", "console log", plan.Screen, "metadata", "tags", "rename", "lock, unlock", plan.Groups,
		"attach, detach interface", "pause, unpause", "suspend, resume", "soft reboot",
	}
	disturbing = []string{plan.Reboot, plan.Start, plan.Snapshot, plan.Resize, plan.Rescue, plan.Shelve, plan.Rebuild}
)

var knownGaps = []gap{
	{"started", "Zed", nil, []string{"web01", "sata01", "uefi01"}, "tried in 2025.1 alone"},
	{"started", "", nil, []string{"auto01", "deaf01", "ide01", "off01", "paused01", "q35", "two01", "uefi02", "vnc01", "win01"}, "the three that are tried differ in what an operation meets: a disk, a data disk beside it, firmware with variables"},
	{"imported", "", []string{"start"}, nil, "all other shapes run: theirs is stop, start"},
	{"renamed", "", []string{"delete without a legacy name", "resize, confirm"}, nil, "these are about the names of disks, and one disk is like the other"},
}

// covers tells whether that is left out for a reason.
func (g gap) covers(operation, phase, release, shape string) bool {
	return (g.phase == "" || g.phase == phase) && (g.release == "" || g.release == release) &&
		(g.operations == nil || slices.Contains(g.operations, operation)) && (g.shapes == nil || slices.Contains(g.shapes, shape))
}

// missing is what no run has tried and no reason covers, and the reasons that
// cover nothing.
func (d dayTwo) missing(want map[string][]string, reasons []gap) (gaps, idle []string) {
	used := make([]bool, len(reasons))
	for _, phase := range phases {
		for _, operation := range want[phase.name] {
			for _, r := range d {
				for _, shape := range r.untried(operation, phase.name, d.shapes()) {
					i := slices.IndexFunc(reasons, func(g gap) bool { return g.covers(operation, phase.name, r.Release, shape) })
					if i < 0 {
						gaps = append(gaps, fmt.Sprintf("%s, %s: %s on %s", r.Release, phase.name, operation, shape))
						continue
					}
					used[i] = true
				}
			}
		}
	}
	for i, g := range reasons {
		if !used[i] {
			idle = append(idle, g.why)
		}
	}
	return gaps, idle
}

// Every operation was tried on every shape in every release, or there is a
// reason.
func TestDayTwoIsWhole(t *testing.T) {
	d, err := loadDayTwo(dayTwoFile)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.shapes()); n != 13 {
		t.Errorf("the results are of %d shapes, want the 13 of the fleet that can be adopted", n)
	}
	gaps, idle := d.missing(operationsOf, knownGaps)
	for _, phase := range phases {
		for _, operation := range d.operations(phase.name) {
			if !slices.Contains(operationsOf[phase.name], operation) {
				t.Errorf("%s is in the table of what is %s, and nothing says that every shape should try it", operation, phase.name)
			}
		}
	}
	for _, g := range gaps {
		t.Errorf("not tried, and nothing says why: %s", g)
	}
	for _, why := range idle {
		t.Errorf("a run has tried all that is left out since %q: delete that", why)
	}
}

func TestDayTwoMissing(t *testing.T) {
	var d dayTwo
	d.of("A").add(dayResult{"stop", "imported", "x", works, "", ""}, dayResult{"stop", "imported", "y", works, "", ""}, dayResult{"start", "renamed", "x", works, "", ""})
	d.of("B").add(dayResult{"stop", "imported", "x", works, "", ""})
	gaps, idle := d.missing(map[string][]string{"imported": {"stop"}, "renamed": {"start", "show"}}, []gap{
		{"renamed", "A", []string{"start"}, []string{"y"}, "needed"},
		{"imported", "A", nil, nil, "not needed"},
		{"", "B", []string{"start"}, []string{"x"}, "half of it"},
		{"renamed", "A", []string{"show"}, nil, "nobody does it"},
	})
	if diff := cmp.Diff([]string{"B, imported: stop on y", "B, renamed: start on y", "B, renamed: show on x", "B, renamed: show on y"}, gaps); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"not needed"}, idle); diff != "" {
		t.Error(diff)
	}
}
