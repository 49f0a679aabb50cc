package instancedir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	nvramDir   = "/var/lib/libvirt/qemu/nvram"
	legacyEFI  = nvramDir + "/leg-uefi01_VARS.fd"
	instanceOf = nvramDir + "/instance-00000003_VARS.fd"
)

// uefi is a host with a UEFI guest and what it is to have.
func uefi(t *testing.T) (host, Want) {
	h := newHost(t)
	h.mkdir(nvramDir)
	h.write(legacyEFI, "variables")
	w := h.want()
	w.Variables = Variables{From: legacyEFI, Dir: nvramDir, Name: "instance-00000003_VARS.fd"}
	return h, w
}

func TestVariables(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			h, w := uefi(t)
			before := h.dump()
			if done, err := b.open(h).Done(t.Context(), w); done || err != nil {
				t.Fatalf("Done before Make = %v, %v, want false", done, err)
			}
			made, err := b.open(h).Make(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			if !b.inodes {
				if len(made.Warnings) != 1 || !strings.Contains(made.Warnings[0], "stat(1)") || made.EFI != nil {
					t.Errorf("Make without inodes = %+v, want no link and why", made)
				}
				return
			}
			if len(made.Warnings) != 0 || made.EFI == nil || made.EFI.Path != instanceOf || made.EFI.From != legacyEFI || made.EFI.Inode != h.inode(instanceOf) || h.inode(legacyEFI) != h.inode(instanceOf) {
				t.Errorf("Make = %+v, %+v", made, made.EFI)
			}
			after := h.dump()
			if _, err := b.open(h).Make(t.Context(), w); err != nil || h.dump() != after {
				t.Errorf("second Make = %v and changed the host:\n%s", err, cmp.Diff(after, h.dump()))
			}
			if done, err := b.open(h).Done(t.Context(), w); !done || err != nil {
				t.Errorf("Done after Make = %v, %v, want true", done, err)
			}
			h.remove(instanceOf)
			if done, err := b.open(h).Done(t.Context(), w); done || err != nil {
				t.Errorf("Done without the link = %v, %v, want false", done, err)
			}
			if _, err := b.open(h).Make(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if left, err := b.open(h).Remove(t.Context(), w); err != nil || len(left) != 0 || h.dump() != before {
					t.Errorf("Remove = %v, %v:\n%s", left, err, cmp.Diff(before, h.dump()))
				}
			}
		})
	}
}

// What is there already and is not this guest's is never given to it.
func TestVariablesOfAnotherGuest(t *testing.T) {
	for _, b := range backends {
		for name, put := range map[string]func(host){
			"another file":     func(h host) { h.write(instanceOf, "of another guest") },
			"an exact copy":    func(h host) { h.write(instanceOf, "variables"); h.age(legacyEFI, instanceOf) },
			"a symbolic link":  func(h host) { h.symlink(legacyEFI, instanceOf) },
			"the guest's gone": func(h host) { h.write(instanceOf, "of another guest"); h.remove(legacyEFI) },
		} {
			h, w := uefi(t)
			put(h)
			before := h.dump()
			_, err := b.open(h).Make(t.Context(), w)
			if !errors.Is(err, ErrOccupied) || !strings.Contains(err.Error(), instanceOf) || h.dump() != before {
				t.Errorf("%s, %s: Make = %v, want it refused:\n%s", b.name, name, err, cmp.Diff(before, h.dump()))
			}
			if done, err := b.open(h).Done(t.Context(), w); done {
				t.Errorf("%s, %s: Done = %v, %v, want false", b.name, name, done, err)
			}
			view := View{b.open(h)}
			if _, err := view.Check(t.Context(), w); !errors.Is(err, ErrOccupied) {
				t.Errorf("%s, %s: Check = %v, want it refused", b.name, name, err)
			}
		}
	}
}

// age gives two files one time of change.
func (h host) age(paths ...string) {
	for _, p := range paths {
		h.must(os.Chtimes(h.path(p), time.Unix(1.7e9, 0), time.Unix(1.7e9, 0)))
	}
}

