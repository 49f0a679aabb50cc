package importer

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// What can be wrong with the cloud's side of domain 2, which has a port that
// was made, one that was taken, an allocation and a placeholder image.
var wrongCloud = []struct {
	name  string
	spoil func(w *world)
	code  string
	text  string
}{
	{"nothing", func(w *world) {}, "", ""},
	{"port deleted", func(w *world) { delete(w.cloud.ports, idOf(102)) }, "V35", idOf(102)},
	{"port of somebody else", func(w *world) { w.port(102, func(p *cloud.Port) { p.DeviceID = "theirs" }) }, "V35", "52:54:00:00:01:02"},
	{"port with another address", func(w *world) { w.port(102, func(p *cloud.Port) { p.MAC = "52:54:00:ff:ff:ff" }) }, "V36", "52:54:00:ff:ff:ff"},
	{"port on another host", func(w *world) { w.port(102, func(p *cloud.Port) { p.HostID = "kvm09" }) }, "V36", "kvm09"},
	{"port unbound", func(w *world) { w.port(102, func(p *cloud.Port) { p.VIFType = "binding_failed" }) }, "V36", "binding_failed"},
	{"port with a profile by now", func(w *world) { w.port(102, func(p *cloud.Port) { p.Profile = json.RawMessage(`{"a": 1}`) }) }, "V40", `{"a":1} in Neutron`},
	{"no allocation", func(w *world) { delete(w.cloud.allocations, uuidOf(2)) }, "V37", "1 VCPU, 2048 MEMORY_MB, 20 DISK_GB"},
	{"less allocated", func(w *world) {
		a := w.cloud.allocations[uuidOf(2)]
		a.Resources = map[string]int{"VCPU": 1, "MEMORY_MB": 1}
		w.cloud.allocations[uuidOf(2)] = a
	}, "V37", "1 VCPU, 1 MEMORY_MB, expected"},
	{"allocated elsewhere", func(w *world) {
		a := w.cloud.allocations[uuidOf(2)]
		a.Provider = "other"
		w.cloud.allocations[uuidOf(2)] = a
	}, "V37", "provider other"},
	{"allocated twice", func(w *world) {
		a := w.cloud.allocations[uuidOf(2)]
		a.Others = map[string]map[string]int{"a-device": {"VGPU": 1}, uuidOf(900): {"VCPU": 1}}
		w.cloud.allocations[uuidOf(2)] = a
	}, "V37", "(kvm01), too"},
	{"allocated twice, the other first", func(w *world) {
		a := w.cloud.allocations[uuidOf(2)]
		a.Others = map[string]map[string]int{a.Provider: a.Resources}
		a.Provider = uuidOf(900)
		w.cloud.allocations[uuidOf(2)] = a
	}, "V37", "(kvm01), too"},
	{"image gone", func(w *world) { clear(w.cloud.images) }, "V38", "is gone"},
	{"image unprotected", func(w *world) { w.cloud.unprotected = true }, "V38", "not protected"},
}

func TestVerifyCloud(t *testing.T) {
	for _, c := range wrongCloud {
		t.Run(c.name, func(t *testing.T) {
			w := newCloudWorld(t, 1)
			if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3 {
				t.Fatalf("Import = %v, %v", s, err)
			}
			c.spoil(w)
			before := w.dump()
			var found []Finding
			if _, err := Verify(t.Context(), w.plan, w.readers(), func(f Finding) { found = append(found, f) }); err != nil || w.dump() != before {
				t.Fatalf("Verify = %v, want nothing changed", err)
			}
			of2 := slices.DeleteFunc(found, func(f Finding) bool { return f.UUID != uuidOf(2) })
			if c.code == "" {
				if len(found) != 0 {
					t.Errorf("Verify found %+v on a clean adoption", found)
				}
				return
			}
			if len(of2) != 1 || of2[0].Code != c.code || !strings.Contains(of2[0].Text, c.text) || of2[0].Action == "" || of2[0].Domain != "guest-2" {
				t.Errorf("Verify found %+v, want one %q that says %q and what to do", of2, c.code, c.text)
			}
		})
	}
}

