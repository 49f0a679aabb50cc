package discover

import (
	"bytes"
	"unicode/utf8"
)

// What no field of Domain comes from. It is more than half of a definition,
// and reading it is more than half of the time that an audit takes.
var (
	unreadTop = set("genid", "hwuuid", "vcpus", "iothreadids", "defaultiothread", "iommufd", "resource",
		"sysinfo", "bootloader", "bootloader_args", "idmap", "throttlegroups", "pm", "perf", "keywrap")
	unreadDevices = set("memballoon", "audio", "hub", "nvram", "redirfilter")
	unreadParts   = set("alias", "acpi", "rom", "coalesce", "tune", "geometry", "log", "protocol", "ip", "route", "portForward", "codec")
)

// What a live definition is read for; see Parse.
var (
	liveTop     = set("name", "uuid", "vcpu", "os", "devices")
	liveDevices = set("disk", "interface", "channel", "graphics")
	liveParts   = set("source", "target", "backingStore", "mirror", "mac", "listen")
)

// trim cuts those elements out of a definition, and the white space between
// elements, before it is parsed. It only saves time: wherever a document is
// not as plain as libvirt writes it, the whole of it is returned, for the
// strict pass to judge.
func trim(doc []byte, live bool) []byte {
	if !utf8.Valid(doc) {
		return doc
	}
	t := trimmer{in: doc, out: make([]byte, 0, len(doc)/2), live: live}
	for t.at < len(doc) {
		if !t.step() {
			return doc
		}
	}
	if len(t.open) > 0 {
		return doc
	}
	return t.out
}

// A trimmer is a walk over the tags of a document.
type trimmer struct {
	in, out []byte
	at      int
	live    bool
	open    [][]byte // names of the open elements
	cut     int      // number of open elements when cutting began, 0 while keeping
	opened  bool     // the last tag opened an element: white space may be its text
}

// step takes the text up to the next tag, and the tag. It is false where the
// document is not plain.
func (t *trimmer) step() bool {
	rest := t.in[t.at:]
	start := bytes.IndexByte(rest, '<')
	if start < 0 {
		t.text(rest, true)
		t.at = len(t.in)
		return true
	}
	size := tagSize(rest[start:])
	if size == 0 {
		return false
	}
	tag := rest[start : start+size]
	closes := tag[1] == '/'
	if !t.text(rest[:start], !closes) {
		return false
	}
	t.at += start + size
	if closes {
		return t.end(tag)
	}
	return t.start(tag)
}

// text keeps what stands between two tags, unless it is white space that no
// element has for its text.
func (t *trimmer) text(text []byte, beforeStart bool) bool {
	if t.cut > 0 {
		return bytes.IndexByte(text, '&') < 0 // whether the entity exists is not for us to say
	}
	if (beforeStart || !t.opened) && len(bytes.TrimSpace(text)) == 0 {
		return true
	}
	t.out = append(t.out, text...)
	return true
}

func (t *trimmer) start(tag []byte) bool {
	name := tagName(tag[1:])
	alone := tag[len(tag)-2] == '/'
	if len(name) == 0 || len(t.open) >= maxDepth {
		return false
	}
	cutting := t.cut > 0
	if !cutting && t.unread(name, tag) {
		cutting = true
		if !alone {
			t.cut = len(t.open) + 1
		}
	}
	if cutting && bytes.IndexByte(tag, '&') >= 0 {
		return false
	}
	if !alone {
		t.open = append(t.open, name)
	}
	if !cutting {
		t.out = append(t.out, tag...)
		t.opened = !alone
	}
	return true
}

func (t *trimmer) end(tag []byte) bool {
	last := len(t.open) - 1
	if last < 0 || !bytes.Equal(bytes.TrimRight(tag[2:len(tag)-1], " \t\r\n"), t.open[last]) {
		return false
	}
	t.open = t.open[:last]
	if t.cut > 0 {
		if t.cut > last {
			t.cut = 0
		}
		return true
	}
	t.out = append(t.out, tag...)
	t.opened = false
	return true
}

// unread says whether the element that tag opens can be cut. Elements that are
// not known are kept, so that they are noted.
func (t *trimmer) unread(name, tag []byte) bool {
	switch len(t.open) {
	case 1:
		return t.live && !liveTop[string(name)] || unreadTop[string(name)]
	case 2:
		switch string(t.open[1]) {
		case "devices":
			return t.live && !liveDevices[string(name)] || unreadDevices[string(name)] ||
				string(name) == "controller" && !bytes.Contains(tag, []byte("scsi"))
		case "features":
			return string(name) != "acpi" && string(name) != "hyperv"
		}
	case 3:
		if string(t.open[1]) != "devices" {
			return false
		}
		return t.live && !liveParts[string(name)] || unreadParts[string(name)] ||
			string(name) == "address" && string(t.open[2]) != "interface"
	}
	return false
}

// tagSize is the length of the tag that b begins with, 0 of anything else:
// a comment, a declaration, a tag without an end, or with "<" inside.
func tagSize(b []byte) int {
	if len(b) < 3 || b[1] == '!' || b[1] == '?' {
		return 0
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '>':
			return i + 1
		case '<':
			return 0
		case '\'', '"':
			end := bytes.IndexByte(b[i+1:], b[i])
			if end < 0 || bytes.IndexByte(b[i+1:i+1+end], '<') >= 0 {
				return 0
			}
			i += end + 1
		}
	}
	return 0
}

func tagName(b []byte) []byte {
	return b[:bytes.IndexAny(b, " \t\r\n/>")]
}
