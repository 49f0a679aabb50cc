package report

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Style says how a table is printed.
type Style struct {
	Colour bool
	Width  int // columns; 0 = do not cut
}

// sentence cuts a line that is no row of a table, but on a terminal that is
// narrower than sentences are leaves it to wrap.
func (s Style) sentence(line string) string {
	if s.Width < 60 {
		return line
	}
	return text.Snip(line, s.Width, "…")
}

// newTable is a plain table without lines, that greps and pastes well.
func newTable(w io.Writer, s Style, header ...string) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	t.SetStyle(style)
	if s.Width > 0 {
		t.Style().Size.WidthMax = s.Width
	}
	if len(header) > 0 {
		row := make(table.Row, len(header))
		for i, h := range header {
			row[i] = h
		}
		t.AppendHeader(row)
	}
	t.SuppressTrailingSpaces()
	return t
}

// Line makes s one printable line, whatever it holds: names come from hosts,
// and a newline or an escape sequence in one must not write on our terminal.
func Line(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 && strings.ToValidUTF8(s, "") == s {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		q := fmt.Sprintf("%q", string(r))
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// short is Line cut to n columns, so that one long name does not move every
// other line out of sight. JSON and CSV have it whole.
func short(s string, n int) string { return text.Snip(Line(s), n, "…") }

// Memory prints MiB in the unit an operator would say.
func Memory(mib uint64) string {
	if mib >= 1024 && mib%1024 == 0 {
		return fmt.Sprintf("%dGB", mib>>10)
	}
	if mib >= 10240 {
		return fmt.Sprintf("%.1fGB", float64(mib)/1024)
	}
	return fmt.Sprintf("%dMB", mib)
}

func sortedKeys[V any](m map[string]V, less func(a, b string) bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return less(keys[i], keys[j]) })
	return keys
}
