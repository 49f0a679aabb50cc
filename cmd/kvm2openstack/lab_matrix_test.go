//go:build lab

package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// full is the whole product of shapes and operations, which takes an hour and
// more: LAB_FULL=1 make lab-test.
var full = os.Getenv("LAB_FULL") != ""

// chosenShapes are all of them in the whole product, or those of LAB_SHAPES, so
// that it can be run piece by piece.
func chosenShapes(usual []string) []string {
	if these := strings.FieldsFunc(os.Getenv("LAB_SHAPES"), func(r rune) bool { return r == ',' || r == ' ' }); len(these) > 0 {
		return these
	}
	if full {
		return shapes
	}
	return usual
}

// chosenOperations are those whose names match LAB_OPERATIONS, where it is set.
func chosenOperations(all ...operation) []operation {
	these := regexp.MustCompile(os.Getenv("LAB_OPERATIONS"))
	return slices.DeleteFunc(slices.Clone(all), func(o operation) bool { return !these.MatchString(o.name) })
}

// perform does one operation and looks at the guest afterwards.
func (d *day) perform(o operation) {
	d.t.Helper()
	began := time.Now()
	phase, made := d.phase(), d.byNova // before it: Nova may make the domain in it
	effect, reason := d.limited(o.name)
	o.do(d)
	d.check(o.name)
	if made && strings.Contains(effect, "anew at each one") {
		if g := d.booted(); g["variables_since"] != g["boots"] {
			d.t.Errorf("after %s the UEFI variables of %s began at boot %s of %s; its plan says that they do anew at each start", o.name, d.guest.name, g["variables_since"], g["boots"])
		}
	}
	d.seenBy.addIn(phase, d, o.name, effect, reason)
	d.t.Logf("%s: %s: %.0f s", d.guest.name, o.name, time.Since(began).Seconds())
}

// TestLabImported works with guests that are imported and have not been
// restarted since. The lock holds against their owner; and whoever restarts
// them finds the disks, the hardware and the network that were planned. What
// restarts nothing is tried as well in the whole product, or where
// LAB_OPERATIONS names it.
func TestLabImported(t *testing.T) {
	r := newRound(t, dayBatch, chosenShapes(shapes))
	r.each(t, "imported", func(d *day) {
		d.check("the import")
		d.lockHolds()
		if full || os.Getenv("LAB_OPERATIONS") != "" {
			d.early()
		}
		d.bomb()
		d.perform(operation{"delete", (*day).deletes})
	})
	r.ends(t, refusesScreen, undiagnosed)
}

// early does what restarts nothing, and asks for what the guest's state does not
// allow.
func (d *day) early() {
	d.t.Helper()
	for _, o := range chosenOperations(harmless...) {
		switch {
		case slices.Contains(notIn[d.status], o.name):
			d.notInState(o.name)
		case o.name == plan.Screen && d.status == "SHUTOFF":
			d.noScreen()
		case o.name == plan.Screen && d.hasScreenPassword():
			d.screenRefused()
		default:
			d.perform(o)
			if o.name == interfaces && d.status == "PAUSED" {
				d.seenBy.add(d, o.name, "attaches, and detaches once it runs", "nova/virt/libvirt/driver.py _detach_from_live_with_retry waits for the guest")
			}
		}
	}
	if slices.Contains(notIn[d.status], plan.Start) {
		d.notInState(plan.Start)
	}
}

// bomb restarts the guest as anybody may who is allowed to: half of the shapes
// by a hard reboot, the others by a stop and a start, and then the other way
// round. Nova makes the domain anew from the records.
func (d *day) bomb() {
	d.t.Helper()
	d.linked("before Nova has started it")
	defer d.linked("after Nova has started it")
	switch {
	case d.status == "SHUTOFF":
		d.perform(operation{"start", (*day).starts})
		d.perform(operation{plan.Reboot, (*day).hardReboot})
	case d.status == "PAUSED", len(d.shape)%2 == 0:
		d.perform(operation{plan.Reboot, (*day).hardReboot})
		d.perform(operation{plan.Start, (*day).stopStart})
	default:
		d.perform(operation{plan.Start, (*day).stopStart})
		d.perform(operation{plan.Reboot, (*day).hardReboot})
	}
}

// warnedOf are the shapes whose restart says more: what Windows does with its
// other adapter, that a guest was woken, that its power was cut.
var warnedOf = []string{"win01", "paused01", "deaf01"}

// TestLabRenamed works with guests that have been restarted under Nova's names:
// everything that one of Nova's own can do, on each kind of guest.
func TestLabRenamed(t *testing.T) {
	r := newRound(t, dayBatch, chosenShapes(append(slices.Clone(kinds), "auto01", "ide01")))
	r.renamedByNova()
	r.each(t, "renamed", func(d *day) {
		d.wasRenamed()
		if o, ok := deletions[d.shape]; ok && !full {
			d.perform(o)
			return
		}
		for _, o := range chosenOperations(slices.Concat(harmless, regenerating)...) {
			d.perform(o)
		}
	})
	r.ends(t)
}

// deletions are those that differ in what they leave, with the shapes that are
// there for them in the usual run.
var deletions = map[string]operation{
	"auto01": {"delete without a legacy name", (*day).unlinksAndDeletes},
	"ide01":  {"delete with the legacy names", (*day).deletesLinked},
}

// renamedByNova renames all guests of a round, and has Nova start them.
func (r *round) renamedByNova() { r.renamed("nova") }

func (r *round) renamed(by string) {
	r.t.Helper()
	status := exitClean
	if slices.ContainsFunc(r.guests, func(g *legacy) bool { return slices.Contains(warnedOf, shapeOf(g)) }) {
		status = exitAttention
	}
	r.t.Log(r.command(status, "rename", r.lab.plan, "--yes", "--start-by", by))
}

// wasRenamed: Nova has started the guest, unless it was off or is paused again.
func (d *day) wasRenamed() {
	d.t.Helper()
	d.byNova, d.renamed, d.locked = true, true, d.plan.Lock == plan.Keep
	switch s, err := d.admin.show(d.uuid()); {
	case err != nil:
		d.t.Fatal(err)
	case s.Status == "SHUTOFF":
		d.starts()
	default:
		d.boots++
		if d.status = "ACTIVE"; s.Status == "PAUSED" {
			d.do("ACTIVE", "unpause", nil)
		}
	}
	d.check("the rename")
	d.linked("after the rename")
}
