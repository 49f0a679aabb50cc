package importer

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

// batchSize is how many instances one transaction of Nova's databases takes.
const batchSize = 50

// A batch is at most batchSize domains of one cell.
type batch []*item

func (b batch) uuids() []string {
	uuids := make([]string, len(b))
	for i, it := range b {
		uuids[i] = it.uuid()
	}
	return uuids
}

// going are the items still on their way.
func (b batch) going() (rest batch) {
	for _, it := range b {
		if it.outcome == "" {
			rest = append(rest, it)
		}
	}
	return rest
}

// unfinished are the items still on their way that Nova does not own yet.
func (b batch) unfinished() (rest batch) {
	for _, it := range b.going() {
		if it.stage != nova.Finished {
			rest = append(rest, it)
		}
	}
	return rest
}

// without leaves out what is done.
func (b batch) without(done map[string]bool) (rest batch) {
	for _, it := range b {
		if !done[it.uuid()] {
			rest = append(rest, it)
		}
	}
	return rest
}

func (b batch) instances() []nova.Instance {
	in := make([]nova.Instance, len(b))
	for i, it := range b {
		in[i] = it.instance
	}
	return in
}

// byHost groups a batch by the host of its domains.
func (b batch) byHost() map[string]batch {
	groups := map[string]batch{}
	for _, it := range b {
		groups[it.host.Name] = append(groups[it.host.Name], it)
	}
	return groups
}

// hosts are those of the batch's domains, each once.
func (b batch) hosts() []discover.Host {
	var hosts []discover.Host
	seen := map[string]bool{}
	for _, it := range b {
		if !seen[it.host.Name] {
			seen[it.host.Name] = true
			hosts = append(hosts, it.host)
		}
	}
	return hosts
}

// each works on the items of a batch, several at a time, and gathers what
// failed: a perDomain, or nil.
func (b batch) each(ctx context.Context, work func(context.Context, *item) error) error {
	failed := perDomain{}
	var mu sync.Mutex
	group := errgroup.Group{}
	group.SetLimit(perHostParallel)
	for _, it := range b {
		group.Go(func() error {
			if err := work(ctx, it); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed[it.uuid()] = err
			}
			return nil
		})
	}
	_ = group.Wait() // Every failure is in failed.
	return failed.orNil()
}

// set is done for all items of a batch.
func (b batch) set() map[string]bool {
	m := make(map[string]bool, len(b))
	for _, it := range b {
		m[it.uuid()] = true
	}
	return m
}

func (b batch) wantingPorts() (some batch) {
	for _, it := range b {
		if it.wantsPorts() {
			some = append(some, it)
		}
	}
	return some
}

// withSide are the items whose ports and allocation are made through the APIs.
func (b batch) withSide() (some batch) {
	for _, it := range b {
		if it.side.made {
			some = append(some, it)
		}
	}
	return some
}

// inCloud are the items of a batch whose ports and allocation are for a step
// to make or to take back. What is final has them, or Nova has moved them.
func (b batch) inCloud() (some batch) {
	for _, it := range b {
		if it.side.made && it.stage != nova.Finished {
			some = append(some, it)
		}
	}
	return some
}

// all is the same failure for every item.
func (b batch) all(err error) perDomain {
	failed := make(perDomain, len(b))
	for _, it := range b {
		failed[it.uuid()] = err
	}
	return failed
}
