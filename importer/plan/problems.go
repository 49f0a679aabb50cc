package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong with a plan file.
type Problem struct {
	Line   int    // 1 is the first; 0 when it is nowhere in particular
	Domain string // "host/name" of the entry it is in, "" outside of one
	Field  string // nics[0].mac
	Text   string
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	for _, part := range []string{p.Domain, p.Field} {
		if part != "" {
			b.WriteString(part + ": ")
		}
	}
	return b.String() + p.Text
}

// Problems are all that are wrong with a plan file, by line.
type Problems []Problem

// maxShown bounds what Error prints.
const maxShown = 50

// Error prints one problem a line.
func (p Problems) Error() string {
	if len(p) == 1 {
		return p[0].String()
	}
	lines := []string{fmt.Sprintf("%d problems", len(p))}
	for n, problem := range p {
		if n == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more", len(p)-maxShown))
			break
		}
		lines = append(lines, problem.String())
	}
	return strings.Join(lines, "\n")
}

// orNil sorts the problems and returns nil when there are none.
func (p Problems) orNil() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(x, y Problem) int { return cmp.Compare(x.Line, y.Line) })
	return p
}
