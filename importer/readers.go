package importer

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// Readers are all that Preview and Verify are given: nothing here can write.
type Readers struct {
	Nova     Records
	Hosts    Lookers
	Snapshot *cloud.Snapshot               // nil when no ports are planned
	Cloud    Lookup                        // nil: on the databases alone
	Earlier  map[string]Adoption           // nil without a journal
	Reach    func(plan.Host) discover.Host // nil is ReachPlanned
	Note     func(string)                  // told once what is not looked at; nil for nobody
}

// A Lookup is what looking takes of the cloud's APIs. An API is one.
type Lookup interface {
	PortsOf(ctx context.Context, instances []string) ([]cloud.Port, error)
	Port(ctx context.Context, id string) (cloud.Port, error)
	Allocations(ctx context.Context, instances []string) (map[string]cloud.Allocation, error)
}

// Lookers read hosts. Libvirt is one.
type Lookers interface {
	Scan(ctx context.Context, hosts []discover.Host) discover.Source
	Look(ctx context.Context, h discover.Host) (View, error)
}

// A View looks at instance directories. instancedir.View is one.
type View interface {
	Check(ctx context.Context, w instancedir.Want) (warnings []string, err error)
	Compare(ctx context.Context, w instancedir.Want) (map[instancedir.Link]instancedir.Evidence, error)
	Close() error
}

// reachAll is how the group's hosts are reached, for the items too.
func (r Readers) reachAll(g group) []discover.Host {
	return g.reach(&Importer{Reach: r.Reach})
}

// lookTimeout bounds looking at the files of one group of hosts.
const lookTimeout = 5 * time.Minute

// look works on the items' files, several hosts at a time and several items of
// each: work is called from many goroutines, once for each item. What it
// returns are the hosts whose files could not be reached.
func look(ctx context.Context, hosts Lookers, items batch, work func(context.Context, View, *item)) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	errs := map[string]error{}
	var mu sync.Mutex
	group := errgroup.Group{}
	group.SetLimit(perHostParallel)
	for name, some := range items.byHost() {
		group.Go(func() error {
			err := lookAt(ctx, hosts, some, work)
			if err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs[name] = err
			}
			return nil
		})
	}
	_ = group.Wait() // Failures are in errs, and what work does with them.
	return errs
}

// lookAt is look for the items of one host.
func lookAt(ctx context.Context, hosts Lookers, items batch, work func(context.Context, View, *item)) error {
	view, err := hosts.Look(ctx, items[0].host)
	if err != nil {
		return err
	}
	defer view.Close()
	group := errgroup.Group{}
	group.SetLimit(perHostParallel)
	for _, it := range items {
		group.Go(func() error {
			work(ctx, view, it)
			return nil
		})
	}
	return group.Wait()
}

// checkFiles ends the items whose links could not be made, before anything of
// them is written.
func checkFiles(ctx context.Context, hosts Lookers, items batch) {
	errs := look(ctx, hosts, items.going(), func(ctx context.Context, v View, it *item) {
		texts, err := v.Check(ctx, it.wants())
		it.warnings = texts
		if err != nil {
			it.end(it.unchanged(), stepCheck, err)
		}
	})
	for _, it := range items.going() {
		if err := errs[it.host.Name]; err != nil {
			it.end(it.unchanged(), stepCheck, err)
		}
	}
}
