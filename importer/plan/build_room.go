package plan

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// A room is what one compute node still has by Placement's count, while the
// domains of a plan are given their part of it one after the other.
type room struct {
	cloud.Provider
	host    string         // as the plan calls it
	taken   map[string]int // by the domains that fit
	wanted  map[string]int // by all of them
	planned int            // how many want a part
	fit     int
}

// A need is what a domain would take of something, where that is not there.
type need struct {
	what       string // resource class, or what a quota is of
	needs      int
	left, most int
	why        string // "" when it is too little, else the rule that is broken
}

func (n need) String() string {
	if n.why != "" {
		return fmt.Sprintf("%d %s %s", n.needs, n.what, n.why)
	}
	return fmt.Sprintf("%s needs %d, %d of %d left", n.what, n.needs, n.left, n.most)
}

// capacity is how much may be allocated at all (placement/objects/allocation.py,
// _check_capacity_exceeded).
func capacity(i cloud.Inventory) int { return int(float64(i.Total-i.Reserved) * i.Ratio) }

// missing is what of an instance does not fit, in the order of the classes. all
// is what it takes, more what that adds to what is counted as used already.
func (r *room) missing(all, more map[string]int) []need {
	var short []need
	for _, class := range slices.Sorted(maps.Keys(all)) {
		if more[class] <= 0 {
			continue
		}
		n := need{what: class, needs: all[class]}
		i, has := r.Inventories[class]
		n.most = capacity(i)
		n.left = max(n.most-i.Used-r.taken[class], 0)
		switch {
		case !has:
			n.why = "of which the host has none"
		case i.MaxUnit > 0 && n.needs > i.MaxUnit:
			n.why = fmt.Sprintf("is more than the max_unit of one instance, %d, at any ratio", i.MaxUnit)
		case n.needs < i.MinUnit:
			n.why = fmt.Sprintf("is less than the min_unit of one instance, %d", i.MinUnit)
		case i.StepSize > 1 && n.needs%i.StepSize != 0:
			n.why = fmt.Sprintf("is no multiple of the step_size, %d", i.StepSize)
		case more[class] <= n.left:
			continue
		}
		short = append(short, n)
	}
	return short
}

// blocked says that a domain does not fit, how many do, and what to do.
func (r *room) blocked(short []need) Finding {
	return Finding{
		Code: blockedRoom.code, Severity: blockedRoom.severity, Action: r.advice(short),
		Text: fmt.Sprintf("%s has no room for it by Placement's count: %s. Of the %d domains planned for the host %d fit.", r.host, join3(short), r.planned, r.fit),
	}
}

// knobs are the settings of nova.conf behind an inventory.
var knobs = map[string]struct{ ratio, reserved string }{
	classVCPU:   {"cpu_allocation_ratio", "reserved_host_cpus"},
	classMemory: {"ram_allocation_ratio", "reserved_host_memory_mb"},
	classDisk:   {"disk_allocation_ratio", "reserved_host_disk_mb"},
}

// advice is the ratio at which all planned domains would fit. nova-compute
// writes the reserved amount, and a ratio that nova.conf sets, back to
// Placement every minute (nova/compute/resource_tracker.py).
func (r *room) advice(short []need) string {
	var ratios, conf []string
	for _, n := range short {
		i := r.Inventories[n.what]
		if n.why != "" || i.Total <= i.Reserved {
			continue
		}
		ratio := ratioFor(i, i.Used+r.wanted[n.what])
		ratios = append(ratios, fmt.Sprintf("--resource %s:allocation_ratio=%g", n.what, ratio))
		if k := knobs[n.what]; k.ratio != "" {
			conf = append(conf, fmt.Sprintf("%s = %g where the host's nova.conf sets it, or less %s than %d", k.ratio, ratio, k.reserved, i.Reserved))
		}
	}
	if len(ratios) == 0 {
		return "Move it to another host, or make it smaller."
	}
	return fmt.Sprintf("For all of them: openstack resource provider inventory set --amend %s %s (and %s); or leave others out by decision: skip, and plan again.",
		strings.Join(ratios, " "), r.UUID, strings.Join(conf, "; "))
}

// ratioFor is the smallest ratio, in hundredths, at which amount fits.
func ratioFor(i cloud.Inventory, amount int) float64 {
	hundredths := math.Ceil(100 * float64(amount) / float64(i.Total-i.Reserved))
	for {
		i.Ratio = hundredths / 100
		if capacity(i) >= amount {
			return i.Ratio
		}
		hundredths++
	}
}

func join3(short []need) string {
	var list []string
	for _, n := range short {
		list = append(list, n.String())
	}
	return strings.Join(list, "; ")
}

// rooms are those of the hosts, by host of the plan. A host without its
// provider is not among them.
func (b *builder) rooms(hosts []Host) map[string]*room {
	byUUID := map[string]*room{}
	for _, p := range b.Cloud.Providers {
		byUUID[p.UUID] = &room{Provider: p, taken: map[string]int{}, wanted: map[string]int{}}
	}
	rooms := map[string]*room{}
	for _, h := range hosts {
		if c := b.computes[h.Name]; c != nil && byUUID[c.UUID] != nil {
			rooms[h.Name] = byUUID[c.UUID]
			rooms[h.Name].host = cmp.Or(rooms[h.Name].host, h.Name)
		}
	}
	return rooms
}

// more is what importing d adds to what its host's provider counts as used.
// Allocating replaces what an instance has, so that is not counted twice.
func (b *builder) more(d Domain) map[string]int {
	all := Resources(d)
	has, ok := b.Allocations[d.UUID]
	switch {
	case ok && b.computes[d.Host] != nil && has.Provider == b.computes[d.Host].UUID:
		for class := range all {
			all[class] -= has.Resources[class]
		}
	case b.Allocations == nil && d.begun():
		return nil // by all we know an earlier run has allocated it
	}
	return all
}

// codeBegun is the rules' word on rows that an earlier run has left.
const codeBegun = "K2O-612"

// begun reports whether Nova has rows of the instance from an earlier run.
func (d Domain) begun() bool {
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Code == codeBegun })
}

// Begun are the UUIDs of the domains that an earlier run has begun: those whose
// Input.Allocations Build wants.
func Begun(in Input) []string {
	var uuids []string
	for _, c := range in.Domains {
		if slices.ContainsFunc(c.Findings, func(f check.Finding) bool { return f.Code == codeBegun }) {
			uuids = append(uuids, c.Domain.UUID)
		}
	}
	return uuids
}
