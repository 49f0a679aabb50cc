package report

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// A tally is what the page's summary counts. It sees each domain once and
// keeps none.
type tally struct {
	hosts    []*hostTally
	host     map[string]*hostTally // by name
	reasons  reasons
	guests   shares // by name and how sure
	families shares
	models   shares
	disks    map[diskPlace]*diskCount
	networks map[networkPlace]*networkCount
	states   map[string]bool
	usage    bool // at least one domain was sampled

	mapping cloud.Mapping
}

func newTally(r audit.Report, p Page) *tally {
	t := &tally{
		host: map[string]*hostTally{}, reasons: newReasons(),
		guests: shares{}, families: shares{}, models: shares{},
		disks: map[diskPlace]*diskCount{}, networks: map[networkPlace]*networkCount{}, states: map[string]bool{},
		mapping: p.Networks,
	}
	for _, h := range r.Hosts {
		one := &hostTally{host: h}
		t.hosts = append(t.hosts, one)
		t.host[h.Host.Name] = one
	}
	for _, u := range r.Unreadable {
		if h := t.host[u.Host]; h != nil {
			h.count(check.VerdictUnreadable)
		}
	}
	return t
}

func (t *tally) add(d audit.Domain) {
	h := t.host[d.Host]
	if h == nil {
		return // no scan gives a domain of a host that it has not
	}
	h.add(d)
	t.reasons.add(d)
	t.states[string(d.State)] = true
	t.usage = t.usage || d.Usage != nil
	t.guests.add(guestName(d.Guest), d.Guest.Confidence)
	t.families.add(d.Guest.Family, "")
	t.addDisks(h.host, d)
	t.addInterfaces(d)
}

// shares counts things of one kind, each divided by a second word.
type shares map[string]map[string]int

func (s shares) add(name, by string) {
	if s[name] == nil {
		s[name] = map[string]int{}
	}
	s[name][by]++
}

// A shareView is one thing of its kind.
type shareView struct {
	Name  string
	Count int
	By    []countView // most first
	Bar   bar
}

type countView struct {
	Name  string
	Count int
}

// mostGuests is how many systems are named; the rest is one line.
const mostGuests = 20

// views are the largest, and with a limit all others as one.
func (s shares) views(limit int) []shareView {
	views := make([]shareView, 0, len(s))
	for name, by := range s {
		views = append(views, shareOf(name, by))
	}
	slices.SortFunc(views, func(a, b shareView) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	if limit > 0 && len(views) > limit+1 {
		rest := map[string]int{}
		for _, v := range views[limit:] {
			for by, n := range s[v.Name] {
				rest[by] += n
			}
		}
		others := shareOf("others: "+strconv.Itoa(len(views)-limit), rest)
		views = append(views[:limit:limit], others)
	}
	most := 0
	for _, v := range views {
		most = max(most, v.Count)
	}
	for i := range views {
		views[i].Bar.of = float64(most)
		views[i].Bar.add("share", float64(views[i].Count))
	}
	return views
}

func shareOf(name string, by map[string]int) shareView {
	v := shareView{Name: name, By: counts(by)}
	for _, c := range v.By {
		v.Count += c.Count
	}
	return v
}

// counts are the most frequent first.
func counts(of map[string]int) []countView {
	var views []countView
	for _, name := range slices.Sorted(maps.Keys(of)) {
		views = append(views, countView{name, of[name]})
	}
	slices.SortStableFunc(views, func(a, b countView) int { return cmp.Compare(b.Count, a.Count) })
	return views
}
