package discover

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links Linux follows (MAXSYMLINKS).
const maxLinks = 40

// A localTree is the file tree of this machine, or one that lies below a
// folder of it. Links are followed as a process would see them whose root is
// that folder, so that none leads out: an absolute target starts at the
// folder, and the folder is its own parent.
type localTree struct {
	prefix string
	root   *os.Root
}

func openLocalTree(prefix string) (*localTree, error) {
	root, err := os.OpenRoot(prefix)
	if err != nil {
		return nil, fmt.Errorf("open file tree: %w", err)
	}
	return &localTree{prefix, root}, nil
}

func (t *localTree) Close() error { return t.root.Close() }

func (t *localTree) find(p string) (File, error) {
	resolved, err := t.resolve(p)
	if err != nil {
		return File{}, err
	}
	info, err := t.root.Lstat(inRoot(resolved))
	if err != nil {
		return File{}, err
	}
	file := File{Kind: kindOf(info.Mode()), Resolved: resolved, SizeBytes: uint64(info.Size())}
	return file, identify(filepath.Join(t.prefix, resolved), &file)
}

// open does not wait for the other end of a pipe that took the file's place.
func (t *localTree) open(resolved string) (image, error) {
	return t.root.OpenFile(inRoot(resolved), os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func (t *localTree) list(dir string) ([]string, error) {
	d, err := t.root.Open(inRoot(dir))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func (t *localTree) link(p string) (string, error) { return t.root.Readlink(inRoot(p)) }

// inRoot makes an absolute path one that os.Root takes.
func inRoot(p string) string {
	if p = strings.TrimPrefix(p, "/"); p != "" {
		return p
	}
	return "."
}

// resolve follows links one path element after the other.
func (t *localTree) resolve(p string) (string, error) {
	at, links := "/", 0
	todo := strings.Split(p, "/")
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, name)
		info, err := t.root.Lstat(inRoot(next))
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "resolve", Path: p, Err: syscall.ELOOP}
		}
		target, err := t.root.Readlink(inRoot(next))
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			at = "/"
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return at, nil
}
