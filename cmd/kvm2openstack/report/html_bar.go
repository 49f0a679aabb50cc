package report

import "strconv"

// A bar is a row of segments, each as wide as its part of the whole, with
// marks across. It is drawn as SVG, which prints where backgrounds do not, and
// needs no style of its own.
type bar struct {
	Segments []segment
	Marks    []segment
	of, at   float64
}

type segment struct{ Class, From, Width string } // percent

func (b *bar) add(class string, width float64) {
	if width <= 0 || b.of <= 0 {
		return
	}
	b.Segments = append(b.Segments, segment{class, percent(b.at, b.of), percent(width, b.of)})
	b.at += width
}

func (b *bar) mark(class string, at float64) {
	if at > 0 && b.of > 0 {
		b.Marks = append(b.Marks, segment{Class: class, From: percent(at, b.of)})
	}
}

func percent(part, whole float64) string {
	return strconv.FormatFloat(part/whole*100, 'f', 2, 64) + "%"
}
