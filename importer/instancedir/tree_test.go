package instancedir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pkg/sftp"
)

const id = "1e6ac700-0000-4000-8000-00000000000b"

// A host is a folder that stands for a host's file tree.
type host struct {
	t    *testing.T
	root string
}

// newHost has two disks, one of them behind an absolute symbolic link, and a
// user nova with our own number, so that giving files away works for anybody.
func newHost(t *testing.T) host {
	h := host{t: t, root: t.TempDir()}
	h.mkdir("/etc", "/var/lib/nova/instances", "/data/pool")
	h.write("/etc/passwd", fmt.Sprintf("root:x:0:0::/root:/bin/sh\nnova:x:%d:%d::/var/lib/nova:/bin/sh\n", os.Getuid(), os.Getgid()))
	h.write("/data/pool/web 1's.qcow2", "root disk")
	h.write("/data/pool/data.qcow2", "data disk")
	h.symlink("/data/pool", "/var/lib/images")
	return h
}

func (h host) path(p string) string { return filepath.Join(h.root, p) }

func (h host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h host) mkdir(paths ...string) {
	for _, p := range paths {
		h.must(os.MkdirAll(h.path(p), 0o755))
	}
}
func (h host) write(p, text string)     { h.must(os.WriteFile(h.path(p), []byte(text), 0o644)) }
func (h host) symlink(target, p string) { h.must(os.Symlink(target, h.path(p))) }
func (h host) remove(p string)          { h.must(os.Remove(h.path(p))) }

func (h host) inode(p string) uint64 {
	h.t.Helper()
	info, err := os.Lstat(h.path(p))
	h.must(err)
	return info.Sys().(*syscall.Stat_t).Ino
}

// dump is everything a host has: names, inodes, modes, contents.
func (h host) dump() string {
	var b strings.Builder
	h.must(filepath.WalkDir(h.root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %v %d", strings.TrimPrefix(p, h.root), info.Mode(), info.Sys().(*syscall.Stat_t).Ino)
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %s", text)
		}
		b.WriteByte('\n')
		return nil
	}))
	return b.String()
}

func (h host) want() Want {
	return Want{
		UUID: id, InstancesPath: "/var/lib/nova/instances", Owner: "nova",
		Links: []Link{{"/var/lib/images/web 1's.qcow2", "disk"}, {"/data/pool/data.qcow2", "disk.eph0"}},
		Infos: map[string]string{"disk": "qcow2", "disk.eph0": "qcow2"},
	}
}

// backends are all ways to a host's files.
var backends = []struct {
	name   string
	open   func(host) *Tree
	inodes bool // it can tell inodes
}{
	{"folder", func(h host) *Tree { l, err := newLocal(h.root); h.must(err); return newTree(l) }, true},
	{"sftp with stat", func(h host) *Tree { return newTree(h.sftp(true)) }, true},
	{"sftp alone", func(h host) *Tree { return newTree(h.sftp(false)) }, false},
}

// sftp serves the folder over the real protocol, to a client in the same
// process, as if it were the whole host.
func (h host) sftp(withStat bool) backend {
	ours, theirs := net.Pipe()
	server, err := sftp.NewServer(theirs)
	h.must(err)
	go func() { _ = server.Serve() }()
	client, err := sftp.NewClientPipe(ours, ours)
	h.must(err)
	r := &remote{Client: client, conn: closers{ours, theirs}}
	if withStat {
		r.stat = shellStat{func(command string) ([]byte, error) {
			return exec.Command("sh", "-c", command).Output()
		}}
	}
	h.t.Cleanup(func() { _ = r.Close() })
	return below{r, h.root}
}

type closers []io.Closer

func (c closers) Close() (err error) {
	for _, x := range c {
		err = errors.Join(err, x.Close())
	}
	return err
}

// below puts a folder in front of every path, for the test's server cannot
// be locked up in one.
type below struct {
	backend
	root string
}

func (b below) look(paths ...string) ([]node, error) {
	real := make([]string, len(paths))
	for i, p := range paths {
		real[i] = b.root + p
	}
	nodes, err := b.backend.look(real...)
	for i := range nodes {
		nodes[i].path = paths[i]
	}
	return nodes, err
}

func (b below) identify(nodes []node) error {
	for i := range nodes {
		nodes[i].path = b.root + nodes[i].path
	}
	err := b.backend.identify(nodes)
	for i := range nodes {
		nodes[i].path = strings.TrimPrefix(nodes[i].path, b.root)
	}
	return err
}

func (b below) readLink(p string) (string, error)   { return b.backend.readLink(b.root + p) }
func (b below) readFile(p string) ([]byte, error)   { return b.backend.readFile(b.root + p) }
func (b below) list(p string) ([]string, error)     { return b.backend.list(b.root + p) }
func (b below) mkdir(p string) error                { return b.backend.mkdir(b.root + p) }
func (b below) chmod(p string, m fs.FileMode) error { return b.backend.chmod(b.root+p, m) }
func (b below) chown(p string, o owner) error       { return b.backend.chown(b.root+p, o) }
func (b below) link(from, to string) error          { return b.backend.link(b.root+from, b.root+to) }
func (b below) replace(n newFile) error {
	n.path, n.temporary = b.root+n.path, b.root+n.temporary
	return b.backend.replace(n)
}
func (b below) remove(p string) error { return b.backend.remove(b.root + p) }
func (b below) sync(p string) error   { return b.backend.sync(b.root + p) }
