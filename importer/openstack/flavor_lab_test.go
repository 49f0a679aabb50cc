//go:build lab

package openstack

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

func TestLabFlavor(t *testing.T) {
	p := newLabProject(t)
	want := cloud.NewFlavor{
		Name: "legacy.test-" + uuid.NewString()[:8], ProjectID: p.id, VCPUs: 2, MemoryMB: 512, RootGB: 3, EphemeralGB: 1,
		ExtraSpecs: map[string]string{"hw:mem_page_size": "small"},
	}
	// Two runs at once, then again.
	var wg sync.WaitGroup
	ids := make([]string, 4)
	for i := range ids {
		wg.Go(func() {
			var err error
			if ids[i], _, err = p.EnsureFlavor(t.Context(), want); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	id, made, err := p.EnsureFlavor(t.Context(), want)
	if err != nil || made {
		t.Fatalf("EnsureFlavor again = made %t, %v, want false and no error", made, err)
	}
	for _, other := range ids {
		if other != id {
			t.Errorf("one run got flavor %s, another %s", other, id)
		}
	}
	seen, err := flavors.Get(t.Context(), p.member.compute, id).Extract()
	if err != nil {
		t.Fatalf("the project's user cannot see it: %v", err)
	}
	if seen.IsPublic || seen.VCPUs != 2 || seen.RAM != 512 || seen.Disk != 3 || seen.Ephemeral != 1 || seen.ExtraSpecs["hw:mem_page_size"] != "small" {
		t.Errorf("its user sees %+v", seen)
	}

	other := want
	other.VCPUs = 4
	if _, _, err := p.EnsureFlavor(t.Context(), other); err == nil || !strings.Contains(err.Error(), "2 vCPUs") || !strings.Contains(err.Error(), "4 vCPUs") {
		t.Errorf("EnsureFlavor of another size = %v, want both sizes", err)
	}
	for range 2 {
		if err := p.DeleteFlavor(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if _, found, err := p.flavorNamed(t.Context(), want.Name); err != nil || found {
		t.Errorf("after DeleteFlavor: found %t, %v", found, err)
	}
}

// TestLabFlavorUnfinished begins as a run that was killed after its first
// request.
func TestLabFlavorUnfinished(t *testing.T) {
	p := newLabProject(t)
	want := cloud.NewFlavor{
		Name: "legacy.test-" + uuid.NewString()[:8], ProjectID: p.id, VCPUs: 1, MemoryMB: 64, RootGB: 1,
		ExtraSpecs: map[string]string{"hw:cpu_policy": "shared"},
	}
	has, err := p.createFlavor(t.Context(), want)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { flavors.Delete(context.Background(), p.compute, has.ID) }) // should the test end early
	id, made, err := p.EnsureFlavor(t.Context(), want)
	if err != nil || !made || id != has.ID {
		t.Fatalf("EnsureFlavor = %s, made %t, %v, want %s completed", id, made, err, has.ID)
	}
	seen, err := flavors.Get(t.Context(), p.member.compute, id).Extract()
	if err != nil || seen.ExtraSpecs["hw:cpu_policy"] != "shared" {
		t.Errorf("the project's user sees %+v, %v", seen, err)
	}
	if err := p.DeleteFlavor(t.Context(), id); err != nil {
		t.Error(err)
	}
}

func TestLabFlavorOfOthers(t *testing.T) {
	p := newLabProject(t)
	name := "test-" + uuid.NewString()[:8]
	id := p.create(p.compute, "flavors", "flavor", map[string]any{"name": name, "vcpus": 1, "ram": 64, "disk": 1, "os-flavor-access:is_public": false})
	want := cloud.NewFlavor{Name: name, ProjectID: p.id, VCPUs: 1, MemoryMB: 64, RootGB: 1}
	if _, _, err := p.EnsureFlavor(t.Context(), want); err == nil || !strings.Contains(err.Error(), "openstack flavor set --project") {
		t.Errorf("EnsureFlavor of a hidden one = %v, want what to do", err)
	}
	p.call(p.compute, "POST", "flavors/"+id+"/action", map[string]any{"addTenantAccess": map[string]any{"tenant": p.id}}, nil)
	if got, made, err := p.EnsureFlavor(t.Context(), want); err != nil || made || got != id {
		t.Errorf("EnsureFlavor = %s, made %t, %v, want %s as it is", got, made, err, id)
	}
	if err := p.DeleteFlavor(t.Context(), id); err != nil {
		t.Error(err)
	}
	if _, err := p.flavorByID(t.Context(), id); err != nil {
		t.Errorf("a flavor of others was deleted: %v", err)
	}
}
