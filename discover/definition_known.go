package discover

import (
	"encoding/xml"
	"reflect"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// What libvirtxml has types for, read from the types themselves, so that an
// update of the module cannot leave these sets behind. An element that is not
// here would be dropped without a word; Domain.UnknownXML names it instead.
var (
	domainChildren = childElements(reflect.TypeFor[libvirtxml.Domain]())
	deviceChildren = childElements(reflect.TypeFor[libvirtxml.DomainDeviceList]())
)

// qualified names an element as childElements does.
func qualified(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + " " + n.Local
}

// childElements lists the elements that encoding/xml would fill fields of t
// from, attributes and text left out.
func childElements(t reflect.Type) map[string]bool {
	known := make(map[string]bool, t.NumField())
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("xml"), ",")
		if f.Name == "XMLName" || name == "-" || options == "attr" || strings.HasPrefix(options, "attr,") {
			continue
		}
		if name == "" { // the element's type names it, as those of other namespaces do
			name = elementName(f.Type)
		}
		known[name] = true
	}
	return known
}

func elementName(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return ""
	}
	f, ok := t.FieldByName("XMLName")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(f.Tag.Get("xml"), ",")
	return name
}

func set(names ...string) map[string]bool {
	s := make(map[string]bool, len(names))
	for _, n := range names {
		s[n] = true
	}
	return s
}
