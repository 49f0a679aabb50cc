package instancedir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// keptMode and keptDirMode are of files that hold passwords.
const (
	keptMode    = 0o600
	keptDirMode = 0o700
)

// temporaryName is what a file is called until it is complete.
func temporaryName(p string) string {
	return path.Join(path.Dir(p), "."+path.Base(p)+".kvm2openstack")
}

// Copy makes to a copy of from, content, owner and mode: whole and durable when
// it returns, and under its name only then. What was at to is replaced.
func (f *Files) Copy(ctx context.Context, from, to string) error {
	err := f.do(ctx, copyTimeout, func(t *Tree, conn filer) error {
		real, err := t.place(from)
		if err != nil {
			return err
		}
		n, err := t.one(real)
		switch {
		case err != nil:
			return err
		case n.kind == missing:
			return fs.ErrNotExist
		case n.kind != file:
			return ErrNoDisk
		}
		at, err := t.placeNew(to)
		if err != nil {
			return err
		}
		source, err := conn.open(real)
		if err != nil {
			return err
		}
		defer source.Close()
		return put(conn, at, source, n.mode, &owner{n.uid, n.gid})
	})
	if err != nil {
		return fmt.Errorf("copy %q to %q: %w", from, to, err)
	}
	return nil
}

// put writes a file under another name and then gives it its own.
func put(conn filer, p string, source io.Reader, mode fs.FileMode, who *owner) error {
	temporary := temporaryName(p)
	if err := conn.remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := conn.create(temporary)
	if err != nil {
		return err
	}
	err = out.Chmod(keptMode) // before there is anything in it
	if err == nil {
		_, err = io.Copy(out, source)
	}
	if err == nil && who != nil {
		err = out.Chown(who.uid, who.gid)
	}
	if err == nil {
		err = errors.Join(out.Chmod(mode), conn.flush(out))
	}
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	if err := conn.rename(temporary, p); err != nil {
		return err
	}
	return conn.sync(path.Dir(p))
}

// ReadKept reads a whole file; fs.ErrNotExist when there is none.
func (f *Files) ReadKept(ctx context.Context, p string) ([]byte, error) {
	return f.Read(ctx, p, 0, maxFile)
}

// WriteKept makes a file that only root may read, with its folders: whole and
// durable when it returns, and under its name only then. What was there is
// replaced.
func (f *Files) WriteKept(ctx context.Context, p string, text []byte) error {
	err := f.do(ctx, fileTimeout, func(t *Tree, conn filer) error {
		if len(text) > maxFile {
			return fmt.Errorf("%d bytes are more than could be read again", len(text))
		}
		if err := t.makeKept(path.Dir(p)); err != nil {
			return err
		}
		at, err := t.placeNew(p)
		if err != nil {
			return err
		}
		return put(conn, at, bytes.NewReader(text), keptMode, nil)
	})
	if err != nil {
		return fmt.Errorf("write %q: %w", p, err)
	}
	return nil
}

// makeKept makes a folder, and those above it that are missing. Only what it
// makes itself is closed to others.
func (t *Tree) makeKept(dir string) error {
	if err := plain(dir); err != nil {
		return err
	}
	made := "/"
	for part := range strings.SplitSeq(strings.Trim(dir, "/"), "/") {
		real, err := t.resolve(made)
		if err != nil {
			return err
		}
		next := path.Join(real, part)
		made = path.Join(made, part)
		n, err := t.one(next)
		if err != nil || n.kind != missing {
			if err != nil {
				return err
			}
			continue
		}
		if err := t.mkdir(next); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := errors.Join(t.chmod(next, keptDirMode), t.sync(real)); err != nil {
			return err
		}
	}
	return nil
}

// Remove removes a file, and what is left of writing it. One that is gone
// already is fine.
func (f *Files) Remove(ctx context.Context, p string) error {
	err := f.do(ctx, fileTimeout, func(t *Tree, conn filer) error {
		at, err := t.placeNew(p)
		if err != nil {
			return err
		}
		for _, name := range []string{temporaryName(at), at} {
			if err := conn.remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove %q: %w", p, err)
	}
	return nil
}

// RemoveKept removes files of a folder, and the folder if it is empty then.
// What is not there is fine.
func (f *Files) RemoveKept(ctx context.Context, dir string, names ...string) error {
	for _, name := range names {
		if err := f.Remove(ctx, path.Join(dir, name)); err != nil {
			return err
		}
	}
	err := f.do(ctx, fileTimeout, func(t *Tree, _ filer) error {
		real, err := t.placeNew(dir)
		if err != nil {
			return err
		}
		return t.removeEmpty(real)
	})
	if err != nil {
		return fmt.Errorf("remove folder %q: %w", dir, err)
	}
	return nil
}

// removeEmpty removes a folder that nobody else can look into, as ours are, if
// nothing is left in it.
func (t *Tree) removeEmpty(dir string) error {
	n, err := t.one(dir)
	if err != nil || n.kind != directory || n.mode != keptDirMode {
		return err
	}
	names, err := t.list(dir)
	if err != nil || len(names) > 0 {
		return err
	}
	if err := t.remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return t.sync(path.Dir(dir))
}
