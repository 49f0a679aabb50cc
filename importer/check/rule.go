package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A Rule is one thing that can be said of a domain. Its code never changes
// and is never given to another rule.
type Rule struct {
	Code     string   // K2O-101; the hundreds are the chapters of RULES.md
	Severity Severity // of every finding of the rule
	Title    string   // what is found, for lists of rules
	Action   string   // what to do where the case itself gives nothing more exact
	Fact     string   // the source the rule rests on

	// alsoManaged rules look at domains that Nova has already, too.
	alsoManaged bool
	find        func(subject) []detail
}

// A subject is the domain a rule looks at, with what else is known.
type subject struct {
	discover.Domain
	Facts
}

// A detail is one case of a rule: the consequence and, where the case gives
// more than the rule's own Action, what to do about it. Both are put into
// words only when the rule applies, for most rules do not.
type detail struct{ text, action sentence }

type sentence struct {
	format string
	args   []any
}

func (s sentence) String() string {
	if s.format == "" {
		return ""
	}
	return fmt.Sprintf(s.format, s.args...)
}

// say makes a detail. Whatever comes from a host goes through show first.
func say(format string, args ...any) detail {
	return detail{text: sentence{format, args}}
}

// do adds what to type. Whatever comes from a host goes through sh first.
func (d detail) do(format string, args ...any) detail {
	d.action = sentence{format, args}
	return d
}

// when is the answer of a rule that applies once or not at all.
func when(applies bool, d detail) []detail {
	if !applies {
		return nil
	}
	return []detail{d}
}

// each asks about every item and keeps the cases that apply.
func each[T any](items []T, ask func(T) (detail, bool)) []detail {
	var found []detail
	for _, item := range items {
		if d, ok := ask(item); ok {
			found = append(found, d)
		}
	}
	return found
}

// rules is every rule, in order of code.
var rules = slices.Concat(
	stateRules, lifecycleRules,
	placeRules, pathRules, linkRules, formatRules, sourceRules, driveRules, diskOptionRules,
	nicKindRules, nicNetworkRules, nicReachRules, nicOptionRules, nicAgentRules, macRules,
	firmwareRules, cpuRules, memoryRules, deviceRules,
	consoleRules, guestRules,
	computeRules, recordRules, identityRules, nameRules, roomRules,
	fleetRules,
)

// Rules returns every rule, in order of code.
func Rules() []Rule { return slices.Clone(rules) }

// Assess says what the rules make of d. It looks at nothing but its
// arguments, changes neither, and may be called from many goroutines as long
// as nobody feeds f.Fleet meanwhile.
func Assess(d discover.Domain, f Facts) Assessment { return assess(rules, d, f) }

func assess(rules []Rule, d discover.Domain, f Facts) Assessment {
	s := subject{Domain: d, Facts: f}
	managed := s.managed()
	var a Assessment
	for _, r := range rules {
		if managed && !r.alsoManaged {
			continue
		}
		a.Findings = append(a.Findings, r.findings(s)...)
	}
	slices.SortStableFunc(a.Findings, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(rank(x.Severity), rank(y.Severity)), cmp.Compare(x.Code, y.Code))
	})
	a.Verdict = verdict(managed, a.Findings)
	return a
}

// findings are the rule's cases as a person is to read them.
func (r Rule) findings(s subject) []Finding {
	var found []Finding
	for _, d := range r.find(s) {
		found = append(found, Finding{
			Code:     r.Code,
			Severity: r.Severity,
			Text:     oneLine(d.text.String()),
			Action:   oneLine(cmp.Or(d.action.String(), r.Action)),
		})
	}
	return found
}

// managed reports whether Nova has the domain already, on this very host. A
// live row on another host is no management but a conflict, see K2O-613.
func (s subject) managed() bool {
	if s.Nova == nil || !s.Nova.Presence.Live || s.Nova.Presence.Host == "" {
		return false
	}
	return s.Nova.Compute == nil || s.Nova.Compute.Host == s.Nova.Presence.Host
}

// verdict is the worst of the findings.
func verdict(managed bool, sorted []Finding) Verdict {
	if managed {
		return VerdictManaged
	}
	if len(sorted) == 0 {
		return VerdictReady
	}
	switch sorted[0].Severity {
	case Blocked:
		return VerdictBlocked
	case Attention:
		return VerdictAttention
	}
	return VerdictReady
}

// rank orders severities, the worst first.
func rank(s Severity) int {
	return slices.Index([]Severity{Blocked, Attention, Info}, s)
}
