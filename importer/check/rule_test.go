package check

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A tweak turns a clean domain and its facts into a case.
type tweak func(d *discover.Domain, f *Facts)

// A fixture is a case that a rule must find and one, as near to it as can be,
// that it must not.
type fixture struct{ yes, no tweak }

// fixtures is every fixture by code.
var fixtures = merge(
	stateFixtures, diskFixtures, diskOptionFixtures, nicFixtures, reachFixtures, machineFixtures, guestFixtures, novaFixtures,
)

func merge(parts ...map[string]fixture) map[string]fixture {
	all := map[string]fixture{}
	for _, p := range parts {
		for code, fx := range p {
			if _, twice := all[code]; twice {
				panic("two fixtures for " + code)
			}
			all[code] = fx
		}
	}
	return all
}

// made is the clean domain after a tweak.
func made(t tweak) (discover.Domain, Facts) {
	d, f := clean()
	t(&d, &f)
	return d, f
}

func codes(findings []Finding) []string {
	var all []string
	for _, f := range findings {
		all = append(all, f.Code)
	}
	return all
}

// try tries a pair of fixtures on a set of rules and says what is wrong.
func try(rules []Rule, code string) (wrong string) {
	if !slices.Contains(codes(assessMade(rules, fixtures[code].yes).Findings), code) {
		wrong = "its case is not found"
	}
	if slices.Contains(codes(assessMade(rules, fixtures[code].no).Findings), code) {
		wrong += "it speaks where it should not"
	}
	return wrong
}

func assessMade(rules []Rule, of tweak) Assessment {
	d, f := made(of)
	return assess(rules, d, f)
}

func TestRulesFindTheirCase(t *testing.T) {
	for code := range fixtures {
		if wrong := try(rules, code); wrong != "" {
			t.Errorf("%s: %s", code, wrong)
		}
	}
}

// Every rule has a case and one that is as near to it as can be, and no pair
// is left over from a rule that is gone. The clean domain alone is near to
// nothing.
func TestRulesHaveFixtures(t *testing.T) {
	left := maps.Clone(fixtures)
	for _, r := range rules {
		fx := fixtures[r.Code]
		if fx.yes == nil || fx.no == nil {
			t.Errorf("%s (%s) has no pair of fixtures", r.Code, r.Title)
			continue
		}
		if isClean(fx.no) {
			t.Errorf("%s (%s): the case that it must not find is the clean domain", r.Code, r.Title)
		}
		delete(left, r.Code)
	}
	for code := range left {
		t.Errorf("fixtures for %s, which is no rule", code)
	}
}

func isClean(of tweak) bool {
	d, f := made(of)
	cleanDomain, cleanFacts := clean()
	return cmp.Equal(d, cleanDomain, cmp.Comparer(sameAddress)) && cmp.Equal(f, cleanFacts, cmp.AllowUnexported(Users{}))
}

// Whatever is done to one rule, the fixtures notice it: without it, with it
// silent, with it speaking of everything, with it under another code.
func TestFixturesNoticeEveryRule(t *testing.T) {
	mutations := map[string]func(Rule) []Rule{
		"removed": func(Rule) []Rule { return nil },
		"silent":  func(r Rule) []Rule { r.find = func(subject) []detail { return nil }; return []Rule{r} },
		"talkative": func(r Rule) []Rule {
			r.find = func(subject) []detail { return []detail{say("It is.")} }
			return []Rule{r}
		},
		"other code": func(r Rule) []Rule { r.Code = "K2O-999"; return []Rule{r} },
	}
	for name, mutate := range mutations {
		for i, r := range rules {
			mutated := slices.Concat(rules[:i], mutate(r), rules[i+1:])
			if try(mutated, r.Code) == "" {
				t.Errorf("%s (%s) %s: no fixture notices", r.Code, r.Title, name)
			}
		}
	}
}

