package plan

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// CONCERNS.md is what people look the codes up in that only a plan has; it is
// the concerns themselves. Those of the rules are in importer/check/RULES.md.
func TestConcernsFile(t *testing.T) {
	want := concernsMarkdown()
	if *update {
		if err := os.WriteFile("CONCERNS.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("CONCERNS.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("CONCERNS.md is not what the concerns say; go test ./importer/plan -update rewrites it:\n%s", diff)
	}
}

func concernsMarkdown() string {
	var b strings.Builder
	b.WriteString("# Concerns\n\n")
	b.WriteString("What only a plan can say of a domain, by code: that the cloud has no place for one that is itself fine. What the\n")
	b.WriteString("rules of an audit say is in [RULES.md](../check/RULES.md). *Blocked* domains are skipped, *attention* needs a person's\n")
	b.WriteString("eye, *info* is worth knowing. This file is made by `go test ./importer/plan -update`.\n\n")
	b.WriteString("| code | severity | found | what to do | rests on |\n|---|---|---|---|---|\n")
	escape := strings.NewReplacer(`\`, `\\`, `|`, `\|`, `<`, `\<`, `*`, `\*`, `_`, `\_`).Replace
	for _, c := range concerns {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.code, c.severity, escape(c.title), escape(c.action), escape(c.fact))
	}
	return b.String()
}

// Every concern is in the list, so that every code of a plan can be looked up.
func TestConcernsAreListed(t *testing.T) {
	source, err := os.ReadFile("findings.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`concern\{"(K2O-9[0-9]{2})"`).FindAllStringSubmatch(string(source), -1)
	if len(codes) != len(concerns) || len(codes) < 20 {
		t.Fatalf("%d concerns are declared and %d listed", len(codes), len(concerns))
	}
	last := ""
	for n, c := range concerns {
		if c.code != codes[n][1] || c.code <= last {
			t.Errorf("%s stands where %s is declared, after %s: want each once, in order", c.code, codes[n][1], last)
		}
		last = c.code
		if c.title == "" || c.fact == "" || c.action == "" && c.code != infoManaged.code {
			t.Errorf("%s says nothing to look up: %+v", c.code, c)
		}
	}
}
