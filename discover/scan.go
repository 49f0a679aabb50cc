package discover

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"
)

// defaultInstancesPath is where nova-compute keeps its instances
// (nova/conf/compute.py, instances_path).
const defaultInstancesPath = "/var/lib/nova/instances"

func (o Options) withDefaults() Options {
	o.Parallel = max(cmp.Or(o.Parallel, 32), 1)
	o.HostTimeout = cmp.Or(o.HostTimeout, 2*time.Minute)
	o.CallTimeout = cmp.Or(o.CallTimeout, 15*time.Second)
	o.InstancesPath = cmp.Or(o.InstancesPath, defaultInstancesPath)
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Look == nil {
		o.Look = func(Domain) bool { return true }
	}
	return o
}

// Hosts are read by Scan; they make a Scanner.
type Hosts []Host

// Scan is the function Scan over h.
func (h Hosts) Scan(ctx context.Context, opt Options) Source { return Scan(ctx, h, opt) }

// Scan reads hosts, at most opt.Parallel of them at a time, and yields their
// inventories in the order of hosts. Nothing one host does or fails to do
// holds the reading of the others: it is listed with Inventory.Err, with what
// was read before it failed, and after Options.HostTimeout at the latest.
// When ctx ends, the hosts not yet read are yielded with its cause.
func Scan(ctx context.Context, hosts []Host, opt Options) Source {
	opt = opt.withDefaults()
	return func(yield func(Inventory) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var workers sync.WaitGroup
		defer workers.Wait() // no connection outlives the loop over the source
		defer cancel()

		found := make([]chan Inventory, len(hosts))
		next := make(chan int, len(hosts))
		for i := range hosts {
			found[i] = make(chan Inventory, 1)
			next <- i
		}
		close(next)
		for range min(opt.Parallel, len(hosts)) {
			workers.Go(func() {
				for i := range next {
					found[i] <- scanHost(ctx, hosts[i], opt)
				}
			})
		}
		for i := range found {
			if !yield(<-found[i]) {
				return
			}
		}
	}
}

// scanHost reads one host within opt.HostTimeout.
func scanHost(ctx context.Context, h Host, opt Options) (inv Inventory) {
	began := time.Now()
	opt.Progress(Progress{Host: h.Name})
	ctx, cancel := context.WithTimeoutCause(ctx, opt.HostTimeout, fmt.Errorf("host not read within %v", opt.HostTimeout))
	defer cancel()
	defer func() {
		inv.Took = time.Since(began)
		opt.Progress(Progress{Host: h.Name, Done: true, Domains: inv.Found(), Err: inv.Err})
	}()
	if ctx.Err() != nil {
		return failed(Inventory{Host: h}, context.Cause(ctx))
	}
	a, err := h.address()
	if err != nil {
		return failed(Inventory{Host: h}, err)
	}
	if a.transport == fromDir {
		inv = scanDir(ctx, h, opt)
		lookAtFiles(ctx, &inv, nil, opt)
		return inv
	}
	return scanDaemon(ctx, h, opt)
}

// failed sets the error of a host, with its name.
func failed(inv Inventory, err error) Inventory {
	inv.Err = fmt.Errorf("host %s: %w", inv.Host.Name, err)
	return inv
}
