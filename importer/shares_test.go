package importer

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A flavor or an image that cannot be made fails the domains that need it.
func TestShareFails(t *testing.T) {
	for name, refused := range map[string][]int{
		"EnsureFlavor legacy.2c2048m20d":               {1, 3, 5},
		"EnsurePlaceholder " + strings.Repeat("a", 32): {1, 2, 4, 5},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCloudWorld(t, 2)
			before := w.dump()
			w.cloud.refuse[name] = errBoom
			s, err := w.imports(nil)
			if err != nil || s.Count(Refused) != len(refused) || s.Count(Imported) != 6-len(refused) {
				t.Fatalf("Import = %v, %v, want %v refused: %+v", s, err, refused, s.Results)
			}
			for _, r := range s.Results {
				if r.Outcome == Refused && (!errors.Is(r.Err, ErrNotPlanned) || !strings.Contains(r.Reason, "boom")) {
					t.Errorf("result = %+v, want it to say why", r)
				}
			}
			clear(w.cloud.refuse)
			if s, err := w.imports(nil); err != nil || s.Count(Imported) != len(refused) {
				t.Fatalf("second Import = %v, %v, want the rest", s, err)
			}
			w.wantReleased("then", before)
		})
	}
}

// A flavor goes with the last instance that has it, whoever that is.
func TestShareGoesWithItsLastUser(t *testing.T) {
	w := newCloudWorld(t, 2)
	before := w.dump()
	if _, err := w.imports(nil); err != nil {
		t.Fatal(err)
	}
	if n := len(w.shared()); n != 2 {
		t.Fatalf("the journal has %d shared things, want a flavor and an image", n)
	}
	release := func(names ...string) Summary {
		s, err := w.do(nil, func(x session) (Summary, error) {
			return x.Release(t.Context(), w.plan, plan.Filter{Only: names})
		})
		w.must(err)
		return s
	}
	release("guest-1", "guest-3") // guest-5 has the flavor, guest-2 and more the image
	if got := w.cloud.dump(); !strings.Contains(got, "flavor legacy.") || !strings.Contains(got, "image of") {
		t.Fatalf("a flavor or an image is gone that instances have:\n%s", got)
	}
	w.nova.rows["native"] = fakeRow{stage: nova.Foreign, flavor: w.nova.flavors[1].ID} // Nova's own
	w.cloud.refuse["DeletePlaceholder "+w.imageID()] = errBoom
	s := release("guest-0", "guest-2", "guest-4", "guest-5")
	if s.Warnings() != 1 || !strings.Contains(fmt.Sprint(s.Results), "boom") {
		t.Errorf("Release = %v with %d warnings, want one for the image that could not be deleted: %+v", s, s.Warnings(), s.Results)
	}
	if got := w.cloud.dump(); !strings.Contains(got, "flavor legacy.") || !strings.Contains(got, "image of") || len(w.shared()) != 2 {
		t.Errorf("a flavor that an instance has is gone, or the journal has forgotten an image that is there:\n%s", got)
	}
	delete(w.nova.rows, "native")
	clear(w.cloud.refuse)
	w.wantReleased("the last", before)
}

func (w *world) imageID() string {
	for id := range w.cloud.images {
		return id
	}
	return ""
}

// What was there before is used, and stays.
func TestShareThatWasThere(t *testing.T) {
	w := newCloudWorld(t, 2)
	w.cloud.images[idOf(88)] = strings.Repeat("a", 32)
	w.nova.flavors = append(w.nova.flavors, nova.Flavor{ID: 77, FlavorID: "77", Name: "legacy.2c2048m20d", VCPUs: 2, MemoryMB: 2048, RootGB: 20, Public: true})
	before := w.dump()
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 6 || w.nova.rows[uuidOf(1)].image != idOf(88) || w.nova.rows[uuidOf(1)].flavor != 77 {
		t.Fatalf("Import = %v, %v with %+v, want their image and flavor", s, err, w.nova.rows[uuidOf(1)])
	}
	if left := w.shared(); len(left) != 0 {
		t.Errorf("the journal has %+v, want nothing of ours", left)
	}
	w.wantReleased("then", before)
}

// A flavor that was made for one project is shown to the next one, and goes
// with the last instance of either.
func TestShareOfTwoProjects(t *testing.T) {
	w := newCloudWorld(t, 2)
	before := w.dump()
	only := func(name string) plan.Filter { return plan.Filter{Only: []string{name}} }
	w.cloud.projects = append(w.cloud.projects, cloud.Project{ID: strings.Repeat("c", 32)})
	w.plan.Domains[3].ProjectID = strings.Repeat("c", 32) // it has neither ports nor an image
	for _, name := range []string{"guest-1", "guest-3"} {
		if s, err := w.do(nil, func(x session) (Summary, error) { return x.Import(t.Context(), w.plan, only(name)) }); err != nil || s.Count(Imported) != 1 {
			t.Fatalf("Import of %s = %v, %v, want it imported: %+v", name, s, err, s.Results)
		}
	}
	if f := w.nova.flavors[1]; len(f.Projects) != 2 || len(w.nova.flavors) != 2 {
		t.Errorf("flavors = %+v, want one more, for both projects", w.nova.flavors)
	}
	for _, name := range []string{"guest-1", "guest-3"} {
		if len(w.nova.flavors) != 2 {
			t.Errorf("before %s is released the flavors are %+v", name, w.nova.flavors)
		}
		if _, err := w.do(nil, func(x session) (Summary, error) { return x.Release(t.Context(), w.plan, only(name)) }); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(before, w.dump()); diff != "" || len(w.shared()) != 0 {
		t.Errorf("not as before (-before +after), or %+v in the journal:\n%s", w.shared(), diff)
	}
}

// Nothing is left of a flavor that no domain came to use.
func TestShareWithoutUser(t *testing.T) {
	w := newCloudWorld(t, 1)
	before := w.dump()
	for n := range w.plan.Domains {
		w.domain(n).Digest = "sha256:other"
	}
	if s, err := w.imports(nil); err != nil || s.Count(Refused) != 3 {
		t.Fatalf("Import = %v, %v, want 3 refused", s, err)
	}
	if diff := cmp.Diff(before, w.dump()); diff != "" || len(w.shared()) != 0 {
		t.Errorf("not as before (-before +after):\n%s", diff)
	}
}
