package openstack

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// Snapshot reads what planning needs of the whole cloud: projects, users,
// networks with their subnets and with whom they are shared, ports, images
// (hidden ones too), security groups, and Placement's root providers with
// their inventories and usages. Quotas are read apart, for the projects of
// the plan.
//
// The services are asked at the same time, and each its lists one after
// another. If one cannot be read, the error names it and the list; with
// several, all of them. Only users may stay away in part (Snapshot.Partial),
// with a warning in the log: directories behind Keystone often do not list
// them, and a plan can name users by id.
func (c *Cloud) Snapshot(ctx context.Context) (*cloud.Snapshot, error) {
	r := &reading{Cloud: c, lists: cloud.Lists{Live: true}}
	services := []func(context.Context) error{r.readIdentity, r.readNetwork, r.readImages, r.readPlacement}
	failed := make([]error, len(services))
	var wg sync.WaitGroup
	for n, read := range services {
		wg.Go(func() { failed[n] = read(ctx) })
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	s, err := r.lists.Snapshot()
	if err != nil {
		return nil, &Error{Cloud: c.name, Service: "its answers", Act: "make sense of them", Err: err}
	}
	s.Providers, s.Partial = r.providers, r.partial
	return s, nil
}

// A reading is a Snapshot in the making.
type reading struct {
	*Cloud
	mu        sync.Mutex // of lists
	lists     cloud.Lists
	partial   []string         // readIdentity's
	providers []cloud.Provider // readPlacement's
}

// add takes a page of a list.
func (r *reading) add(list string, page []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lists.Add(list, page)
}

// partly notes that a list is not whole.
func (r *reading) partly(list, why string) {
	r.log.Warn("the list is not whole; what is missing in it can be named by its id only", "list", list, "reason", why)
	if !slices.Contains(r.partial, list) {
		r.partial = append(r.partial, list)
	}
}

// words turns the name of a list into text: "rbac_policies", "rbac policies".
func words(list string) string { return strings.ReplaceAll(list, "_", " ") }