// Where no second name can be had nothing fails, and it is told, before and by
// the import.
func TestVariablesWithOneName(t *testing.T) {
	for name, c := range map[string]struct {
		with func(h host, w *Want)
		told string
	}{
		"never ran":    {func(h host, w *Want) { h.remove(legacyEFI) }, "never ran"},
		"no directory": {func(h host, w *Want) { w.Variables.Dir = "/none" }, "no directory /none"},
		"a directory":  {func(h host, w *Want) { w.Variables.From = "/data/pool" }, "no regular file"},
		"other format": {func(h host, w *Want) { w.Variables.From, w.Variables.Why = "", "it is qcow2" }, "it is qcow2"},
		"file systems": {func(h host, w *Want) { h.mkdir("/far"); w.Variables.Dir = "/far" }, "different file systems"},
		"may not look": {func(h host, w *Want) { w.Variables.Dir = "/closed" }, "may not look"},
	} {
		h, w := uefi(t)
		c.with(h, &w)
		tree := newTree(strict{backends[0].open(h).backend})
		warned, err := View{tree}.Check(t.Context(), w)
		if err != nil || len(warned) != 1 || !strings.Contains(warned[0], c.told) || !strings.Contains(warned[0], "begins them anew") {
			t.Errorf("%s: Check = %q, %v, want %q told", name, warned, err, c.told)
		}
		made, err := tree.Make(t.Context(), w)
		if err != nil || made.EFI != nil || len(made.Links) != 2 || !cmp.Equal(made.Warnings, warned) {
			t.Errorf("%s: Make = %+v, %v, want the same told", name, made, err)
		}
		if done, err := tree.Done(t.Context(), w); !done || err != nil {
			t.Errorf("%s: Done = %v, %v, want true", name, done, err)
		}
		if found, err := tree.Compare(t.Context(), w); err != nil || found[w.Variables.Link()] != "" {
			t.Errorf("%s: Compare = %v, %v, want nothing of the variables", name, found, err)
		}
	}
}

// strict has a folder that nobody may look into, and one on a file system of its
// own.
type strict struct{ backend }

func (s strict) look(paths ...string) ([]node, error) {
	nodes, err := s.backend.look(paths...)
	for i, p := range paths {
		if strings.HasPrefix(p, "/closed") {
			return nil, fs.ErrPermission
		}
		if strings.HasPrefix(p, "/far") {
			nodes[i].fsid += "x"
		}
	}
	return nodes, err
}

// Two bind mounts of one file system look like one until the link is made.
func TestVariablesBehindBindMount(t *testing.T) {
	for _, refuses := range []error{ErrOtherFileSystem, fs.ErrPermission} {
		h, w := uefi(t)
		made, err := newTree(bound{backends[0].open(h).backend, refuses}).Make(t.Context(), w)
		if err != nil || made.EFI != nil || len(made.Warnings) != 1 || !strings.Contains(made.Warnings[0], refuses.Error()) {
			t.Errorf("Make = %+v, %v, want it told", made, err)
		}
	}
	h, w := uefi(t)
	if _, err := newTree(bound{backends[0].open(h).backend, io.ErrUnexpectedEOF}).Make(t.Context(), w); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), instanceOf) {
		t.Errorf("Make = %v, want the failure with the name", err)
	}
}

// bound refuses links of EFI variables.
type bound struct {
	backend
	refuses error
}

func (b bound) link(from, to string) error {
	if strings.HasPrefix(to, nvramDir) {
		return b.refuses
	}
	return b.backend.link(from, to)
}

