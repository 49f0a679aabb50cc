package check

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite RULES.md and examples.json")

// examples.json is what the rules say of their own fixtures.
func TestExamplesFile(t *testing.T) {
	var all []Finding
	for _, r := range rules {
		all = append(all, finding(t, r.Code, fixtures[r.Code].yes))
	}
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(all); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("examples.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			examples[f.Code] = f
		}
	}
	got, err := os.ReadFile("examples.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("examples.json is not what the rules say; go test ./importer/check -update rewrites it:\n%s", diff)
	}
}

// RULES.md is what people look codes up in; it is the rules themselves.
func TestRulesFile(t *testing.T) {
	want := markdown(Rules())
	if *update {
		if err := os.WriteFile("RULES.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("RULES.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("RULES.md is not what the rules say; go test ./importer/check -update rewrites it:\n%s", diff)
	}
}

func markdown(rules []Rule) string {
	var b strings.Builder
	b.WriteString("# Rules\n\n")
	b.WriteString("What an audit says of a domain, by code. *Blocked* domains are not adopted, *attention* needs a person's eye,\n")
	b.WriteString("*info* is worth knowing and leaves a domain ready. In a finding the text names the domain's own disk, MAC address\n")
	b.WriteString("or path, and the action is a command where there is one: `kvm2openstack explain CODE` shows one. Codes from K2O-900 on are a plan's own, see\n")
	b.WriteString("[CONCERNS.md](../plan/CONCERNS.md). This file is made by `go test ./importer/check -update`.\n")
	chapter := ""
	for _, r := range rules {
		if r.Chapter() != chapter {
			chapter = r.Chapter()
			fmt.Fprintf(&b, "\n## %sxx: %s\n\n| code | severity | found | for example | what to do | rests on |\n|---|---|---|---|---|---|\n", r.Code[:5], chapter)
		}
		title := cell(r.Title)
		if r.AlsoManaged() {
			title += " (asked of domains that Nova has, too)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.Code, r.Severity, title, cell(r.Example().Text), cell(r.Action), cell(r.Fact))
	}
	return b.String()
}

// cell keeps a text from being taken for markup.
func cell(s string) string {
	return strings.NewReplacer(`\`, `\\`, `|`, `\|`, `<`, `\<`, `*`, `\*`, `_`, `\_`).Replace(s)
}
