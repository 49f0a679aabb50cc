package main

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A wholeFile is a file that is written whole or not at all. What is written
// goes to a file beside it, which keep puts in its place when all of it is on
// the disk. Until then, and when anything fails, an earlier file of the name
// is what it was.
//
// It is made before the work whose result it is to hold, so that a path that
// cannot be written to is told at once, and not after hundreds of hosts.
type wholeFile struct {
	path string // as it was given, for people
	to   string // what is replaced: where path leads, if it is a symbolic link
	out  *os.File
	buf  *bufio.Writer

	inPlace bool // a device or a pipe: nothing can be put in its place
	kept    bool
}

// writeWhole writes a file whole or not at all.
func writeWhole(path string, write func(io.Writer) error) error {
	f, err := newWholeFile(path)
	if err != nil {
		return err
	}
	defer f.drop()
	if err := write(f); err != nil {
		return f.failed(err)
	}
	return f.keep()
}

// newWholeFile begins a file. Call drop in any case, and keep before it when
// all is written.
func newWholeFile(path string) (*wholeFile, error) {
	f := &wholeFile{path: path, to: whereLeads(path)}
	info, err := os.Stat(f.to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = f.beside(0)
	case err == nil && info.IsDir():
		err = errors.New("it is a folder; give the name of a file in it")
	case err == nil && info.Mode().IsRegular():
		err = f.beside(info.Mode().Perm())
	case err == nil:
		f.inPlace = true
		f.out, err = os.OpenFile(f.to, os.O_WRONLY, 0)
	}
	if err != nil {
		return nil, f.failed(err)
	}
	f.buf = bufio.NewWriterSize(f.out, 64<<10)
	return f, nil
}

// whereLeads follows symbolic links, also to a file that is yet to be made.
func whereLeads(path string) string {
	for range 40 { // as many as Linux follows
		if to, err := filepath.EvalSymlinks(path); err == nil {
			return to
		}
		to, err := os.Readlink(path)
		if err != nil {
			return path
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path
}

// beside opens the file that is to take the place. A new one has the rights
// that the operator's umask leaves; one that replaces another has the other's.
func (f *wholeFile) beside(rights fs.FileMode) (err error) {
	dir := filepath.Dir(f.to)
	f.out, err = os.OpenFile(filepath.Join(dir, ".kvm2openstack-"+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("make a file in %s: %w", dir, cause(err))
	}
	if rights == 0 {
		return nil
	}
	if err = f.out.Chmod(rights); err != nil {
		f.drop()
	}
	return err
}

// Write takes what the file is to hold.
func (f *wholeFile) Write(p []byte) (int, error) { return f.buf.Write(p) }

// keep puts the file in its place.
func (f *wholeFile) keep() error {
	err := f.buf.Flush()
	if err == nil && !f.inPlace {
		// A rename that is on the disk before the contents would leave an empty
		// file where a good one was.
		err = f.out.Sync()
	}
	err = errors.Join(err, f.out.Close())
	if err == nil && !f.inPlace {
		err = os.Rename(f.out.Name(), f.to)
	}
	if err != nil {
		return f.failed(err)
	}
	f.kept = true
	if !f.inPlace {
		syncFolder(filepath.Dir(f.to))
	}
	return nil
}

// keepEarlier gives the file that is about to be replaced a second name, and
// says which; "" when there is none.
func (f *wholeFile) keepEarlier() (string, error) {
	if _, err := os.Stat(f.to); f.inPlace || errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	name := f.to + ".bak"
	err := os.Remove(name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.Link(f.to, name)
	}
	if err != nil {
		return "", fmt.Errorf("keep the earlier file as %s: %w", name, cause(err))
	}
	return name, nil
}

// drop removes what was not kept. After keep it does nothing, nor where no
// file is wanted.
func (f *wholeFile) drop() {
	if f == nil || f.kept {
		return
	}
	f.out.Close() // closed already where keep failed; nobody wants what it holds
	if !f.inPlace {
		os.Remove(f.out.Name()) // a hidden file of ours that stays behind harms nothing
	}
}

func (f *wholeFile) failed(err error) error {
	if _, there := os.Stat(f.to); there == nil && !f.inPlace {
		return fmt.Errorf("write %s: %w (the earlier file is unchanged)", f.path, cause(err))
	}
	return fmt.Errorf("write %s: %w", f.path, cause(err))
}

// cause leaves out the name of the file beside, which says nothing to anybody.
func cause(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// syncFolder puts a rename on the disk. Not every file system can, and the
// file is whole without it, under its old contents or its new.
func syncFolder(dir string) {
	if d, err := os.Open(dir); err == nil {
		d.Sync()
		d.Close()
	}
}
