package importer

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

func (w *world) adoptions() []Adoption {
	w.t.Helper()
	j, err := journal.Open(w.t.Context(), w.path)
	w.must(err)
	defer j.Close()
	all, err := j.Adoptions(w.t.Context())
	w.must(err)
	return all
}

func (w *world) readers() Readers {
	r := Readers{Nova: w.nova, Hosts: w.hosts, Earlier: Earlier(w.adoptions())}
	if w.cloud != nil {
		r.Cloud, r.Snapshot = w.cloud, w.cloud.snapshot()
	}
	return r
}

func TestPreview(t *testing.T) {
	w := newWorld(t, 3)
	w.domain(1).Digest = "sha256:other"
	w.must(os.Remove(filepath.Join(w.root, "kvm01/data/guest-2.qcow2")))
	before := w.dump()
	var shown []Previewed
	s, err := Preview(t.Context(), w.plan, w.readers(), func(p Previewed) error { shown = append(shown, p); return nil })
	if err != nil || len(shown) != 9 || w.dump() != before {
		t.Fatalf("Preview = %v, %v with %d domains, want 9 and nothing changed", s, err, len(shown))
	}
	if s.Count(Refused) != 2 || !errors.Is(shown[1].Result.Err, ErrChanged) || !errors.Is(shown[2].Result.Err, instancedir.ErrNoDisk) {
		t.Errorf("Preview = %v, want domain 1 (changed) and 2 (no disk) refused", s)
	}
	first := shown[0]
	if first.Result.Outcome != Imported || len(first.Rows.Cell) == 0 || first.Final.VMState != "active" || first.Locked || first.Dir.Links[0].From != "/data/guest-0.qcow2" {
		t.Errorf("Preview of domain 0 = %+v, want rows, active, unlocked, its link", first)
	}
	if len(w.adoptions()) != 0 {
		t.Error("Preview wrote the journal")
	}
	// An error of the printer ends it.
	if _, err := Preview(t.Context(), w.plan, w.readers(), func(Previewed) error { return errBoom }); !errors.Is(err, errBoom) {
		t.Errorf("Preview with a printer that fails = %v, want %v", err, errBoom)
	}
}

// What can be wrong with domain 0 of an import, and by which code Verify says so.
var wrong = []struct {
	name  string
	spoil func(w *world)
	code  string
	text  string
}{
	{"nothing", func(w *world) {}, "", ""},
	{"records", func(w *world) {
		w.nova.violate = []nova.Violation{{UUID: uuidOf(0), Code: "V6", What: "flavor", Expected: "a", Found: "b"}}
	}, "V6", "flavor: expected a, found b"},
	{"name clash", func(w *world) { w.domain(1).Name = "instance-00000001" }, "V21", uuidOf(1)},
	{"link gone", func(w *world) { w.must(os.Remove(w.link(0))) }, "V25", "the link is missing"},
	{"link is another file", func(w *world) {
		w.must(os.Remove(w.link(0)))
		w.must(os.WriteFile(w.link(0), []byte("x"), 0o644))
	}, "V25", "another file"},
	{"legacy name gone", func(w *world) { w.must(os.Remove(filepath.Join(w.root, "kvm01/data/guest-0.qcow2"))) }, "V25", "legacy"},
	{"format", func(w *world) { w.domain(0).Disks[0].Format = "raw" }, "V25", "raw"},
	{"regenerated, legacy name gone", func(w *world) {
		w.domain(0).Name = "instance-00000001"
		w.must(os.Remove(filepath.Join(w.root, "kvm01/data/guest-0.qcow2")))
	}, "", ""},
	{"host", func(w *world) { w.hosts.dead["kvm01"] = errBoom }, "V30", "boom"},
	{"domain", func(w *world) { w.domain(0).UUID = uuidOf(99) }, "V31", "no domain"},
	{"state", func(w *world) { w.domain(0).State = discover.StateShutoff }, "V32", "shutoff"},
	{"snapshot", func(w *world) { w.domain(0).Snapshots = true }, "V34", "snapshot"},
}

// link is the name that Nova has for the disk of a domain.
func (w *world) link(n int) string {
	return filepath.Join(w.root, w.plan.Domains[n].Host, w.plan.Made.InstancesPath, uuidOf(n), "disk")
}

func TestVerify(t *testing.T) {
	for _, c := range wrong {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 2)
			if _, err := w.imports(nil); err != nil {
				t.Fatal(err)
			}
			c.spoil(w)
			before := w.dump()
			var found []Finding
			looked, err := Verify(t.Context(), w.plan, w.readers(), func(f Finding) { found = append(found, f) })
			if err != nil || looked != 6 || w.dump() != before {
				t.Fatalf("Verify looked at %d, %v, want 6 and nothing changed", looked, err)
			}
			of0 := slices.DeleteFunc(found, func(f Finding) bool { return f.UUID != uuidOf(0) })
			if c.code == "" {
				if len(of0) != 0 {
					t.Errorf("Verify found %+v, want nothing", of0)
				}
				return
			}
			if len(of0) != 1 || of0[0].Code != c.code || !strings.Contains(of0[0].Text, c.text) || of0[0].Action == "" || of0[0].Host != "kvm01" {
				t.Errorf("Verify found %+v, want one %s that says %q and what to do", of0, c.code, c.text)
			}
		})
	}
}

