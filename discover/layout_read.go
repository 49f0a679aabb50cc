package discover

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
)

// layoutOf reads the layout of a definition that has been parsed. It goes
// over the tags alone, which takes a small part of the time of a second parse;
// where a document is not as libvirt writes it, it may miss something.
func layoutOf(doc []byte) Layout {
	r := layoutReader{doc: doc, out: make([]byte, 0, 1024)}
	r.open = r.stack[:0]
	for r.next() {
	}
	return NewLayout(string(r.out))
}

// A layoutReader walks over the tags of a document.
type layoutReader struct {
	doc   []byte
	stack [16][]byte // where open begins
	open  [][]byte   // names of the open elements
	text  []byte     // what stands before the present tag
	out   []byte     // the lines

	devices [len(laidOut)]int // how many there have been, by kind
	device  int               // the kind that is open, from 1
	smbios  bool              // inside the sysinfo that the guest sees
	entries int               // of it, without a name
	entry   bool              // the text that comes next is an entry's value
}

// next takes one tag, and is false at the end.
func (r *layoutReader) next() bool {
	start := bytes.IndexByte(r.doc, '<')
	if start < 0 {
		return false
	}
	r.text, r.doc = r.doc[:start], r.doc[start:]
	if skipped := markup(r.doc); skipped > 0 {
		r.doc = r.doc[skipped:]
		return true
	}
	size := tagSize(r.doc)
	if size == 0 {
		return false
	}
	tag := r.doc[:size]
	r.doc = r.doc[size:]
	if tag[1] == '/' {
		r.end()
		return len(r.open) > 0
	}
	name := tagName(tag[1:])
	alone := tag[len(tag)-2] == '/'
	if len(r.open) >= maxDepth {
		return false
	}
	r.open = append(r.open, name)
	if len(r.open) < 5 {
		r.start(name, layoutTag(tag[1+len(name):]))
	}
	if alone {
		r.text = nil
		r.end()
	}
	return true
}

// markup is the size of a comment and the like that b begins with.
func markup(b []byte) int {
	if len(b) < 2 || b[1] != '!' && b[1] != '?' {
		return 0
	}
	for _, m := range [][2]string{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}} {
		if bytes.HasPrefix(b, []byte(m[0])) {
			if end := bytes.Index(b, []byte(m[1])); end >= 0 {
				return end + len(m[1])
			}
			return len(b)
		}
	}
	return 0
}

// start looks at an element no more than four deep.
func (r *layoutReader) start(name []byte, tag layoutTag) {
	if len(r.open) < 2 {
		return
	}
	switch string(r.open[1]) {
	case "sysinfo":
		r.sysinfo(name, tag)
	case "os":
		if len(r.open) == 3 && string(name) == "smbios" {
			r.line("smbios")
			r.attribute("mode", tag, "mode")
		}
	case "features":
		r.feature(name, tag)
	case "clock":
		if len(r.open) == 3 && string(name) == "timer" {
			r.line("timer")
			r.name(tag.get("name"))
			r.attribute("present", tag, "present")
			r.attribute("tickpolicy", tag, "tickpolicy")
		}
	case "devices":
		switch {
		case len(r.open) == 3:
			r.begin(name, tag)
		case len(r.open) == 4 && r.device > 0:
			r.detail(name, tag)
		}
	}
}

// end closes the innermost element.
func (r *layoutReader) end() {
	if r.entry {
		r.value("value", bytes.TrimSpace(r.text))
		r.entry = false
	}
	if last := len(r.open) - 1; last >= 0 {
		r.open = r.open[:last]
		if last == 2 {
			r.device = 0
		}
	}
}

// sysinfo takes an entry. What is handed over by another way than SMBIOS is
// not the guest's hardware.
func (r *layoutReader) sysinfo(name []byte, tag layoutTag) {
	switch {
	case len(r.open) == 2:
		r.smbios = string(tag.get("type")) == "smbios"
	case len(r.open) == 4 && r.smbios && string(name) == "entry":
		r.line("sysinfo")
		key := tag.get("name")
		if key == nil { // <oemStrings> has a list
			key = strconv.AppendInt(nil, int64(r.entries), 10)
			r.entries++
		}
		r.name(bytes.Join([][]byte{r.open[2], key}, []byte("/")))
		r.entry = true
	}
}

func (r *layoutReader) feature(name []byte, tag layoutTag) {
	switch {
	case len(r.open) == 3 && string(name) != "acpi" && string(name) != "hyperv" && string(name) != "kvm":
		r.line("feature")
		r.name(name)
	case len(r.open) == 4 && string(r.open[2]) == "kvm":
		r.line("feature")
		r.name(append([]byte("kvm/"), name...))
	default:
		return
	}
	r.attribute("state", tag, "state")
}

