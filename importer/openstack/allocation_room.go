package openstack

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// unknownProvider is how Placement says that a provider does not exist
// (placement/handlers/allocation.py, _resource_providers_by_uuid). It answers
// 400, not 404.
const unknownProvider = "that does not exist"

// allocationRefused says what an operator needs to know of a refusal.
func (c *Cloud) allocationRefused(ctx context.Context, a cloud.Allocation, err error) error {
	switch {
	case answered(err, http.StatusConflict):
		return fmt.Errorf("%w: %s (%w)", cloud.ErrNoRoom, c.shortages(ctx, a), err)
	case answered(err, http.StatusBadRequest) && strings.Contains(err.Error(), unknownProvider):
		return fmt.Errorf("the resource provider: %w: look whether nova-compute of this node still runs (%w)", cloud.ErrNotFound, err)
	}
	return err
}

// shortages says of which classes the provider has too little. What cannot be
// read does not hide the refusal itself.
func (c *Cloud) shortages(ctx context.Context, a cloud.Allocation) string {
	provider := cloud.Provider{UUID: a.Provider, Name: a.Provider}
	if err := (&reading{Cloud: c}).inventories(ctx, &provider); err != nil {
		return "what is free could not be read: " + err.Error()
	}
	has, _, err := c.consumer(ctx, a.Instance)
	if err != nil {
		return "what the instance has already could not be read: " + err.Error()
	}
	if short := tooLittle(a.Resources, provider.Inventories, has.Allocations[a.Provider].Resources); len(short) > 0 {
		return strings.Join(short, "; ")
	}
	return "by now it would fit, try again"
}

// tooLittle goes by Placement's own rules (placement/objects/allocation.py,
// _check_capacity_exceeded). own is what the instance gives back.
func tooLittle(want map[string]int, has map[string]cloud.Inventory, own map[string]int) (short []string) {
	for _, class := range slices.Sorted(maps.Keys(want)) {
		n := want[class]
		in, ok := has[class]
		in.Used -= own[class]
		switch {
		case !ok:
			short = append(short, fmt.Sprintf("%s: %d wanted, the provider has none at all", class, n))
		case n < in.MinUnit || n > in.MaxUnit:
			short = append(short, fmt.Sprintf("%s: %d wanted, one instance may have %d to %d (min_unit, max_unit)", class, n, in.MinUnit, in.MaxUnit))
		case in.StepSize > 1 && n%in.StepSize != 0:
			short = append(short, fmt.Sprintf("%s: %d wanted, not a multiple of %d (step_size)", class, n, in.StepSize))
		case n > in.Room():
			short = append(short, fmt.Sprintf("%s: %d wanted, %d free ((%d total - %d reserved) x %g - %d used)",
				class, n, in.Room(), in.Total, in.Reserved, in.Ratio, in.Used))
		}
	}
	return short
}

// amounts writes resources as "DISK_GB=20, MEMORY_MB=512, VCPU=2".
func amounts(resources map[string]int) string {
	parts := make([]string, 0, len(resources))
	for _, class := range slices.Sorted(maps.Keys(resources)) {
		parts = append(parts, fmt.Sprintf("%s=%d", class, resources[class]))
	}
	return strings.Join(parts, ", ")
}