// A lock until the rename is missed until then, and not afterwards.
func TestVerifyLock(t *testing.T) {
	w := newWorld(t, 1)
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	r := w.nova.rows[uuidOf(1)]
	r.locked = false
	w.nova.rows[uuidOf(1)] = r
	for _, c := range []struct{ name, code string }{{"guest-1", "V9"}, {"instance-00000002", ""}} {
		w.domain(1).Name = c.name
		code := ""
		if _, err := Verify(t.Context(), w.plan, w.readers(), func(f Finding) { code += f.Code }); err != nil || code != c.code {
			t.Errorf("Verify of %s, unlocked = %q, %v, want %q", c.name, code, err, c.code)
		}
	}
}

// A restart may give interfaces another model than the plan does. Then the
// journal's word counts; the plan's of a domain that was not restarted.
func TestVerifyModel(t *testing.T) {
	w := newWorld(t, 1)
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	uuid := uuidOf(1)
	imported := w.readers().Earlier[uuid].Plan
	swapped := strings.Replace(imported, "nic_model: virtio", "nic_model: e1000", 1)
	for _, c := range []struct {
		state    journal.State
		plan     string // the journal's
		recorded string // by Nova
		code     string
	}{
		{journal.StateImported, imported, "virtio", ""},
		{journal.StateImported, swapped, "e1000", "V14"},
		{journal.StateRenamed, swapped, "e1000", ""},
		{journal.StateFinalized, swapped, "e1000", ""},
		{journal.StateRenamed, swapped, "virtio", "V14"},
		{journal.StateRenamed, imported, "e1000", "V14"},
	} {
		row, r := w.nova.rows[uuid], w.readers()
		row.model = c.recorded
		w.nova.rows[uuid] = row
		a := r.Earlier[uuid]
		a.State, a.Plan = c.state, c.plan
		r.Earlier[uuid] = a
		code := ""
		if _, err := Verify(t.Context(), w.plan, r, func(f Finding) { code += f.Code }); err != nil || code != c.code {
			t.Errorf("Verify of one that is %s, with %s = %q, %v, want %q", c.state, c.recorded, code, err, c.code)
		}
	}
}

func TestVerifyHalfAndReleased(t *testing.T) {
	w := newWorld(t, 1)
	w.hosts.gone[uuidOf(0)] = true
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	clear(w.hosts.gone)
	if _, err := w.do(nil, func(x session) (Summary, error) {
		return x.Release(t.Context(), w.plan, plan.Filter{Only: []string{"guest-1"}})
	}); err != nil {
		t.Fatal(err)
	}
	w.nova.rows[uuidOf(1)] = fakeRow{stage: nova.Recorded} // what a release must not leave
	var codes []string
	if _, err := Verify(t.Context(), w.plan, w.readers(), func(f Finding) { codes = append(codes, f.Domain+" "+f.Code) }); err != nil {
		t.Fatal(err)
	}
	want := []string{"guest-0 V8", "guest-0 V33", "guest-1 V22"}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Errorf("Verify found (-want +got):\n%s", diff)
	}
}

func TestStatus(t *testing.T) {
	w := newWorld(t, 1)
	w.plan.Domains[2].NICs = []plan.NIC{{Network: "private", Addresses: []string{"10.0.0.5"}}}
	w.hosts.gone[uuidOf(2)] = true
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	delete(w.nova.rows, uuidOf(2)) // Nova has lost it, the journal has not
	rows, err := Status(t.Context(), w.adoptions(), w.nova)
	if err != nil {
		t.Fatal(err)
	}
	size := "1 VCPU 2GB RAM 20GB disk"
	want := []StatusRow{
		{UUID: uuidOf(0), Name: "Guest guest-0", Addresses: "public=192.0.2.7", Size: size, Status: "ACTIVE", Power: "Running",
			Adoption: journal.StateImported, Host: "kvm01", Domain: "guest-0", InstanceName: "instance-00000001"},
		{UUID: uuidOf(1), Name: "Guest guest-1", Addresses: "public=192.0.2.7", Size: size, Status: "SHUTOFF", Power: "Shut Down", Locked: true,
			Adoption: journal.StateImported, Host: "kvm02", Domain: "guest-1", InstanceName: "instance-00000002"},
		{UUID: uuidOf(2), Name: "Guest guest-2", Addresses: "private=10.0.0.5", Size: "1 VCPU 2GB RAM 20GB disk",
			Adoption: journal.StateHalf, Host: "kvm03", Domain: "guest-2", InstanceName: "instance-00000003"},
	}
	if diff := cmp.Diff(want, rows, cmpopts.IgnoreFields(StatusRow{}, "Updated", "Reason")); diff != "" {
		t.Errorf("Status (-want +got):\n%s", diff)
	}
	if !strings.Contains(rows[2].Reason, "not on this host") {
		t.Errorf("reason = %q, want why it is half done", rows[2].Reason)
	}
	if rows, err := Status(t.Context(), w.adoptions(), nil); err != nil || rows[0].Status != "" || rows[0].Name != "Guest guest-0" {
		t.Errorf("Status without Nova = %+v, %v, want what the journal knows", rows, err)
	}
}
