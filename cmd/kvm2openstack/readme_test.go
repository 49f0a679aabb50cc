package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// readmeColumns is how wide the terminal of README is.
const readmeColumns = "180"

// TestReadme: what README shows of the demonstration is what the commands
// print, in that order. "…" on a line stands for what is left out.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("COLUMNS", readmeColumns)
	t.Setenv("NO_COLOR", "1")
	if err := prepareDemo("demo"); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, block := range readmeBlocks(string(text)) {
		command, ok := strings.CutPrefix(block[0], "$ kvm2openstack ")
		if !ok || !strings.Contains(command, "demo/config.yaml") {
			continue
		}
		var out bytes.Buffer
		run(context.Background(), strings.Fields(command), streams{in: strings.NewReader(""), out: &out, err: &out})
		for _, line := range notPrinted(block[1:], out.String()) {
			t.Errorf("README: %q does not print this, or not there:\n%s", command, line)
		}
		if testing.Verbose() {
			t.Logf("%s\n%s", command, &out)
		}
		shown++
	}
	if shown < 7 {
		t.Errorf("README shows %d commands of the demonstration, want audit, plan, import twice, status, verify, release", shown)
	}
	plan, err := os.ReadFile("demo/plan.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, one, _ := strings.Cut(string(text), "One domain of the plan:\n\n```yaml\n")
	one, _, _ = strings.Cut(one, "```")
	for _, line := range notPrinted(strings.Split(strings.TrimSpace(one), "\n"), string(plan)) {
		t.Errorf("README: the plan has no such line, or not there:\n%s", line)
	}
}

// readmeBlocks are the indented blocks, one for each "$", without what sets them in.
func readmeBlocks(text string) (blocks [][]string) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		set, ok := strings.CutPrefix(line, "    ")
		switch {
		case ok && strings.HasPrefix(set, "$ "):
			blocks = append(blocks, []string{set})
		case (ok || line == "") && len(blocks) > 0:
			last := &blocks[len(blocks)-1]
			*last = append(*last, set)
		case len(blocks) > 0 && len(blocks[len(blocks)-1]) > 0:
			blocks = append(blocks, []string{""}) // prose
		}
	}
	return blocks
}

var moment = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)

// notPrinted are the lines that do not come in out in their order.
func notPrinted(lines []string, out string) (missing []string) {
	rest := strings.Split(moment.ReplaceAllString(out, "NOW"), "\n")
	for _, line := range lines {
		line = strings.TrimRight(moment.ReplaceAllString(line, "NOW"), " ")
		if text := strings.TrimSpace(line); text == "" || text == "…" {
			continue
		}
		at := slices.IndexFunc(rest, func(r string) bool { return strings.TrimRight(r, " ") == line })
		if at < 0 {
			missing = append(missing, line)
			continue
		}
		rest = rest[at+1:]
	}
	return missing
}

// TestReadmeExit: README names the exit statuses as --help does.
func TestReadmeExit(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(exitHelp) {
		code, meaning, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || code == "Exit" {
			continue
		}
		row := "| " + code + " | " + strings.ReplaceAll(strings.TrimSpace(meaning), "|", `\|`) + " |\n"
		if !strings.Contains(string(text), row) {
			t.Errorf("README has no line %q", row)
		}
	}
}
