package discover

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"libvirt.org/go/libvirtxml"
)

// Parse makes a Domain of its inactive definition (virDomainGetXMLDesc with
// VIR_DOMAIN_XML_INACTIVE) and, while it runs, its live one (flags 0).
//
// The inactive definition is the truth; the live one only adds what exists
// while a domain runs: the NVRAM file in use, tap names, ports, the backing
// chain, block jobs, the agent's channel. Either may be nil: a domain that is
// off has no live definition, and a transient one no other.
//
// Host, State, the flags that libvirt keeps outside of the definition, sizes
// and guest addresses are left to the caller. Every error is a
// *DefinitionError.
func Parse(inactive, live []byte) (Domain, error) {
	d, _, err := parse(inactive, live)
	return d, err
}

// parse is Parse, and says whether the definitions are of a running domain.
func parse(inactive, live []byte) (d Domain, running bool, err error) {
	running = len(live) > 0
	only := len(inactive) == 0
	if only {
		inactive, live = live, nil
	}
	tree, seen, err := decode(inactive, false)
	if err != nil {
		return Domain{}, false, err
	}
	if d, err = convert(tree, seen); err != nil {
		return Domain{}, false, &DefinitionError{Name: seen.name, UUID: seen.uuid, Err: err}
	}
	running = running || seen.id
	if running && live == nil {
		live = inactive
	}
	if running {
		if err := d.parseLive(live); err != nil {
			return Domain{}, false, err
		}
	}
	if only || seen.id {
		still := d
		still.MemoryKiB = still.MemMaxKiB // the balloon moves by itself
		d.Digest = digest([]byte(strings.Join(still.Facts(), "\n")))
	} else {
		d.Digest = digest(withoutPasswords(inactive))
	}
	d.Guest = DetectGuest(d)
	d.Layout = layoutOf(inactive)
	d.share()
	return d, running, nil
}

// parseLive adds what only the live definition tells.
func (d *Domain) parseLive(doc []byte) error {
	tree, seen, err := decode(doc, true)
	if err != nil {
		return err
	}
	if id, err := canonicalUUID(seen.uuid); err != nil || id != d.UUID {
		return &DefinitionError{Name: seen.name, UUID: seen.uuid,
			Err: fmt.Errorf("the live definition is of another domain than the inactive one of %q (%s)", d.Name, d.UUID)}
	}
	d.addLive(tree, seen.types)
	return nil
}

// decode reads one document into libvirtxml's types, or says what is wrong
// with it.
func decode(doc []byte, live bool) (*libvirtxml.Domain, noted, error) {
	doc = bytes.TrimPrefix(doc, []byte("\xef\xbb\xbf"))
	if err := refuse(doc); err != nil {
		name, uuid := salvage(doc)
		return nil, noted{}, &DefinitionError{Name: name, UUID: uuid, Err: err}
	}
	if short := trim(doc, live); len(short) < len(doc) {
		if tree, seen, err := decodeAll(short); err == nil {
			return tree, seen, nil
		}
	}
	return decodeAll(doc) // an error's line is that of the whole document
}

// decodeAll turns a panic inside libvirtxml into an error of that document
// alone: one damaged file must not end the audit of a data centre.
func decodeAll(doc []byte) (tree *libvirtxml.Domain, seen noted, err error) {
	t := newTokens(doc)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("libvirtxml cannot read it: %v", p)
		}
		if err != nil {
			line, _ := t.dec.InputPos()
			tree, err = nil, &DefinitionError{Name: t.noted.name, UUID: t.noted.uuid, Line: line, Err: err}
		}
	}()
	tree = new(libvirtxml.Domain)
	if err := xml.NewTokenDecoder(t).Decode(tree); err != nil {
		return nil, t.noted, explain(err, t)
	}
	if err := t.rest(); err != nil {
		return nil, t.noted, explain(err, t)
	}
	return tree, t.noted, nil
}

// refuse looks at a document from outside.
func refuse(doc []byte) error {
	switch {
	case len(bytes.TrimSpace(doc)) == 0:
		return ErrEmpty
	case len(doc) > maxDefinitionBytes:
		return fmt.Errorf("%d bytes, more than %d: %w", len(doc), maxDefinitionBytes, ErrTooLarge)
	case bytes.HasPrefix(doc, []byte("\xff\xfe")), bytes.HasPrefix(doc, []byte("\xfe\xff")),
		bytes.HasPrefix(doc, []byte("<\x00")), bytes.HasPrefix(doc, []byte("\x00<")):
		return fmt.Errorf("it is UTF-16: %w", ErrEncoding)
	}
	return nil
}

// salvage reads as far as the name of a document that was refused.
func salvage(doc []byte) (name, uuid string) {
	t := newTokens(doc[:min(len(doc), 64<<10)])
	for t.noted.uuids == 0 || t.textOf != nil {
		if _, err := t.Token(); err != nil {
			break
		}
	}
	return t.noted.name, t.noted.uuid
}

// explain puts the words of encoding/xml into ours, and keeps the chain.
func explain(err error, t *tokens) error {
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		if errors.Is(err, io.EOF) {
			return errors.New("it holds no XML element")
		}
		if strings.Contains(err.Error(), "did not consume entire") { // libvirtxml's way of not knowing a type
			return fmt.Errorf("<%s> is of a kind that is not known here: %w", t.where(), err)
		}
		return err
	}
	switch {
	case strings.Contains(syntax.Msg, "unexpected EOF"):
		return fmt.Errorf("%w, inside <%s>", ErrTruncated, t.where())
	case strings.Contains(syntax.Msg, "invalid UTF-8"):
		return fmt.Errorf("a byte outside of UTF-8 and no encoding declared: %w", ErrEncoding)
	}
	return errors.New(syntax.Msg)
}

// where names the innermost open elements as far as the pass follows them.
func (t *tokens) where() string {
	return strings.Join(t.path[:min(t.depth, len(t.path))], "><")
}

// charsetReader reads the encodings that hand-made dumps come in. libvirt
// itself writes UTF-8 only.
func charsetReader(name string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "us-ascii", "ascii":
		return r, nil
	case "iso-8859-1", "latin1":
		return charmap.ISO8859_1.NewDecoder().Reader(r), nil
	case "iso-8859-15":
		return charmap.ISO8859_15.NewDecoder().Reader(r), nil
	case "windows-1252":
		return charmap.Windows1252.NewDecoder().Reader(r), nil
	}
	return nil, fmt.Errorf("it declares the encoding %q, which cannot be read here: %w", name, ErrEncoding)
}

var password = regexp.MustCompile(`\spasswd=('[^']*'|"[^"]*")`)

// withoutPasswords is what the digest is made of: the same definition read
// with and without VIR_DOMAIN_XML_SECURE must have one digest.
func withoutPasswords(doc []byte) []byte {
	if !bytes.Contains(doc, []byte("passwd")) {
		return doc
	}
	return password.ReplaceAll(doc, nil)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
