package instancedir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
)

func (b below) open(p string) (openFile, error)   { return b.backend.(filer).open(b.root + p) }
func (b below) create(p string) (openFile, error) { return b.backend.(filer).create(b.root + p) }
func (b below) rename(from, to string) error {
	return b.backend.(filer).rename(b.root+from, b.root+to)
}
func (b below) flush(f openFile) error  { return b.backend.(filer).flush(f) }
func (b below) answered(err error) bool { return b.backend.(filer).answered(err) }
func (h host) files(open func(host) *Tree) *Files {
	return &Files{dial: func(context.Context) (filer, error) { return open(h).backend.(filer), nil }}
}

// eachWay runs a test over all ways to a host's files.
func eachWay(t *testing.T, test func(t *testing.T, h host, f *Files, inodes bool)) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			h := newHost(t)
			f := h.files(b.open)
			test(t, h, f, b.inodes)
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFilesKept(t *testing.T) {
	const p = "/var/lib/kvm2openstack/" + id + "/saved.json"
	eachWay(t, func(t *testing.T, h host, f *Files, _ bool) {
		before := h.dump()
		ctx := t.Context()
		if _, err := f.ReadKept(ctx, p); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), p) {
			t.Errorf("ReadKept of nothing = %v", err)
		}
		for _, text := range []string{"first", "second and longer", "3"} {
			if err := f.WriteKept(ctx, p, []byte(text)); err != nil {
				t.Fatal(err)
			}
			if got, err := f.ReadKept(ctx, p); string(got) != text || err != nil {
				t.Errorf("ReadKept = %q, %v, want %q", got, err, text)
			}
		}
		for path, mode := range map[string]fs.FileMode{p: 0o600, "/var/lib/kvm2openstack/" + id: 0o700, "/var/lib/kvm2openstack": 0o700, "/var/lib": 0o755} {
			if info, err := os.Stat(h.path(path)); err != nil || info.Mode().Perm() != mode {
				t.Errorf("mode of %s = %v, %v, want %v", path, info, err, mode)
			}
		}
		h.write(temporaryName(p), "half of a fourth") // as a crash leaves it
		for range 2 {
			if err := f.RemoveKept(ctx, filepath.Dir(p), filepath.Base(p)); err != nil {
				t.Error(err)
			}
		}
		h.remove("/var/lib/kvm2openstack")
		if after := h.dump(); after != before {
			t.Errorf("what is left:\n%s", after)
		}
	})
}

// A folder that others can look into is not one of ours.
func TestFilesRemoveKeptLeavesFolders(t *testing.T) {
	eachWay(t, func(t *testing.T, h host, f *Files, _ bool) {
		h.mkdir("/srv/shared")
		if err := f.RemoveKept(t.Context(), "/srv/shared", "x"); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(h.path("/srv/shared")); err != nil {
			t.Error(err)
		}
	})
}

func TestFilesCopy(t *testing.T) {
	eachWay(t, func(t *testing.T, h host, f *Files, _ bool) {
		h.write("/data/vars.fd", strings.Repeat("\x00\xff", 200_000))
		h.must(os.Chmod(h.path("/data/vars.fd"), 0o640))
		h.symlink("/data/vars.fd", "/data/link.fd")
		h.write("/data/pool/new.fd", "what was there")
		if err := f.Copy(t.Context(), "/data/link.fd", "/var/lib/images/new.fd"); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(h.path("/data/pool/new.fd"))
		h.must(err)
		text, err := os.ReadFile(h.path("/data/pool/new.fd"))
		h.must(err)
		if info.Mode() != 0o640 || len(text) != 400_000 || h.inode("/data/pool/new.fd") == h.inode("/data/vars.fd") {
			t.Errorf("copy has mode %v, %d bytes", info.Mode(), len(text))
		}
		if got, err := f.Read(t.Context(), "/var/lib/images/new.fd", 399_998, 10); string(got) != "\x00\xff" || err != nil {
			t.Errorf("Read at the end = %q, %v", got, err)
		}
		if err := f.Copy(t.Context(), "/data/gone", "/data/pool/x"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "/data/gone") {
			t.Errorf("Copy of nothing = %v", err)
		}
		if err := f.Copy(t.Context(), "/data", "/data/pool/x"); !errors.Is(err, ErrNoDisk) {
			t.Errorf("Copy of a folder = %v", err)
		}
	})
}

func TestFilesStat(t *testing.T) {
	eachWay(t, func(t *testing.T, h host, f *Files, inodes bool) {
		got, err := f.Stat(t.Context(), "/var/lib/images/data.qcow2")
		if !inodes {
			// Two files that both have inode 0 would pass for one.
			if !errors.Is(err, ErrNoInode) {
				t.Errorf("Stat without inodes = %+v, %v", got, err)
			}
			return
		}
		if err != nil || got.Inode != h.inode("/data/pool/data.qcow2") || got.Bytes != 9 || got.Device == 0 {
			t.Errorf("Stat = %+v, %v", got, err)
		}
		if _, err := f.Stat(t.Context(), "/var/lib/images/gone"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Stat of nothing = %v", err)
		}
		if _, err := f.Stat(t.Context(), "/var/../etc"); !errors.Is(err, ErrPath) {
			t.Errorf("Stat of a path that goes up = %v", err)
		}
		// Nothing is remembered of links that have changed.
		h.mkdir("/other")
		h.write("/other/data.qcow2", "another")
		h.remove("/var/lib/images")
		h.symlink("/other", "/var/lib/images")
		if now, err := f.Stat(t.Context(), "/var/lib/images/data.qcow2"); err != nil || now == got {
			t.Errorf("Stat after the link has changed = %+v, %v", now, err)
		}
	})
}

