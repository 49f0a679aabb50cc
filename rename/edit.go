package rename

import (
	"errors"
	"maps"
	"slices"
)

// A Change is what shall be different in a definition. What it leaves empty
// stays as it is.
//
// libvirt refuses a definition with another name than the domain of that UUID
// has (code 9), so one with a new Name is for after virDomainRename.
type Change struct {
	Name  string            // the domain's new name
	Disks map[string]string // target device, as in vda -> new path of its image file
	NICs  map[string]NIC    // MAC address -> what shall be different in that interface
	NVRAM string            // path of the EFI variables, put in where none stands
}

// Apply edits the text of a persistent definition, as virDomainGetXMLDesc gives
// it with VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE: without SECURE the
// passwords are missing, and defining it would remove them.
//
// Every byte that is not meant stays: comments, metadata, elements that this
// program does not know, quotes, entities and indentation. What comes out has
// passed Check. Every error is an *EditError, or a *UnmeantError if that proof
// failed, which would be a mistake in this package.
//
// The way back is the definition from before, not another Change: what was
// dropped from it, the options of a virtio driver, is nowhere else.
func Apply(definition string, c Change) (string, error) {
	doc, err := parse(definition)
	if err != nil {
		return "", &EditError{Err: err}
	}
	after, err := apply(doc, c)
	if err != nil {
		return "", named(doc, err)
	}
	if err := Check(definition, after, c); err != nil {
		return "", err
	}
	return after, nil
}

func apply(doc *document, c Change) (string, error) {
	if _, live := doc.root.attr("id"); live {
		return "", refused("", ErrLive, "it has an id; read it with VIR_DOMAIN_XML_INACTIVE and VIR_DOMAIN_XML_SECURE")
	}
	c, err := c.normal()
	if err != nil {
		return "", err
	}
	e := &editor{doc: doc}
	for _, edit := range []func(Change) error{e.setName, e.setDisks, e.setNICs, e.setNVRAM} {
		if err := edit(c); err != nil {
			return "", err
		}
	}
	return e.text()
}

// named adds the domain's name to an error.
func named(doc *document, err error) error {
	edit, ok := errors.AsType[*EditError](err)
	if !ok {
		edit = &EditError{Err: err}
	}
	if names := doc.root.all("name"); len(names) > 0 {
		edit.Domain = names[0].words
	}
	return edit
}

func (e *editor) setName(c Change) error {
	name, err := e.doc.root.child("name")
	switch {
	case err != nil:
		return refused("", ErrDefinition, "%w; remove all but one with virsh edit", err)
	case name == nil:
		return refused("", ErrDefinition, "it has no <name>")
	case c.Name == "":
		return nil
	}
	return e.setWords(name, "the name", c.Name)
}

// devices is the element that holds them, nil in a definition without any.
func (e *editor) devices() (*element, error) {
	devices, err := e.doc.root.child("devices")
	if err != nil {
		return nil, refused("", ErrDefinition, "%w; join them with virsh edit", err)
	}
	return devices, nil
}

// sorted are the keys of a map in the order in which they are worked off, so
// that of two errors always the same one is told.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
