package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{
		"web": 3, "שָׁלוֹם": 4, "مُحَمَّد": 4, "हिन्दी": 5, "ภาษาไทย": 7, "测试": 4, "ｻｰﾊﾞｰ": 5, "サーバー": 8, "한글": 4, "cafe\u0301": 4, "🛒": 2,
	} {
		if got := width(s); got != want {
			t.Errorf("width(%q) = %d, want %d as wcwidth says", s, got, want)
		}
	}
}

// fleetLines are lines of every kind, with the widest cells that there are.
func fleetLines() []auditLine {
	return []auditLine{
		{host: "kvm01", name: "web-1", state: "running", vcpus: 2, memoryMiB: 4096, disks: "1, 40GB", addresses: []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}, os: "Debian GNU/Linux 12 (bookworm)", sure: "agent", verdict: check.VerdictReady},
		{host: "kvm01", name: "财务服务器", state: "shutoff", vcpus: 32, memoryMiB: 1 << 20, disks: "12, >9000GB", os: "windows", sure: "medium", verdict: check.VerdictBlocked, blockers: []string{"K2O-221", "K2O-240"}, attention: []string{"K2O-527"}, serious: 4},
		{host: "hypervisor-2.rack-17.example.net", name: strings.Repeat("long", 60), state: "pmsuspended", addresses: []string{"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"}, verdict: check.VerdictAttention, attention: []string{"K2O-106"}, serious: 1},
		{host: "kvm03", name: "שָׁלוֹם", verdict: check.VerdictUnreadable, err: strings.Repeat("why ", 50)},
	}
}

// Whatever the terminal, no line is wider, every line has the domain, and from
// 20 columns on every line has the verdict.
func TestFit(t *testing.T) {
	for n := 1; n <= 400; n++ {
		var out bytes.Buffer
		if err := fit(auditColumns(false), fleetLines(), Style{Width: n}).print(&out, fleetLines(), true); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 5 {
			t.Fatalf("%d columns: %d lines, want 5: %q", n, len(lines), lines)
		}
		for i, line := range lines {
			if width(line) > n {
				t.Errorf("%d columns: %q has %d", n, line, width(line))
			}
			if verdict := append([]string{"VERDICT"}, "ready", "blocked", "attention", "unreadable")[i]; n >= 20 && !strings.Contains(line, verdict) {
				t.Errorf("%d columns: %q lacks %s", n, line, verdict)
			}
		}
	}
}

// A wider terminal never shows less.
func TestFitGrows(t *testing.T) {
	shown := 0
	for n := 20; n <= 400; n++ {
		f := fit(auditColumns(false), fleetLines(), Style{Width: n})
		if len(f.columns) < shown {
			t.Errorf("%d columns show %d, fewer than narrower ones", n, len(f.columns))
		}
		shown = len(f.columns)
	}
	if shown != 10 {
		t.Errorf("%d columns are shown at last, want all 10", shown)
	}
}

// Rows are laid out in pieces, which must look like one table.
func TestPiecesAreOneTable(t *testing.T) {
	var lines []auditLine
	for range 2*piece + 1 {
		lines = append(lines, auditLine{host: "kvm01", name: "web", verdict: check.VerdictReady})
	}
	lines[2*piece].name = "a-longer-name"
	var out bytes.Buffer
	if err := fit(auditColumns(false), lines, Style{}).print(&out, lines, true); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(got) != 2*piece+2 {
		t.Fatalf("%d lines, want %d and a title", len(got), 2*piece+1)
	}
	at := strings.Index(got[0], "VERDICT")
	for _, line := range got[1:] {
		if strings.Index(line, "ready") != at {
			t.Fatalf("%q is not below %q", line, got[0])
		}
	}
}

func TestCells(t *testing.T) {
	titles := map[string]string{"K2O-221": "Raw image", "K2O-106": "Paused domain"}
	l := fleetLines()
	for name, test := range map[string]struct{ got, want string }{
		"addresses, room for two": {l[0].addressCell(30), "10.0.0.1 10.0.0.2 +1"},
		"addresses, room for one": {l[0].addressCell(14), "10.0.0.1 +2"},
		"addresses, too long":     {l[0].addressCell(8), "10.0… +2"},
		"no address":              {l[1].addressCell(8), ""},
		"OS, whole":               {l[0].osCell(whole), "Debian GNU/Linux 12 (bookworm) (agent)"},
		"OS, short":               {l[0].osCell(20), "Debian 12 (agent)"},
		"OS, shorter":             {l[0].osCell(10), "Debian 12"},
		"OS, cut":                 {l[0].osCell(5), "Debi…"},
		"OS, doubtful":            {l[1].osCell(10), "windows?"},
		"OS, doubtful and cut":    {l[1].osCell(6), "wind…?"},
		"why, whole":              {l[1].why(titles, whole), "K2O-221 Raw image (+3)"},
		"why, cut":                {l[1].why(titles, 20), "K2O-221 Raw im… (+3)"},
		"why, the code":           {l[1].why(titles, 12), "K2O-221 (+3)"},
		"why, the code alone":     {l[1].why(titles, 7), "K2O-221"},
		"why, one":                {l[2].why(titles, 12), "K2O-106"},
		"every reason":            {l[1].allReasons(titles), "K2O-221 Raw image; K2O-240 ; K2O-527 "},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", name, test.got, test.want)
		}
	}
}

func TestNatural(t *testing.T) {
	want := []string{"", "7", "07", "10", "a", "db-1b", "db-2", "db-10", "db-10a", "web", "web-9", "web-10", "web-010-x", "财务"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortStableFunc(got, natural)
	// 7 and 07 are equal, and stay as they were.
	i, j := slices.Index(got, "7"), slices.Index(got, "07")
	got[min(i, j)], got[max(i, j)] = "7", "07"
	if !slices.Equal(got, want) {
		t.Errorf("sorted to %q, want %q", got, want)
	}
}

// Every line is in one group, and the groups add up, by whatever they are made.
func TestGroupsAddUp(t *testing.T) {
	for _, by := range append([]string{""}, GroupWords...) {
		seen := 0
		for _, g := range groups(fleetLines(), by) {
			seen += len(g.lines)
		}
		if seen != len(fleetLines()) {
			t.Errorf("grouped by %q there are %d lines, want %d", by, seen, len(fleetLines()))
		}
	}
}
