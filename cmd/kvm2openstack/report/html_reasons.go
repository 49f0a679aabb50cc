package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
)

// reasons counts which rules say something, and which of them block together.
type reasons struct {
	domains map[string]int // by code
	// together are the blocked domains by all the codes that block them.
	together map[string]int
}

func newReasons() reasons {
	return reasons{domains: map[string]int{}, together: map[string]int{}}
}

func (r reasons) add(d audit.Domain) {
	var blockers []string
	for _, code := range findingCodes(d.Findings) {
		r.domains[code]++
		if knownRules[code].Severity == check.Blocked && d.Verdict == check.VerdictBlocked {
			blockers = append(blockers, code)
		}
	}
	if len(blockers) > 0 {
		r.together[strings.Join(blockers, " ")]++
	}
}

// findingCodes are the codes of findings, each once, in their order.
func findingCodes(findings []check.Finding) (codes []string) {
	for _, f := range findings {
		if !slices.Contains(codes, f.Code) {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// A reasonView is one rule with the domains it is said of.
type reasonView struct {
	Code, Title, Action string

	Domains int
	Alone   int // blocked by nothing else
	Sum     int // free once this and all before it are settled
}

// A freedView is what the first few steps are good for.
type freedView struct{ Steps, Domains int }

// blockers are the rules that block, in the order in which settling them frees
// most, soonest: by far not the order of how often they are said, for many
// domains are blocked by more than one.
func (r reasons) blockers() (views []reasonView, freed freedView) {
	left := map[string]bool{}
	for combination := range r.together {
		for code := range strings.FieldsSeq(combination) {
			left[code] = true
		}
	}
	settled := map[string]bool{}
	for len(left) > 0 {
		code := r.next(left, settled)
		delete(left, code)
		settled[code] = true
		v := r.view(code)
		v.Alone, v.Sum = r.together[code], r.frees(settled)
		views = append(views, v)
		if len(views) <= 3 {
			freed = freedView{len(views), v.Sum}
		}
	}
	return views, freed
}

// next is the reason to settle after those that are: the one that frees most,
// and where none does, the one that most domains have.
func (r reasons) next(left, settled map[string]bool) (best string) {
	frees := -1
	for _, code := range slices.Sorted(maps.Keys(left)) {
		settled[code] = true
		n := r.frees(settled)
		delete(settled, code)
		if n > frees || n == frees && r.domains[code] > r.domains[best] {
			best, frees = code, n
		}
	}
	return best
}

// frees counts the domains that nothing but what is settled blocks.
func (r reasons) frees(settled map[string]bool) (n int) {
	for combination, domains := range r.together {
		blocked := false
		for code := range strings.FieldsSeq(combination) {
			blocked = blocked || !settled[code]
		}
		if !blocked {
			n += domains
		}
	}
	return n
}

// attentions are the rules that only want a look, most frequent first.
func (r reasons) attentions() (views []reasonView) {
	for code := range r.domains {
		if knownRules[code].Severity == check.Attention {
			views = append(views, r.view(code))
		}
	}
	slices.SortFunc(views, func(a, b reasonView) int {
		return cmp.Or(cmp.Compare(b.Domains, a.Domains), cmp.Compare(a.Code, b.Code))
	})
	return views
}

func (r reasons) view(code string) reasonView {
	rule := knownRules[code]
	return reasonView{Code: code, Title: rule.Title, Action: rule.Action, Domains: r.domains[code]}
}

// ruleJSON is what the table of domains needs of a rule.
type ruleJSON struct {
	Severity check.Severity `json:"severity"`
	Title    string         `json:"title"`
	Action   string         `json:"action"`
	Fact     string         `json:"fact"`
	Domains  int            `json:"domains"`
}

// rulesJSON are the rules that say something of at least one domain.
func (t *tally) rulesJSON() map[string]ruleJSON {
	out := map[string]ruleJSON{}
	for code, n := range t.reasons.domains {
		rule := knownRules[code]
		out[code] = ruleJSON{rule.Severity, rule.Title, rule.Action, rule.Fact, n}
	}
	return out
}
