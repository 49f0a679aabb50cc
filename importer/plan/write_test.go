package plan

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// hostile are strings that YAML, a comment or a terminal could trip over.
var hostile = []string{
	"", " ", "a: b", "- a", "# a", "a #b", "'", `"`, `\`, "{a}", "[a]", "&a", "*a", "!a", "!!binary x", "%a", "@a", "`a`", "|", ">", "?", ":", ",", "~",
	"null", "yes", "no", "on", "off", "true", "false", "y", "0", "1", "0x1f", "1e3", "1_000", "0o7", ".inf", ".nan", "12:30:45", "2026-08-21", "<<", "=",
	"a\nb", "a\n\nb\n", "\n", "\r", "a\r\nb", "\t", "a\tb", " lead", "trail ", "\x00", "\x01", "\x1b[31m", "\x7f", "\u0085", "\u00a0", "\u2028", "\u2029", "\ufeff", "\ufffe", "\u202e", "🐈", "数据库",
	"\xff", "a\xc3", "--- a", "---", "...", "\n---\n", "; DROP TABLE instances; --", "../../etc/passwd", strings.Repeat("x", 300), strings.Repeat("long words ", 60),
}

// TestRoundTrip puts each string wherever a host's or an operator's own goes.
func TestRoundTrip(t *testing.T) {
	for _, s := range hostile {
		p, err := Build(input(ready(linux(1, s))))
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		d := p.Domains[0]
		d.Decision = Skip // so that every string is taken, sensible or not
		d.DisplayName, d.Disks[0].Path, d.MadeFrom.OSName = s, s, s
		d.Findings = []Finding{{Code: "K2O-1", Severity: check.Info, Text: s, Action: s}}
		d.Metadata = map[string]string{s: s, "k": s}
		d.MadeFrom.Facts = []string{s, "x " + s}
		d.Probes = []Probe{{HTTP: s}, {Command: s}}
		p.Domains[0] = d
		p.Unreadable = []Unreadable{{Host: "kvm01", Domain: s, Error: s}}
		if diff := roundTrip(p); diff != "" {
			t.Errorf("%q: %s", s, diff)
		}
	}
}

// roundTrip writes p and reads it back, twice; "" when it is the same.
func roundTrip(p Plan) string {
	var b strings.Builder
	if err := Write(&b, p); err != nil {
		return err.Error()
	}
	back, err := Read(strings.NewReader(b.String()))
	if err != nil {
		return err.Error() + "\n" + b.String()
	}
	if diff := cmp.Diff(p, back); diff != "" {
		return "differs (-written +read):\n" + diff
	}
	var again strings.Builder
	if err := Write(&again, back); err != nil {
		return err.Error()
	}
	return cmp.Diff(b.String(), again.String())
}

func FuzzRoundTrip(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		p, err := Build(input(ready(linux(1, name))))
		if err != nil {
			t.Fatal(err)
		}
		p.Domains[0].Findings = []Finding{{Code: "K2O-1", Severity: check.Info, Text: text}}
		p.Domains[0].Metadata = nil
		if diff := roundTrip(p); diff != "" {
			t.Errorf("%q, %q: %s", name, text, diff)
		}
	})
}

func TestWriteEmpty(t *testing.T) {
	in := input()
	p, err := Build(in)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := Write(&b, p); err != nil {
		t.Fatal(err)
	}
	back, err := Read(strings.NewReader(b.String()))
	if err != nil || len(back.Domains) != 0 || len(back.Hosts) != 1 {
		t.Errorf("Read = %+v, %v, want the host and no domain", back, err)
	}
}

// full is a disk without room.
type full struct{ room int }

var errFull = errors.New("no space left on device")

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteError(t *testing.T) {
	p, err := Build(input(ready(linux(1, "a"))))
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 4096} { // it fails in the first domain, and at the end
		if err := Write(&full{room}, p); !errors.Is(err, errFull) {
			t.Errorf("Write with room for %d bytes = %v, want %v", room, err, errFull)
		}
	}
}

func TestHeadlineIsOneLine(t *testing.T) {
	for _, s := range hostile {
		d := Domain{Host: s, Domain: s, Decision: Skip, MadeFrom: MadeFrom{State: s}}
		if line := d.headline(); strings.ContainsAny(line, "\n\r\u0085\u2028\u2029\x00\x1b\u202e") {
			t.Errorf("headline of %q is %q", s, line)
		}
	}
}
