package sync

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// A Policy is what may be healed, as the configuration says it. Its zero value
// allows nothing.
type Policy struct {
	Heal      []Remedy      `yaml:"heal"`       // power, sizes, ports, info_cache, allocations, unfinished
	Import    []plan.Match  `yaml:"import"`     // new ready domains that any of these matches
	Vanished  string        `yaml:"vanished"`   // report (default), release
	Missed    Missed        `yaml:"missed"`     // when a domain that is gone counts as vanished
	StopAbove string        `yaml:"stop_above"` // share of what is known that may be gone at once, default 10%
	Lease     time.Duration `yaml:"lease"`      // how long a process that is gone holds up its hosts, default 3m
}

// Missed says how often, and for how long, a domain has to be missing before
// its records are taken out.
type Missed struct {
	Runs int           `yaml:"runs"` // default 3
	For  time.Duration `yaml:"for"`  // default 1h
}

// What Policy.Vanished may say.
const (
	VanishedReport  = "report"
	VanishedRelease = "release"
)

// The defaults of a Policy.
const (
	defaultRuns      = 3
	defaultFor       = time.Hour
	defaultStopAbove = "10%"
	defaultLease     = 3 * time.Minute
)

// WithDefaults fills in what was left out.
func (p Policy) WithDefaults() Policy {
	def(&p.Vanished, VanishedReport)
	def(&p.Missed.Runs, defaultRuns)
	def(&p.Missed.For, defaultFor)
	def(&p.StopAbove, defaultStopAbove)
	def(&p.Lease, defaultLease)
	return p
}

func def[T comparable](to *T, value T) {
	var none T
	if *to == none {
		*to = value
	}
}

// remedies are what Policy.Heal may name.
func remedies() []Remedy {
	all := []Remedy{ByFinish}
	for _, c := range importer.Cures {
		all = append(all, by(c))
	}
	return all
}

// Check reports what cannot be meant so: all of it at once.
func (p Policy) Check() error {
	p = p.WithDefaults()
	var errs []error
	bad := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf("sync: "+format, args...))
		}
	}
	for _, r := range p.Heal {
		bad(!slices.Contains(remedies(), r), "heal: %q is none of %v", r, remedies())
	}
	for n, m := range p.Import {
		if err := m.Check(); err != nil {
			errs = append(errs, fmt.Errorf("sync: import: entry %d: %w", n+1, err))
		}
	}
	bad(p.Vanished != VanishedReport && p.Vanished != VanishedRelease, "vanished: %q is not %s or %s", p.Vanished, VanishedReport, VanishedRelease)
	bad(p.Missed.Runs < 1 || p.Missed.For < 0, "missed: %d runs and %v are not a bound", p.Missed.Runs, p.Missed.For)
	bad(p.Vanished == VanishedRelease && p.Missed.Runs < 2, "missed: runs: 1 would take records out after one look")
	_, err := p.share()
	bad(err != nil, "stop_above: %q is not a share such as 10%%", p.StopAbove)
	bad(p.Lease < journal.MinLease, "lease: %v is shorter than %v, after which the server gives up a process that says nothing", p.Lease, journal.MinLease)
	return errors.Join(errs...)
}

// share is StopAbove between 0 and 1.
func (p Policy) share() (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(p.StopAbove), "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if percent {
		n /= 100
	}
	if err == nil && (n < 0 || n > 1 || n != n) {
		err = errors.New("out of range")
	}
	return n, err
}

// Nothing reports that the policy allows nothing at all.
func (p Policy) Nothing() bool {
	return len(p.Heal)+len(p.Import) == 0 && p.Vanished != VanishedRelease
}

// allows reports whether the policy has a drift healed. A domain that is to be
// imported, or whose import is to be finished, has to be matched as it is then;
// see imports.
func (p Policy) allows(d Drift) bool {
	switch d.Heal {
	case "":
		return false
	case ByImport:
		return len(p.Import) > 0
	case ByFinish:
		return slices.Contains(p.Heal, ByFinish) || len(p.Import) > 0
	case ByRelease:
		return p.Vanished == VanishedRelease
	}
	return slices.Contains(p.Heal, d.Heal)
}

// imports reports whether a new domain is to be imported.
func (p Policy) imports(d discover.Domain) bool {
	return slices.ContainsFunc(p.Import, func(m plan.Match) bool { return m.Domain(d) })
}
