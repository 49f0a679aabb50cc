package instancedir

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
)

// givenMode is of files that a service of the host is to read.
const givenMode = 0o644

// Give makes a small file that belongs to a user of the host: whole and durable
// when it returns, and under its name only then. One of the same content is
// left as it is; anything else that has the name is ErrOccupied.
func (f *Files) Give(ctx context.Context, p string, text []byte, user string) error {
	err := f.do(ctx, fileTimeout, func(t *Tree, conn filer) error {
		at, err := t.placeNew(p)
		if err != nil {
			return err
		}
		there, err := t.one(at)
		if err != nil {
			return err
		}
		if there.kind != missing {
			return t.same(there, text)
		}
		who, err := t.ownerOf(user)
		if err != nil {
			return err
		}
		if who == nil {
			return fmt.Errorf("the host has no user %s in /etc/passwd", user)
		}
		return put(conn, at, bytes.NewReader(text), fs.FileMode(givenMode), who)
	})
	if err != nil {
		return fmt.Errorf("write %q: %w", p, err)
	}
	return nil
}

// same fails unless a file has that content.
func (t *Tree) same(n node, text []byte) error {
	if n.kind != file {
		return ErrOccupied
	}
	has, err := t.readFile(n.path)
	if err != nil {
		return err
	}
	if !bytes.Equal(has, text) {
		return ErrOccupied
	}
	return nil
}
