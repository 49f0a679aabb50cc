//go:build lab

package main

import (
	"slices"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// TestFullFirst does one thing to guests that are imported and that nobody has
// restarted since: Nova meets the legacy domain, under its own name and with its
// own paths. In TestLabImported another operation may have come before.
func TestFullFirst(t *testing.T) {
	for _, o := range []operation{{plan.Reboot, (*day).hardReboot}, {plan.Start, (*day).stopStart}, {"delete", (*day).deletes}} {
		t.Run(o.name, func(t *testing.T) {
			r := newRound(t, adminBatch, chosenShapes(shapes))
			r.each(t, "first", func(d *day) {
				d.linked("before " + o.name)
				d.first(o)
			})
			r.ends(t)
		})
	}
}

// first does it, if the state of the guest allows it.
func (d *day) first(o operation) {
	d.t.Helper()
	if !slices.Contains(notIn[d.status], o.name) {
		d.perform(o)
		return
	}
	d.notInState(o.name)
	if d.status == "SHUTOFF" {
		d.perform(operation{"start", (*day).starts})
	}
}

// TestFullStarted does to guests that were renamed and started by libvirt what
// Nova makes a domain anew for: it meets one that it has not made.
func TestFullStarted(t *testing.T) {
	for _, o := range chosenOperations(regenerating...) {
		if o.name == plan.Snapshot {
			continue // It makes nothing anew, and goes before another.
		}
		t.Run(o.name, func(t *testing.T) {
			r := newRound(t, dayBatch, kinds)
			r.renamed("libvirt")
			r.each(t, "started", func(d *day) {
				d.wasStarted()
				if o.name == plan.Resize {
					d.perform(operation{plan.Snapshot, (*day).snapshot})
				}
				unplugs := o.name == plan.Rescue && d.unplugs()
				d.perform(o)
				if unplugs {
					effect, reason := d.limited(o.name)
					d.seenBy.addIn("started", d, o.name, "has no network until Nova has started the guest once; "+effect,
						"nova/virt/libvirt/driver.py rescue plugs no interface, and libvirt took those out of br-int that it had put there; "+reason)
				}
			})
			r.ends(t)
		})
	}
}

// wasStarted: libvirt has started the guest under Nova's name.
func (d *day) wasStarted() {
	d.t.Helper()
	d.renamed, d.byLibvirt, d.locked = true, true, d.plan.Lock == plan.Keep
	d.boots++
	d.check("the rename")
	d.linked("after the rename")
}