// What could not be looked at is said once: as a finding where an import has
// made something there, as a note otherwise.
func TestVerifyWithoutCloud(t *testing.T) {
	verify := func(w *world, r Readers) (codes []string, notes []string) {
		t.Helper()
		r.Note = func(text string) { notes = append(notes, text) }
		if _, err := Verify(t.Context(), w.plan, r, func(f Finding) { codes = append(codes, f.Code+" "+f.Text) }); err != nil {
			t.Fatal(err)
		}
		return codes, notes
	}
	w := newWorld(t, 1)
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	if codes, notes := verify(w, w.readers()); len(codes) != 0 || len(notes) != 1 || !strings.Contains(notes[0], "allocations in Placement") {
		t.Errorf("Verify on the databases alone found %q and noted %q, want one note", codes, notes)
	}
	w = newCloudWorld(t, 1)
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	r := w.readers()
	if codes, notes := verify(w, r); len(codes)+len(notes) != 0 {
		t.Errorf("Verify with the cloud found %q and noted %q, want nothing", codes, notes)
	}
	r.Cloud, r.Snapshot = nil, nil
	if codes, notes := verify(w, r); len(codes) != 1 || !strings.HasPrefix(codes[0], "V39 ") || !strings.Contains(codes[0], "3 of these") || len(notes) != 0 {
		t.Errorf("Verify without the cloud it was imported with found %q and noted %q, want one V39", codes, notes)
	}
	r = w.readers()
	w.cloud.down = errDown
	if codes, _ := verify(w, r); len(codes) != 1 || !strings.HasPrefix(codes[0], "V39 ") || !strings.Contains(codes[0], "connection refused") {
		t.Errorf("Verify while the APIs are down found %q, want one V39 that says why", codes)
	}
}

// Released domains must have left nothing.
func TestVerifyReleasedWithCloud(t *testing.T) {
	w := newCloudWorld(t, 1)
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := w.releases(nil); err != nil {
		t.Fatal(err)
	}
	w.cloud.ports["left"] = cloud.Port{ID: "left", DeviceID: uuidOf(0), Description: cloud.Mark}
	w.cloud.ports["theirs"] = cloud.Port{ID: "theirs", DeviceID: uuidOf(0)}
	w.cloud.allocations[uuidOf(1)] = cloud.Allocation{Resources: map[string]int{"VCPU": 1}}
	var found []string
	if _, err := Verify(t.Context(), w.plan, w.readers(), func(f Finding) { found = append(found, f.Domain+" "+f.Code) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"guest-0 V36", "guest-1 V37"}, found); diff != "" {
		t.Errorf("Verify found (-want +got):\n%s", diff)
	}
}

// The verify step of an import looks at the same.
func TestImportVerifiesTheCloud(t *testing.T) {
	w := newCloudWorld(t, 1)
	w.nova.finished = func() { delete(w.cloud.allocations, uuidOf(2)) }
	s, err := w.imports(nil)
	if err != nil || s.Count(Half) != 1 || !strings.Contains(fmt.Sprint(s.Results), "V37") {
		t.Errorf("Import = %v, %v, want 1 half done with V37: %+v", s, err, s.Results)
	}
}

func TestPreviewWithCloud(t *testing.T) {
	w := newCloudWorld(t, 2)
	before := w.dump()
	w.plan.Domains[5].ProjectID = strings.Repeat("c", 32)
	shown := map[string]Previewed{}
	s, err := Preview(t.Context(), w.plan, w.readers(), func(p Previewed) error { shown[p.Plan.Domain] = p; return nil })
	if err != nil || s.Count(Imported) != 5 || s.Count(Refused) != 1 || w.dump() != before {
		t.Fatalf("Preview = %v, %v, want 5 that would be imported and nothing changed: %+v", s, err, s.Results)
	}
	for name, want := range map[string]string{
		"guest-0": "flavor false, image false, made [52:54:00:00:00:00], bound [], 1 VCPU, 2048 MEMORY_MB, 20 DISK_GB",
		"guest-1": "flavor true, image true, made [], bound [52:54:00:00:01:01], 2 VCPU, 2048 MEMORY_MB, 20 DISK_GB",
		"guest-2": "flavor false, image true, made [52:54:00:00:00:02], bound [52:54:00:00:01:02], 1 VCPU, 2048 MEMORY_MB, 20 DISK_GB",
		"guest-3": "flavor true, image false, made [], bound [], 2 VCPU, 2048 MEMORY_MB, 20 DISK_GB",
	} {
		p := shown[name]
		var made, bound []string
		for _, x := range p.Ports {
			made = append(made, x.MAC)
		}
		for _, x := range p.Bound {
			bound = append(bound, x.MAC)
		}
		got := fmt.Sprintf("flavor %v, image %v, made %v, bound %v, %s", p.Flavor != nil, p.Image, made, bound, amounts(*p.Allocation))
		if got != want || len(p.Rows.Cell) == 0 {
			t.Errorf("Preview of %s = %s with %d rows, want %s", name, got, len(p.Rows.Cell), want)
		}
	}
	if p := shown["guest-5"]; p.Result.Outcome != Refused || p.Allocation != nil {
		t.Errorf("Preview of guest-5 = %+v, want it refused for its project", p)
	}
	// When all is there, nothing is to be made.
	w.plan.Domains[5].ProjectID = strings.Repeat("a", 32)
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	if s, err := Preview(t.Context(), w.plan, w.readers(), func(p Previewed) error {
		if p.Flavor != nil || p.Image || p.Ports != nil || p.Allocation != nil {
			t.Errorf("Preview of what is imported = %+v, want nothing to be made", p)
		}
		return nil
	}); err != nil || s.Count(Already) != 6 {
		t.Errorf("Preview of what is imported = %v, %v", s, err)
	}
}
