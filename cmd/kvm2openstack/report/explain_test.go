package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// Whatever code somebody reads in a report, it is explained with its meaning,
// its evidence and its remedy, and commands stay on one line.
func TestEveryCodeIsExplained(t *testing.T) {
	rules := append(check.Rules(), plan.Concerns()...)
	if len(rules) < 220 {
		t.Errorf("%d rules and concerns are explained, want at least 220", len(rules))
	}
	for _, r := range rules {
		var out bytes.Buffer
		ExplainCheck(&out, r, Style{})
		if !strings.HasPrefix(out.String(), r.Code+": "+r.Title+"\n") {
			t.Errorf("%s: begins with %q", r.Code, out.String())
		}
		for _, word := range []string{"meaning", "evidence", "remedy", "chapter"} {
			if text := after(out.String(), word); len(text) < 4 {
				t.Errorf("%s: %s is %q", r.Code, word, text)
			}
		}
		example := r.Example()
		if r.Code < "K2O-900" && example.Text == "" {
			t.Errorf("%s: no example", r.Code)
		}
		if example.Action != r.Action && !strings.Contains(out.String(), Line(example.Action)) {
			t.Errorf("%s: the command is broken: %s", r.Code, out.String())
		}
	}
	for _, c := range importer.Codes {
		var out bytes.Buffer
		ExplainCode(&out, c, Style{})
		if len(after(out.String(), "remedy")) < 4 {
			t.Errorf("%s: %s", c.Code, out.String())
		}
	}
}

// after is what stands to the right of a word.
func after(text, word string) string {
	_, rest, _ := strings.Cut(text, "\n  "+word)
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// The chapters of a domain have every check once and every finding once.
func TestChaptersAddUp(t *testing.T) {
	for name, r := range reports(t) {
		for d := range r.Domains() {
			asked, found := 0, 0
			for _, c := range chaptersOf(d) {
				asked += c.asked
				found += len(c.findings)
			}
			if want := len(check.Rules()); asked != want || found != len(d.Findings) {
				t.Errorf("%s: %s: %d checks and %d findings, want %d and %d", name, d.Name, asked, found, want, len(d.Findings))
			}
		}
	}
}
