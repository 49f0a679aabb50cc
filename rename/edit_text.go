package rename

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An editor collects what is to be replaced in a document's text.
type editor struct {
	doc     *document
	splices []splice
}

// A splice puts text in the place of doc.text[start:end].
type splice struct {
	start, end int
	text       string
}

func (e *editor) splice(start, end int, text string) {
	e.splices = append(e.splices, splice{start, end, text})
}

// text is the document's with all splices done. Of several at one place,
// insertions come before what replaces or removes text, in the order in which
// they were asked for.
func (e *editor) text() (string, error) {
	slices.SortStableFunc(e.splices, func(a, b splice) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end))
	})
	var b strings.Builder
	at := 0
	for _, s := range e.splices {
		if s.start < at {
			return "", fmt.Errorf("two edits meet at byte %d of the definition", s.start)
		}
		b.WriteString(e.doc.text[at:s.start])
		b.WriteString(s.text)
		at = s.end
	}
	b.WriteString(e.doc.text[at:])
	return b.String(), nil
}

// setValue gives an attribute another value and leaves its quotes.
func (e *editor) setValue(a attribute, value string) {
	if a.value != value {
		e.splice(a.start, a.end, escape(value, a.quote))
	}
}

// setWords gives an element other text. Only text may stand in it now: what
// else there is would be lost.
func (e *editor) setWords(in *element, what, text string) error {
	if in.words == text {
		return nil
	}
	if len(in.children) > 0 || in.mixed {
		return refused("", ErrRefused, "%s has more in it than text: %s; remove that with virsh edit", what, in.content(e.doc))
	}
	if in.open == in.end { // <nvram/>
		tag := strings.TrimRight(strings.TrimSuffix(e.doc.text[in.start:in.open], "/>"), " \t\r\n")
		e.splice(in.start+len(tag), in.end, ">"+escape(text, 0)+"</"+in.written(e.doc)+">")
		return nil
	}
	e.splice(in.open, in.close, escape(text, 0))
	return nil
}

func (e *element) content(doc *document) string {
	return fmt.Sprintf("%.80q", doc.text[e.open:e.close])
}

// written is the element's name as it stands in the text.
func (e *element) written(doc *document) string {
	rest := doc.text[e.start+1 : e.open]
	return rest[:strings.IndexAny(rest, " \t\r\n/>")]
}

// indent is the white space that stands before an element: what an element
// beside it is to have before it, too.
func (e *editor) indent(beside *element) string {
	before := e.doc.text[:beside.start]
	return before[len(strings.TrimRight(before, " \t\r\n")):]
}

// insertAfter puts a new element behind another, indented as that one is.
func (e *editor) insertAfter(before *element, text string) {
	e.splice(before.end, before.end, e.indent(before)+text)
}

// insertBefore puts a new element in front of another, indented as that one is.
func (e *editor) insertBefore(after *element, text string) {
	e.splice(after.start, after.start, text+e.indent(after))
}

// remove takes an element away, and the white space before it.
func (e *editor) remove(gone *element) {
	e.splice(gone.start-len(e.indent(gone)), gone.end, "")
}

// removeAttr takes an attribute away, and the white space before it.
func (e *editor) removeAttr(a attribute) {
	before := e.doc.text[:a.start-1] // up to the quote
	before = strings.TrimRight(before, " \t\r\n")
	before = strings.TrimRight(strings.TrimSuffix(before, "="), " \t\r\n")
	name := strings.LastIndexAny(before, " \t\r\n'\"") + 1
	e.splice(len(strings.TrimRight(before[:name], " \t\r\n")), a.end+1, "")
}

// escape writes a value as it may stand between quotes of that kind, or
// between tags for none.
func escape(value string, quote byte) string {
	var b strings.Builder
	for i := range len(value) {
		switch c := value[i]; {
		case c == '&':
			b.WriteString("&amp;")
		case c == '<':
			b.WriteString("&lt;")
		case c == '>':
			b.WriteString("&gt;")
		case c == '\'' && quote == c:
			b.WriteString("&apos;")
		case c == '"' && quote == c:
			b.WriteString("&quot;")
		case c == '\t', c == '\n', c == '\r':
			fmt.Fprintf(&b, "&#%d;", c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
