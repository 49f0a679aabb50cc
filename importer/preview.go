package importer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A Previewed domain is what an import would make of it now.
type Previewed struct {
	Plan   plan.Domain
	Result Result // Imported: it would be; with warnings, and the reason otherwise

	Rows   nova.RowSet      // in the order in which they would be inserted; none where they are there already
	Dir    instancedir.Want // the directory with its links
	Final  nova.Final       // as the domain is now
	Locked bool             // it would stay locked

	// What would be made through the cloud's APIs; nothing of it without them.
	Flavor     *cloud.NewFlavor // nil when it is there
	Image      bool             // the placeholder image of its project, which is not there
	Ports      []cloud.NewPort  // to be made
	Bound      []cloud.Port     // there already, to be bound to its host
	Allocation *cloud.Allocation
}

// Preview shows what Import would do, one domain after the other in the order
// of the import. It checks the same and changes nothing. An error of show ends it.
func Preview(ctx context.Context, p plan.Plan, r Readers, show func(Previewed) error) (Summary, error) {
	known, err := readKnown(ctx, r.Nova)
	if err != nil {
		return Summary{}, fmt.Errorf("preview: %w", err)
	}
	now := time.Now()
	world := plan.World{Cloud: r.Snapshot, RequestID: "req-00000000-0000-4000-8000-000000000000", Now: now}
	check := checker{nova: r.Nova, known: known, world: world, earlier: r.Earlier, cloud: r.Cloud, preview: true}
	domains := chosen(p, plan.Filter{})
	t := (&Importer{}).tally(domains)
	for _, g := range groups(p, domains) {
		found, unread := readHosts(ctx, r.Hosts, r.reachAll(g))
		if err := ctx.Err(); err != nil {
			return t.finish(), fmt.Errorf("preview: %w", err)
		}
		if err := check.check(ctx, g.items, found, unread); err != nil {
			return t.finish(), fmt.Errorf("preview: %w", err)
		}
		checkFiles(ctx, r.Hosts, g.items.unfinished())
		for _, it := range g.items {
			v := it.preview(now, found[it.host.Name+"\x00"+it.uuid()].State)
			check.previewCloud(it, &v)
			if err := show(v); err != nil {
				return t.finish(), fmt.Errorf("preview: %w", err)
			}
		}
		t.note(g.items)
	}
	return t.finish(), nil
}

// previewCloud adds what would be made through the cloud's APIs.
func (c checker) previewCloud(it *item, v *Previewed) {
	if c.cloud == nil || it.outcome != Imported || it.stage == nova.Finished {
		return
	}
	d := it.planned
	if _, there := c.known.flavors[d.Flavor.Name]; !there {
		f := plan.NewFlavor(d)
		v.Flavor = &f
	}
	v.Image = d.Placeholder && !slices.ContainsFunc(c.world.Cloud.Images, func(i cloud.Image) bool {
		return i.Name == cloud.PlaceholderName && i.Owner == d.ProjectID
	})
	for _, nic := range d.NICs {
		if p, has := portFor(nic, it.side.ports); has {
			v.Bound = append(v.Bound, p)
		} else if p, err := plan.NewPort(d, nic, c.world.Cloud); nic.CreatePort && err == nil { // The check has seen errors.
			v.Ports = append(v.Ports, p)
		}
	}
	a := it.allocation()
	v.Allocation = &a
}

// preview is what would be done for the item, which ends with it.
func (it *item) preview(now time.Time, s discover.State) Previewed {
	v := Previewed{Plan: it.planned, Dir: it.wants(), Locked: it.planned.Lock != plan.None}
	if it.outcome == "" && it.stage == nova.Unwritten {
		rows, err := nova.Rows(it.instance, now)
		if err != nil {
			it.end(Refused, stepRecords, err)
		}
		v.Rows = rows
	}
	if it.outcome == "" && it.stage != nova.Finished {
		vm, power, err := finalState(s)
		if err != nil {
			it.end(it.unchanged(), stepFinal, err)
		}
		v.Final = nova.Final{UUID: it.uuid(), Host: it.compute, VMState: vm, PowerState: power, Unlock: !v.Locked}
	}
	it.end(Imported, "", nil)
	v.Result = it.result()
	return v
}
