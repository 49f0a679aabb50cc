package openstack

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// newFlavor is one of the size that fakeNova.add makes.
func newFlavor() cloud.NewFlavor {
	return cloud.NewFlavor{
		Name: "legacy.2c512m10d", ProjectID: "p-1", VCPUs: 2, MemoryMB: 512, RootGB: 10,
		ExtraSpecs: map[string]string{"hw:cpu_policy": "shared"},
	}
}

func TestEnsureFlavor(t *testing.T) {
	specs := map[string]string{"hw:cpu_policy": "shared"}
	ours := map[string]any{"description": flavorDescription}
	for _, c := range []struct {
		name   string
		has    map[string]any
		access []string
		made   bool
		refuse string // the error says this
	}{
		{"none", nil, nil, true, ""},
		{"ours", map[string]any{"extra_specs": specs}, []string{"p-1"}, false, ""},
		{"ours, of another project", map[string]any{"extra_specs": specs}, []string{"p-2"}, false, ""},
		{"ours, without extra specs and projects", ours, nil, true, ""},
		{"ours, without projects", map[string]any{"extra_specs": specs}, nil, true, ""},
		{"ours, finished without extra specs", ours, []string{"p-2"}, false, "other extra specs: it has none, the plan wants hw:cpu_policy=shared"},
		{"ours, unfinished, other extra specs", map[string]any{"extra_specs": map[string]string{"hw:cpu_policy": "dedicated"}}, nil, false, "other extra specs"},
		{"ours, another size", map[string]any{"vcpus": 4}, []string{"p-1"}, false, "it has 4 vCPUs, 512 MB memory, 10 GB root, 0 GB ephemeral, the plan wants 2 vCPUs, 512 MB"},
		{"public", map[string]any{"description": nil, "extra_specs": specs, "os-flavor-access:is_public": true}, nil, false, ""},
		{"foreign, visible", map[string]any{"description": "big one", "extra_specs": specs}, []string{"p-2", "p-1"}, false, ""},
		{"foreign, hidden", map[string]any{"description": nil, "extra_specs": specs}, []string{"p-2"}, false, "openstack flavor set --project p-1 flavor-1"},
		{"foreign, seen by none", map[string]any{"description": nil}, nil, false, "other extra specs"},
		{"foreign, more extra specs", map[string]any{"description": nil, "extra_specs": map[string]string{"hw:cpu_policy": "shared", "hw:x": "1"}}, []string{"p-1"}, false, "hw:x=1"},
		{"memory", map[string]any{"ram": 513}, nil, false, "513 MB"},
		{"root", map[string]any{"disk": 11}, nil, false, "11 GB root"},
		{"ephemeral", map[string]any{"OS-FLV-EXT-DATA:ephemeral": 1}, nil, false, "1 GB ephemeral"},
		{"swap", map[string]any{"swap": 64}, nil, false, "64 MB swap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.flavors()
			if c.has != nil {
				flavor := map[string]any{"name": newFlavor().Name, "description": flavorDescription}
				maps.Copy(flavor, c.has)
				n.access[n.add(flavor)] = slices.Clone(c.access)
			}
			checkFlavor(t, f, n, c.made, c.refuse)
		})
	}
}

// checkFlavor makes the flavor and looks at what Nova has then.
func checkFlavor(t *testing.T, f *fakeCloud, n *fakeNova, wantMade bool, refuse string) {
	t.Helper()
	cl := f.open(t)
	id, made, err := cl.EnsureFlavor(t.Context(), newFlavor())
	if refuse != "" {
		if err == nil || !strings.Contains(err.Error(), refuse) || !strings.Contains(err.Error(), newFlavor().Name) {
			t.Errorf("EnsureFlavor = %v, want %q", err, refuse)
		}
		if slices.Contains(n.access[id], "p-1") {
			t.Error("the project was shown it all the same")
		}
		return
	}
	if err != nil || id != "flavor-1" || made != wantMade {
		t.Fatalf("EnsureFlavor = %s, made %t, %v, want made %t", id, made, err, wantMade)
	}
	flavor := n.flavors[id]
	if !maps.Equal(flavor["extra_specs"].(map[string]string), newFlavor().ExtraSpecs) {
		t.Errorf("extra specs: %v", flavor["extra_specs"])
	}
	if flavor["os-flavor-access:is_public"] != true && !slices.Contains(n.access[id], "p-1") {
		t.Errorf("projects: %v", n.access[id])
	}
	if again, made, err := cl.EnsureFlavor(t.Context(), newFlavor()); err != nil || made || again != id {
		t.Errorf("EnsureFlavor again = %s, made %t, %v", again, made, err)
	}
}

