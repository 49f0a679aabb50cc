package instancedir

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const dir = "/var/lib/nova/instances/" + id

func TestMakeAndRemove(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			h := newHost(t)
			before := h.dump()
			tree := b.open(h)
			if done, err := tree.Done(t.Context(), h.want()); done || err != nil {
				t.Fatalf("Done before Make = %v, %v, want false", done, err)
			}
			made, err := tree.Make(t.Context(), h.want())
			if err != nil {
				t.Fatal(err)
			}
			if len(made.Warnings) != 0 {
				t.Errorf("Make warns of %q, want nothing", made.Warnings)
			}
			if h.inode(dir+"/disk") != h.inode("/data/pool/web 1's.qcow2") || h.inode(dir+"/disk.eph0") != h.inode("/data/pool/data.qcow2") {
				t.Error("the links are not the disks")
			}
			text, err := os.ReadFile(h.path(dir + "/disk.info"))
			if want := `{"` + dir + `/disk":"qcow2","` + dir + `/disk.eph0":"qcow2"}`; string(text) != want || err != nil {
				t.Errorf("disk.info = %s, %v, want %s", text, err, want)
			}
			if err := tree.Settle(t.Context(), h.want().InstancesPath); err != nil {
				t.Errorf("Settle = %v", err)
			}
			after := h.dump()
			if done, err := tree.Done(t.Context(), h.want()); !done || err != nil {
				t.Errorf("Done after Make = %v, %v, want true", done, err)
			}
			if _, err := tree.Make(t.Context(), h.want()); err != nil || h.dump() != after {
				t.Errorf("second Make = %v and changed the host:\n%s", err, cmp.Diff(after, h.dump()))
			}
			left, err := tree.Remove(t.Context(), h.want())
			if err != nil {
				t.Fatal(err)
			}
			if !b.inodes { // Without proof nothing goes.
				if len(left) != 2 || h.dump() != after || !strings.Contains(left[0].Why, "stat -c %i") {
					t.Errorf("Remove without inodes left %v, want both links and how to prove them", left)
				}
				return
			}
			if diff := cmp.Diff(before, h.dump()); diff != "" || len(left) != 0 {
				t.Errorf("after Remove, left %v (-before +after):\n%s", left, diff)
			}
			if left, err := tree.Remove(t.Context(), h.want()); err != nil || len(left) != 0 {
				t.Errorf("second Remove = %v, %v, want nothing", left, err)
			}
		})
	}
}

// cases that Make must refuse, and then leave nothing behind.
var refused = []struct {
	name string
	with func(h host, w *Want)
	want error
	text string
}{
	{"missing disk", func(h host, w *Want) { w.Links[1].From = "/data/pool/none" }, ErrNoDisk, "missing"},
	{"missing directory", func(h host, w *Want) { w.Links[1].From = "/none/pool/none" }, ErrNoDisk, "missing"},
	{"directory", func(h host, w *Want) { w.Links[1].From = "/data/pool" }, ErrNoDisk, "regular"},
	{"below a file", func(h host, w *Want) { w.Links[1].From = "/data/pool/data.qcow2/x" }, ErrPath, "no directory"},
	{"goes up", func(h host, w *Want) { w.Links[0].From = "/data/pool/../../etc/passwd" }, ErrPath, `".."`},
	{"relative", func(h host, w *Want) { w.Links[0].From = "disk.qcow2" }, ErrPath, "absolute"},
	{"name with slash", func(h host, w *Want) { w.Links[0].To = "disk./../../x" }, ErrPath, "names"},
	{"name not Nova's", func(h host, w *Want) { w.Links[0].To = "console.log" }, ErrPath, "names"},
	{"disk.info as a disk", func(h host, w *Want) { w.Links[0].To = "disk.info" }, ErrPath, "names"},
	{"twice one name", func(h host, w *Want) { w.Links[1].To = "disk" }, ErrPath, "two disks"},
	{"no UUID", func(h host, w *Want) { w.UUID = "../../../tmp" }, ErrPath, "UUID"},
	{"no instances_path", func(h host, w *Want) { w.InstancesPath = "/srv/nova" }, ErrNoInstancesPath, "/srv/nova"},
	{"dangling link", func(h host, w *Want) { h.symlink("/nowhere", "/data/pool/l"); w.Links[0].From = "/data/pool/l" }, ErrNoDisk, "missing"},
	{"link loop", func(h host, w *Want) {
		h.symlink("b", "/data/pool/a")
		h.symlink("a", "/data/pool/b")
		w.Links[0].From = "/data/pool/a"
	}, ErrPath, "too many"},
	{"occupied by a file", func(h host, w *Want) { h.mkdir(dir); h.write(dir+"/disk", "other guest's disk!") }, ErrOccupied, "not the disk"},
	{"occupied by a symbolic link", func(h host, w *Want) {
		h.mkdir(dir)
		h.symlink("/data/pool/data.qcow2", dir+"/disk.eph0")
	}, ErrOccupied, "not the disk"},
	{"directory is a file", func(h host, w *Want) { h.write(dir, "") }, ErrOccupied, id},
}