func TestFilesLinks(t *testing.T) {
	const disk, legacy = "/var/lib/nova/instances/disk", "/var/lib/images/data.qcow2"
	eachWay(t, func(t *testing.T, h host, f *Files, inodes bool) {
		ctx := t.Context()
		if err := f.Link(ctx, legacy, disk); err != nil {
			t.Fatal(err)
		}
		if h.inode(disk) != h.inode("/data/pool/data.qcow2") {
			t.Error("not one file")
		}
		if err := f.Link(ctx, legacy, disk); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Link to a name that is taken = %v", err)
		}
		err := f.Unlink(ctx, legacy, disk)
		if !inodes {
			if err == nil {
				t.Error("Unlink without a proof")
			}
			return
		}
		for range 2 {
			if err != nil {
				t.Errorf("Unlink = %v", err)
			}
			err = f.Unlink(ctx, legacy, disk) // gone already
		}
		before := h.dump()
		for name, other := range map[string]string{disk: legacy, "/etc/passwd": disk, "/data": disk, "/data/pool/web 1's.qcow2": "/data/pool/web 1's.qcow2"} {
			if err := f.Unlink(ctx, name, other); err == nil {
				t.Errorf("Unlink(%s, %s) = nil, want it to stay", name, other)
			}
		}
		if h.dump() != before {
			t.Error("something is gone")
		}
	})
}

func TestFilesBridge(t *testing.T) {
	eachWay(t, func(t *testing.T, h host, f *Files, _ bool) {
		h.mkdir("/sys/class/net", "/sys/devices/virtual/net/brq1/bridge", "/sys/devices/virtual/net/tap1")
		h.symlink("../../devices/virtual/net/brq1", "/sys/class/net/brq1")
		h.symlink("../../devices/virtual/net/tap1", "/sys/class/net/tap1")
		for name, want := range map[string]bool{"brq1": true, "tap1": false, "gone": false} {
			if is, err := f.IsBridge(t.Context(), name); is != want || err != nil {
				t.Errorf("IsBridge(%s) = %v, %v, want %v", name, is, err, want)
			}
		}
		if _, err := f.IsBridge(t.Context(), "../tap1"); !errors.Is(err, ErrPath) {
			t.Errorf("IsBridge of a path = %v", err)
		}
	})
}

// A connection that is lost is made anew by the next call, and one that does
// not answer is ended.
func TestFilesLost(t *testing.T) {
	h := newHost(t)
	dials := 0
	f := &Files{dial: func(context.Context) (filer, error) {
		dials++
		if dials == 2 {
			return nil, errors.New("no route to host")
		}
		return h.sftp(true).(filer), nil
	}}
	read := func() error { _, err := f.ReadKept(t.Context(), "/etc/passwd"); return err }
	if err := read(); err != nil {
		t.Fatal(err)
	}
	h.must(f.conn.Close())
	for _, lost := range []bool{true, true, false} { // the call, the dial, and then it is there again
		if err := read(); errors.Is(err, ErrLost) != lost {
			t.Errorf("after the loss: %v, want lost %v", err, lost)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	if _, err := f.Stat(ctx, "/etc/passwd"); !errors.Is(err, ErrLost) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("out of time: %v", err)
	}
	if err := read(); err != nil {
		t.Errorf("after that: %v", err)
	}
}

func TestOpenFiles(t *testing.T) {
	f, err := OpenFiles(t.Context(), discover.Host{Name: "here", URI: "qemu:///system"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := f.Stat(t.Context(), "/etc/passwd"); err != nil || id.Inode == 0 {
		t.Errorf("Stat = %+v, %v", id, err)
	}
	if _, err := OpenFiles(t.Context(), discover.Host{Name: "tls", URI: "qemu+tls://h/system"}, nil); !errors.Is(err, ErrNoFiles) || errors.Is(err, ErrLost) {
		t.Errorf("OpenFiles of a host without files = %v", err)
	}
}

func TestFilesGive(t *testing.T) {
	const p = "/run/first-start.conf"
	eachWay(t, func(t *testing.T, h host, f *Files, _ bool) {
		h.mkdir("/run")
		h.mkdir("/etc")
		h.write("/etc/passwd", fmt.Sprintf("root:x:0:0::/:\nnova:x:%d:%d::/:\n", os.Getuid(), os.Getgid()))
		ctx := t.Context()
		for range 2 { // The second time it is there.
			if err := f.Give(ctx, p, []byte("[libvirt]\n"), "nova"); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(h.path(p))
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("mode = %v, %v, want 0644", info, err)
		}
		if err := f.Give(ctx, p, []byte("other"), "nova"); !errors.Is(err, ErrOccupied) || !strings.Contains(err.Error(), p) {
			t.Errorf("Give over another content = %v, want %v", err, ErrOccupied)
		}
		if text, err := f.ReadKept(ctx, p); string(text) != "[libvirt]\n" || err != nil {
			t.Errorf("content = %q, %v", text, err)
		}
		if err := f.Give(ctx, "/run/other", nil, "nobody-here"); err == nil || !strings.Contains(err.Error(), "no user nobody-here") {
			t.Errorf("Give to a user that is not there = %v", err)
		}
		if err := f.Give(ctx, "/etc", []byte("x"), "nova"); !errors.Is(err, ErrOccupied) {
			t.Errorf("Give over a folder = %v, want %v", err, ErrOccupied)
		}
	})
}
