package restart

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// A Grouping splits the waves of a plan further: domains that have something
// in common are restarted one group after the other, in the order of their names.
type Grouping string

// What domains may be grouped by. A prefix is the beginning of a name up to
// its first digit, without what separates the two: web of web-01 and web-02.
const (
	ByWave    Grouping = "" // as the plan says, and no further
	ByHost    Grouping = "host"
	ByProject Grouping = "project"
	ByPrefix  Grouping = "prefix"
	ByOS      Grouping = "os"
)

// Groupings are all that ParseGrouping knows.
var Groupings = []Grouping{ByHost, ByProject, ByPrefix, ByOS}

// ParseGrouping reads the word of --group-by.
func ParseGrouping(word string) (Grouping, error) {
	if g := Grouping(word); g == ByWave || slices.Contains(Groupings, g) {
		return g, nil
	}
	return "", fmt.Errorf("unknown group %q: it is one of %s", word, strings.Join(words(Groupings), ", "))
}

func words(groupings []Grouping) (all []string) {
	for _, g := range groupings {
		all = append(all, string(g))
	}
	return all
}

// of is what d has in common with others.
func (g Grouping) of(d plan.Domain) string {
	switch g {
	case ByHost:
		return d.Host
	case ByProject:
		return cmp.Or(d.Project, d.ProjectID)
	case ByPrefix:
		return namePrefix(d.Domain)
	case ByOS:
		return d.MadeFrom.OS
	}
	return ""
}

func namePrefix(name string) string {
	if digit := strings.IndexFunc(name, unicode.IsDigit); digit > 0 {
		return strings.TrimRight(name[:digit], "-_. ")
	}
	return name
}

// Tasks are the domains of a plan in the order in which they are restarted:
// by wave, by what they are grouped by, and within that as the plan has them.
// begun says which of them an earlier run was killed in.
func Tasks(domains []plan.Domain, by Grouping, begun func(plan.Domain) bool) ([]Task, []plan.Domain) {
	ordered := slices.Clone(domains)
	slices.SortStableFunc(ordered, func(a, b plan.Domain) int {
		return cmp.Or(cmp.Compare(a.Wave, b.Wave), strings.Compare(by.of(a), by.of(b)))
	})
	tasks := make([]Task, len(ordered))
	wave := 0
	for n, d := range ordered {
		if n > 0 && (d.Wave != ordered[n-1].Wave || by.of(d) != by.of(ordered[n-1])) {
			wave++
		}
		tasks[n] = Task{Host: d.Host, Domain: d.Domain, UUID: d.UUID, Wave: wave, Group: d.Group, Begun: begun(d)}
	}
	return tasks, ordered
}
