package rename

import (
	"encoding/xml"
	"strconv"
	"strings"
)

// paths are all elements, texts and attributes of a definition by their paths
// below <domain>. Paths are made so that no content can make two of them equal.
type paths struct {
	order  []string
	values map[string]string // decoded; "" of an element without text
}

func flatten(doc *document) *paths {
	p := &paths{values: map[string]string{}}
	p.element("", doc.root)
	return p
}

func (p *paths) set(path, value string) {
	if _, there := p.values[path]; !there {
		p.order = append(p.order, path)
	}
	p.values[path] = value
}

// remove takes out a path and all below it.
func (p *paths) remove(path string) {
	delete(p.values, path)
	for inside := range p.values {
		if strings.HasPrefix(inside, path+"/") {
			delete(p.values, inside)
		}
	}
}

func (p *paths) has(path string) bool {
	_, there := p.values[path]
	return there
}

func (p *paths) element(path string, e *element) {
	if path != "" {
		p.set(path, withoutLayout(e))
		path += "/"
	}
	for _, a := range e.attrs {
		if a.name.Space != "xmlns" && a.name != (xml.Name{Local: "xmlns"}) {
			p.set(path+"@"+qualified(a.name), a.value)
		}
	}
	for i, label := range labels(strings.TrimSuffix(path, "/"), e.children) {
		p.element(path+label, e.children[i])
	}
}

// withoutLayout is an element's text without the white space that nobody means:
// between other elements, and at both ends of a text where a line break is in
// it. In other places white space may be part of a path.
func withoutLayout(e *element) string {
	text := e.words
	body := strings.TrimLeft(text, " \t\r\n")
	if body == "" && len(e.children) > 0 {
		return ""
	}
	if strings.Contains(text[:len(text)-len(body)], "\n") {
		text = body
	}
	body = strings.TrimRight(text, " \t\r\n")
	if strings.Contains(text[len(body):], "\n") {
		text = body
	}
	return text
}

// A key says by what an element is known, so that its place among its like
// does not matter: an attribute of its own or of its one child.
type key struct{ label, child, attr string }

// keys are of the elements that libvirt sorts, or has company for. Everything
// else is known by its place among its like: the order of <boot dev> matters.
var keys = map[string][]key{
	"seclabel":             {{"model", "", "model"}},
	"clock/timer":          {{"name", "", "name"}},
	"cpu/feature":          {{"name", "", "name"}},
	"cputune/vcpupin":      {{"vcpu", "", "vcpu"}},
	"vcpus/vcpu":           {{"id", "", "id"}},
	"devices/disk":         {{"target", "target", "dev"}},
	"devices/interface":    {{"mac", "mac", "address"}},
	"devices/controller":   {{"type", "", "type"}, {"index", "", "index"}},
	"devices/filesystem":   {{"target", "target", "dir"}},
	"devices/graphics":     {{"type", "", "type"}},
	"devices/input":        {{"type", "", "type"}, {"bus", "", "bus"}},
	"devices/channel":      {{"name", "target", "name"}},
	"devices/console":      {{"type", "target", "type"}, {"port", "target", "port"}},
	"devices/audio":        {{"id", "", "id"}},
	"sysinfo/bios/entry":   {{"name", "", "name"}},
	"sysinfo/entry":        {{"name", "", "name"}},
	"sysinfo/system/entry": {{"name", "", "name"}},
}

// further are keys for those that the first ones do not tell apart. The parts
// of a USB controller share an index, and libvirt sorts them.
var further = map[string][]key{
	"devices/controller": {{"model", "", "model"}},
}

// labels names the children of one element: disk[target=vda], and where that is
// not enough disk[target=vda][2].
func labels(path string, children []*element) []string {
	count := map[string]int{}
	names := make([]string, len(children))
	for i, c := range children {
		names[i] = qualified(c.name) + keyOf(path, c, keys)
		count[names[i]]++
	}
	seen := map[string]int{}
	for i, c := range children {
		if count[names[i]] > 1 {
			names[i] += keyOf(path, c, further)
		}
		if seen[names[i]]++; seen[names[i]] > 1 {
			names[i] += "[" + strconv.Itoa(seen[names[i]]) + "]"
		}
	}
	return names
}

func keyOf(path string, e *element, keys map[string][]key) string {
	where := e.name.Local
	if path != "" {
		where = path + "/" + where
	}
	var parts []string
	for _, k := range keys[where] {
		from := e
		if k.child != "" {
			if from, _ = e.child(k.child); from == nil {
				continue
			}
		}
		if value := from.value(k.attr); value != "" {
			if k.label == "mac" {
				value = canonicalMAC(value)
			}
			parts = append(parts, k.label+"="+inBrackets.Replace(value))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// inBrackets keeps content from looking like the rest of a path.
var inBrackets = strings.NewReplacer(`\`, `\\`, `]`, `\]`, `,`, `\,`, `}`, `\}`, `/`, `\/`)

func qualified(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return "{" + inBrackets.Replace(n.Space) + "}" + n.Local
}
