package openstack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/services"
	"golang.org/x/sync/errgroup"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// HostProviders are Placement's root providers of these names, with their
// inventories, in the order of the names. A name may have none.
func (c *Cloud) HostProviders(ctx context.Context, names ...string) ([]cloud.Provider, error) {
	r := &reading{Cloud: c}
	found := make([][]cloud.Provider, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for n, name := range names {
		group.Go(func() (err error) {
			found[n], err = r.providersOf(ctx, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return append([]cloud.Provider{}, slices.Concat(found...)...), nil // never nil: somebody was asked
}

// providersOf are at most one; a name is there once.
func (r *reading) providersOf(ctx context.Context, name string) (found []cloud.Provider, err error) {
	var all struct {
		List []struct {
			UUID, Name string
			Generation int
		} `json:"resource_providers"`
	}
	ctx = withBudget(ctx, r.timeout)
	if _, err := r.placement.Get(ctx, r.placement.ServiceURL("resource_providers")+"?"+url.Values{"name": {name}}.Encode(), &all, nil); err != nil {
		return nil, r.wrap(placement, "find the resource provider "+name, err)
	}
	for _, one := range all.List {
		p := cloud.Provider{UUID: one.UUID, Name: one.Name, Generation: one.Generation}
		if err := r.inventories(ctx, &p); err != nil {
			return nil, err
		}
		if p.Inventories != nil { // else it was deleted meanwhile
			found = append(found, p)
		}
	}
	return found, nil
}

// DisableService keeps the scheduler from a host. A service that is disabled
// already gets the reason. cloud.ErrNotFound when there is no such service.
func (c *Cloud) DisableService(ctx context.Context, uuid, reason string) error {
	err := c.ask(ctx, nova, "disable compute service "+uuid, func(ctx context.Context) error {
		return services.Update(ctx, c.compute, uuid, services.UpdateOpts{Status: services.ServiceDisabled, DisabledReason: reason}).Err
	})
	if err != nil {
		return fmt.Errorf("disable compute service %s: %w", uuid, orNotFound(err))
	}
	return nil
}

// EnableService gives a host to the scheduler again. cloud.ErrNotFound when there
// is no such service.
func (c *Cloud) EnableService(ctx context.Context, uuid string) error {
	err := c.ask(ctx, nova, "enable compute service "+uuid, func(ctx context.Context) error {
		return services.Update(ctx, c.compute, uuid, services.UpdateOpts{Status: services.ServiceEnabled}).Err
	})
	if err != nil {
		return fmt.Errorf("enable compute service %s: %w", uuid, orNotFound(err))
	}
	return nil
}

// DeleteService has Nova forget a host: its service, nodes, mapping and
// providers. Nova refuses while it has instances there, and does not notice
// that a nova-compute still runs, which would make all of it anew. One that is
// gone is fine.
func (c *Cloud) DeleteService(ctx context.Context, uuid string) error {
	err := c.ask(ctx, nova, "delete compute service "+uuid, func(ctx context.Context) error {
		return services.Delete(ctx, c.compute, uuid).ExtractErr()
	})
	if err == nil || answered(err, http.StatusNotFound) {
		return nil
	}
	if answered(err, http.StatusConflict) {
		return fmt.Errorf("delete compute service %s: %w: %w", uuid, cloud.ErrHosting, err)
	}
	return fmt.Errorf("delete compute service %s: %w", uuid, err)
}
