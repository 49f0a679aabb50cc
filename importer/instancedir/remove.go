package instancedir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"
)

// lookSpread is how far two looks at a file that is being written may lie apart.
const lookSpread = 2 * time.Second

// Left is something that Remove did not take away, and why.
type Left struct {
	Path, Why string
}

// Remove takes away exactly what Make made: a link, of a disk or of EFI
// variables, only while the legacy name is proven to be the same file, disk.info
// only as we wrote it, the directory only when it is empty. What stays is named
// and is no error. Removing what is not there does nothing.
func (t *Tree) Remove(ctx context.Context, w Want) ([]Left, error) {
	defer context.AfterFunc(ctx, t.abort)()
	if err := w.validate(); err != nil {
		return nil, err
	}
	left, err := t.removeVariables(w.Variables)
	if err != nil {
		return left, err
	}
	more, err := t.removeTree(w)
	return append(left, more...), err
}

// removeTree is Remove for the directory and what is in it.
func (t *Tree) removeTree(w Want) (left []Left, err error) {
	dir, plans, err := t.survey(w)
	if errors.Is(err, ErrNoInstancesPath) {
		return nil, nil
	}
	if err != nil || dir.kind == missing {
		return nil, err
	}
	for _, p := range plans {
		why, err := t.unlink(p)
		if err != nil {
			return left, fmt.Errorf("remove link %q: %w", w.to(p.Link), err)
		}
		if why != "" {
			left = append(left, Left{Path: w.to(p.Link), Why: why})
		}
	}
	if len(left) > 0 {
		return left, nil // disk.info belongs to the disk that stays.
	}
	if err := t.removeInfo(w, dir.path); err != nil {
		return nil, err
	}
	return t.removeDir(w, dir.path)
}

// unlink takes one link away, or says why it stays.
func (t *Tree) unlink(p linkPlan) (string, error) {
	switch {
	case p.to.kind == missing:
		return "", nil
	case p.from.kind == missing:
		return fmt.Sprintf("the legacy path %s is gone, so this is the last name of the file: link or move it back first", p.From), nil
	case proven(p.from, p.to):
		return "", t.remove(p.to.path)
	case p.to.kind == file && p.to.inode == 0:
		return fmt.Sprintf("SFTP alone cannot prove that %s is the same file: compare both on the host with stat -c %%i, then remove this name", p.From), nil
	}
	return fmt.Sprintf("it is not the same file as %s", p.From), nil
}

func (t *Tree) removeInfo(w Want, dir string) error {
	for _, name := range []string{infoTemporary, infoName} {
		if name == infoName {
			if ours, err := t.infoOurs(w, dir); err != nil || !ours {
				return err
			}
		}
		if err := t.remove(path.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %q: %w", path.Join(w.Dir(), name), err)
		}
	}
	return nil
}

func (t *Tree) removeDir(w Want, dir string) ([]Left, error) {
	names, err := t.list(dir)
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", w.Dir(), err)
	}
	slices.Sort(names)
	var left []Left
	for _, n := range names {
		left = append(left, Left{Path: path.Join(w.Dir(), n), Why: "it was not made by the adoption"})
	}
	if len(left) > 0 {
		return left, nil
	}
	if err := t.remove(dir); err != nil {
		return nil, fmt.Errorf("remove directory %q: %w", w.Dir(), err)
	}
	return nil, t.sync(path.Dir(dir))
}