// What can happen between import and release, and must not cost the variables.
func TestRemoveNeverTakesTheLastVariables(t *testing.T) {
	for _, b := range backends[:2] {
		for name, c := range map[string]struct {
			do    func(h host)
			left  string
			found Evidence
		}{
			"nothing":                     {func(host) {}, "", SameFile},
			"Nova has made it anew":       {func(h host) { h.remove(legacyEFI) }, "the last name", LegacyGone},
			"and once more":               {func(h host) { h.remove(legacyEFI); h.remove(instanceOf); h.write(instanceOf, "new") }, "the last name", LegacyGone},
			"the domain has got new ones": {func(h host) { h.remove(legacyEFI); h.write(legacyEFI, "new") }, "not the same file", OtherFile},
			"the link is gone":            {func(h host) { h.remove(instanceOf) }, "", LinkMissing},
			"both are gone":               {func(h host) { h.remove(legacyEFI); h.remove(instanceOf) }, "", ""},
			"a link to the other":         {func(h host) { h.remove(legacyEFI); h.symlink(instanceOf, legacyEFI) }, "", SameFile},
		} {
			h, w := uefi(t)
			if _, err := b.open(h).Make(t.Context(), w); err != nil {
				t.Fatal(err)
			}
			c.do(h)
			if found, err := b.open(h).Compare(t.Context(), w); err != nil || found[w.Variables.Link()] != c.found {
				t.Errorf("%s, %s: Compare = %v, %v, want %q", b.name, name, found, err, c.found)
			}
			before := h.inodes()
			left, err := b.open(h).Remove(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, h.inodes()); diff != "" {
				t.Errorf("%s, %s: Remove lost variables (-before +after):\n%s", b.name, name, diff)
			}
			if (c.left == "") != (len(left) == 0) || len(left) > 0 && (left[0].Path != instanceOf || !strings.Contains(left[0].Why, c.left)) {
				t.Errorf("%s, %s: Remove left %v, want %q", b.name, name, left, c.left)
			}
			if _, err := os.Stat(h.path(dir)); !os.IsNotExist(err) {
				t.Errorf("%s, %s: the directory stays: %v", b.name, name, err)
			}
		}
	}
}

// A release that was killed has left the name of an instance that is no more.
// Another instance may get that name one day, and must not get the variables.
func TestRemoveVariables(t *testing.T) {
	h, w := uefi(t)
	tree := backends[0].open(h)
	if _, err := tree.Make(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	disk := h.inode(w.Dir() + "/" + w.Links[0].To)
	for range 2 {
		left, err := tree.RemoveVariables(t.Context(), w.Variables)
		_, gone := os.Lstat(h.path(instanceOf))
		if err != nil || len(left) != 0 || !os.IsNotExist(gone) || h.inode(legacyEFI) == 0 {
			t.Errorf("RemoveVariables = %v, %v; the second name: %v", left, err, gone)
		}
	}
	if disk == 0 || h.inode(w.Dir()+"/"+w.Links[0].To) != disk {
		t.Error("RemoveVariables has taken the link of a disk")
	}
	h.write(instanceOf, "of another guest")
	if left, err := tree.RemoveVariables(t.Context(), w.Variables); err != nil || len(left) != 1 || h.inode(instanceOf) == 0 {
		t.Errorf("RemoveVariables = %v, %v, want another guest's file to stay", left, err)
	}
	if _, err := tree.RemoveVariables(t.Context(), Variables{From: legacyEFI, Dir: nvramDir, Name: ".."}); !errors.Is(err, ErrPath) {
		t.Errorf("RemoveVariables of .. = %v, want %v", err, ErrPath)
	}
}

func TestVariablesPaths(t *testing.T) {
	for _, v := range []Variables{
		{From: "relative", Dir: nvramDir, Name: "x"}, {From: "/a/../b", Dir: nvramDir}, {From: "/a", Dir: "/x/.."},
		{From: "/a", Dir: nvramDir, Name: "../x"}, {From: "/a", Dir: nvramDir, Name: ".."}, {From: "/a", Dir: nvramDir, Name: "x/y"},
	} {
		h, w := uefi(t)
		w.Variables = v
		if _, err := backends[0].open(h).Make(t.Context(), w); !errors.Is(err, ErrPath) {
			t.Errorf("Make with %+v = %v, want %v", v, err, ErrPath)
		}
	}
	h, w := uefi(t)
	w.Variables.Name = ""
	if _, err := backends[0].open(h).Make(t.Context(), w); !errors.Is(err, ErrPath) {
		t.Errorf("Make without a name = %v, want %v", err, ErrPath)
	}
	w.Variables = Variables{From: instanceOf, Dir: nvramDir, Name: "instance-00000003_VARS.fd"}
	h.write(instanceOf, "variables")
	for range 2 {
		if _, err := backends[0].open(h).Make(t.Context(), w); err != nil {
			t.Errorf("Make of a file that has Nova's name = %v", err)
		}
		if left, err := backends[0].open(h).Remove(t.Context(), w); err != nil || len(left) != 0 || h.inode(instanceOf) == 0 {
			t.Errorf("Remove of it = %v, %v", left, err)
		}
	}
}
