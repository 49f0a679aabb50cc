// Package audit reads hosts and says what can be adopted. It holds readers
// only: nothing it is given can write, neither to a host nor to a database.
package audit

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/rebuild"
	"github.com/lightcloud/kvm2openstack/importer/usage"
	"github.com/lightcloud/kvm2openstack/nova"
)

// An Input is what an audit looks at.
type Input struct {
	Hosts    []discover.Host
	Source   discover.Source // the hosts as somebody has read them already; nil: Hosts are read
	Scan     discover.Options
	Settings check.Settings
	Keep     func(discover.Domain) bool // which domains are wanted; nil means all

	Nova     Records         // nil: an audit of the hosts alone
	Snapshot *cloud.Snapshot // nil: no ports known
	Identity Identity        // who the instances will belong to
	Sampling Sampling        // whether running domains are watched

	Planned plan.Settings  // what a plan would be made with
	Compute rebuild.Config // of the hosts' nova.conf; its release is that of Nova

	// Started, when set, is called as each host is read, and the inventory's
	// domains are still with it. It is for progress only.
	Started func(discover.Progress)
}

// Records is what an audit and a plan ask of Nova's databases. *nova.Cloud has
// it; what could write is not among it.
type Records interface {
	Release() nova.Release
	Computes(ctx context.Context) ([]nova.Compute, error)
	Flavors(ctx context.Context) ([]nova.Flavor, error)
	Presence(ctx context.Context, uuids []string) (map[string]nova.Presence, error)
	HostnamesInUse(ctx context.Context, names []string) (map[string][]string, error)
	QuotaLeft(ctx context.Context, projects []string) (map[string]nova.QuotaLeft, error)
	Rooms(ctx context.Context) (map[string]nova.Room, error)
}

// Identity is the owner that the configuration names for adopted instances.
type Identity struct {
	ProjectID string
	Problem   string // why project or user could not be resolved
}

// A Domain is one domain with what the rules say of it.
type Domain struct {
	discover.Domain
	check.Assessment
	Usage *usage.Usage `json:"usage,omitempty"` // nil unless it runs and the audit took a sample

	// Rebuild is what will not be as it was once Nova has made the domain's
	// definition anew, what is lost first; empty where Nova has it already.
	Rebuild []rebuild.Difference `json:"rebuild,omitempty"`
}

// A Report is the outcome of an audit. Every domain that was found is either
// one of Domains or of Unreadable, or was left out by the operator's own
// filter and counted in Filtered.
type Report struct {
	At         time.Time // when the hosts had been read
	Hosts      []Host
	Unreadable []discover.Unreadable
	Filtered   int
	Release    nova.Release // zero without databases
	Computes   []nova.Compute
	SampledFor time.Duration // how long running domains were watched, 0 when not

	domains  [][]discover.Domain // by host: as they were read, never copied
	sample   sample
	leftOut  map[string]bool // UUIDs of those that were filtered
	verdicts map[check.Verdict]int
	judge    judge
}

// Domains judges the domains one after the other, in the order of the hosts.
// What the rules say is made anew on every pass and not kept, for it takes
// more memory than the domains themselves; the same report says the same.
func (r Report) Domains() iter.Seq[Domain] {
	return func(yield func(Domain) bool) {
		j := r.judge.fresh()
		for d := range r.all() {
			out := j.domain(d)
			out.Usage = r.sample.of(d)
			if !yield(out) {
				return
			}
		}
	}
}

// all goes through the domains without judging them.
func (r Report) all() iter.Seq[discover.Domain] {
	return func(yield func(discover.Domain) bool) {
		for _, host := range r.domains {
			for _, d := range host {
				if !yield(d) {
					return
				}
			}
		}
	}
}

// A Host is an inventory without its domains.
type Host struct {
	discover.Inventory
	Compute  *nova.Compute // nil when Nova does not know it, or was not asked
	Capacity *Capacity     // nil when Nova does not know it, or it cannot take instances
	Found    int
}

// Totals add up: Found = Ready + Attention + Blocked + Managed + Unreadable + Filtered.
type Totals struct {
	Hosts       int `json:"hosts"`        // that were to be read
	HostsFailed int `json:"hosts_failed"` // of them that could not be read, or not whole
	Found       int `json:"found"`        // domains that the hosts listed
	Ready       int `json:"ready"`        // can be adopted
	Attention   int `json:"attention"`    // can be adopted, but somebody should read why first
	Blocked     int `json:"blocked"`      // cannot be adopted as they are
	Managed     int `json:"managed"`      // Nova has them already
	Unreadable  int `json:"unreadable"`   // nobody could read their definition
	Filtered    int `json:"filtered"`     // left out by the operator's own filters
}

// Sum is what the verdicts add up to.
func (t Totals) Sum() int {
	return t.Ready + t.Attention + t.Blocked + t.Managed + t.Unreadable + t.Filtered
}

// Totals counts the report. Found is counted by host, from what libvirt
// listed, and not from the verdicts, so that the two can be compared.
func (r Report) Totals() Totals {
	t := Totals{Hosts: len(r.Hosts), Unreadable: len(r.Unreadable), Filtered: r.Filtered}
	for _, h := range r.Hosts {
		t.Found += h.Found
		if h.Err != nil {
			t.HostsFailed++
		}
	}
	t.Ready = r.verdicts[check.VerdictReady]
	t.Attention = r.verdicts[check.VerdictAttention]
	t.Blocked = r.verdicts[check.VerdictBlocked]
	t.Managed = r.verdicts[check.VerdictManaged]
	return t
}

// Run reads all hosts, then applies the rules: whether a UUID or a MAC occurs
// twice is only known when everything was seen.
func Run(ctx context.Context, in Input) (Report, error) {
	r := Report{leftOut: map[string]bool{}}
	fleet := check.NewFleet()
	opt := in.Scan
	opt.Progress = in.Started
	source := in.Source
	if source == nil {
		source = discover.Scan(ctx, in.Hosts, opt)
	}
	for inv := range source {
		r.add(inv, in.Keep, fleet)
	}
	if err := ctx.Err(); err != nil {
		return r, fmt.Errorf("read hosts: %w", err)
	}
	r.At = time.Now().UTC().Truncate(time.Second)
	if err := r.watch(ctx, in); err != nil {
		return r, err
	}
	known, err := askNova(ctx, in, &r)
	if err != nil {
		return r, err
	}
	r.judge = newJudge(in, fleet, known, r.Hosts)
	r.count()
	return r, nil
}

// count goes once through all domains for the totals.
func (r *Report) count() {
	r.verdicts = map[check.Verdict]int{}
	j := r.judge.fresh()
	for d := range r.all() {
		r.verdicts[j.assess(d).Verdict]++
	}
}

// add takes over what one host has.
func (r *Report) add(inv discover.Inventory, keep func(discover.Domain) bool, fleet *check.Fleet) {
	h := Host{Inventory: inv, Found: inv.Found()}
	h.Domains, h.Unreadable = nil, nil
	r.Hosts = append(r.Hosts, h)
	r.Unreadable = append(r.Unreadable, inv.Unreadable...)
	kept := inv.Domains[:0] // Whoever gives a Source keeps none of it.
	for _, d := range inv.Domains {
		// The filter decides what is reported; a neighbour that was left out
		// still counts when two domains share a MAC address.
		fleet.Add(d)
		if keep != nil && !keep(d) {
			r.Filtered++
			r.leftOut[d.UUID] = true
			continue
		}
		kept = append(kept, d)
	}
	r.domains = append(r.domains, kept)
}
