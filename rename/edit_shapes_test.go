package rename

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// FuzzShapes edits definitions that are put together at random: every quote,
// layout, order and neighbour that XML allows, and now and then what has to be
// refused. Unlike FuzzApply it hardly ever makes one that cannot be read.
func FuzzShapes(f *testing.F) {
	for seed := range uint64(500) {
		f.Add(seed, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, choice uint8) {
		s := &shaper{rand.New(rand.NewPCG(seed, 1))}
		definition := s.domain()
		doc, err := parse(definition)
		if err != nil {
			t.Fatalf("%v in\n%s", err, definition)
		}
		model := s.one("", "virtio", "e1000", "e1000e", "rtl8139")
		there, back := thereAndBackAgain(doc, Change{Name: s.one("", "b", "b & <c> 'd' \"e\""), Disks: map[string]string{"": s.one("/n/disk", `/n/it's "b" & <c>`)}, NICs: map[string]NIC{"": {Model: model}}}, choice)
		if s.rarely() {
			there.NVRAM, back = "/n/VARS.fd", nil
		}
		after, err := Apply(definition, there)
		if err != nil {
			refusedAsItShould(t, definition, err)
			return
		}
		if err := Check(definition, after, there); err != nil {
			t.Fatalf("%v\n%s", err, Diff(definition, after))
		}
		if there.Name == "" && len(there.Disks)+len(there.NICs) == 0 && there.NVRAM == "" && after != definition {
			t.Error("nothing was asked for, and something changed")
		}
		onceIsEnough(t, after, there)
		if back != nil {
			sameAgain(t, definition, after, *back)
		}
	})
}

// refusedAsItShould tells a refusal from a failed proof.
func refusedAsItShould(t *testing.T, definition string, err error) {
	t.Helper()
	if !strings.HasPrefix(err.Error(), "edit definition of ") {
		t.Errorf("%v in\n%s", err, definition)
	}
}

// A shaper makes up definitions.
type shaper struct{ *rand.Rand }

func (s *shaper) rarely() bool              { return s.IntN(12) == 0 }
func (s *shaper) one(of ...string) string   { return of[s.IntN(len(of))] }
func (s *shaper) maybe(text string) string  { return s.one(text, "") }
func (s *shaper) seldom(text string) string { return s.one("", "", "", "", "", text) }
func (s *shaper) layout() string {
	return s.one("", "\n", "\n  ", "\n\t", "\r\n    ", " ", "\n<!-- <name>x</name> <driver/> -->\n", "\n  ", "\n  ")
}
func (s *shaper) all(parts []string) string {
	s.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(s.layout() + p)
	}
	return b.String() + s.layout()
}

// attr writes an attribute in one of the ways to do it.
func (s *shaper) attr(name, value string) string {
	quote := s.one("'", "'", "'", `"`)
	text := escape(value, quote[0])
	if s.rarely() && text != "" {
		text = fmt.Sprintf("&#%d;", text[0]) + text[1:]
		if text[:5] == "&#38;" {
			text = escape(value, quote[0])
		}
	}
	return s.one(" ", " ", "\n", "  ") + name + s.one("=", "=", "=", " = ") + quote + text + quote
}

// tag writes an element with its attributes in any order.
func (s *shaper) tag(name string, attrs []string, content string) string {
	s.Shuffle(len(attrs), func(i, j int) { attrs[i], attrs[j] = attrs[j], attrs[i] })
	start := "<" + name + strings.Join(attrs, "") + s.one("", "", "", " ")
	if content == "" && !s.rarely() {
		return start + "/>"
	}
	return start + ">" + content + "</" + name + s.one("", "", " ") + ">"
}

func (s *shaper) domain() string {
	name := s.one("web-01", "web &amp; co", "a&#x41;", "<![CDATA[a<b]]>", "财务")
	parts := []string{
		"<name>" + name + "</name>",
		"<uuid>5ef1ba4e-3ba6-4a6e-9cd6-2f1a4a5f6f01</uuid>",
		"<metadata><x:m xmlns:x='urn:x'><x:name>web-01</x:name><name>web-01</name>" + s.nic("52:54:00:00:00:00") + s.disk("vda") + "</x:m></metadata>",
		"<os" + s.maybe(s.attr("firmware", "efi")) + ">" + s.all([]string{"<type machine='pc-q35-7.2'>hvm</type>", "<boot dev='hd'/>", s.maybe("<loader readonly='yes' type='pflash'>/c</loader>"),
			s.seldom("<nvram/>"), s.seldom("<nvram template='/t'>/v</nvram>"), s.seldom("<nvram type='file'><source file='/v'/></nvram>")}) + "</os>",
		s.maybe("<future name='x'><name>y</name></future>"),
		s.seldom("<name>second</name>"),
	}
	devices := []string{s.disk("vda"), s.maybe(s.disk("vdb")), s.seldom(s.disk("vda")), s.nic("52:54:00:00:00:00"), s.maybe(s.nic("52:54:00:00:00:0A")), s.seldom(s.nic("52:54:00:00:00:00"))}
	parts = append(parts, "<devices>"+s.all(devices)+"</devices>")
	return s.maybe("<?xml version='1.0'?>\n") + "<domain xmlns:y='urn:y'" + s.attr("type", "kvm") + ">" + s.all(parts) + "</domain>\n"
}

func (s *shaper) disk(target string) string {
	kind := s.one("file", "file", "file", "block")
	attr := map[string]string{"file": "file", "block": "dev"}[kind]
	path := s.one("/a", "/b", `/it's "c"`, "/d & <e>")
	return s.tag("disk", []string{s.attr("type", kind), s.attr("device", "disk")}, s.all([]string{
		s.tag("source", []string{s.attr(attr, path), s.maybe(s.attr("index", "1"))}, s.maybe("<seclabel/>")),
		s.tag("target", []string{s.attr("dev", target), s.attr("bus", "virtio")}, ""),
		s.maybe("<backingStore><source file='/a'/><target dev='vda'/></backingStore>"),
		s.maybe("<y:source file='/a'/>"), s.seldom("<mirror><source file='/a'/></mirror>"), s.seldom("<transient/>"),
	}))
}

func (s *shaper) nic(mac string) string {
	return s.tag("interface", []string{s.attr("type", s.one("bridge", "bridge", "bridge", "network", "ethernet", "direct", "user", "vhostuser"))}, s.all([]string{
		s.tag("mac", []string{s.attr("address", mac)}, ""),
		s.maybe(s.tag("source", []string{s.attr("bridge", "br0")}, "")),
		s.maybe(s.tag("target", []string{s.attr("dev", "tap9")}, "")),
		s.maybe(s.tag("model", []string{s.attr("type", s.one("virtio", "e1000", "virtio-transitional"))}, "")),
		s.seldom(s.tag("driver", []string{s.attr("queues", "4")}, s.maybe("<host csum='off'/>"))),
		s.seldom(s.tag("backend", []string{s.maybe(s.attr("tap", "/t")), s.attr("vhost", "/v")}, "")),
		s.seldom("<vlan><tag id='1'/></vlan>"),
		s.maybe(s.tag("virtualport", []string{s.attr("type", "openvswitch")}, "<parameters interfaceid='"+port+"'/>")),
		s.seldom("<teaming type='persistent'/>"), s.seldom("<y:driver/>"), s.maybe("<link state='up'/>"), s.maybe("<address type='pci' bus='0x00'/>"),
	}))
}
