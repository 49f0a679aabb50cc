package instancedir

import (
	"context"
	"fmt"
)

// Done reports whether the directory is as Make leaves it. Where the host does
// not tell inodes, size and time of change are the evidence.
func (t *Tree) Done(ctx context.Context, w Want) (bool, error) {
	defer context.AfterFunc(ctx, t.abort)()
	if err := w.validate(); err != nil {
		return false, err
	}
	dir, plans, err := t.survey(w)
	if err != nil {
		return false, err
	}
	if dir.kind != directory {
		return false, nil
	}
	for _, p := range plans {
		if p.from.kind != file || p.to.kind != file || !likely(p.from, p.to) {
			return false, nil
		}
	}
	if done, err := t.infoDone(w, dir.path); err != nil || !done {
		return false, err
	}
	p, err := t.surveyVariables(w.Variables)
	return err == nil && p.done(), err
}

// proven reports whether two names are beyond doubt one file with at least two
// names. Only then may one of them be taken away.
func proven(a, b node) bool {
	return a.path != b.path && a.kind == file && b.kind == file &&
		a.inode != 0 && a.inode == b.inode && a.dev == b.dev && a.links >= 2 && b.links >= 2
}

// likely reports whether two names seem to be one file. A running guest
// writes between two looks, hence the allowance in time.
func likely(a, b node) bool {
	if a.kind != file || b.kind != file {
		return false
	}
	if a.inode != 0 && b.inode != 0 {
		return a.inode == b.inode && a.dev == b.dev
	}
	return a.size == b.size && a.mtime.Sub(b.mtime).Abs() <= lookSpread
}

// An Evidence says how sure two names are one file.
type Evidence string

// What Compare can find.
const (
	SameFile    Evidence = "same file"
	LooksSame   Evidence = "same size and time of change" // no inodes to be had
	OtherFile   Evidence = "another file"
	LegacyGone  Evidence = "the legacy name is gone"
	LinkMissing Evidence = "the link is missing"
)

// Compare says of every link of w, and of its EFI variables, how the two names
// relate. It changes nothing.
func (t *Tree) Compare(ctx context.Context, w Want) (map[Link]Evidence, error) {
	defer context.AfterFunc(ctx, t.abort)()
	if err := w.validate(); err != nil {
		return nil, err
	}
	_, plans, err := t.survey(w)
	if err != nil {
		return nil, fmt.Errorf("compare disks: %w", err)
	}
	found := make(map[Link]Evidence, len(plans))
	for _, p := range plans {
		found[p.Link] = p.evidence()
	}
	p, err := t.surveyVariables(w.Variables)
	if err != nil {
		return nil, err
	}
	found[w.Variables.Link()] = p.evidence()
	return found, nil
}

func (p linkPlan) evidence() Evidence {
	switch {
	case p.to.kind == missing:
		return LinkMissing
	case p.from.kind == missing:
		return LegacyGone
	case !likely(p.from, p.to):
		return OtherFile
	case p.from.inode == 0:
		return LooksSame
	}
	return SameFile
}
