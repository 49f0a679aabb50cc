package importer

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// onDatabasesAlone makes of a world's plan one that a plan without APIs could
// be: ports that are there and bound, nothing to be made.
func (w *world) onDatabasesAlone() {
	for n := range w.plan.Domains {
		d := &w.plan.Domains[n]
		d.Placeholder, d.Flavor = false, plan.Flavor{Name: "m1.small", VCPUs: 1, MemoryMB: 2048, RootGB: 20}
		d.NICs = slices.DeleteFunc(d.NICs, func(n plan.NIC) bool { return n.CreatePort })
		for _, nic := range d.NICs {
			p := w.cloud.ports[nic.Port]
			p.DeviceID, p.DeviceOwner, p.HostID, p.VIFType = d.UUID, "compute:nova", d.Host, "bridge"
			w.cloud.ports[nic.Port] = p
		}
	}
}

func (w *world) importsWithout() (Summary, error) {
	return w.do(nil, func(x session) (Summary, error) {
		x.Cloud, x.Snapshot.Live = nil, false
		return x.Import(w.t.Context(), w.plan, plan.Filter{})
	})
}

func (w *world) releasesWithout() (Summary, error) {
	return w.do(nil, func(x session) (Summary, error) {
		x.Cloud, x.Snapshot = nil, nil
		return x.Release(w.t.Context(), w.plan, plan.Filter{})
	})
}

// What was imported on the databases alone is released with a cloud, and its
// ports stay as they were before the import.
func TestReleaseWithCloudAfterNone(t *testing.T) {
	w := newCloudWorld(t, 2)
	w.onDatabasesAlone()
	before := w.dump()
	if s, err := w.importsWithout(); err != nil || s.Count(Imported) != 6 || w.cloud.calls["PortsOf"] != 0 {
		t.Fatalf("Import on the databases alone = %v, %v, want 6 imported: %+v", s, err, s.Results)
	}
	w.wantReleased("with a cloud", before)
	if n := w.cloud.calls["FreePort"] + w.cloud.calls["Deallocate"]; n != 0 {
		t.Errorf("%d ports and allocations were taken back that nobody had made", n)
	}
	// An allocation that somebody has healed is named and not removed.
	if _, err := w.importsWithout(); err != nil {
		t.Fatal(err)
	}
	w.cloud.allocations[uuidOf(0)] = cloud.Allocation{Instance: uuidOf(0), Resources: map[string]int{"VCPU": 1}}
	s, err := w.releases(nil)
	if err != nil || s.Count(Released) != 6 || s.Warnings() != 1 || !strings.Contains(fmt.Sprint(s), "1 VCPU") && len(w.cloud.allocations) != 1 {
		t.Errorf("Release with a healed allocation = %v, %v, %d warnings, want it named and kept", s, err, s.Warnings())
	}
}

// A half-done import on the databases alone is completed with a cloud, which
// adds its allocation and leaves its ports to whoever made them.
func TestCompleteWithCloudAfterNone(t *testing.T) {
	w := newCloudWorld(t, 2)
	w.onDatabasesAlone()
	before := w.dump()
	w.hosts.gone[uuidOf(1)] = true
	if s, err := w.importsWithout(); err != nil || s.Count(Half) != 1 {
		t.Fatalf("Import on the databases alone = %v, %v, want 1 half done", s, err)
	}
	clear(w.hosts.gone)
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 1 || len(w.cloud.allocations) != 1 {
		t.Fatalf("Import with a cloud = %v, %v, want 1 imported, with its allocation: %+v", s, err, s.Results)
	}
	w.wantReleased("with a cloud", before)
}

// What was made with a cloud is not touched without one, by nobody.
func TestNothingWithoutTheCloud(t *testing.T) {
	w := newCloudWorld(t, 2)
	before := w.dump()
	if s, err := w.importsWithout(); err != nil || s.Count(Refused) != 6 || w.dump() != before || !errors.Is(s.Results[0].Err, ErrNoCloud) {
		t.Errorf("Import of such a plan on the databases alone = %v, %v, want 6 refused: %+v", s, err, s.Results)
	}
	w.hosts.gone[uuidOf(2)], w.hosts.gone[uuidOf(3)] = true, true // the latter has neither ports nor an image
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 4 || s.Count(Half) != 2 {
		t.Fatalf("Import = %v, %v, want 4 imported, 2 half done", s, err)
	}
	clear(w.hosts.gone)
	imported := w.dump()
	for name, do := range map[string]func() (Summary, error){"Import": w.importsWithout, "Release": w.releasesWithout} {
		s, err := do()
		if err != nil || w.dump() != imported {
			t.Errorf("%s without the cloud = %v, %v, want nothing changed", name, s, err)
		}
		for _, r := range s.Results {
			if r.Outcome != Already && !errors.Is(r.Err, ErrNoCloud) || (r.UUID == uuidOf(2) || r.UUID == uuidOf(3)) && r.Outcome != Half {
				t.Errorf("%s of %s without the cloud = %s, %v, want %v", name, r.Domain, r.Outcome, r.Err, ErrNoCloud)
			}
		}
	}
	w.wantReleased("with the cloud", before)
}