// laidOut are the devices that a Layout has lines of: those that some Nova
// may give a guest, for others are not compared with anything.
var laidOut = [...]string{"disk", "controller", "video", "memballoon", "rng", "input", "serial", "console", "channel"}

// attributesOf are those of a device's own tag.
var attributesOf = map[string][]string{
	"controller": {"model"},
	"memballoon": {"model", "autodeflate", "freePageReporting"},
	"rng":        {"model"},
}

// begin opens a device's line. Controllers are known by type and index, all
// others by their place among their kind.
func (r *layoutReader) begin(kind []byte, tag layoutTag) {
	r.device = 0
	for i, k := range laidOut {
		if string(kind) == k {
			r.device = i + 1
		}
	}
	if r.device == 0 {
		return
	}
	count := &r.devices[r.device-1]
	r.line(laidOut[r.device-1])
	if string(kind) == "controller" {
		index := tag.get("index")
		if index == nil {
			index = []byte("0")
		}
		r.name(bytes.Join([][]byte{tag.get("type"), index}, []byte("/")))
	} else {
		r.out = strconv.AppendInt(append(r.out, ' '), int64(*count), 10)
	}
	*count++
	for _, a := range attributesOf[laidOut[r.device-1]] {
		r.attribute(a, tag, a)
	}
}

// detail adds what a child of the open device says.
func (r *layoutReader) detail(child []byte, tag layoutTag) {
	kind := laidOut[r.device-1]
	switch string(child) {
	case "address":
		r.address(tag)
	case "target":
		if kind == "serial" || kind == "console" || kind == "channel" {
			r.attribute("target", tag, "type")
			r.attribute("name", tag, "name")
		}
	case "model":
		if kind == "video" {
			r.attribute("type", tag, "type")
			r.attribute("vram", tag, "vram")
		}
	}
}

// address is an <address> in one word, and nothing of a kind that no guest
// sees.
func (r *layoutReader) address(tag layoutTag) {
	number := func(name string, base, width int) {
		v, _ := strconv.ParseUint(string(tag.get(name)), 0, 32)
		digits := strconv.FormatUint(v, base)
		for range width - len(digits) {
			r.out = append(r.out, '0')
		}
		r.out = append(r.out, digits...)
	}
	switch string(tag.get("type")) {
	case "pci":
		if tag.get("slot") == nil {
			return
		}
		r.out = append(r.out, " at=pci:"...)
		number("domain", 16, 4)
		r.out = append(r.out, ':')
		number("bus", 16, 2)
		r.out = append(r.out, ':')
		number("slot", 16, 2)
		r.out = append(r.out, '.')
		number("function", 16, 1)
	case "drive":
		r.out = append(r.out, " at=drive"...)
		for _, name := range []string{"controller", "bus", "target", "unit"} {
			r.out = append(r.out, ':')
			number(name, 10, 1)
		}
	}
}

// line begins one.
func (r *layoutReader) line(kind string) {
	if len(r.out) > 0 {
		r.out = append(r.out, '\n')
	}
	r.out = append(r.out, kind...)
}

func (r *layoutReader) name(name []byte) {
	r.out = append(r.out, ' ')
	r.word(bytes.ReplaceAll(name, []byte("="), []byte("_")))
}

func (r *layoutReader) attribute(as string, tag layoutTag, name string) {
	if v := tag.get(name); len(v) > 0 {
		r.value(as, v)
	}
}

func (r *layoutReader) value(name string, value []byte) {
	r.out = append(append(append(r.out, ' '), name...), '=')
	r.word(value)
}

// word keeps a value one word on one line.
func (r *layoutReader) word(b []byte) {
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '&' {
			r.out = strconv.AppendQuoteToGraphic(r.out, unescaped(b))
			return
		}
	}
	r.out = append(r.out, b...)
}

// A layoutTag is what stands in a tag after its name.
type layoutTag []byte

// get is an attribute's value as it is written, nil without.
func (t layoutTag) get(name string) []byte {
	for rest := []byte(t); ; {
		eq := bytes.IndexByte(rest, '=')
		if eq < 0 {
			return nil
		}
		value := bytes.TrimLeft(rest[eq+1:], " \t\r\n")
		if len(value) == 0 {
			return nil
		}
		end := bytes.IndexByte(value[1:], value[0])
		if end < 0 {
			return nil
		}
		value, after := value[1:1+end], value[end+2:]
		if string(bytes.TrimSpace(rest[:eq])) == name {
			return value
		}
		rest = after
	}
}

// unescaped resolves the references that XML has.
func unescaped(b []byte) string {
	text := strings.ToValidUTF8(string(b), "\uFFFD")
	var s struct {
		Text string `xml:",chardata"`
	}
	if strings.Contains(text, "&") && xml.Unmarshal([]byte("<t>"+text+"</t>"), &s) == nil {
		return s.Text
	}
	return text
}
