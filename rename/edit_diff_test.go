package rename

import (
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	many := func(prefix string) string { return strings.Repeat(prefix+"\n", 3000) }
	for _, c := range []struct{ name, before, after, want string }{
		{"same", "a\nb\n", "a\nb\n", ""},
		{"changed", "a\nb\nc\n", "a\nx\nc\n", "-b\n+x\n"},
		{"added", "a\nc\n", "a\nb\nc\n", "+b\n"},
		{"removed at the end", "a\nb", "a", "-b\n"},
		{"longest common lines", "a\nb\nc\nd\n", "b\nx\nd\na\n", "-a\n-c\n+x\n+a\n"},
		{"password", "<graphics type='vnc' passwd='hunter2'/>\n", "<graphics type='spice' passwd = \"hunter2\"/>\n", "-<graphics type='vnc' passwd='...'/>\n+<graphics type='spice' passwd = '...'/>\n"},
		{"too much to compare", many("a"), many("b"), many("-a") + many("+b")},
	} {
		if got := Diff(c.before, c.after); got != c.want {
			t.Errorf("%s: Diff = %.200q, want %.200q", c.name, got, c.want)
		}
	}
}
