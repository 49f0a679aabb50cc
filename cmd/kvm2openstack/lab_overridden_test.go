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

// TestFullOverridden has the administrator do to locked legacy domains what
// cannot work before their restart, one after the other, and brings them back: no
// data is lost. What the plan says of the way back is tried on the last one, for
// Nova makes the domain anew with it; which that is differs from shape to shape.
func TestFullOverridden(t *testing.T) {
	r := newRound(t, adminBatch, chosenShapes(shapes))
	r.each(t, "overridden", func(d *day) {
		d.lockHolds()
		d.ownerSnapshots()
		todo := d.overridable()
		for i, o := range todo {
			began := time.Now()
			d.overrides(o)
			mend, by := (*day).asBefore, "by hand"
			if i == len(todo)-1 {
				mend, by = o.mend, "as the plan says"
			}
			mend(d)
			d.seenUp(o.name + ", brought back " + by)
			d.t.Logf("%s: %s, brought back %s: %.0f s", d.guest.name, o.name, by, time.Since(began).Seconds())
		}
	})
	r.seenBy.keep(r.lab)
}

// overridable are the overrides, in an order of the shape's own. Those that Nova
// refuses for the state of the guest are tried, and are not among them.
func (d *day) overridable() (todo []override) {
	d.t.Helper()
	first := slices.Index(shapes, d.shape)
	for i := range overrides {
		o := overrides[(first+i)%len(overrides)]
		if slices.Contains(notIn[d.status], o.name) {
			d.refusedInState(o.name, o.order(d), http.StatusConflict, byState)
			continue
		}
		todo = append(todo, o)
	}
	return todo
}

// TestFullRebuilt rebuilds locked legacy domains: what was there is there under
// its legacy name.
func TestFullRebuilt(t *testing.T) {
	r := newRound(t, adminBatch, chosenShapes(shapes))
	r.each(t, "rebuilt", func(d *day) {
		d.linked("before its rebuild")
		if slices.Contains(notIn[d.status], plan.Rebuild) {
			err := d.admin.action(d.uuid(), "rebuild", map[string]any{"imageRef": d.plan.ImageRef})
			d.refusedInState(plan.Rebuild, err, http.StatusConflict, byState)
		} else {
			d.perform(operation{plan.Rebuild, (*day).rebuild})
		}
		d.deletes()
	})
	r.ends(t)
}

// ownerSnapshots: Nova asks no lock for a snapshot. Before the restart it
// fails, and the guest is left as it is.
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
	if s.Status != d.status || d.virsh("domname", d.uuid()) != d.guest.name {
		d.t.Errorf("%s is %v, called %s, after a snapshot that failed", d.guest.name, s, d.virsh("domname", d.uuid()))
	}
	if why := d.failedAction("createImage"); !strings.Contains(why, "disk.info") {
		d.t.Errorf("the snapshot of %s failed for another reason: %s", d.guest.name, why)
	}
	d.seenUp("a snapshot that failed")
	d.log = d.markLog("nova-compute") // It has that failure.
}

// seenUp looks at a guest that runs; another says what it saw once it does.
func (d *day) seenUp(after string) {
	d.t.Helper()
	if d.status == "ACTIVE" {
		d.seen(after)
	}
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

// asBefore brings a legacy domain that an override has left off back as it was.
// One that is to run is started as it is, which Nova's own start would make anew.
// Nova stops one that it takes for stopped, and leaves one in ERROR alone. One that
// was off already is only to be told so: Nova finds it off, and writes that.
func (d *day) asBefore() {
	d.t.Helper()
	if adoptable[labPrefix+d.shape] == "SHUTOFF" {
		if d.status == "ERROR" {
			d.resetState("active")
		}
		d.until("SHUTOFF")
		return
	}
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
