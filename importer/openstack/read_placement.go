package openstack

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// atOnce bounds the calls that are made to one service at a time.
const atOnce = 8

// readPlacement reads the root providers, which compute nodes are, in the
// order of their names. What is nested below them (GPUs, bandwidth) no
// adoption takes of.
func (r *reading) readPlacement(ctx context.Context) error {
	var all struct {
		List []struct {
			UUID, Name string
			Generation int
			Parent     string `json:"parent_provider_uuid"`
		} `json:"resource_providers"`
	}
	if err := r.getJSON(ctx, "list resource providers", &all, "resource_providers"); err != nil {
		return err
	}
	found := []cloud.Provider{}
	for _, p := range all.List {
		if p.Parent == "" {
			found = append(found, cloud.Provider{UUID: p.UUID, Name: p.Name, Generation: p.Generation})
		}
	}
	slices.SortFunc(found, func(a, b cloud.Provider) int { return cmp.Compare(a.Name, b.Name) })
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for n := range found {
		group.Go(func() error { return r.inventories(ctx, &found[n]) })
	}
	err := group.Wait()
	// One that was deleted meanwhile has kept no inventories.
	r.providers = slices.DeleteFunc(found, func(p cloud.Provider) bool { return p.Inventories == nil })
	return err
}

// inventories fills in what a provider has and what of it is used.
func (r *reading) inventories(ctx context.Context, p *cloud.Provider) error {
	var has struct {
		Generation  int `json:"resource_provider_generation"`
		Inventories map[string]struct {
			Total    int
			Reserved int
			MinUnit  int     `json:"min_unit"`
			MaxUnit  int     `json:"max_unit"`
			StepSize int     `json:"step_size"`
			Ratio    float64 `json:"allocation_ratio"`
		}
	}
	var used struct{ Usages map[string]int }
	err := r.getJSON(ctx, "read the inventories of "+p.Name, &has, "resource_providers", url.PathEscape(p.UUID), "inventories")
	if err == nil {
		err = r.getJSON(ctx, "read the usages of "+p.Name, &used, "resource_providers", url.PathEscape(p.UUID), "usages")
	}
	switch {
	case isAbsent(err):
		return nil
	case err != nil:
		return err
	}
	p.Generation, p.Inventories = has.Generation, map[string]cloud.Inventory{}
	for class, i := range has.Inventories {
		p.Inventories[class] = cloud.Inventory{
			Total: i.Total, Reserved: i.Reserved, Used: used.Usages[class],
			MinUnit: i.MinUnit, MaxUnit: i.MaxUnit, StepSize: i.StepSize, Ratio: i.Ratio,
		}
	}
	return nil
}

// getJSON reads one of Placement's answers.
func (r *reading) getJSON(ctx context.Context, act string, into any, path ...string) error {
	_, err := r.placement.Get(ctx, r.placement.ServiceURL(path...), into, nil)
	return r.wrap(placement, act, err)
}
