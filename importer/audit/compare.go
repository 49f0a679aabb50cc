package audit

import (
	"iter"
	"slices"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// A Baseline is an earlier audit that a later one is compared with.
type Baseline struct {
	At      time.Time
	By      string          // program and version that made it: another one may have other rules
	Failed  map[string]bool // hosts of it that could not be read whole
	Domains []Seen
}

// The kinds of changes.
const (
	New     = "new"     // was not in the baseline
	Changed = "changed" // is not what it was
	Gone    = "gone"    // is on no host any more
)

// A Change is one domain that is not as it was.
type Change struct {
	Change      string          `json:"change"`                   // new, changed, gone
	Host        string          `json:"host"`                     // where it is; of a domain that is gone, where it was
	Name        string          `json:"name"`                     // as it is called now
	UUID        string          `json:"uuid"`                     // "" when not known
	Before      check.Verdict   `json:"verdict_before,omitempty"` // absent for a new one
	Verdict     check.Verdict   `json:"verdict,omitempty"`        // absent for one that is gone
	Found       []check.Finding `json:"found"`                    // what keeps it from being ready and did not before
	NoLonger    []string        `json:"no_longer"`                // codes of what kept it from being ready and does not any more
	Differences []Difference    `json:"differences"`              // facts that are others than they were
}

// Blocks reports whether the change is for the worse: the domain cannot be
// adopted, for a reason that was not there before.
func (c Change) Blocks() bool {
	switch c.Verdict {
	case check.VerdictUnreadable:
		return c.Before != check.VerdictUnreadable
	case check.VerdictBlocked:
		return c.Before != c.Verdict || slices.ContainsFunc(c.Found, func(f check.Finding) bool { return f.Severity == check.Blocked })
	}
	return false
}

// An Absence is a domain of the baseline of which this audit can say nothing.
type Absence struct {
	Host string `json:"host"` // where it was
	Name string `json:"name"` // as it was called
	UUID string `json:"uuid"` // "" when not known
	Why  string `json:"why"`  // why nothing can be said of it
}

// ComparedTotals add up: Now = New + Changed + Same, and
// Then = Changed + Same + Gone + NotSeen.
type ComparedTotals struct {
	Now     int `json:"now"`      // domains in this audit
	Then    int `json:"then"`     // domains in the baseline
	New     int `json:"new"`      // were not in the baseline
	Changed int `json:"changed"`  // are not what they were
	Same    int `json:"same"`     // are what they were
	Gone    int `json:"gone"`     // are on no host any more
	NotSeen int `json:"not_seen"` // of the baseline, of which this audit can say nothing
}

// A Comparison is what an audit has to say that a baseline does not.
type Comparison struct {
	Baseline
	Totals  ComparedTotals
	NotSeen []Absence
	Last    []LastSeen // those of NotSeen whose host could not be read, for the next comparison

	report Report
	pairs  []int // for every domain of the report, the one in the baseline, or -1
	gone   []int
}

// Compare compares r with an earlier audit. Both are for the same filters: what
// they leave out must not be in the baseline either.
func Compare(r Report, b Baseline) Comparison {
	c := Comparison{Baseline: b, report: r}
	m := newMatcher(b.Domains)
	var now []Seen
	for s := range r.seen() {
		now = append(now, s)
	}
	c.pairs = m.match(now)
	c.Totals = ComparedTotals{Now: len(now), Then: len(b.Domains)}
	for i, s := range now {
		switch then := c.pairs[i]; {
		case then < 0:
			c.Totals.New++
		case s.same(b.Domains[then]):
			c.Totals.Same++
		default:
			c.Totals.Changed++
		}
	}
	c.miss(m)
	return c
}

// miss tells domains that are gone from those that nobody looked for.
func (c *Comparison) miss(m *matcher) {
	hosts := map[string]error{}
	for _, h := range c.report.Hosts {
		hosts[h.Host.Name] = h.Err
	}
	for i, s := range m.then {
		if m.taken[i] {
			continue
		}
		err, looked := hosts[s.Host]
		switch {
		case !looked:
			c.absent(s, "its host is not among those of this audit")
		case err != nil:
			c.absent(s, "its host could not be read whole")
			c.Last = append(c.Last, s.last())
		case s.UUID != "" && c.report.leftOut[s.UUID]:
			c.absent(s, "the filters leave it out as it is now")
		default:
			c.gone = append(c.gone, i)
		}
	}
	c.Totals.Gone, c.Totals.NotSeen = len(c.gone), len(c.NotSeen)
}

func (c *Comparison) absent(s Seen, why string) {
	c.NotSeen = append(c.NotSeen, Absence{s.Host, s.Name, s.UUID, why})
}

// Changes are the domains that are new or changed, in the order of the report,
// and then those that are gone. They are made anew on every pass.
func (c Comparison) Changes() iter.Seq[Change] {
	return func(yield func(Change) bool) {
		i := -1
		for s, findings := range c.report.seen() {
			i++
			before := Seen{}
			if c.pairs[i] >= 0 {
				before = c.Domains[c.pairs[i]]
			}
			if c.pairs[i] >= 0 && s.same(before) {
				continue
			}
			if !yield(s.change(before, c.pairs[i] < 0, findings)) {
				return
			}
		}
		for _, i := range c.gone {
			s := c.Domains[i]
			if !yield(Change{Change: Gone, Host: s.Host, Name: s.Name, UUID: s.UUID, Before: s.Verdict, NoLonger: s.Codes}) {
				return
			}
		}
	}
}

// same reports whether a comparison has nothing to say of s.
func (s Seen) same(before Seen) bool {
	return s.Verdict == before.Verdict && slices.Equal(s.Codes, before.Codes) && len(s.differences(before)) == 0
}

func (s Seen) change(before Seen, isNew bool, findings []check.Finding) Change {
	c := Change{Change: Changed, Host: s.Host, Name: s.Name, UUID: s.UUID, Before: before.Verdict, Verdict: s.Verdict}
	if isNew {
		c.Change = New
	} else {
		c.Differences = s.differences(before)
	}
	for _, f := range findings {
		if f.Severity != check.Info && !slices.Contains(before.Codes, f.Code) {
			c.Found = append(c.Found, f)
		}
	}
	for _, code := range before.Codes {
		if !slices.Contains(s.Codes, code) {
			c.NoLonger = append(c.NoLonger, code)
		}
	}
	return c
}

// HostsFailed counts the hosts that could not be read and could be before.
func (c Comparison) HostsFailed() int {
	n := 0
	for _, h := range c.report.Hosts {
		if h.Err != nil && !c.Failed[h.Host.Name] {
			n++
		}
	}
	return n
}
