package instancedir

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Link gives a file one more name. A name that is taken is fs.ErrExist, and
// another file system ErrOtherFileSystem.
func (f *Files) Link(ctx context.Context, from, to string) error {
	err := f.do(ctx, fileTimeout, func(t *Tree, conn filer) error {
		real, err := t.place(from)
		if err != nil {
			return err
		}
		at, err := t.placeNew(to)
		if err != nil {
			return err
		}
		// SFTP would only say that it failed.
		n, err := t.one(at)
		if err == nil && n.kind != missing {
			err = fs.ErrExist
		}
		if err != nil {
			return err
		}
		if err := conn.link(real, at); err != nil {
			return err
		}
		return conn.sync(path.Dir(at))
	})
	if err != nil {
		return fmt.Errorf("link %q as %q: %w", from, to, err)
	}
	return nil
}

// Unlink removes a name of a file, if that is proven to have the other name
// too: the last name of a disk is never removed. One that is gone already is
// fine.
func (f *Files) Unlink(ctx context.Context, name, other string) error {
	err := f.do(ctx, fileTimeout, func(t *Tree, conn filer) error {
		at, err := t.placeNew(name)
		if err != nil {
			return err
		}
		kept, err := t.place(other)
		if err != nil {
			return err
		}
		nodes, err := t.look(at, kept)
		if err != nil || nodes[0].kind == missing {
			return err
		}
		if err := t.identify(nodes); err != nil {
			return err
		}
		if !proven(nodes[0], nodes[1]) {
			return fmt.Errorf("it stays: it is not proven to be the same file as %q", other)
		}
		if err := conn.remove(at); err != nil {
			return err
		}
		return conn.sync(path.Dir(at))
	})
	if err != nil {
		return fmt.Errorf("remove the name %q: %w", name, err)
	}
	return nil
}

// IsBridge reports whether the host has a Linux bridge of that name, as the
// kernel tells in sysfs.
func (f *Files) IsBridge(ctx context.Context, name string) (is bool, err error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return false, fmt.Errorf("look for bridge %q: %w", name, ErrPath)
	}
	err = f.do(ctx, fileTimeout, func(t *Tree, _ filer) error {
		real, err := t.resolve("/sys/class/net/" + name + "/bridge")
		if err != nil {
			return err
		}
		n, err := t.one(real)
		is = n.kind == directory
		return err
	})
	if err != nil {
		return false, fmt.Errorf("look for bridge %q: %w", name, err)
	}
	return is, nil
}
