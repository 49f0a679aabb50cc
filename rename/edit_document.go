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
