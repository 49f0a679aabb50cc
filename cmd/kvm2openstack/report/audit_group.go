package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// GroupWords are what the table of an audit can be grouped by.
var GroupWords = []string{"host", "verdict", "os", "reason"}

// An auditGroup is a part of the table with a heading above.
type auditGroup struct {
	heading string
	lines   []auditLine
}

// groups takes lines apart, each into one group.
func groups(lines []auditLine, by string) []auditGroup {
	switch by {
	case "host":
		return groupLines(lines, func(l auditLine) string { return l.host }, func(a, b auditGroup) int {
			return cmp.Compare(a.lines[0].hostRank, b.lines[0].hostRank)
		})
	case "verdict":
		return groupLines(lines, func(l auditLine) string { return string(l.verdict) }, func(a, b auditGroup) int {
			return cmp.Compare(rank(a.lines[0].verdict), rank(b.lines[0].verdict))
		})
	case "os":
		return groupLines(lines, func(l auditLine) string { return cmp.Or(shortOS(l.os), "unknown") }, largestFirst)
	case "reason":
		titles := titles()
		return groupLines(lines, func(l auditLine) string { return l.mainReason(titles) }, largestFirst)
	}
	return []auditGroup{{lines: lines}}
}

// groupLines keeps the order of the lines within each group.
func groupLines(lines []auditLine, key func(auditLine) string, order func(a, b auditGroup) int) []auditGroup {
	at := map[string]int{}
	var out []auditGroup
	for _, l := range lines {
		k := key(l)
		i, known := at[k]
		if !known {
			i = len(out)
			at[k] = i
			out = append(out, auditGroup{heading: k})
		}
		out[i].lines = append(out[i].lines, l)
	}
	slices.SortStableFunc(out, order)
	return out
}

func largestFirst(a, b auditGroup) int {
	return cmp.Or(cmp.Compare(len(b.lines), len(a.lines)), natural(a.heading, b.heading))
}

// mainReason is what has to be done away with first. A domain with several
// reasons is in one group only, so that the groups add up.
func (l auditLine) mainReason(titles map[string]string) string {
	switch code := l.first(); {
	case l.verdict == check.VerdictUnreadable:
		return "not readable"
	case l.verdict == check.VerdictManaged:
		return "managed by Nova"
	case code == "":
		return "nothing against it"
	default:
		return code + " " + titles[code]
	}
}

// title is the heading with what the group holds:
// kvm01: 3 domains = 2 ready + 1 blocked.
func (g auditGroup) title() string {
	counts := map[check.Verdict]int{}
	for _, l := range g.lines {
		counts[l.verdict]++
	}
	var parts []string
	for _, v := range verdicts {
		if counts[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[v], v))
		}
	}
	size := Count(len(g.lines), "domain")
	switch {
	case len(parts) > 1:
		return fmt.Sprintf("%s: %s = %s", g.heading, size, strings.Join(parts, " + "))
	case g.heading == string(g.lines[0].verdict):
		return g.heading + ": " + size
	}
	return fmt.Sprintf("%s: %s, %s", g.heading, size, g.lines[0].verdict)
}

// Count says how many: 1 domain, 3 domains.
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
