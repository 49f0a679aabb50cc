package audit

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
)

// facts are what two audits are compared by, besides verdicts and findings.
// What moves by itself, such as addresses and the space that is in use, is not
// among them.
var facts = [...]struct {
	name string
	of   func(discover.Domain) string
}{
	{"state", func(d discover.Domain) string { return string(d.State) }},
	{"vcpus", func(d discover.Domain) string { return strconv.FormatUint(uint64(d.VCPUs), 10) }},
	{"memory_mib", func(d discover.Domain) string { return strconv.FormatUint(d.MemMaxKiB>>10, 10) }},
	{"disks", diskFacts},
	{"interfaces", interfaceFacts},
	{"machine", func(d discover.Domain) string { return d.MachineType }},
	{"os", func(d discover.Domain) string { return cmp.Or(d.Guest.Name, d.Guest.Family) }},
	{"definition", func(d discover.Domain) string { return d.Digest }},
}

// A Seen is what a comparison keeps of a domain: little, for there are many.
type Seen struct {
	Host, Name, UUID string
	Verdict          check.Verdict
	Family           string   // of its system, by which filters choose
	Codes            []string // of what keeps it from being ready, sorted, each once

	facts [len(facts)]string // empty for one that could not be read
}

// SeenDomain is what a comparison keeps of d.
func SeenDomain(d Domain) Seen {
	s := Seen{Host: d.Host, Name: d.Name, UUID: d.UUID, Verdict: d.Verdict, Family: d.Guest.Family}
	for _, f := range d.Findings {
		if f.Severity != check.Info {
			s.Codes = append(s.Codes, f.Code)
		}
	}
	slices.Sort(s.Codes)
	s.Codes = slices.Compact(s.Codes)
	for i, f := range facts {
		s.facts[i] = f.of(d.Domain)
	}
	return s
}

// SeenUnreadable is what a comparison keeps of a domain that could not be read.
func SeenUnreadable(host, name, uuid string) Seen {
	return Seen{Host: host, Name: name, UUID: uuid, Verdict: check.VerdictUnreadable}
}

// A LastSeen is a domain of an earlier audit of which a later one could say
// nothing, for its host could not be read. The later one keeps it, so that it
// is neither new when the host is back nor forgotten when it is gone then.
type LastSeen struct {
	Host    string        `json:"host"`    // where it was
	Name    string        `json:"name"`    // as it was called
	UUID    string        `json:"uuid"`    // "" when not known
	Verdict check.Verdict `json:"verdict"` // as it was
	Family  string        `json:"family"`  // of its system: linux, windows; "" when not known
	Codes   []string      `json:"codes"`   // of what kept it from being ready
	Facts   []Fact        `json:"facts"`   // by which it is compared; none of one that could not be read
}

// A Fact is one of the facts that two audits are compared by.
type Fact struct {
	Field string `json:"field"` // state, vcpus, memory_mib, disks, interfaces, machine, os, definition
	Value string `json:"value"` // as it was
}

func (s Seen) last() LastSeen {
	l := LastSeen{Host: s.Host, Name: s.Name, UUID: s.UUID, Verdict: s.Verdict, Family: s.Family, Codes: slices.Concat([]string{}, s.Codes), Facts: []Fact{}}
	if s.Verdict == check.VerdictUnreadable {
		return l
	}
	for i, f := range facts {
		l.Facts = append(l.Facts, Fact{f.name, s.facts[i]})
	}
	return l
}

// Seen is what a comparison keeps of l.
func (l LastSeen) Seen() Seen {
	s := Seen{Host: l.Host, Name: l.Name, UUID: l.UUID, Verdict: l.Verdict, Family: l.Family, Codes: l.Codes}
	for i, f := range facts {
		s.facts[i] = l.fact(f.name)
	}
	return s
}

// Domain is l as far as filters look at domains.
func (l LastSeen) Domain() discover.Domain {
	return discover.Domain{
		Host: l.Host, Name: l.Name, UUID: l.UUID, State: discover.State(l.fact("state")),
		Guest: discover.Guest{Family: l.Family, Name: l.fact("os")},
	}
}

func (l LastSeen) fact(name string) string {
	for _, f := range l.Facts {
		if f.Field == name {
			return f.Value
		}
	}
	return ""
}

func diskFacts(d discover.Domain) string {
	var out []string
	for _, k := range d.Disks {
		size := ""
		if k.CapacityBytes > 0 {
			size = fmt.Sprintf(" %d GiB", (k.CapacityBytes+1<<30-1)>>30)
		}
		out = append(out, fmt.Sprintf("%s %s%s", k.Target, cmp.Or(k.Path, "empty"), size))
	}
	return strings.Join(out, ", ")
}

func interfaceFacts(d discover.Domain) string {
	var out []string
	for _, n := range d.Interfaces {
		to := cmp.Or(n.Bridge, n.Network, n.SourceDev, n.Type)
		if n.VLAN != 0 {
			to += "." + strconv.Itoa(n.VLAN)
		}
		out = append(out, fmt.Sprintf("%s %s %s", n.MAC, cmp.Or(n.Model, "default"), to))
	}
	return strings.Join(out, ", ")
}

// A Difference is one fact that is another than it was.
type Difference struct {
	Field  string `json:"field"`  // host, name, uuid, state, vcpus, memory_mib, disks, interfaces, machine, os, definition
	Before string `json:"before"` // in the baseline; "" for a definition
	Now    string `json:"now"`    // in this audit; "" for a definition
}

// differences are the facts that differ. Of two definitions only that they
// differ, and only where no other fact says how.
func (s Seen) differences(before Seen) []Difference {
	var out []Difference
	add := func(field, was, is string) {
		if was != is {
			out = append(out, Difference{field, was, is})
		}
	}
	add("host", before.Host, s.Host)
	add("name", before.Name, s.Name)
	add("uuid", before.UUID, s.UUID)
	if s.Verdict == check.VerdictUnreadable || before.Verdict == check.VerdictUnreadable {
		return out
	}
	for i, f := range facts[:len(facts)-1] {
		add(f.name, before.facts[i], s.facts[i])
	}
	last := len(facts) - 1
	if s.facts[last] != before.facts[last] && !slices.ContainsFunc(out, saysHow) {
		out = append(out, Difference{Field: facts[last].name})
	}
	return out
}

// saysHow reports whether a difference explains that the definition is another.
func saysHow(d Difference) bool {
	return d.Field != "host" && d.Field != "state" && d.Field != "os"
}

// seen is what the report says of each domain, with its findings.
func (r Report) seen() iter.Seq2[Seen, []check.Finding] {
	return func(yield func(Seen, []check.Finding) bool) {
		for d := range r.Domains() {
			if !yield(SeenDomain(d), d.Findings) {
				return
			}
		}
		for _, u := range r.Unreadable {
			if !yield(SeenUnreadable(u.Host, u.Name, u.UUID), nil) {
				return
			}
		}
	}
}
