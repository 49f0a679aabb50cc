package instancedir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// A local backend is this machine's files, below root.
type local struct{ root string }

func newLocal(root string) (*local, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() || !filepath.IsAbs(root) {
		return nil, fmt.Errorf("%q: %w: it is no absolute path of a directory", root, ErrPath)
	}
	return &local{root: root}, nil
}

func (l *local) real(p string) string { return filepath.Join(l.root, filepath.FromSlash(p)) }

func (l *local) Close() error { return nil }

func (l *local) look(paths ...string) ([]node, error) {
	nodes := make([]node, len(paths))
	for i, p := range paths {
		info, err := os.Lstat(l.real(p))
		if errors.Is(err, fs.ErrNotExist) {
			nodes[i] = node{path: p}
			continue
		}
		if err != nil {
			return nil, err
		}
		nodes[i] = localNode(p, info)
	}
	return nodes, nil
}

func localNode(p string, info fs.FileInfo) node {
	n := fileNode(p, info)
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		n.uid, n.gid = int(st.Uid), int(st.Gid)
		n.dev, n.inode, n.links = st.Dev, st.Ino, uint64(st.Nlink)
		n.fsid = strconv.FormatUint(st.Dev, 16)
	}
	return n
}

// fileNode is what every kind of FileInfo tells.
func fileNode(p string, info fs.FileInfo) node {
	n := node{path: p, kind: other, mode: info.Mode().Perm(), size: info.Size(), mtime: info.ModTime()}
	switch {
	case info.Mode().IsRegular():
		n.kind = file
	case info.IsDir():
		n.kind = directory
	case info.Mode()&fs.ModeSymlink != 0:
		n.kind = symlink
	}
	return n
}

func (l *local) identify([]node) error { return nil } // look has done it.

func (l *local) readLink(p string) (string, error) { return os.Readlink(l.real(p)) }

func (l *local) readFile(p string) ([]byte, error) {
	f, err := os.Open(l.real(p))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

func (l *local) list(dir string) ([]string, error) {
	entries, err := os.ReadDir(l.real(dir))
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

func (l *local) mkdir(p string) error { return os.Mkdir(l.real(p), dirMode) }

func (l *local) chmod(p string, mode fs.FileMode) error { return os.Chmod(l.real(p), mode) }

func (l *local) chown(p string, o owner) error { return os.Lchown(l.real(p), o.uid, o.gid) }

func (l *local) link(from, to string) error {
	err := os.Link(l.real(from), l.real(to))
	if errors.Is(err, syscall.EXDEV) {
		return ErrOtherFileSystem // Two bind mounts of one file system look alike until now.
	}
	return err
}

func (l *local) replace(n newFile) error {
	if err := l.remove(n.temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(l.real(n.temporary), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) // follows no link
	if err != nil {
		return err
	}
	_, err = f.Write(n.text)
	if n.who != nil {
		err = errors.Join(err, f.Chown(n.who.uid, n.who.gid))
	}
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(l.real(n.temporary), l.real(n.path))
}

func (l *local) remove(p string) error { return os.Remove(l.real(p)) }

func (l *local) sync(dir string) error {
	f, err := os.Open(l.real(dir))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
