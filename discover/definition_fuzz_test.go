package discover

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzTrim holds trimming to its promise: it never changes what is read.
// Documents that are damaged in what nobody reads may become readable.
func FuzzTrim(f *testing.F) {
	files, _ := filepath.Glob("testdata/domains/*.xml")
	for _, file := range files {
		f.Add(read(f, file))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if refuse(doc) != nil {
			return
		}
		tree, seen, err := decodeAll(doc)
		if err != nil {
			return
		}
		want, err := convert(tree, seen)
		if err != nil {
			return
		}
		tree, seen, err = decodeAll(trim(doc, false))
		if err != nil {
			t.Fatalf("trimming makes it unreadable: %v", err)
		}
		got, err := convert(tree, seen)
		if err != nil {
			t.Fatalf("trimming makes it unreadable: %v", err)
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b Address) bool { return a == b })); diff != "" {
			t.Errorf("trimming changes the record (-whole +trimmed):\n%s", diff)
		}
	})
}
