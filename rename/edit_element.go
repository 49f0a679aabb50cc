package rename

import (
	"encoding/xml"
	"fmt"
	"strings"
)

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
