package check

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite RULES.md")

// chapters are the hundreds of the codes.
var chapters = map[byte]string{
	'1': "Lifecycle and state",
	'2': "Disks",
	'3': "Network",
	'4': "Firmware, processors, memory and devices",
	'5': "Screens, consoles and the guest's operating system",
	'6': "Nova: host, records, names and room",
	'7': "Neighbours",
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
	b.WriteString("or path, and the action is a command where there is one. Codes from K2O-900 on are a plan's own, see\n")
	b.WriteString("[CONCERNS.md](../plan/CONCERNS.md). This file is made by `go test ./importer/check -update`.\n")
	chapter := byte(0)
	for _, r := range rules {
		if c := r.Code[len("K2O-")]; c != chapter {
			chapter = c
			fmt.Fprintf(&b, "\n## K2O-%cxx: %s\n\n| code | severity | found | what to do | rests on |\n|---|---|---|---|---|\n", c, chapters[c])
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.Code, r.Severity, cell(r.Title), cell(r.Action), cell(r.Fact))
	}
	return b.String()
}

// cell keeps a text from being taken for markup.
func cell(s string) string {
	return strings.NewReplacer(`\`, `\\`, `|`, `\|`, `<`, `\<`, `*`, `\*`, `_`, `\_`).Replace(s)
}