// Without the journal only what carries our mark is deleted; a port that was
// taken is named.
func TestReleaseWithCloudWithoutJournal(t *testing.T) {
	w := newCloudWorld(t, 1)
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3 {
		t.Fatalf("Import = %v, %v", s, err)
	}
	w.path = filepath.Join(t.TempDir(), "new.db")
	s, err := w.releases(nil)
	if err != nil || s.Count(Released) != 3 || s.Warnings() != 2 || len(w.cloud.allocations) != 0 || len(w.cloud.ports) != 2 {
		t.Errorf("Release without a journal = %v, %v with %v and %v, want 3 released, 2 ports kept and named", s, err, w.cloud.ports, w.cloud.allocations)
	}
}

// The plan may have been made anew, or edited, since: what the import has found
// out counts.
func TestJournalKnowsThePorts(t *testing.T) {
	w := newCloudWorld(t, 1)
	before := w.dump()
	w.hosts.gone[uuidOf(2)] = true
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	clear(w.hosts.gone)
	w.plan.Domains[2].NICs[0].CreatePort = false // as a new plan would: there is one, and it is ours
	w.plan.Domains[2].NICs[1].Port = idOf(199)
	w.plan.Domains[2].NICs = slices.Clone(w.plan.Domains[2].NICs)
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 1 {
		t.Fatalf("Import with a plan made anew = %v, %v, want it completed: %+v", s, err, s.Results)
	}
	w.check("completed")
	var found []Finding
	if _, err := Verify(t.Context(), w.plan, w.readers(), func(f Finding) { found = append(found, f) }); err != nil || len(found) != 0 {
		t.Errorf("Verify with a plan made anew = %+v, %v, want nothing", found, err)
	}
	w.wantReleased("with a plan made anew", before)
}

// Before anything is recorded the plan counts: a run that was stopped has the
// journal name a port that the operator has replaced since.
func TestPlanReplacesAPort(t *testing.T) {
	w := newCloudWorld(t, 1)
	before := w.dump()
	w.cloud.refuse["TakePort "+uuidOf(1)], w.cloud.refuse["FreePort "+uuidOf(1)] = errBoom, errBoom
	if s, err := w.imports(nil); err != nil || s.Count(Half) != 1 {
		t.Fatalf("Import = %v, %v, want 1 half done", s, err)
	}
	clear(w.cloud.refuse)
	w.cloud.ports[idOf(199)] = cloud.Port{ID: idOf(199), MAC: "52:54:00:00:01:01", NetworkID: idOf(2), ProjectID: w.plan.Domains[1].ProjectID, VIFType: "unbound"}
	w.plan.Domains[1].NICs[0].Port = idOf(199)
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 1 || w.cloud.ports[idOf(199)].DeviceID != uuidOf(1) || w.cloud.ports[idOf(101)].DeviceID != "" {
		t.Fatalf("Import with another port = %v, %v with %+v, want the new one taken", s, err, w.cloud.ports)
	}
	if s, err := w.releases(nil); err != nil || s.Count(Released) != 3 {
		t.Fatalf("Release = %v, %v, want all out", s, err)
	}
	delete(w.cloud.ports, idOf(199))
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("not as before (-before +after):\n%s", diff)
	}
}

// The rows of a half-done import name a port; somebody has deleted it.
func TestPortGoneOfHalf(t *testing.T) {
	w := newCloudWorld(t, 1)
	w.hosts.gone[uuidOf(0)] = true
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	clear(w.hosts.gone)
	delete(w.cloud.ports, w.portOf("52:54:00:00:00:00"))
	s, err := w.imports(nil)
	if err != nil || s.Count(Half) != 1 || !errors.Is(s.Results[0].Err, ErrPortGone) {
		t.Fatalf("Import = %v, %v, want %v", s, err, ErrPortGone)
	}
	if s, err := w.releases(nil); err != nil || s.Count(Released) != 3 {
		t.Fatalf("Release = %v, %v, want all out", s, err)
	}
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3 {
		t.Errorf("Import after it = %v, %v, want 3 imported", s, err)
	}
}

// Interfaces that were attached since are not ours.
func TestReleaseLeavesOtherPorts(t *testing.T) {
	w := newCloudWorld(t, 1)
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	w.cloud.ports[idOf(77)] = cloud.Port{ID: idOf(77), MAC: "fa:16:3e:00:00:01", DeviceID: uuidOf(0), HostID: "kvm01"}
	s, err := w.releases(nil)
	if p, there := w.cloud.ports[idOf(77)]; err != nil || s.Count(Released) != 3 || s.Warnings() != 1 || !there || p.HostID != "kvm01" {
		t.Errorf("Release = %v, %v with port %+v, want it named and left alone", s, err, p)
	}
}
