package restart

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// An Estimate is how long the next restart may take: the longest of those
// measured last. One that is too short would let a guest be down when its
// window is over; so it is no average.
type Estimate struct {
	// Default stands until something was measured.
	Default time.Duration
	seen    []time.Duration
}

// remembered is how many restarts an Estimate looks back on.
const remembered = 20

// Add takes a restart down that went well.
func (e *Estimate) Add(took ...time.Duration) {
	e.seen = slices.Concat(e.seen, took)
	e.seen = e.seen[max(0, len(e.seen)-remembered):]
}

// Next is how long the next one may take.
func (e Estimate) Next() time.Duration {
	if len(e.seen) == 0 {
		return e.Default
	}
	return slices.Max(e.seen)
}

// typical is how long one takes as a rule, for a forecast.
func (e Estimate) typical() time.Duration {
	if len(e.seen) == 0 {
		return e.Default
	}
	sorted := slices.Sorted(slices.Values(e.seen))
	return sorted[len(sorted)/2]
}

// Measured are the durations of the restarts in the journal's steps, oldest
// first, for an Estimate.
func Measured(steps []journal.Step) (took []time.Duration) {
	for _, s := range steps {
		var t Times
		if s.Step != prefix+stepEnd || s.Ended == nil || s.Error != "" || json.Unmarshal([]byte(s.Made), &t) != nil {
			continue
		}
		// A call that only went on with what an earlier one had begun says nothing.
		if t.Down > 0 && t.Total > 0 {
			took = append(took, t.Total)
		}
	}
	return took
}

// Forecast is how long a run of all tasks may take, wave after wave, each
// bounded by what its busiest host, its largest group or the whole of it takes.
func Forecast(tasks []Task, l Limits) time.Duration {
	return newOrder(tasks, l).left(time.Time{})
}

// left is Forecast for what is not through.
func (o *order) left(now time.Time) time.Duration {
	type wave struct {
		all           int
		hosts, groups map[string]int
	}
	each := o.limits.Expect.typical()
	waves := map[int]*wave{}
	var longest time.Duration // of those under way
	for n, t := range o.tasks {
		switch o.phase[n] {
		case begun:
			longest = max(longest, each-now.Sub(o.underWay[n]), 0)
		case waiting:
			w := waves[t.Wave]
			if w == nil {
				w = &wave{hosts: map[string]int{}, groups: map[string]int{}}
				waves[t.Wave] = w
			}
			w.all++
			w.hosts[t.Host]++
			if t.Group != "" {
				w.groups[t.Group]++
			}
		}
	}
	rounds := 0
	for _, w := range waves {
		most := roundsOf(w.all, o.limits.Unavailable)
		for _, n := range w.hosts {
			most = max(most, roundsOf(n, o.limits.PerHost))
		}
		for _, n := range w.groups {
			most = max(most, n)
		}
		rounds += most
	}
	if !o.proven && len(waves) > 0 && len(o.tasks) > 1 {
		rounds++ // the first one, alone
	}
	return longest + time.Duration(rounds)*each
}

// roundsOf is how often so many at a time take place.
func roundsOf(n, atOnce int) int {
	if atOnce <= 0 {
		return min(n, 1)
	}
	return (n + atOnce - 1) / atOnce
}
