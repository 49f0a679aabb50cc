//go:build lab

package openstack

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

func TestLabAllocation(t *testing.T) {
	p := newLabProject(t)
	var providers struct {
		List []struct{ UUID string } `json:"resource_providers"`
	}
	p.call(p.placement, "GET", "resource_providers", nil, &providers)
	if len(providers.List) == 0 {
		t.Fatal("the lab has no compute node in Placement")
	}
	a := cloud.Allocation{
		Instance: uuid.NewString(), Provider: providers.List[0].UUID, ProjectID: p.id, UserID: "u-test",
		Resources: map[string]int{"VCPU": 1, "MEMORY_MB": 16, "DISK_GB": 1},
	}
	t.Cleanup(func() { _ = p.Deallocate(context.Background(), a.Instance) }) // should the test end early
	for range 2 {
		if err := p.Allocate(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	a.Resources = map[string]int{"VCPU": 1, "MEMORY_MB": 32, "DISK_GB": 1}
	if err := p.Allocate(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	got, err := p.Allocations(t.Context(), []string{a.Instance, uuid.NewString()})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]cloud.Allocation{a.Instance: a}, got); d != "" {
		t.Error(d)
	}

	// Many at once change the provider's generation under each other.
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			b := a
			b.Instance = uuid.NewString()
			b.Resources = map[string]int{"MEMORY_MB": 1}
			if err := p.Allocate(t.Context(), b); err != nil {
				t.Error(err)
			}
			if err := p.Deallocate(t.Context(), b.Instance); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()

	big := a
	big.Resources = map[string]int{"VCPU": 100000, "MEMORY_MB": 16, "DISK_GB": 1}
	if err := p.Allocate(t.Context(), big); !errors.Is(err, cloud.ErrNoRoom) || !strings.Contains(err.Error(), "VCPU: 100000 wanted") {
		t.Errorf("Allocate of too much = %v", err)
	} else {
		t.Log(err)
	}
	gone := a
	gone.Provider = uuid.NewString()
	if err := p.Allocate(t.Context(), gone); !errors.Is(err, cloud.ErrNotFound) {
		t.Errorf("Allocate on no provider = %v", err)
	} else {
		t.Log(err)
	}
	for range 2 {
		if err := p.Deallocate(t.Context(), a.Instance); err != nil {
			t.Error(err)
		}
	}
	if got, err := p.Allocations(t.Context(), []string{a.Instance}); err != nil || len(got) > 0 {
		t.Errorf("after Deallocate: %v, %v", got, err)
	}
}
