package importer

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite VERIFY.md")

// VERIFY.md is what people look codes up in; it is Codes themselves.
func TestCodesFile(t *testing.T) {
	want := codesMarkdown()
	if *update {
		if err := os.WriteFile("VERIFY.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("VERIFY.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("VERIFY.md is not what Codes says; go test ./importer -update rewrites it:\n%s", diff)
	}
}

func codesMarkdown() string {
	var b strings.Builder
	b.WriteString("# What verify looks at\n\n")
	b.WriteString("`kvm2openstack verify` names what does not agree by one of these codes. V1 to V25 are what Nova itself relies on; from V30 on\n")
	b.WriteString("they are this program's own. This file is made by `go test ./importer -update`.\n\n")
	b.WriteString("| code | has to hold | what to do where it does not |\n|---|---|---|\n")
	escape := strings.NewReplacer("_", `\_`, "|", `\|`, "*", `\*`)
	for _, c := range Codes {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.Code, escape.Replace(c.Holds), escape.Replace(c.Action))
	}
	return b.String()
}

// Every code that the source can report is in Codes, once, and says what to do.
func TestCodesAreAll(t *testing.T) {
	var listed []string
	for _, c := range Codes {
		listed = append(listed, c.Code)
		if c.Holds == "" || c.Action == "" {
			t.Errorf("%s says too little: %+v", c.Code, c)
		}
	}
	used := map[string]bool{}
	for _, dir := range []string{".", "../nova"} {
		for _, code := range codesIn(t, dir) {
			used[code] = true
		}
	}
	var all []string
	for code := range used {
		all = append(all, code)
	}
	byNumber := func(a, b string) int {
		var m, n int
		fmt.Sscanf(a+" "+b, "V%d V%d", &m, &n)
		return m - n
	}
	slices.SortFunc(all, byNumber)
	if diff := cmp.Diff(all, listed); diff != "" {
		t.Errorf("Codes are not those that the source reports (-source +Codes):\n%s", diff)
	}
}

var codeText = regexp.MustCompile(`"(V[0-9]+)"`)

// codesIn are the codes that the source files of a folder write as texts, but
// for the list itself.
func codesIn(t *testing.T, dir string) (codes []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "verify_codes.go" {
			continue
		}
		text, err := os.ReadFile(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range codeText.FindAllStringSubmatch(string(text), -1) {
			codes = append(codes, m[1])
		}
	}
	return codes
}
