package discover

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds on a definition. They are far above anything libvirt holds, and keep
// a hostile file from using up stack or memory: libvirtxml recurses without a
// limit of its own, and turns an element of seven bytes into half a kilobyte.
const (
	maxDefinitionBytes = 8 << 20
	maxElements        = 100_000
	maxDepth           = 300 // a backing chain of n images nests n+4 deep
)

// tokens feeds one definition to libvirtxml. On the way it notes what
// libvirtxml has no field for, and refuses what libvirt never writes, so that
// no second pass is needed for either.
type tokens struct {
	dec      *xml.Decoder
	depth    int
	elements int
	path     [3]string // names of the open elements, root first, as deep as notes need
	textOf   *string   // where character data goes besides libvirtxml, or nil
	noted    noted
}

// noted is what the pass sees and libvirtxml does not tell.
type noted struct {
	name, uuid   string
	names, uuids int
	id           bool // the root has an id: this is the definition of a running domain

	nova        bool
	libosinfo   string
	hyperv      []string
	unknown     []string
	launchGuard string              // <launchSecurity type>
	types       map[string][]string // type= of each device, by element, in order
}

func newTokens(doc []byte) *tokens {
	dec := xml.NewDecoder(bytes.NewReader(doc))
	dec.CharsetReader = charsetReader
	return &tokens{dec: dec, noted: noted{types: make(map[string][]string, 8)}}
}

// Token gives libvirtxml its next token. It makes tokens an xml.TokenReader.
func (t *tokens) Token() (xml.Token, error) {
	for {
		tok, err := t.next()
		if err != nil {
			return nil, err
		}
		start, ok := tok.(xml.StartElement)
		if !ok {
			return tok, nil
		}
		outside := t.depth - 1
		wanted, err := t.look(start)
		if err != nil {
			return nil, err
		}
		if wanted {
			return start, nil
		}
		if err := t.skipTo(outside); err != nil {
			return nil, err
		}
	}
}

// next reads one token that carries content, within the bounds.
func (t *tokens) next() (xml.Token, error) {
	for {
		tok, err := t.dec.Token()
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if t.depth < len(t.path) {
				t.path[t.depth] = tok.Name.Local
			}
			t.depth++
			t.elements++
			if t.depth > maxDepth || t.elements > maxElements {
				return nil, fmt.Errorf("more than %d levels or %d elements: %w", maxDepth, maxElements, ErrTooLarge)
			}
			t.textOf = nil
		case xml.EndElement:
			t.depth--
			t.textOf = nil
		case xml.CharData:
			if t.textOf != nil {
				*t.textOf += string(tok)
			}
		case xml.Directive:
			return nil, ErrDoctype
		default: // comments, processing instructions
			continue
		}
		return tok, nil
	}
}

// skipTo reads on until no more than depth elements are open.
func (t *tokens) skipTo(depth int) error {
	for t.depth > depth {
		if _, err := t.next(); err != nil {
			return err
		}
	}
	return nil
}

// rest reads what follows the root, where nothing but white space may be.
func (t *tokens) rest() error {
	for {
		tok, err := t.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if text, ok := tok.(xml.CharData); !ok || strings.TrimSpace(string(text)) != "" {
			return errors.New("something follows the end of <domain>")
		}
	}
}

// look notes what start tells, and says whether libvirtxml shall see it.
func (t *tokens) look(start xml.StartElement) (wanted bool, err error) {
	switch t.depth {
	case 1:
		return true, t.lookRoot(start)
	case 2:
		return t.lookTop(start)
	case 3:
		return t.lookChild(start)
	}
	return true, nil
}

func (t *tokens) lookRoot(start xml.StartElement) error {
	if start.Name.Local != "domain" || start.Name.Space != "" {
		return fmt.Errorf("the root element is <%s>, not <domain>", start.Name.Local)
	}
	_, t.noted.id = attr(start, "id")
	return nil
}

// lookTop is for the children of <domain>.
func (t *tokens) lookTop(start xml.StartElement) (bool, error) {
	name := start.Name.Local
	if !domainChildren[qualified(start.Name)] {
		t.unknown("domain/" + name)
		return false, nil
	}
	switch name {
	case "name":
		t.noted.names++
		t.textOf = first(t.noted.names, &t.noted.name)
	case "uuid":
		t.noted.uuids++
		t.textOf = first(t.noted.uuids, &t.noted.uuid)
	case "launchSecurity":
		t.noted.launchGuard, _ = attr(start, "type")
	case "metadata":
		return false, t.metadata()
	}
	return true, nil
}

// lookChild is for the grandchildren of <domain>: devices and features.
func (t *tokens) lookChild(start xml.StartElement) (bool, error) {
	name := start.Name.Local
	switch t.path[1] {
	case "devices":
		if !deviceChildren[qualified(start.Name)] {
			t.unknown("devices/" + name)
			return false, nil
		}
		typ, _ := attr(start, "type")
		t.noted.types[name] = append(t.noted.types[name], typ)
	case "features":
		if name == "hyperv" {
			return false, t.hyperv(start)
		}
	}
	return true, nil
}

// metadata looks for the two kinds that matter; libvirt keeps any XML here.
func (t *tokens) metadata() error {
	for end := t.depth - 1; t.depth > end; {
		tok, err := t.next()
		if err != nil {
			return err
		}
		start, ok := tok.(xml.StartElement)
		switch {
		case !ok:
		case start.Name.Local == "instance" && strings.HasPrefix(start.Name.Space, novaNamespace):
			t.noted.nova = true
		case start.Name.Local == "os" && strings.HasPrefix(start.Name.Space, libosinfoNamespace):
			t.noted.libosinfo, _ = attr(start, "id")
		}
	}
	return nil
}

// Namespaces without their version, which both projects raise over time.
const (
	novaNamespace      = "http://openstack.org/xmlns/libvirt/nova/"
	libosinfoNamespace = "http://libosinfo.org/xmlns/libvirt/domain/"
)

// hyperv notes the enlightenments that are on, known to libvirtxml or not.
func (t *tokens) hyperv(start xml.StartElement) error {
	if mode, _ := attr(start, "mode"); mode == "passthrough" {
		t.noted.hyperv = append(t.noted.hyperv, mode)
	}
	for end := t.depth - 1; t.depth > end; {
		tok, err := t.next()
		if err != nil {
			return err
		}
		if start, ok := tok.(xml.StartElement); ok && t.depth == end+2 {
			if state, _ := attr(start, "state"); state != "off" {
				t.noted.hyperv = append(t.noted.hyperv, start.Name.Local)
			}
		}
	}
	return nil
}

// unknown notes a path once; a thousand of them would only hide the first.
func (t *tokens) unknown(path string) {
	for _, have := range t.noted.unknown {
		if have == path {
			return
		}
	}
	if len(t.noted.unknown) < 20 {
		t.noted.unknown = append(t.noted.unknown, path)
	}
}

func attr(start xml.StartElement, name string) (string, bool) {
	for _, a := range start.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value, true
		}
	}
	return "", false
}

// first gives where to put the text of the first of several elements: libvirt
// reads the first, libvirtxml the last.
func first(seen int, where *string) *string {
	if seen > 1 {
		return nil
	}
	return where
}
