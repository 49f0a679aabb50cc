//go:build lab

package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// An override is what an administrator can do although the server is locked
// and its domain still the legacy one. It fails, with the guest off.
type override struct {
	name   string
	order  func(d *day) error
	action string     // what Nova calls it
	says   string     // why it failed
	ends   string     // the status
	mend   func(*day) // what brings it back, as the plan says
}

var overrides = []override{
	{plan.Rescue, func(d *day) error {
		image, _ := d.imageOf("lab-guest")
		return d.admin.action(d.uuid(), "rescue", map[string]any{"rescue_image_ref": image})
	}, "rescue", "is already defined with uuid", "ERROR", (*day).hardReboot},
	{plan.Resize, func(d *day) error {
		return d.admin.action(d.uuid(), "resize", map[string]any{"flavorRef": d.otherFlavor()})
	}, "resize", "cannot stat", "ERROR", func(d *day) {
		d.resetState("active")
		d.hardReboot()
	}},
	{plan.Shelve, func(d *day) error { return d.admin.action(d.uuid(), "shelve", nil) },
		"shelve", "disk.info", "SHUTOFF", (*day).starts},
}

// running are those of the shapes that run.
func running(shapes []string) []string {
	return slices.DeleteFunc(slices.Clone(shapes), func(s string) bool { return adoptable[labPrefix+s] != "ACTIVE" })
}

// TestFullOverridden has the administrator do to locked legacy domains what
// cannot work before their restart, one after the other, and brings them back: no
// data is lost. What the plan says of the way back is tried on the last one, for
// Nova makes the domain anew with it; which that is differs from shape to shape.
func TestFullOverridden(t *testing.T) {
	r := newRound(t, adminBatch, running(chosenShapes(shapes)))
	r.each(t, "overridden", func(d *day) {
		d.lockHolds()
		d.ownerSnapshots()
		first := slices.Index(shapes, d.shape)
		for i := range overrides {
			o := overrides[(first+i)%len(overrides)]
			began := time.Now()
			d.overrides(o)
			mend, by := (*day).startedByHand, "by hand"
			if i == len(overrides)-1 {
				mend, by = o.mend, "as the plan says"
			}
			mend(d)
			d.seen(o.name + ", brought back " + by)
			d.t.Logf("%s: %s, brought back %s: %.0f s", d.guest.name, o.name, by, time.Since(began).Seconds())
		}
	})
	r.seenBy.keep(r.lab)
}

// TestFullRebuilt rebuilds locked legacy domains: what was there is there under
// its legacy name.
func TestFullRebuilt(t *testing.T) {
	r := newRound(t, adminBatch, running(chosenShapes(shapes)))
	r.each(t, "rebuilt", func(d *day) {
		d.linked("before its rebuild")
		d.perform(operation{plan.Rebuild, (*day).rebuild})
		d.deletes()
	})
	r.ends(t)
}

// ownerSnapshots: Nova asks no lock for a snapshot. Before the restart it
// fails, and the guest runs on.
func (d *day) ownerSnapshots() {
	d.t.Helper()
	d.noted(plan.Snapshot)
	name := "early-" + d.guest.name
	d.must(d.owner.action(d.uuid(), "createImage", map[string]any{"name": name}))
	s, err := d.admin.idle(d.uuid())
	d.must(err)
	d.eventually(5*time.Minute, "the snapshot of "+d.guest.name+" has failed", func() bool {
		_, status := d.imageOf(name)
		return status == "none"
	})
	if s.Status != "ACTIVE" || d.virsh("domname", d.uuid()) != d.guest.name {
		d.t.Errorf("%s is %v, called %s, after a snapshot that failed", d.guest.name, s, d.virsh("domname", d.uuid()))
	}
	if why := d.failedAction("createImage"); !strings.Contains(why, "disk.info") {
		d.t.Errorf("the snapshot of %s failed for another reason: %s", d.guest.name, why)
	}
	d.seen("a snapshot that failed")
}

// overrides does it, and looks at how it failed: the guest is off, and still as it
// was defined.
func (d *day) overrides(o override) {
	d.t.Helper()
	d.noted(o.name)
	d.must(o.order(d))
	s, err := d.admin.idle(d.uuid())
	if d.must(err); s.Status != o.ends { // Nova sees a little later that the guest is off.
		s, err = d.admin.settled(d.uuid(), o.ends)
		d.must(err)
	}
	d.status = o.ends
	if state, name := d.virsh("domstate", d.uuid()), d.virsh("domname", d.uuid()); state != "shut off" || name != d.guest.name {
		d.t.Errorf("after %s %s is %s, called %s", o.name, d.guest.name, state, name)
	}
	if why := d.failedAction(o.action); !strings.Contains(why+s.Fault.Message+s.Fault.Details, o.says) {
		d.t.Errorf("after %s of %s Nova does not say %q: %s\n%s\n%s", o.name, d.guest.name, o.says, why, s.Fault.Message, s.Fault.Details)
	}
	d.linked("after " + o.name)
}

// An action is what Nova was asked to do, as it keeps it for the administrator.
type action struct {
	Action  string
	Request string `json:"request_id"`
	Events  []struct{ Event, Result, Traceback, Details string }
}

// failedAction waits until Nova's last action of that name has failed, and gives
// its reason.
func (d *day) failedAction(name string) (why string) {
	d.t.Helper()
	path := "servers/" + d.uuid() + "/os-instance-actions"
	d.eventually(5*time.Minute, name+" of "+d.guest.name+" has failed", func() bool {
		var list struct {
			Actions []action `json:"instanceActions"`
		}
		d.must(call(d.admin.compute, http.MethodGet, path, nil, &list))
		i := slices.IndexFunc(list.Actions, func(a action) bool { return a.Action == name })
		if i < 0 {
			return false
		}
		var one struct {
			Action action `json:"instanceAction"`
		}
		d.must(call(d.admin.compute, http.MethodGet, path+"/"+list.Actions[i].Request, nil, &one))
		for _, e := range one.Action.Events {
			if e.Result == "Error" {
				why += e.Event + ": " + e.Details + "\n" + e.Traceback
			}
		}
		return why != ""
	})
	return why
}

// startedByHand starts the legacy domain as it is, which Nova's own start would
// make anew. Nova stops one that it takes for stopped, and leaves one in ERROR
// alone.
func (d *day) startedByHand() {
	d.t.Helper()
	d.resetState("error")
	d.virsh("start", d.guest.name)
	d.boots++
	d.resetState("active")
	d.until("ACTIVE")
}

func (d *day) resetState(to string) {
	d.t.Helper()
	d.must(d.admin.action(d.uuid(), "os-resetState", map[string]any{"state": to}))
}
