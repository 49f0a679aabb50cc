package discover

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// qcow2Image is a header as QEMU writes it, and nothing behind it.
func qcow2Image(size uint64, backing string) []byte {
	h := make([]byte, 512)
	copy(h, "QFI\xfb")
	binary.BigEndian.PutUint32(h[4:], 3)
	binary.BigEndian.PutUint64(h[24:], size)
	if backing != "" {
		binary.BigEndian.PutUint64(h[8:], 200)
		binary.BigEndian.PutUint32(h[16:], uint32(len(backing)))
		copy(h[200:], backing)
	}
	return h
}

// testTree makes a folder that holds a host's files.
func testTree(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "tree")
	put := func(name string, text []byte) {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	put("img/base.qcow2", qcow2Image(1<<30, ""))
	put("img/mid.qcow2", qcow2Image(2<<30, "base.qcow2"))
	put("img/top.qcow2", qcow2Image(3<<30, "/img/mid.qcow2"))
	put("img/loop.qcow2", qcow2Image(1<<30, "loop.qcow2"))
	put("img/remote.qcow2", qcow2Image(1<<30, "rbd:pool/image"))
	put("img/raw", make([]byte, 1000))
	put("img/new\nline", []byte("x"))
	put("img/empty", nil)
	put("img/cut.qcow2", []byte("QFI\xfb\x00\x00\x00\x03"))
	put("etc/passwd", []byte("inside"))
	link("/img/raw", "absolute")
	link("/img/raw", "img/absolute")
	link("../../../../../../etc/passwd", "img/escape")
	link("/../../../proc/self/environ", "img/escape2")
	link("here", "here")
	link("nowhere", "dangling")
	link("/img", "pool")
	if err := os.Link(filepath.Join(root, "img/raw"), filepath.Join(root, "img/raw2")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(root, "img/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

func openTestTree(t *testing.T) *Files {
	t.Helper()
	f, err := OpenFiles(context.Background(), Host{Name: "kvm1", URI: "qemu+tls://kvm1/system", Files: "file://" + testTree(t)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestFilesLook(t *testing.T) {
	f := openTestTree(t)
	for _, c := range []struct {
		path string
		want File // FS and Inode are looked at below
	}{
		{"/img/base.qcow2", File{Kind: "file", Resolved: "/img/base.qcow2", SizeBytes: 512, Links: 1, Format: "qcow2", VirtualBytes: 1 << 30}},
		{"/img/mid.qcow2", File{Kind: "file", Resolved: "/img/mid.qcow2", SizeBytes: 512, Links: 1, Format: "qcow2", VirtualBytes: 2 << 30, Backing: "base.qcow2"}},
		{"/img/raw", File{Kind: "file", Resolved: "/img/raw", SizeBytes: 1000, Links: 2, Format: "raw", VirtualBytes: 1000}},
		{"/absolute", File{Kind: "file", Resolved: "/img/raw", SizeBytes: 1000, Links: 2, Format: "raw", VirtualBytes: 1000}},
		{"/img/absolute", File{Kind: "file", Resolved: "/img/raw", SizeBytes: 1000, Links: 2, Format: "raw", VirtualBytes: 1000}},
		{"/pool/../img//./raw", File{Kind: "file", Resolved: "/img/raw", SizeBytes: 1000, Links: 2, Format: "raw", VirtualBytes: 1000}},
		{"/../../img/raw", File{Kind: "file", Resolved: "/img/raw", SizeBytes: 1000, Links: 2, Format: "raw", VirtualBytes: 1000}},
		{"/img/new\nline", File{Kind: "file", Resolved: "/img/new\nline", SizeBytes: 1, Links: 1, Format: "raw", VirtualBytes: 1}},
		{"/img/empty", File{Kind: "file", Resolved: "/img/empty", Links: 1, Format: "raw"}},
		{"/img/cut.qcow2", File{Kind: "file", Resolved: "/img/cut.qcow2", SizeBytes: 8, Links: 1, Format: "qcow2"}},
		{"/img/pipe", File{Kind: "other", Resolved: "/img/pipe", Links: 1}},
		{"/img/escape", File{Kind: "file", Resolved: "/etc/passwd", SizeBytes: 6, Links: 1, Format: "raw", VirtualBytes: 6}},
		{"/img/escape2", File{Missing: true}},
		{"/dangling", File{Missing: true}},
		{"/img/nothing", File{Missing: true}},
		{"/nothing/at/all", File{Missing: true}},
		{"", File{Error: "the path is not absolute"}},
		{"img/raw", File{Error: "the path is not absolute"}},
		{"/here", File{Error: "too many levels of symbolic links"}},
		{"/img/raw/below", File{Error: "not a directory"}},
		{"/img/a\x00b", File{Error: "invalid argument"}},
	} {
		got := f.Look(context.Background(), c.path)
		if there := c.want.Kind != ""; there != (got.FS != "") || there != (got.Inode != 0) {
			t.Errorf("Look(%q): FS %q, inode %d", c.path, got.FS, got.Inode)
		}
		got.FS, got.Inode = "", 0
		if c.want.Error != "" && strings.HasPrefix(got.Error, fmt.Sprintf("look at %q: ", c.path)) && strings.HasSuffix(got.Error, c.want.Error) {
			got.Error = c.want.Error // what the system calls the failed act differs
		}
		if got != c.want {
			t.Errorf("Look(%q)\n got %+v\nwant %+v", c.path, got, c.want)
		}
	}
}

// A folder where a disk should be is told of as such.
func TestFilesLookFolder(t *testing.T) {
	got := openTestTree(t).Look(context.Background(), "/img")
	if got.Kind != "dir" || got.Format != "" || got.Error != "" {
		t.Errorf("Look = %+v", got)
	}
}

func TestFilesPlace(t *testing.T) {
	f := openTestTree(t)
	there := f.Place(context.Background(), "/img")
	if there.Missing || there.FS == "" {
		t.Errorf("Place of a folder that exists = %+v", there)
	}
	for _, p := range []string{"/img/instances", "/var/lib/nova/instances", "/pool/a/b"} {
		if got := f.Place(context.Background(), p); !got.Missing || got.FS != there.FS || got.Error != "" {
			t.Errorf("Place(%q) = %+v, want missing on %q", p, got, there.FS)
		}
	}
	if got := f.Place(context.Background(), "/here/x"); got.Error == "" {
		t.Errorf("Place below a loop of links = %+v", got)
	}
}

func TestFilesChain(t *testing.T) {
	f := openTestTree(t)
	for _, c := range []struct{ path, want string }{
		{"/img/top.qcow2", "/img/mid.qcow2 /img/base.qcow2"},
		{"/img/base.qcow2", ""},
		{"/img/remote.qcow2", "rbd:pool/image"},
		{"/img/loop.qcow2", strings.TrimSpace(strings.Repeat("/img/loop.qcow2 ", maxChain))},
	} {
		chain := f.chain(context.Background(), f.Look(context.Background(), c.path))
		if got := strings.Join(chain, " "); got != c.want {
			t.Errorf("chain of %s = %q, want %q", c.path, got, c.want)
		}
	}
}

// What a guest has written into a raw disk is not followed.
func TestAddFileTrustsDefinition(t *testing.T) {
	f := openTestTree(t)
	file := f.Look(context.Background(), "/img/mid.qcow2")
	raw := Disk{Format: "raw"}
	raw.addFile(context.Background(), f, file)
	if raw.Backing != nil || raw.CapacityBytes != 512 {
		t.Errorf("raw disk: %+v", raw)
	}
	qcow2 := Disk{Format: "qcow2"}
	qcow2.addFile(context.Background(), f, file)
	if len(qcow2.Backing) != 1 || qcow2.CapacityBytes != 2<<30 {
		t.Errorf("qcow2 disk: %+v", qcow2)
	}
	known := Disk{Format: "qcow2", CapacityBytes: 7, Backing: []string{"/by/libvirt"}}
	known.addFile(context.Background(), f, file)
	if known.CapacityBytes != 7 || known.Backing[0] != "/by/libvirt" {
		t.Errorf("what libvirt said is lost: %+v", known)
	}
}

func TestScanLooksAtFiles(t *testing.T) {
	d := newFakeDomain("web")
	d.xml = strings.Replace(d.xml, "<devices/>", `<devices>
		<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/img/mid.qcow2'/><target dev='vda' bus='virtio'/></disk>
		<disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk>
		<disk type='network' device='disk'><source protocol='rbd' name='pool/image'/><target dev='vdb' bus='virtio'/></disk>
		</devices>`, 1)
	h := (&fakeDaemon{domains: []fakeDomain{d}}).start(t, "kvm1")
	h.Files = "file://" + testTree(t)
	opt := quick
	opt.SkipFiles = false
	inv := scanOne(t, h, opt)
	if inv.Err != nil || inv.FilesErr != "" || len(inv.Domains) != 1 || inv.InstancesDir == nil || !inv.InstancesDir.Missing || inv.InstancesDir.FS == "" {
		t.Fatalf("Err %v, FilesErr %q, %d domains, instances %+v", inv.Err, inv.FilesErr, len(inv.Domains), inv.InstancesDir)
	}
	disks := inv.Domains[0].Disks
	if disks[0].File == nil || disks[0].File.FS != inv.InstancesDir.FS || disks[0].CapacityBytes != 2<<30 || disks[1].File != nil || disks[2].File != nil {
		t.Errorf("disks %+v", disks)
	}
}

// A scan without files is still a scan.
func TestScanWithoutFiles(t *testing.T) {
	h := (&fakeDaemon{domains: []fakeDomain{newFakeDomain("web")}}).start(t, "kvm1")
	opt := quick
	opt.SkipFiles = false
	h.Files = "file:///nonexistent/tree"
	if inv := scanOne(t, h, opt); inv.Err != nil || len(inv.Domains) != 1 || !strings.Contains(inv.FilesErr, "/nonexistent/tree") || inv.InstancesDir != nil {
		t.Errorf("Err %v, FilesErr %q", inv.Err, inv.FilesErr)
	}
	if _, err := OpenFiles(context.Background(), Host{Name: "kvm1", URI: "qemu+tls://kvm1/system"}, opt); err == nil || !strings.Contains(err.Error(), `name one in "files"`) {
		t.Errorf("OpenFiles without a way = %v", err)
	}
}
