//go:build lab

package main

import (
	"path/filepath"
	"testing"
)

// TestFullDeleted deletes guests of every shape that have been renamed and nothing
// else: Nova's disks and the legacy ones are the same files. One of them has no
// legacy names any more.
func TestFullDeleted(t *testing.T) {
	r := newRound(t, dayBatch, chosenShapes(shapes))
	r.renamedByNova()
	r.each(t, "deleted", func(d *day) {
		d.wasRenamed()
		d.perform(operation{"delete with the legacy names", (*day).deletesLinked})
	})
	r.ends(t)
}

// TestFullUnlinked deletes one whose legacy names were given up, and confirms the
// resize of another: its legacy name keeps the disk from before.
func TestFullUnlinked(t *testing.T) {
	r := newRound(t, dayBatch, []string{"auto01", "sata01"})
	r.renamedByNova()
	r.each(t, "renamed", func(d *day) {
		d.wasRenamed()
		if d.shape == "sata01" {
			d.resizeConfirm()
			d.perform(operation{"delete", (*day).deletes})
			return
		}
		d.perform(deletions[d.shape])
	})
	r.ends(t)
}

// resizeConfirm gives the guest another size for good. Nova copies the disks for
// that: what it writes from then on is not under the legacy names.
func (d *day) resizeConfirm() {
	d.t.Helper()
	before, links := d.legacyDisks(), d.links()
	d.boots++
	d.do("VERIFY_RESIZE", "resize", map[string]any{"flavorRef": d.otherFlavor()})
	d.do("ACTIVE", "confirmResize", nil)
	g := d.booted()
	d.sameDevices("a resize that is confirmed", g)
	d.hardware = g // The root disk is as large as the flavor says now.
	d.check("resize, confirm")
	if now := d.links(); now == links {
		d.t.Errorf("the disks of %s are the files from before its resize: %s", d.guest.name, now)
	}
	if after := d.legacyDisks(); after != before {
		d.t.Errorf("the resize of %s has changed its legacy disks: %s, before: %s", d.guest.name, after, before)
	}
	for _, k := range d.plan.Disks {
		old, name := d.onDisk(k), k.Path
		k.Path = filepath.Join(instances, d.uuid(), k.Becomes)
		if now := d.onDisk(k); (now == old) != (k.Becomes != "disk") {
			d.t.Errorf("after the resize of %s %s has %s, and %s %s", d.guest.name, k.Becomes, now, name, old)
		}
	}
	d.says(exitBlocked, "is another file than", "release", d.lab.plan, "--yes", "--only", d.guest.name)
	d.check("a release that was refused")
	d.seenBy.add(d, "resize, confirm", works+", on copies: the legacy names keep the disks as they were",
		"nova/virt/libvirt/driver.py migrate_disk_and_power_off copies the disks, _cleanup_resize removes its names of the old ones")
}
