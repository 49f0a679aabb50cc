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

// newAllocation is a small one on the lab's compute node, removed again when
// the test ends.
func (p *labProject) newAllocation() cloud.Allocation {
	p.t.Helper()
	var providers struct {
		List []struct{ UUID string } `json:"resource_providers"`
	}
	p.call(p.placement, "GET", "resource_providers", nil, &providers)
	if len(providers.List) == 0 {
		p.t.Fatal("the lab has no compute node in Placement")
	}
	a := cloud.Allocation{
		Instance: uuid.NewString(), Provider: providers.List[0].UUID, ProjectID: p.id, UserID: "u-test",
		Resources: map[string]int{"VCPU": 1, "MEMORY_MB": 16, "DISK_GB": 1},
	}
	p.t.Cleanup(func() { _ = p.Deallocate(context.Background(), a.Instance) }) // should the test end early
	return a
}

func TestLabAllocation(t *testing.T) {
	p := newLabProject(t)
	a := p.newAllocation()
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
	for range 2 {
		if err := p.Deallocate(t.Context(), a.Instance); err != nil {
			t.Error(err)
		}
	}
	if got, err := p.Allocations(t.Context(), []string{a.Instance}); err != nil || len(got) > 0 {
		t.Errorf("after Deallocate: %v, %v", got, err)
	}
}

// TestLabAllocationsAtOnce change the provider's generation under each other.
func TestLabAllocationsAtOnce(t *testing.T) {
	p := newLabProject(t)
	var wg sync.WaitGroup
	for range 12 {
		a := p.newAllocation()
		a.Resources = map[string]int{"MEMORY_MB": 1}
		wg.Go(func() {
			if err := p.Allocate(t.Context(), a); err != nil {
				t.Error(err)
			}
			if err := p.Deallocate(t.Context(), a.Instance); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestLabAllocationRefused(t *testing.T) {
	p := newLabProject(t)
	big, gone := p.newAllocation(), p.newAllocation()
	big.Resources["VCPU"] = 100000
	gone.Provider = uuid.NewString()
	for _, c := range []struct {
		a    cloud.Allocation
		is   error
		says string
	}{
		{big, cloud.ErrNoRoom, "VCPU: 100000 wanted"},
		{gone, cloud.ErrNotFound, gone.Provider},
	} {
		err := p.Allocate(t.Context(), c.a)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Allocate = %v, want %v and %q", err, c.is, c.says)
		}
		t.Log(err)
	}
	if got, err := p.Allocations(t.Context(), []string{big.Instance, gone.Instance}); err != nil || len(got) > 0 {
		t.Errorf("refused, and there all the same: %v, %v", got, err)
	}
}
