package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// leftOut counts what the filters keep out of an audit, and why.
type leftOut struct {
	filter plan.Filter
	by     map[string]int // by the word that did it
}

// keep reports whether the filter takes d, and counts it where not.
func (l *leftOut) keep(d discover.Domain) bool {
	why := l.filter.LeavesOut(d)
	if why == "" {
		return true
	}
	if l.by == nil {
		l.by = map[string]int{}
	}
	l.by[why]++
	return false
}

// nothing says why an audit has nothing to show: how much was looked at, and
// what became of it. It is "" when there is something.
func (l *leftOut) nothing(r audit.Report) string {
	t := r.Totals()
	if t.Sum() > t.Filtered {
		return ""
	}
	read := report.Count(t.Hosts-t.HostsFailed, "host")
	failed := ""
	if t.HostsFailed > 0 {
		failed = fmt.Sprintf("; %d could not be read", t.HostsFailed)
	}
	if t.Found > 0 {
		return fmt.Sprintf("nothing is left: %s looked at on %s, %s%s", report.Count(t.Found, "domain"), read, l.reasons(), failed)
	}
	return fmt.Sprintf("nothing to look at: %s read, without a domain%s", read, failed)
}

func (l *leftOut) reasons() string {
	var out []string
	for _, why := range slices.Sorted(maps.Keys(l.by)) {
		if why == "no --only" {
			out = append(out, fmt.Sprintf("%d match no --only (%s)", l.by[why], typed(l.filter.Only...)))
			continue
		}
		word := strings.TrimPrefix(why, "--skip ")
		out = append(out, fmt.Sprintf("%d are left out by --skip %s", l.by[why], typed(word)))
	}
	return strings.Join(out, ", ")
}

// typed are the operator's own words, as they can be typed.
func typed(words ...string) string {
	var out []string
	for _, w := range words {
		out = append(out, report.Line(check.Shell(w)))
	}
	return strings.Join(out, ", ")
}
