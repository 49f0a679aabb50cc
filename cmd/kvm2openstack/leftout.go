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
	names  []string       // some of them
}

// namesKept is how many names are kept to find one that was mistyped.
const namesKept = 10000

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
	if len(l.names) < namesKept {
		l.names = append(l.names, d.Name)
	}
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

// like names some domains that were left out and whose names have something of
// word in them, or word of theirs.
func (l *leftOut) like(word string) string {
	word = strings.ToLower(strings.Trim(word, "*"))
	var out []string
	for _, name := range l.names {
		n := strings.ToLower(name)
		if word != "" && n != "" && (strings.Contains(n, word) || strings.Contains(word, n) || oneOff(n, word)) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	if len(out) == 0 {
		return ""
	}
	return "; is it " + typed(out[:min(3, len(out))]...) + "?"
}

// oneOff reports whether one letter was mistyped, left out or put in.
func oneOff(a, b string) bool {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	a, b = a[start:], b[start:]
	for a != "" && b != "" && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return len(a) <= 1 && len(b) <= 1
}
