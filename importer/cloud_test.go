package importer

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImportWithCloud(t *testing.T) {
	w := newCloudWorld(t, 2)
	before := w.dump()
	s, err := w.imports(nil)
	if err != nil || s.Count(Imported) != 6 || s.Warnings() != 0 {
		t.Fatalf("Import = %v, %v, want 6 imported: %+v", s, err, s.Results)
	}
	if s, err := w.imports(nil); err != nil || s.Count(Already) != 6 {
		t.Fatalf("second Import = %v, %v, want 6 already there", s, err)
	}
	if s, err := w.releases(nil); err != nil || s.Count(Released) != 6 || s.Warnings() != 0 {
		t.Fatalf("Release = %v, %v, want 6 released: %+v", s, err, s.Results)
	}
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("not as before (-before +after):\n%s", diff)
	}
}
