package rename

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds on a definition, far above anything libvirt holds: they keep a
// hostile text from using up stack or memory.
const (
	maxDefinitionBytes = 8 << 20
	maxElements        = 100_000
	maxDepth           = 300
)

// A document is the text of a definition with its elements, each of which
// knows where in the text it stands.
type document struct {
	text string
	root *element
}

// An element and its places in the text: text[start:open] is its start tag,
// text[open:close] its content, text[close:end] its end tag. <a/> has no
// content and no end tag.
type element struct {
	name     xml.Name
	attrs    []attribute
	parent   *element
	children []*element
	words    string // its own character data, decoded, without that of children
	mixed    bool   // comments or processing instructions stand in its content

	start, open, close, end int
}

// An attribute's value without its quotes is text[start:end].
type attribute struct {
	name       xml.Name
	value      string // decoded
	start, end int
	quote      byte
}

// parse finds the elements of a definition.
func parse(text string) (*document, error) {
	switch {
	case len(text) > maxDefinitionBytes:
		return nil, fmt.Errorf("%w: it has %d bytes, more than %d", ErrDefinition, len(text), maxDefinitionBytes)
	case !utf8.ValidString(text):
		return nil, fmt.Errorf("%w: it is not UTF-8", ErrDefinition)
	}
	r := &reader{dec: xml.NewDecoder(strings.NewReader(text)), doc: &document{text: text}}
	for {
		more, err := r.step()
		if err != nil {
			line, _ := r.dec.InputPos()
			return nil, fmt.Errorf("%w: line %d: %w", ErrDefinition, line, err)
		}
		if !more {
			return r.finish()
		}
	}
}

// A reader builds a document from encoding/xml's tokens and their offsets.
type reader struct {
	dec   *xml.Decoder
	doc   *document
	at    *element // innermost open element
	depth int
	count int
}

func (r *reader) step() (more bool, err error) {
	start := int(r.dec.InputOffset())
	token, err := r.dec.Token()
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	switch token := token.(type) {
	case xml.StartElement:
		err = r.open(token, start)
	case xml.EndElement:
		r.at.close, r.at.end = start, int(r.dec.InputOffset())
		r.at, r.depth = r.at.parent, r.depth-1
	case xml.CharData:
		err = r.words(string(token))
	case xml.Directive:
		err = errors.New("it has a DOCTYPE, which libvirt never writes")
	default:
		if r.at != nil {
			r.at.mixed = true
		}
	}
	return true, err
}

func (r *reader) open(token xml.StartElement, start int) error {
	e := &element{name: token.Name, parent: r.at, start: start, open: int(r.dec.InputOffset())}
	r.depth, r.count = r.depth+1, r.count+1
	switch {
	case r.depth > maxDepth || r.count > maxElements:
		return fmt.Errorf("it has more than %d levels or %d elements", maxDepth, maxElements)
	case r.at != nil:
		r.at.children = append(r.at.children, e)
	case r.doc.root != nil:
		return fmt.Errorf("<%s> follows the end of <%s>", token.Name.Local, r.doc.root.name.Local)
	default:
		r.doc.root = e
	}
	r.at = e
	var err error
	e.attrs, err = attributes(token.Attr, r.doc.text[start:e.open], start)
	return err
}

func (r *reader) words(text string) error {
	switch {
	case r.at != nil:
		r.at.words += text
	case strings.TrimSpace(text) != "":
		return errors.New("there is text outside of the root element")
	}
	return nil
}

func (r *reader) finish() (*document, error) {
	switch root := r.doc.root; {
	case root == nil:
		return nil, fmt.Errorf("%w: it holds no XML element", ErrDefinition)
	case root.name != xml.Name{Local: "domain"}:
		return nil, fmt.Errorf("%w: the root element is <%s>, not <domain>", ErrDefinition, root.name.Local)
	}
	return r.doc, nil
}

// attributes finds the values of decoded attributes in their raw start tag,
// which stands at offset in the text. encoding/xml has judged the tag before,
// but for names given twice, which libvirt does not read.
func attributes(decoded []xml.Attr, tag string, offset int) ([]attribute, error) {
	found := make([]attribute, 0, len(decoded))
	seen := make(map[xml.Name]bool, len(decoded))
	at := 0
	for _, a := range decoded {
		if seen[a.Name] {
			return nil, fmt.Errorf("the attribute %s is given twice", a.Name.Local)
		}
		seen[a.Name] = true
		open := strings.IndexAny(tag[at:], `'"`)
		if open < 0 {
			return nil, fmt.Errorf("the attribute %s has no quotes", a.Name.Local)
		}
		start := at + open + 1
		size := strings.IndexByte(tag[start:], tag[start-1])
		if size < 0 {
			return nil, fmt.Errorf("the attribute %s has no end", a.Name.Local)
		}
		at = start + size + 1
		found = append(found, attribute{a.Name, a.Value, offset + start, offset + start + size, tag[start-1]})
	}
	return found, nil
}

// attr finds an attribute that is in no namespace, as all of libvirt's are.
func (e *element) attr(name string) (attribute, bool) {
	for _, a := range e.attrs {
		if a.name == (xml.Name{Local: name}) {
			return a, true
		}
	}
	return attribute{}, false
}

// value is that of an attribute, "" without it.
func (e *element) value(name string) string {
	a, _ := e.attr(name)
	return a.value
}

// all are the direct children of that name, in no namespace: a <name> in
// somebody's metadata is not the domain's.
func (e *element) all(name string) (found []*element) {
	for _, c := range e.children {
		if c.name == (xml.Name{Local: name}) {
			found = append(found, c)
		}
	}
	return found
}

// child is the one direct child of that name, nil without any. More than one
// is an error: libvirt reads the first and drops the others, and which of them
// the operator means is not for a program to say.
func (e *element) child(name string) (*element, error) {
	found := e.all(name)
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("<%s> has more than one <%s>", e.name.Local, name)
}

// deep is the descendant at the end of a path of only children, nil if any is
// missing.
func (e *element) deep(path ...string) (*element, error) {
	for _, name := range path {
		next, err := e.child(name)
		if next == nil || err != nil {
			return nil, err
		}
		e = next
	}
	return e, nil
}
