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
	inventories, err := c.inventories(ctx, a.Provider)
	if err != nil {
		return "what is free could not be read: " + err.Error()
	}
	has, _, err := c.consumer(ctx, a.Instance)
	if err != nil {
		return "what the instance has already could not be read: " + err.Error()
	}
	if short := tooLittle(a.Resources, inventories, has.Allocations[a.Provider].Resources); len(short) > 0 {
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

// inventories reads what a provider has and what is used of it. gophercloud's
// own type keeps the ratio as float32, in which 0.9 of 10 is 8.
func (c *Cloud) inventories(ctx context.Context, provider string) (map[string]cloud.Inventory, error) {
	var has struct {
		Inventories map[string]struct {
			Total    int     `json:"total"`
			Reserved int     `json:"reserved"`
			MinUnit  int     `json:"min_unit"`
			MaxUnit  int     `json:"max_unit"`
			StepSize int     `json:"step_size"`
			Ratio    float64 `json:"allocation_ratio"`
		} `json:"inventories"`
	}
	var used struct {
		Usages map[string]int `json:"usages"`
	}
	if err := c.readProvider(ctx, provider, "inventories", &has); err != nil {
		return nil, err
	}
	if err := c.readProvider(ctx, provider, "usages", &used); err != nil {
		return nil, err
	}
	all := make(map[string]cloud.Inventory, len(has.Inventories))
	for class, in := range has.Inventories {
		all[class] = cloud.Inventory{
			Total: in.Total, Reserved: in.Reserved, Used: used.Usages[class],
			MinUnit: in.MinUnit, MaxUnit: in.MaxUnit, StepSize: in.StepSize, Ratio: in.Ratio,
		}
	}
	return all, nil
}

func (c *Cloud) readProvider(ctx context.Context, provider, what string, into any) error {
	return c.ask(ctx, placement, "read the "+what+" of provider "+provider, func(ctx context.Context) error {
		client := c.placementAt(placementVersion)
		_, err := client.Get(ctx, client.ServiceURL("resource_providers", provider, what), into, nil)
		return err
	})
}

// amounts writes resources as "DISK_GB=20, MEMORY_MB=512, VCPU=2".
func amounts(resources map[string]int) string {
	parts := make([]string, 0, len(resources))
	for _, class := range slices.Sorted(maps.Keys(resources)) {
		parts = append(parts, fmt.Sprintf("%s=%d", class, resources[class]))
	}
	return strings.Join(parts, ", ")
}
