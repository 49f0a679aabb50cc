package importer

import (
	"errors"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// Each case edits the plan of domain 2 after a run has stopped before its end.
var edits = []struct {
	name string
	edit func(*plan.Domain)
	text string // "" where it does not matter to what is there
}{
	{"project", func(d *plan.Domain) { d.ProjectID = strings.Repeat("d", 32) }, "project_id was aaaa"},
	{"flavor", func(d *plan.Domain) {
		d.Flavor = plan.Flavor{Name: "legacy.2c2048m20d", Create: true, VCPUs: 2, MemoryMB: 2048, RootGB: 20}
	}, "flavor was m1.small (1 vCPUs, 2048 MB, 20 GB and 0 GB ephemeral), is legacy.2c2048m20d"},
	{"display name", func(d *plan.Domain) { d.DisplayName = "other" }, "display_name was Guest guest-2, is other"},
	{"network", func(d *plan.Domain) {
		d.NICs[0].NetworkID, d.NICs[0].Network, d.NICs[0].Addresses = idOf(2), "private", []string{"10.0.0.9"}
	}, "nics was"},
	{"interface left out", func(d *plan.Domain) { d.NICs = d.NICs[1:] }, "nics was"},
	{"address", func(d *plan.Domain) { d.NICs[0].Addresses = []string{"192.0.2.99"} }, "without the address 192.0.2.99"},
	{"disk", func(d *plan.Domain) { d.Disks[0].Bus = "ide" }, "disks was"},
	{"force", func(d *plan.Domain) { d.Force, d.Group = true, "g" }, ""},
	{"planned again", func(d *plan.Domain) { d.NICs[0].CreatePort, d.NICs[0].Port = false, "found" }, ""},
}

// TestEditedPlan: an instance is never half of one plan and half of another,
// and keeps no port that its plan does not name.
func TestEditedPlan(t *testing.T) {
	t.Parallel()
	for _, c := range edits {
		t.Run(c.name, func(t *testing.T) {
			w := newCloudWorld(t, 1)
			w.cloud.projects = append(w.cloud.projects, cloud.Project{ID: strings.Repeat("d", 32), Name: "other"})
			before := w.dump()
			w.hosts.gone[uuidOf(2)] = true
			if s, err := w.imports(nil); err != nil || s.Count(Half) != 1 {
				t.Fatalf("Import = %v, %v, want 1 half done", s, err)
			}
			clear(w.hosts.gone)
			half := w.dump()
			d := &w.plan.Domains[2]
			c.edit(d)
			if d.NICs[0].Port == "found" {
				d.NICs[0].Port = w.portOf(d.NICs[0].MAC)
			}
			s, err := w.imports(nil)
			r := resultOf(s, 2)
			switch {
			case err != nil:
				t.Fatal(err)
			case c.text == "" && r.Outcome != Imported:
				t.Errorf("result = %+v, want it imported", r)
			case c.text != "" && (r.Outcome != Half || r.Step != stepCheck || !strings.Contains(r.Reason, c.text) || w.dump() != half):
				t.Errorf("result = %+v, want it refused with %q and nothing changed", r, c.text)
			case c.text != "" && !errors.Is(r.Err, ErrEdited) && !errors.Is(r.Err, ErrNotPlanned):
				t.Errorf("err = %v", r.Err)
			}
			w.wantReleased("in the end", before)
		})
	}
}

// TestPortsOfAnotherPlan: ports are all that is left of the earlier run, and
// Nova would plug them in with those of the plan.
func TestPortsOfAnotherPlan(t *testing.T) {
	w := newCloudWorld(t, 1)
	before := w.dump()
	w.cloud.refuse["TakePort "+uuidOf(2)], w.cloud.refuse["FreePort "+uuidOf(2)] = errBoom, errBoom
	if s, err := w.imports(nil); err != nil || s.Count(Half) != 1 {
		t.Fatalf("Import = %v, %v, want 1 half done", s, err)
	}
	clear(w.cloud.refuse)
	d := &w.plan.Domains[2]
	d.NICs = d.NICs[1:]
	s, err := w.imports(nil)
	if r := resultOf(s, 2); err != nil || r.Outcome != Half || !strings.Contains(r.Reason, "made for it by another plan") {
		t.Errorf("Import = %v, %+v, want the first port named", err, r)
	}
	w.wantReleased("in the end", before)
}

// TestPortThatNobodyPlanned was prepared by hand.
func TestPortThatNobodyPlanned(t *testing.T) {
	w := newCloudWorld(t, 1)
	w.cloud.ports[idOf(99)] = cloud.Port{ID: idOf(99), MAC: "52:54:00:00:09:09", NetworkID: idOf(2), ProjectID: w.plan.Domains[0].ProjectID, DeviceID: uuidOf(0)}
	before := w.dump()
	s, err := w.imports(nil)
	if r := resultOf(s, 0); err != nil || s.Count(Imported) != 2 || r.Outcome != Refused || !strings.Contains(r.Reason, "openstack port set --device '' --device-owner '' "+idOf(99)) {
		t.Errorf("Import = %v, %v, want it refused: %+v", s, err, r)
	}
	w.wantReleased("in the end", before)
}

func resultOf(s Summary, n int) Result {
	for _, r := range s.Results {
		if r.UUID == uuidOf(n) {
			return r
		}
	}
	return Result{}
}