// TestEnsureFlavorKilled breaks off behind each request, and asks again.
func TestEnsureFlavorKilled(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		h             func(*fakeNova) http.HandlerFunc
		found         bool // by the same call, for a flavor can be looked for
	}{
		{"create", "POST /compute/v2.1/flavors", func(n *fakeNova) http.HandlerFunc { return n.create }, true},
		{"extra specs", "POST /compute/v2.1/flavors/{id}/os-extra_specs", func(n *fakeNova) http.HandlerFunc { return n.setSpecs }, false},
		{"access", "POST /compute/v2.1/flavors/{id}/action", func(n *fakeNova) http.HandlerFunc { return n.addAccess }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t)
			n := f.flavors()
			f.handle(c.pattern, lost(c.h(n)))
			cl := f.open(t)
			if _, _, err := cl.EnsureFlavor(t.Context(), newFlavor()); (err == nil) != c.found {
				t.Errorf("EnsureFlavor whose answer is lost = %v", err)
			}
			f.handle(c.pattern, c.h(n))
			id, _, err := cl.EnsureFlavor(t.Context(), newFlavor())
			if err != nil || len(n.flavors) != 1 {
				t.Fatalf("EnsureFlavor afterwards = %v, with %d flavors", err, len(n.flavors))
			}
			if !maps.Equal(n.flavors[id]["extra_specs"].(map[string]string), newFlavor().ExtraSpecs) || !slices.Equal(n.access[id], []string{"p-1"}) {
				t.Errorf("it has %v, for %v", n.flavors[id], n.access[id])
			}
		})
	}
}

// TestEnsureFlavorRace: another run makes the flavor, its extra specs and its
// access, each between the look and the request.
func TestEnsureFlavorRace(t *testing.T) {
	f := newFake(t)
	n := f.flavors()
	f.handle("POST /compute/v2.1/flavors", func(w http.ResponseWriter, r *http.Request) {
		n.add(map[string]any{"name": newFlavor().Name, "description": flavorDescription})
		n.create(w, r)
	})
	f.handle("POST /compute/v2.1/flavors/{id}/os-extra_specs", func(w http.ResponseWriter, _ *http.Request) {
		n.flavors["flavor-1"]["extra_specs"] = newFlavor().ExtraSpecs
		answer(w, 409, novaError("conflictingRequest", "Flavor 1 extra spec cannot be updated or created after 10 retries"))
	})
	f.handle("POST /compute/v2.1/flavors/{id}/action", func(w http.ResponseWriter, r *http.Request) {
		n.access["flavor-1"] = []string{"p-1"}
		n.addAccess(w, r)
	})
	if id, _, err := f.open(t).EnsureFlavor(t.Context(), newFlavor()); err != nil || id != "flavor-1" {
		t.Errorf("EnsureFlavor = %s, %v, want the other run's", id, err)
	}
}

func TestEnsureFlavorGarbage(t *testing.T) {
	for _, text := range []string{"<html>", "{}", `{"flavors": {}}`, `{"flavors": [{"name": 5}]}`} {
		f := newFake(t)
		f.flavors()
		f.handle("GET /compute/v2.1/flavors/detail", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
		if _, _, err := f.open(t).EnsureFlavor(t.Context(), newFlavor()); err == nil || f.called("POST /compute") > 0 {
			t.Errorf("flavors %s: EnsureFlavor = %v after %d requests to make something", text, err, f.called("POST /compute"))
		}
	}
}

func TestDeleteFlavor(t *testing.T) {
	f := newFake(t)
	n := f.flavors()
	ours := n.add(map[string]any{"name": "legacy.x", "description": flavorDescription})
	foreign := n.add(map[string]any{"name": "m1.small"})
	cl := f.open(t)
	for _, id := range []string{ours, ours, foreign, "never-was"} {
		if err := cl.DeleteFlavor(t.Context(), id); err != nil {
			t.Errorf("DeleteFlavor(%s) = %v", id, err)
		}
	}
	if n.flavors[ours] != nil || n.flavors[foreign] == nil {
		t.Errorf("left: %v, want the foreign one alone", n.flavors)
	}
	f.handle("GET /compute/v2.1/flavors/{id}", func(w http.ResponseWriter, _ *http.Request) { answer(w, 403, novaError("forbidden", "Policy")) })
	if err := cl.DeleteFlavor(t.Context(), foreign); err == nil || !strings.Contains(err.Error(), foreign) {
		t.Errorf("DeleteFlavor that is forbidden = %v", err)
	}
}
