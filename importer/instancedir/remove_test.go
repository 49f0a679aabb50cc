package instancedir

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// inodes are all files of a host that hold a disk, by inode. As long as the
// set stays, no data is lost.
func (h host) inodes() map[uint64]string {
	found := map[uint64]string{}
	h.must(filepath.WalkDir(h.root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.Contains(p, "disk.info") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(p)
		found[info.Sys().(*syscall.Stat_t).Ino] = string(text)
		return err
	}))
	return found
}

const legacy = "/data/pool/data.qcow2"

// What can happen between import and release, and must not cost a disk.
var meanwhile = []struct {
	name string
	do   func(h host)
	left string // what Remove says; "" when it may take the link
}{
	{"nothing", func(h host) {}, ""},
	{"legacy path removed", func(h host) { h.remove(legacy) }, "the last name"},
	{"legacy path moved", func(h host) { h.must(os.Rename(h.path(legacy), h.path("/data/pool/moved"))) }, "the last name"},
	{"legacy path replaced by an exact copy", func(h host) {
		info, err := os.Stat(h.path(legacy))
		h.must(err)
		h.remove(legacy)
		h.write(legacy, "data disk")
		h.must(os.Chtimes(h.path(legacy), time.Time{}, info.ModTime()))
	}, "not the same file"},
	{"legacy path now a link to the new one", func(h host) {
		h.remove(legacy)
		h.symlink(dir+"/disk.eph0", legacy)
	}, "not the same file"},
	{"link replaced by a converted disk", func(h host) {
		h.remove(dir + "/disk.eph0")
		h.write(dir+"/disk.eph0", "converted")
	}, "not the same file"},
	{"link already gone", func(h host) { h.remove(dir + "/disk.eph0") }, ""},
	{"legacy directory gone", func(h host) { h.must(os.RemoveAll(h.path("/data"))) }, "the last name"},
	{"console.log", func(h host) { h.write(dir+"/console.log", "") }, "not made by the adoption"},
}

func TestRemoveNeverTakesTheLastName(t *testing.T) {
	for _, b := range backends {
		for _, c := range meanwhile {
			t.Run(b.name+"/"+c.name, func(t *testing.T) {
				h := newHost(t)
				if _, err := b.open(h).Make(t.Context(), h.want()); err != nil {
					t.Fatal(err)
				}
				c.do(h)
				before := h.inodes()
				left, err := b.open(h).Remove(t.Context(), h.want())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(before, h.inodes()); diff != "" {
					t.Errorf("Remove lost data (-before +after):\n%s", diff)
				}
				if said := fmt.Sprint(left); b.inodes && (c.left == "") != (len(left) == 0) || b.inodes && !strings.Contains(said, c.left) {
					t.Errorf("Remove left %v, want %q", left, c.left)
				}
			})
		}
	}
}

// TestRemoveAtRandom does anything to the two disks' names before Remove.
func TestRemoveAtRandom(t *testing.T) {
	names := []string{"/data/pool/web 1's.qcow2", legacy, dir + "/disk", dir + "/disk.eph0", "/data/pool/spare"}
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 1))
		h := newHost(t)
		if _, err := backends[0].open(h).Make(t.Context(), h.want()); err != nil {
			t.Fatal(err)
		}
		for range random.IntN(4) {
			a, b := h.path(names[random.IntN(len(names))]), h.path(names[random.IntN(len(names))])
			switch random.IntN(4) { // Failures are as good as changes here.
			case 0:
				_ = os.Remove(a)
			case 1:
				_ = os.Rename(a, b)
			case 2:
				_ = os.Link(a, b)
			case 3:
				_ = os.Symlink(strings.TrimPrefix(a, h.root), b)
			}
		}
		before := h.inodes()
		if _, err := backends[random.IntN(2)].open(h).Remove(t.Context(), h.want()); err != nil && !errors.Is(err, ErrPath) {
			t.Fatalf("seed %d: Remove = %v", seed, err)
		}
		if diff := cmp.Diff(before, h.inodes()); diff != "" {
			t.Fatalf("seed %d: Remove lost data (-before +after):\n%s", seed, diff)
		}
	}
}

var errKilled = errors.New("killed")

// dying stops at its n-th change: before it, or after it took effect.
type dying struct {
	backend
	n     *int
	after bool
}

func (d dying) change(do func() error) error {
	*d.n--
	if *d.n > 0 || *d.n < 0 {
		if *d.n < 0 {
			return errKilled
		}
		return do()
	}
	if d.after {
		_ = do() // Nobody is left to hear how it went.
	}
	return errKilled
}

func (d dying) mkdir(p string) error { return d.change(func() error { return d.backend.mkdir(p) }) }
func (d dying) chmod(p string, m fs.FileMode) error {
	return d.change(func() error { return d.backend.chmod(p, m) })
}
func (d dying) chown(p string, o owner) error {
	return d.change(func() error { return d.backend.chown(p, o) })
}
func (d dying) link(a, b string) error { return d.change(func() error { return d.backend.link(a, b) }) }
func (d dying) replace(n newFile) error {
	if *d.n == 1 { // half written
		_ = os.WriteFile(d.backend.(*local).real(n.temporary), n.text[:len(n.text)/2], 0o600)
	}
	return d.change(func() error { return d.backend.replace(n) })
}
func (d dying) remove(p string) error { return d.change(func() error { return d.backend.remove(p) }) }

func TestKilledAtEveryChange(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			h := newHost(t)
			before := h.dump()
			plain := func() *local { l, err := newLocal(h.root); h.must(err); return l }
			at := n
			if d := (dying{plain(), &at, after}); true {
				_, err := newTree(d).Make(t.Context(), h.want())
				if err == nil { // n is beyond the last change.
					if n < 5 {
						t.Fatalf("Make needed %d changes only", n-1)
					}
					break
				}
				if !errors.Is(err, errKilled) {
					t.Fatal(err)
				}
			}
			// Either way goes on from here: back, ...
			_, err := newTree(plain()).Remove(t.Context(), h.want())
			if diff := cmp.Diff(before, h.dump()); err != nil || diff != "" {
				t.Errorf("Remove after a kill at change %d (after %v) = %v (-before +after):\n%s", n, after, err, diff)
			}
			// ... or forward, ...
			at = n
			_, _ = newTree(dying{plain(), &at, after}).Make(t.Context(), h.want())
			if _, err := newTree(plain()).Make(t.Context(), h.want()); err != nil {
				t.Errorf("Make after a kill at change %d (after %v) = %v", n, after, err)
			}
			if done, err := newTree(plain()).Done(t.Context(), h.want()); !done || err != nil {
				t.Errorf("Done after a kill at change %d (after %v) = %v, %v", n, after, done, err)
			}
			// ... and the way back may be cut short as well.
			at = n
			_, _ = newTree(dying{plain(), &at, after}).Remove(t.Context(), h.want())
			_, err = newTree(plain()).Remove(t.Context(), h.want())
			if diff := cmp.Diff(before, h.dump()); err != nil || diff != "" {
				t.Errorf("Remove after a killed Remove at change %d (after %v) = %v (-before +after):\n%s", n, after, err, diff)
			}
		}
	}
}