func TestRulesAreWellFormed(t *testing.T) {
	shape := regexp.MustCompile(`^K2O-[1-7][0-9]{2}$`)
	if n := len(Rules()); n < 60 {
		t.Errorf("%d rules, want at least 60", n)
	}
	last := ""
	for _, r := range Rules() {
		if !shape.MatchString(r.Code) || r.Code <= last {
			t.Errorf("code %s after %s: codes are K2O- and three digits, each once, in order", r.Code, last)
		}
		last = r.Code
		if rank(r.Severity) < 0 {
			t.Errorf("%s has severity %q", r.Code, r.Severity)
		}
		for name, text := range map[string]string{"title": r.Title, "action": r.Action, "fact": r.Fact} {
			if text == "" || text != strings.TrimSpace(text) || !printable(text) {
				t.Errorf("%s: %s is %q, want one printable line", r.Code, name, text)
			}
		}
	}
}

// What a rule says is read by people: a whole sentence, an action, and no
// trace of a format that did not fit its arguments.
func TestFindingsAreSentences(t *testing.T) {
	for code, fx := range fixtures {
		for _, f := range Assess(made(fx.yes)).Findings {
			first := []rune(f.Text + " ")[0]
			if !strings.HasSuffix(f.Text, ".") || unicode.IsSpace(first) || len(f.Text) < 20 {
				t.Errorf("%s: text of %s is no sentence: %q", code, f.Code, f.Text)
			}
			if f.Action == "" {
				t.Errorf("%s: %s has no action", code, f.Code)
			}
			if both := f.Text + f.Action; strings.Contains(both, "%!") || !printable(both) {
				t.Errorf("%s: %s is badly formatted: %q, %q", code, f.Code, f.Text, f.Action)
			}
		}
	}
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func TestFindingsComeWorstFirst(t *testing.T) {
	a := Assess(made(func(d *discover.Domain, f *Facts) {
		d.Snapshots, d.Persistent = true, false
		d.Disks[0].Serial = "S1"
		d.Others = []string{"sound ich6"}
		f.Nova.Compute.Disabled = true
	}))
	want := []string{"K2O-101", "K2O-103", "K2O-275", "K2O-467", "K2O-605"}
	if got := codes(a.Findings); !slices.Equal(got, want) {
		t.Errorf("Assess gives %v, want %v", got, want)
	}
}

func TestVerdict(t *testing.T) {
	tests := []struct {
		name string
		of   tweak
		want Verdict
	}{
		{"nothing", func(*discover.Domain, *Facts) {}, VerdictReady},
		{"info", func(d *discover.Domain, _ *Facts) { d.Autostart = true }, VerdictReady},
		{"attention", func(d *discover.Domain, _ *Facts) { d.ACPI = false }, VerdictAttention},
		{"blocked", func(d *discover.Domain, _ *Facts) { d.ACPI, d.Persistent = false, false }, VerdictBlocked},
		{"managed, whatever else", func(d *discover.Domain, f *Facts) { d.Persistent = false; live(f, "kvm01") }, VerdictManaged},
		{"managed, host unknown to Nova", func(_ *discover.Domain, f *Facts) { live(f, "kvm01"); f.Nova.Compute = nil }, VerdictManaged},
		{"live on another host", func(_ *discover.Domain, f *Facts) { live(f, "kvm02") }, VerdictBlocked},
		{"half-written", func(_ *discover.Domain, f *Facts) { live(f, "") }, VerdictAttention},
		{"no databases", func(_ *discover.Domain, f *Facts) { f.Nova = nil }, VerdictReady},
		{"nothing known at all", func(_ *discover.Domain, f *Facts) { *f = Facts{} }, VerdictAttention}, // no mapping
	}
	for _, test := range tests {
		if a := Assess(made(test.of)); a.Verdict != test.want {
			t.Errorf("%s: Assess = %v %v, want %v", test.name, a.Verdict, codes(a.Findings), test.want)
		}
	}
}
