//go:build lab

package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// kept are what the lock keeps from the owner of a server, as requests.
var kept = []struct {
	name, method, path string
	body               any
}{
	{"pause", http.MethodPost, "/action", map[string]any{"pause": nil}},
	{"suspend", http.MethodPost, "/action", map[string]any{"suspend": nil}},
	{"soft reboot", http.MethodPost, "/action", map[string]any{"reboot": map[string]any{"type": "SOFT"}}},
	{"hard reboot", http.MethodPost, "/action", map[string]any{"reboot": map[string]any{"type": "HARD"}}},
	{"stop", http.MethodPost, "/action", map[string]any{"os-stop": nil}},
	{"start", http.MethodPost, "/action", map[string]any{"os-start": nil}},
	{"rescue", http.MethodPost, "/action", map[string]any{"rescue": map[string]any{}}},
	{"resize", http.MethodPost, "/action", nil},  // with a flavor of the test's
	{"rebuild", http.MethodPost, "/action", nil}, // with the placeholder image
	{"shelve", http.MethodPost, "/action", map[string]any{"shelve": nil}},
	{"delete", http.MethodDelete, "", nil},
	{"metadata", http.MethodPost, "/metadata", map[string]any{"metadata": map[string]any{"a": "b"}}},
	{"unlock", http.MethodPost, "/action", map[string]any{"unlock": nil}},
}

// lockHolds: the owner can do nothing that the lock is there to keep from him,
// nor take it away.
func (d *day) lockHolds() {
	d.t.Helper()
	for _, k := range kept {
		body := k.body
		switch k.name {
		case "resize":
			body = map[string]any{"resize": map[string]any{"flavorRef": d.flavorID(d.owner, d.plan.Flavor.Name)}}
		case "rebuild":
			body = map[string]any{"rebuild": map[string]any{"imageRef": d.plan.ImageRef}}
		}
		err := call(d.owner.compute, k.method, "servers/"+d.uuid()+k.path, body, nil)
		held := refusedWith(err, http.StatusConflict) && strings.Contains(err.Error(), "is locked")
		if k.name == "unlock" {
			held = refusedWith(err, http.StatusForbidden)
		}
		if !held {
			d.t.Errorf("the owner of %s, which is locked, was told on %s: %v", d.guest.name, k.name, err)
		}
	}
	if s, err := d.admin.show(d.uuid()); err != nil || s.Status != d.status || s.Task != nil || !s.Locked {
		d.t.Errorf("%s is %v, locked %v, after its owner has tried everything: %v", d.guest.name, s, s.Locked, err)
	}
}

// An override is what an administrator can do although the server is locked
// and its domain still the legacy one, and what comes of it.
type override struct {
	shape string
	name  string
	order func(d *day) error
	ends  string   // the status
	off   bool     // the guest has lost its power
	says  string   // in the server's fault, or why the action failed
	mends []string // actions that bring it back
}

var overrides = []override{
	{"web01", plan.Rescue, func(d *day) error {
		image, _ := d.imageOf("lab-guest")
		return d.admin.action(d.uuid(), "rescue", map[string]any{"rescue_image_ref": image})
	}, "ERROR", true, "is already defined with uuid", nil},
	{"vnc01", plan.Resize, func(d *day) error {
		return d.admin.action(d.uuid(), "resize", map[string]any{"flavorRef": d.otherFlavor()})
	}, "ERROR", true, "", []string{"active"}},
	{"auto01", plan.Shelve, func(d *day) error { return d.admin.action(d.uuid(), "shelve", nil) }, "", false, "", nil},
}

// TestFullOverridden has the administrator do to a locked legacy domain what
// cannot work before its restart, and then brings it back: no data is lost.
func TestFullOverridden(t *testing.T) {
	const rebuilt = "two01"
	these := []string{rebuilt}
	for _, o := range overrides {
		these = append(these, o.shape)
	}
	r := newRound(t, adminBatch, these)
	r.each(t, "overridden", func(d *day) {
		if d.shape == rebuilt {
			d.noted(plan.Rebuild)
			d.rebuild()
		}
		for _, o := range overrides {
			if o.shape == d.shape {
				d.lockHolds()
				d.ownerSnapshots()
				d.noted(plan.Snapshot)
				d.noted(o.name)
				d.overrides(o)
			}
		}
	})
	r.seenBy.keep(r.lab)
}

// ownerSnapshots: Nova asks no lock for a snapshot. Before the restart it
// fails, and the guest runs on.
func (d *day) ownerSnapshots() {
	d.t.Helper()
	name := "early-" + d.guest.name
	d.must(d.owner.action(d.uuid(), "createImage", map[string]any{"name": name}))
	s, err := d.admin.idle(d.uuid())
	d.must(err)
	d.t.Logf("%s after a snapshot: %v", d.guest.name, s)
	d.eventually(5*time.Minute, "the snapshot of "+d.guest.name+" has failed", func() bool {
		_, status := d.imageOf(name)
		return status == "none"
	})
	if s.Status != "ACTIVE" || d.virsh("domname", d.uuid()) != d.guest.name {
		d.t.Errorf("%s is %v, called %s, after a snapshot that failed", d.guest.name, s, d.virsh("domname", d.uuid()))
	}
	d.seen("a snapshot that failed")
}

func (d *day) overrides(o override) {
	d.t.Helper()
	d.must(o.order(d))
	s, err := d.admin.idle(d.uuid())
	d.must(err)
	state := d.virsh("domstate", d.uuid())
	d.t.Logf("%s after %s: %v; libvirt: %s, called %s\n%s", d.guest.name, o.name, s, state, d.virsh("domname", d.uuid()), s.Fault.Details)
	if o.ends != "" && s.Status != o.ends || o.off && state != "shut off" || !strings.Contains(s.Fault.Message+s.Fault.Details, o.says) {
		d.t.Errorf("after %s %s is %v and %s; want %s and %q", o.name, d.guest.name, s, state, o.ends, o.says)
	}
	for _, state := range o.mends {
		d.must(d.admin.action(d.uuid(), "os-resetState", map[string]any{"state": state}))
	}
	d.hardReboot()
	d.seen("a hard reboot that brings it back from " + o.name)
}
