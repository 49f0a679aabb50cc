package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// scanHosts is how many hosts are read at a time. It bounds memory as well:
// the definitions of their domains are held until the journal has them.
const scanHosts = 32

// chosen are the domains of a plan that a command is about, in the plan's order.
func chosen(p plan.Plan, only plan.Filter) []plan.Domain {
	var domains []plan.Domain
	for _, d := range p.Domains {
		if d.Decision == plan.Import && only.Match(d) {
			domains = append(domains, d)
		}
	}
	return domains
}

// A group is some hosts with the domains that are wanted of them: enough to
// fill a batch, and not more, so that what was read is young when it is used.
type group struct {
	hosts []plan.Host
	items batch
}

// groups orders the chosen domains by host. A domain whose host the plan does
// not have cannot come here: such a plan does not load.
func groups(p plan.Plan, domains []plan.Domain) []group {
	wanted := map[string][]plan.Domain{}
	for _, d := range domains {
		wanted[d.Host] = append(wanted[d.Host], d)
	}
	var all []group
	var g group
	for _, h := range p.Hosts {
		if len(wanted[h.Name]) == 0 {
			continue
		}
		g.hosts = append(g.hosts, h)
		for _, d := range wanted[h.Name] {
			g.items = append(g.items, &item{planned: d, place: h, want: wantOf(d, p.Made.InstancesPath)})
		}
		if len(g.items) >= batchSize || len(g.hosts) == scanHosts {
			all, g = append(all, g), group{}
		}
	}
	if len(g.items) > 0 {
		all = append(all, g)
	}
	return all
}

// known is what Nova offers, read once for a run.
type known struct {
	computes map[string]nova.Compute
	flavors  map[string]nova.Flavor
}

func readKnown(ctx context.Context, c catalog) (known, error) {
	k := known{computes: map[string]nova.Compute{}, flavors: map[string]nova.Flavor{}}
	computes, err := c.Computes(ctx)
	if err != nil {
		return k, fmt.Errorf("read compute hosts: %w", err)
	}
	for _, one := range computes {
		k.computes[one.Host] = one
	}
	flavors, err := c.Flavors(ctx)
	if err != nil {
		return k, fmt.Errorf("read flavors: %w", err)
	}
	for _, f := range flavors {
		k.flavors[f.Name] = f
	}
	return k, nil
}

// seenWithin is how long a flavor that Nova's API has just made may take to be
// seen: on a Galera cluster the database that we read may be another node.
const seenWithin = 10 * time.Second

// knownWith is readKnown when all flavors that this run made can be seen.
func (i *Importer) knownWith(ctx context.Context, s shares) (known, error) {
	for deadline := time.Now().Add(seenWithin); ; {
		k, err := readKnown(ctx, i.Nova)
		unseen := false
		for key := range s.made {
			_, there := k.flavors[key.name]
			unseen = unseen || key.kind == journal.KindFlavor && !there
		}
		if err != nil || !unseen || time.Now().After(deadline) || ctx.Err() != nil {
			return k, err
		}
		time.Sleep(time.Second)
	}
}

// scanner reads hosts anew.
type scanner interface {
	Scan(ctx context.Context, hosts []discover.Host) discover.Source
}

// readHosts reads the group's hosts anew. What it finds is by domain UUID;
// a host that could not be read has an error by its name.
func readHosts(ctx context.Context, hosts scanner, reach []discover.Host) (found map[string]discover.Domain, errs map[string]error) {
	found, errs = map[string]discover.Domain{}, map[string]error{}
	left := map[string]bool{}
	for _, h := range reach {
		left[h.Name] = true
	}
	for inv := range hosts.Scan(ctx, reach) {
		delete(left, inv.Host.Name)
		if inv.Err != nil {
			errs[inv.Host.Name] = fmt.Errorf("%w: %w", ErrHostUnread, inv.Err)
		}
		for _, d := range inv.Domains {
			found[inv.Host.Name+"\x00"+d.UUID] = d
		}
		for _, u := range inv.Unreadable {
			if u.UUID != "" {
				errs[inv.Host.Name+"\x00"+u.UUID] = fmt.Errorf("%w: its definition: %w", ErrHostUnread, u.Err)
			}
		}
	}
	for name := range left { // The scan was cut short.
		errs[name] = errors.Join(ErrHostUnread, context.Cause(ctx))
	}
	return found, errs
}

// batches cuts the items that are still on their way into batches of one cell.
func batches(items batch) []batch {
	var cells []string
	byCell := map[string]batch{}
	for _, it := range items.going() {
		cell := it.compute.Cell
		if byCell[cell] == nil {
			cells = append(cells, cell)
		}
		byCell[cell] = append(byCell[cell], it)
	}
	var all []batch
	for _, cell := range cells {
		all = slices.AppendSeq(all, slices.Chunk(byCell[cell], batchSize))
	}
	return all
}