func TestMakeRefuses(t *testing.T) {
	for _, b := range backends {
		for _, c := range refused {
			t.Run(b.name+"/"+c.name, func(t *testing.T) {
				h := newHost(t)
				w := h.want()
				c.with(h, &w)
				before := h.dump()
				_, err := b.open(h).Make(t.Context(), w)
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
					t.Errorf("Make = %v, want %v that names %q", err, c.want, c.text)
				}
				if diff := cmp.Diff(before, h.dump()); diff != "" {
					t.Errorf("a refused Make changed the host (-before +after):\n%s", diff)
				}
			})
		}
	}
}

func TestMakeKeepsForeignInfo(t *testing.T) {
	h := newHost(t)
	h.mkdir(dir)
	h.write(dir+"/disk.info", `{"`+dir+`/disk":"raw"}`)
	_, err := backends[0].open(h).Make(t.Context(), h.want())
	if text, _ := os.ReadFile(h.path(dir + "/disk.info")); !errors.Is(err, ErrOccupied) || !strings.Contains(string(text), "raw") {
		t.Errorf("Make = %v and disk.info is %s, want %v and the file as it was", err, text, ErrOccupied)
	}
}

func TestSymbolicLinksStayInside(t *testing.T) {
	for _, b := range backends {
		h := newHost(t)
		h.mkdir("/pool2")
		h.symlink("../../../../../../data/pool/data.qcow2", "/pool2/up") // ends at the host's root
		w := h.want()
		w.Links = []Link{{"/pool2/up", "disk"}}
		if _, err := b.open(h).Make(t.Context(), w); err != nil {
			t.Errorf("%s: Make = %v", b.name, err)
		} else if h.inode(dir+"/disk") != h.inode("/data/pool/data.qcow2") {
			t.Errorf("%s: the link is not the disk that the host would find", b.name)
		}
	}
}

// otherFS is a host whose pool is a mount of its own. With late, the numbers
// do not show it, as with bind mounts.
type otherFS struct {
	backend
	late bool
}

func (o otherFS) look(paths ...string) ([]node, error) {
	nodes, err := o.backend.look(paths...)
	for i := range nodes {
		if strings.HasPrefix(nodes[i].path, "/data") && !o.late {
			nodes[i].fsid += "x"
		}
	}
	return nodes, err
}

func (o otherFS) link(from, to string) error { return ErrOtherFileSystem }

func TestMakeAcrossFileSystems(t *testing.T) {
	for _, late := range []bool{false, true} {
		h := newHost(t)
		before := h.dump()
		l, err := newLocal(h.root)
		h.must(err)
		tree := newTree(otherFS{l, late})
		if _, err := tree.Make(t.Context(), h.want()); !errors.Is(err, ErrOtherFileSystem) {
			t.Errorf("Make (late %v) = %v, want %v", late, err, ErrOtherFileSystem)
		}
		if _, err := tree.Remove(t.Context(), h.want()); err != nil || h.dump() != before {
			t.Errorf("Remove after it (late %v) = %v, and the host is not as before", late, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	h := newHost(t)
	h.must(os.Chmod(h.path("/data/pool/data.qcow2"), 0o600))
	h.write("/etc/passwd", "nova:x:54321:54321::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n")
	w := h.want()
	w.Owner = "novva"
	made, err := backends[0].open(h).Make(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(made.Warnings, "\n")
	for _, want := range []string{"no user novva", "chmod 0644 '/data/pool/data.qcow2'"} {
		if !strings.Contains(all, want) {
			t.Errorf("Make warns of %q, want also %q", all, want)
		}
	}
	if info, _ := os.Stat(h.path("/data/pool/data.qcow2")); info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the disk = %v, want 0600 as before", info.Mode())
	}
}

func TestDirectoryIsOpenToTheHypervisor(t *testing.T) {
	h := newHost(t)
	h.mkdir(dir)
	h.must(os.Chmod(h.path(dir), 0o700)) // a crash right after mkdir under a strict umask
	if _, err := backends[0].open(h).Make(t.Context(), h.want()); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(h.path(dir)); info.Mode().Perm() != 0o755 {
		t.Errorf("mode of the directory = %v, want 0755", info.Mode())
	}
}
