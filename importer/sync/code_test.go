package sync

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite DRIFT.md")

// DRIFT.md is what people look codes up in; it is the codes themselves.
func TestCodesFile(t *testing.T) {
	want := codesMarkdown()
	if *update {
		if err := os.WriteFile("DRIFT.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("DRIFT.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("DRIFT.md is not what the codes say; go test ./importer/sync -update rewrites it:\n%s", diff)
	}
}

func codesMarkdown() string {
	var b strings.Builder
	b.WriteString("# What sync looks for\n\n")
	b.WriteString("`kvm2openstack sync` names what has drifted by one of these codes. This file is made by `go test ./importer/sync -update`.\n\n")
	b.WriteString("| code | what | what heals it, or what to do |\n|---|---|---|\n")
	escape := strings.NewReplacer("_", `\_`, "|", `\|`, "*", `\*`)
	for _, c := range Codes() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c, escape.Replace(c.Title()), escape.Replace(c.Action()))
	}
	return b.String()
}

// Each code is there once, and says what to do.
func TestCodes(t *testing.T) {
	codes := Codes()
	if !slices.IsSorted(codes) || len(slices.Compact(slices.Clone(codes))) != len(codes) {
		t.Errorf("codes are not in order, or twice: %v", codes)
	}
	for _, c := range codes {
		if c.Title() == "" || c.Action() == "" {
			t.Errorf("%s says too little", c)
		}
	}
	if unknown := Code("D99"); unknown.Title() != "" || unknown.Action() != "" {
		t.Errorf("a code that is none has a meaning: %q", unknown.Title())
	}
}
