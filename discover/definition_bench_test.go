package discover

import (
	"testing"

	"libvirt.org/go/libvirtxml"
)

// BenchmarkParse reads what a host with ordinary guests holds: two disks, two
// interfaces, 4.4 kB as libvirt 9.0 writes it.
func BenchmarkParse(b *testing.B) {
	doc := read(b, "testdata/bench.xml")
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParseRunning reads the live definition as well.
func BenchmarkParseRunning(b *testing.B) {
	doc, live := read(b, "testdata/domains/running.xml"), read(b, "testdata/domains/running.live.xml")
	b.SetBytes(int64(len(doc) + len(live)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc, live); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLibvirtxml is the bare library on the same document.
func BenchmarkLibvirtxml(b *testing.B) {
	doc := string(read(b, "testdata/bench.xml"))
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		var d libvirtxml.Domain
		if err := d.Unmarshal(doc); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLayout is the part of BenchmarkParse that goes for the layout.
func BenchmarkLayout(b *testing.B) {
	doc := read(b, "testdata/bench.xml")
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		layoutOf(doc)
	}
}
