package openstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/placement/v1/allocations"
	"golang.org/x/sync/errgroup"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// Since 1.38 (Wallaby) Placement wants to know what a consumer is
// (placement/rest_api_version_history.rst). An older one answers 406.
const (
	placementTyped = "1.38"
	consumerType   = "INSTANCE"
)

const (
	// allocationTries bounds how often a request is made anew because
	// somebody changed the same records meanwhile.
	allocationTries = 10
	// concurrentUpdate is Placement's code for a generation that has gone by
	// (placement/errors.py, CONCURRENT_UPDATE).
	concurrentUpdate = "placement.concurrent_update"
)

// Allocations returns what the instances have of their compute nodes; one
// without any is absent. Of other providers, for instance a device below the
// node, in Others.
func (c *Cloud) Allocations(ctx context.Context, instances []string) (map[string]cloud.Allocation, error) {
	found := make(map[string]cloud.Allocation, len(instances))
	var mu sync.Mutex
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(atOnce)
	for _, instance := range instances {
		readers.Go(func() error {
			has, _, err := c.consumer(ctx, instance)
			if err != nil {
				return err
			}
			if a, ok := onNode(instance, has); ok {
				mu.Lock()
				found[instance] = a
				mu.Unlock()
			}
			return nil
		})
	}
	if err := readers.Wait(); err != nil {
		return nil, err
	}
	return found, nil
}

// onNode is the part of a consumer's allocations that is on a compute node:
// the provider of its vCPUs or memory.
func onNode(instance string, has allocations.Allocations) (cloud.Allocation, bool) {
	providers := slices.Sorted(maps.Keys(has.Allocations))
	if len(providers) == 0 {
		return cloud.Allocation{}, false
	}
	node := providers[0]
	for _, p := range providers {
		if r := has.Allocations[p].Resources; r["VCPU"] > 0 || r["PCPU"] > 0 || r["MEMORY_MB"] > 0 {
			node = p
			break
		}
	}
	a := cloud.Allocation{
		Instance: instance, Provider: node, ProjectID: deref(has.ProjectID), UserID: deref(has.UserID),
		Resources: has.Allocations[node].Resources,
	}
	if len(providers) > 1 {
		a.Others = map[string]map[string]int{}
	}
	for _, p := range providers {
		if p != node {
			a.Others[p] = has.Allocations[p].Resources
		}
	}
	return a, true
}

// Allocate replaces what the instance has by a. It is done anew while
// somebody else, nova-compute for instance, changes the provider or the
// consumer; cloud.ErrConflict when that does not end. cloud.ErrNoRoom says
// what is free, cloud.ErrNotFound that the provider is gone.
func (c *Cloud) Allocate(ctx context.Context, a cloud.Allocation) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.Multiplier, wait.MaxInterval = 100*time.Millisecond, 2, 2*time.Second
	return c.allocate(ctx, a, wait)
}

func (c *Cloud) allocate(ctx context.Context, a cloud.Allocation, wait backoff.BackOff) error {
	tries := 0
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		tries++
		last = c.allocateOnce(ctx, a)
		if last != nil && kindOf(last) != concurrentUpdate {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(allocationTries))
	switch {
	case err == nil:
		return nil
	case kindOf(last) != concurrentUpdate:
		err = c.allocationRefused(ctx, a, last)
	case ctx.Err() != nil: // interrupted between two tries
		err = fmt.Errorf("%w after %d tries: %w: %w", cloud.ErrConflict, tries, context.Cause(ctx), last)
	default:
		err = fmt.Errorf("%w, %d times in a row: %w", cloud.ErrConflict, tries, last)
	}
	return fmt.Errorf("allocate %s on provider %s for instance %s: %w", amounts(a.Resources), a.Provider, a.Instance, err)
}

// allocateOnce reads the consumer's generation and writes with it. A
// consumer that has it all already is left as it is, which is also how a
// request ends well whose first answer was lost.
func (c *Cloud) allocateOnce(ctx context.Context, a cloud.Allocation) error {
	has, version, err := c.consumer(ctx, a.Instance)
	if err != nil {
		return err
	}
	if isAllocated(has, a) {
		return nil
	}
	opts := allocations.UpdateOpts{
		Allocations:        map[string]allocations.ProviderAllocationsOpts{a.Provider: {Resources: a.Resources}},
		ProjectID:          a.ProjectID,
		UserID:             a.UserID,
		ConsumerGeneration: has.ConsumerGeneration, // null: there must be no such consumer
	}
	if version == placementTyped {
		opts.ConsumerType = consumerType
	}
	return c.ask(ctx, placement, "write the allocation", func(ctx context.Context) error {
		return allocations.Update(ctx, c.placementAt(version), a.Instance, opts).ExtractErr()
	})
}

func isAllocated(has allocations.Allocations, a cloud.Allocation) bool {
	on, ok := has.Allocations[a.Provider]
	return ok && len(has.Allocations) == 1 && maps.Equal(on.Resources, a.Resources) &&
		deref(has.ProjectID) == a.ProjectID && deref(has.UserID) == a.UserID
}

// consumer reads what an instance has, and says with which microversion, so
// that what is written goes by the same rules.
func (c *Cloud) consumer(ctx context.Context, instance string) (has allocations.Allocations, version string, err error) {
	for _, version = range []string{placementTyped, placementVersion} {
		has = allocations.Allocations{}
		err = c.ask(ctx, placement, "read the allocation of instance "+instance, func(ctx context.Context) error {
			read, err := allocations.Get(ctx, c.placementAt(version), instance).Extract()
			if err == nil && read.Allocations == nil {
				err = errors.New("the answer has no allocations, not even an empty list")
			}
			if err == nil {
				has = *read
			}
			return err
		})
		if !answered(err, http.StatusNotAcceptable) {
			break
		}
	}
	return has, version, err
}

// Deallocate removes all that the instance has. It is fine if it has nothing.
func (c *Cloud) Deallocate(ctx context.Context, instance string) error {
	err := c.ask(ctx, placement, "remove the allocation of instance "+instance, func(ctx context.Context) error {
		return allocations.Delete(ctx, c.placementAt(placementVersion), instance).ExtractErr()
	})
	if isAbsent(err) {
		return nil
	}
	return err
}

// placementAt is Placement's client with another microversion.
func (c *Cloud) placementAt(version string) *gophercloud.ServiceClient {
	client := *c.placement
	client.Microversion = version
	return &client
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
