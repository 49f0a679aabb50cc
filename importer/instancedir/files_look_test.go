package instancedir

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
)

func TestFilesList(t *testing.T) {
	eachWay(t, func(t *testing.T, h host, f *Files, _ bool) {
		h.symlink("/data/pool", "/etc/conf.d")
		got, err := f.List(t.Context(), "/etc/conf.d")
		if want := []string{"data.qcow2", "web 1's.qcow2"}; err != nil || !slices.Equal(got, want) {
			t.Errorf("List = %q, %v, want %q", got, err, want)
		}
		if got, err := f.List(t.Context(), "/etc/nothing.d"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("List of nothing = %q, %v", got, err)
		}
	})
}

func TestFilesResolve(t *testing.T) {
	eachWay(t, func(t *testing.T, h host, f *Files, _ bool) {
		h.symlink("data.qcow2", "/data/pool/link")
		h.symlink("/nowhere", "/data/broken")
		paths := []string{"/var/lib/images/link", "/data/pool/data.qcow2", "/var/lib/images/gone", "/data/broken/x", "pool/x"}
		want := []string{"/data/pool/data.qcow2", "/data/pool/data.qcow2", "/data/pool/gone", "/nowhere/x", "pool/x"}
		if got, err := f.Resolve(t.Context(), paths...); err != nil || !slices.Equal(got, want) {
			t.Errorf("Resolve = %q, %v, want %q", got, err, want)
		}
	})
}
