package plan

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A Candidate is a domain with what the rules say of it.
type Candidate struct {
	discover.Domain
	check.Assessment
}

// An Input is all that a plan is made from. Flavors and Computes are nil when
// planned without databases, Cloud when nothing is known of the cloud: names
// of projects, users, networks and images cannot be resolved then.
type Input struct {
	Made       Made
	Hosts      []discover.Inventory // their domains are not looked at
	Domains    []Candidate          // all that were found, whatever their verdict
	Unreadable []discover.Unreadable
	Settings   Settings

	Release  nova.Release
	Flavors  []nova.Flavor
	Computes []nova.Compute
	Cloud    *cloud.Snapshot // with the Quotas of Projects, when it was read from the APIs

	// Allocations are what the domains have in Placement already, by UUID: those
	// that an earlier run has begun. Nil means that nobody asked, and what was
	// begun counts as allocated.
	Allocations map[string]cloud.Allocation
}

// Build decides what is to happen to every domain. It looks at nothing but
// its argument, and the same input gives the same plan. An error says that the
// input itself is wrong; what keeps one domain from being imported is a
// finding of that domain.
func Build(in Input) (Plan, error) {
	if err := in.Settings.Check(); err != nil {
		return Plan{}, fmt.Errorf("plan: %w", err)
	}
	b := builder{
		Input: in, computes: map[string]*nova.Compute{}, flavors: newFlavors(in.Flavors), order: map[string]int{},
		ports: indexPorts(in.Cloud), claimed: map[string]string{},
	}
	p := Plan{Schema: Schema, Made: in.Made, Unreadable: unreadable(in)}
	p.Made.Cloud = b.live()
	for n, inv := range in.Hosts {
		p.Hosts = append(p.Hosts, b.host(inv))
		b.order[inv.Host.Name] = n
	}
	for _, c := range b.sorted() {
		if _, ok := b.order[c.Host]; !ok {
			return Plan{}, fmt.Errorf("plan: domain %q is on host %q, which is not among the hosts", c.Name, c.Host)
		}
		d := b.domain(c)
		if d.Decision == Import {
			b.claim(d)
		}
		p.Domains = append(p.Domains, d)
	}
	b.fitIn(&p)
	return p, nil
}

// A builder is an Input with what is looked up again and again.
type builder struct {
	Input
	computes map[string]*nova.Compute // by the host's name in the plan
	flavors  *flavors
	order    map[string]int // of the hosts
	ports    portIndex
	claimed  map[string]string // by key: MAC and IP addresses that an earlier domain's new ports have -> "host/name"
}

// sorted returns the domains by host and then by name: libvirt's own order
// changes from one call to the next, and plans are compared line by line.
func (b *builder) sorted() []Candidate {
	domains := slices.Clone(b.Domains)
	slices.SortStableFunc(domains, func(x, y Candidate) int {
		return cmp.Or(cmp.Compare(b.order[x.Host], b.order[y.Host]), cmp.Compare(x.Name, y.Name), cmp.Compare(x.UUID, y.UUID))
	})
	return domains
}

func (b *builder) host(inv discover.Inventory) Host {
	h := Host{
		Name: inv.Host.Name, URI: withoutPassword(inv.Host.URI), Files: withoutPassword(inv.Host.Files), Insecure: inv.Host.Insecure,
		ComputeHost: cmp.Or(inv.Host.ComputeHost, inv.Hostname),
	}
	for n := range b.Computes {
		if c := &b.Computes[n]; c.Host == h.ComputeHost {
			h.Node, h.Cell = c.Node, cmp.Or(c.CellName, c.Cell)
			b.computes[h.Name] = c
		}
	}
	return h
}

// withoutPassword keeps secrets out of the plan, which is mailed and kept.
func withoutPassword(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.User == nil {
		return uri
	}
	if _, has := u.User.Password(); !has {
		return uri
	}
	u.User = url.User(u.User.Username())
	return u.String()
}

// unreadable are the hosts and the domains that could not be read.
func unreadable(in Input) []Unreadable {
	var out []Unreadable
	for _, inv := range in.Hosts {
		if inv.Err != nil {
			out = append(out, Unreadable{Host: inv.Host.Name, Error: inv.Err.Error()})
		}
	}
	for _, u := range in.Unreadable {
		out = append(out, Unreadable{Host: u.Host, Domain: u.Name, UUID: u.UUID, Error: fmt.Sprint(u.Err)})
	}
	return out
}
