package report

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

// What a terminal would obey is escaped, all else is as it was, and a program
// reads the same.
func TestMarshal(t *testing.T) {
	for _, s := range []string{"财务 🐈", "\u009b2J", "a\u202eb", "\u0085", "\x7f", "\x1b[2J", "zero\u200bwidth", "\U000e0041", "\u00a0\u3000", `\u202e`} {
		for _, indent := range []string{"", "  "} {
			text, err := marshal(map[string]string{"name": s}, indent)
			if err != nil {
				t.Fatal(err)
			}
			if strings.ContainsFunc(string(text), func(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' }) {
				t.Errorf("marshal(%q) = %q", s, text)
			}
			var back map[string]string
			if err := json.Unmarshal(text, &back); err != nil || back["name"] != s {
				t.Errorf("%q came back as %q, %v", s, back["name"], err)
			}
		}
	}
	if text, err := marshal("财务 🐈", ""); err != nil || string(text) != `"财务 🐈"` {
		t.Errorf("marshal = %s, %v, want it readable", text, err)
	}
}
