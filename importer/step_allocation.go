package importer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// allocationStep tells Placement what the instance takes of its host. Without
// it the scheduler would give the same room away again.
type allocationStep struct{ *Importer }

func (allocationStep) name() string { return stepAllocation }

func (s allocationStep) done(ctx context.Context, b batch) (map[string]bool, error) {
	done := b.set()
	asked := b.inCloud()
	found, err := allocationsOf(ctx, s.Cloud, asked)
	if err != nil {
		return nil, errAsk{err}
	}
	for _, it := range asked {
		a, ok := found[it.uuid()]
		done[it.uuid()] = ok && sameAllocation(a, it.allocation())
		if ok && !done[it.uuid()] && !underWay(it.earlier) {
			it.side.had = &a
		}
	}
	return done, nil
}

func (s allocationStep) do(ctx context.Context, b batch) error {
	return b.each(ctx, func(ctx context.Context, it *item) error {
		ctx, cancel := context.WithTimeout(ctx, sideTimeout)
		defer cancel()
		if err := s.Cloud.Allocate(ctx, it.allocation()); err != nil {
			return fmt.Errorf("compute host %s: %w", it.compute.Host, err)
		}
		it.sayReplaced()
		return it.keep(it.allocation())
	})
}

// sayReplaced names an allocation that was not made by an import. Nova has no
// instance of this UUID, so that nobody can want it back.
func (it *item) sayReplaced() {
	if had := it.side.had; had != nil {
		it.warnings = append(it.warnings, fmt.Sprintf("Placement had an allocation with its UUID already, %s on resource provider %s: it was replaced, and release leaves none",
			amounts(*had), had.Provider))
		it.side.had = nil
	}
}

func (s allocationStep) undo(ctx context.Context, b batch) error {
	return b.withSide().each(ctx, func(ctx context.Context, it *item) error {
		ctx, cancel := context.WithTimeout(ctx, sideTimeout)
		defer cancel()
		return s.Cloud.Deallocate(ctx, it.uuid())
	})
}

// sameAllocation compares what is taken of whom; whose it is Placement tells
// only since its version 1.28.
func sameAllocation(a, b cloud.Allocation) bool {
	return a.Provider == b.Provider && maps.Equal(a.Resources, b.Resources)
}

// allocationsOf asks Placement what the batch's instances have.
func allocationsOf(ctx context.Context, api Lookup, b batch) (map[string]cloud.Allocation, error) {
	if len(b) == 0 {
		return nil, nil
	}
	found, err := api.Allocations(ctx, b.uuids())
	if err != nil {
		return nil, fmt.Errorf("%w: read allocations: %w", ErrCloudUnread, err)
	}
	return found, nil
}

// amounts reads like "2 VCPU, 4096 MEMORY_MB, 20 DISK_GB".
func amounts(a cloud.Allocation) string {
	var parts []string
	for _, class := range orderOf(a.Resources) {
		parts = append(parts, fmt.Sprintf("%d %s", a.Resources[class], class))
	}
	return strings.Join(parts, ", ")
}

// orderOf are resource classes as people name them: what every instance has
// first, then the rest by name.
func orderOf(resources map[string]int) []string {
	rank := map[string]int{"VCPU": -3, "MEMORY_MB": -2, "DISK_GB": -1}
	classes := slices.Collect(maps.Keys(resources))
	slices.SortFunc(classes, func(a, b string) int { return cmp.Or(cmp.Compare(rank[a], rank[b]), cmp.Compare(a, b)) })
	return classes
}
