package report

import (
	"cmp"
	"io"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// A column is one column of a table that fits the terminal it is printed on.
type column[T any] struct {
	title string
	// cell gives as much of a row as n columns of the terminal hold.
	cell func(row T, n int) string
	// most is what a cell may have where there is no terminal to fit; 0 is no
	// bound.
	most int
	// Where the terminal is too narrow for all, every column gives way to fair,
	// then to tight, then to least; then whole columns go, those with the lowest
	// keep first.
	fair, tight, least, keep int
	// paint colours a cell that has its final size.
	paint func(row T, cell string) string
}

// whole is the width of a cell that is not to be cut.
const whole = 1 << 20

// width is how many columns of a terminal s takes: none for a mark that sits
// on another letter, two for a Chinese one.
func width(s string) int { return text.StringWidthWithoutEscSequences(s) }

// A fitted table has its columns and their widths. Rows are printed in
// pieces, so that memory does not grow with their number.
type fitted[T any] struct {
	columns []column[T]
	widths  []int
	gap     int
	style   Style
}

// fit decides the columns of a table: as wide as their contents where there is
// room, fewer and narrower where there is not.
func fit[T any](columns []column[T], rows []T, s Style) fitted[T] {
	f := fitted[T]{columns: columns, style: s, gap: 2}
	for _, c := range columns {
		f.widths = append(f.widths, c.natural(rows, s))
	}
	if s.Width <= 0 {
		return f
	}
	if s.Width < 120 {
		f.gap = 1
	}
	for {
		if widths, ok := squeeze(f.columns, f.widths, s.Width-f.gap*(len(f.columns)-1)); ok {
			f.widths = widths
			return f
		}
		if len(f.columns) == 1 {
			f.widths[0] = s.Width
			return f
		}
		least := f.leastNeeded()
		f.columns = slices.Delete(slices.Clone(f.columns), least, least+1)
		f.widths = slices.Delete(f.widths, least, least+1)
	}
}

// natural is what the widest cell of the column takes.
func (c column[T]) natural(rows []T, s Style) int {
	n := width(c.title)
	for _, row := range rows {
		n = max(n, width(c.cell(row, whole)))
	}
	if c.most > 0 && s.Width <= 0 {
		n = min(n, max(c.most, width(c.title)))
	}
	return n
}

// squeeze makes widths add up to no more than room, the widest column first.
// It is false where not even the least widths fit.
func squeeze[T any](columns []column[T], natural []int, room int) ([]int, bool) {
	widths := slices.Clone(natural)
	over := -room
	for _, w := range widths {
		over += w
	}
	for _, bound := range []func(column[T]) int{
		func(c column[T]) int { return max(c.fair, c.tight, c.least) },
		func(c column[T]) int { return max(cmp.Or(c.tight, c.fair), c.least) },
		func(c column[T]) int { return c.least },
	} {
		for ; over > 0; over-- {
			widest := -1
			for i, c := range columns {
				if widths[i] > max(bound(c), 1) && (widest < 0 || widths[i] > widths[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			widths[widest]--
		}
	}
	return widths, over <= 0
}

func (f fitted[T]) leastNeeded() int {
	least := 0
	for i, c := range f.columns {
		if c.keep < f.columns[least].keep {
			least = i
		}
	}
	return least
}

// piece is how many rows are laid out at a time.
const piece = 500

// print prints rows, with the titles above where they are wanted.
func (f fitted[T]) print(w io.Writer, rows []T, titles bool) error {
	for titles || len(rows) > 0 {
		n := min(piece, len(rows))
		if err := f.printPiece(w, rows[:n], titles); err != nil {
			return err
		}
		rows, titles = rows[n:], false
	}
	return nil
}

func (f fitted[T]) printPiece(w io.Writer, rows []T, titles bool) error {
	t := newTable(nil, Style{}, f.header(titles)...)
	t.Style().Box.PaddingRight = "  "[:f.gap]
	configs := make([]table.ColumnConfig, len(f.columns))
	for i, n := range f.widths {
		configs[i] = table.ColumnConfig{Number: i + 1, WidthMin: n, AlignHeader: text.AlignLeft}
	}
	t.SetColumnConfigs(configs)
	for _, row := range rows {
		t.AppendRow(f.row(row))
	}
	_, err := io.WriteString(w, t.Render()+"\n")
	return err
}

func (f fitted[T]) header(titles bool) []string {
	if !titles {
		return nil
	}
	var out []string
	for i, c := range f.columns {
		out = append(out, text.Snip(c.title, f.widths[i], "…"))
	}
	return out
}

func (f fitted[T]) row(row T) table.Row {
	out := make(table.Row, len(f.columns))
	for i, c := range f.columns {
		cell := text.Snip(c.cell(row, f.widths[i]), f.widths[i], "…")
		if c.paint != nil && f.style.Colour {
			cell = c.paint(row, cell)
		}
		out[i] = cell
	}
	return out
}
