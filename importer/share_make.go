package importer

import (
	"context"
	"fmt"
	"slices"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// done: a flavor that is in Nova, and that the project can use, is complete
// unless a run was stopped while it made it. An image is always asked for,
// which also tells its id.
func (s share) done(f nova.Flavor) bool {
	return s.kind == journal.KindFlavor && f.Name != "" && (f.Public || slices.Contains(f.Projects, s.project)) &&
		(s.row == nil || s.row.Made != nil)
}

// do makes it. made is true where a run of ours has made it, now or before it
// was stopped.
func (s share) do(ctx context.Context) (id string, made bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shareTimeout)
	defer cancel()
	row := s.entry()
	if s.row == nil {
		if err := s.write(ctx, func(tx *journal.Tx) error { return tx.BeginShared(row) }); err != nil {
			return "", false, err // no intent on disk, no change in the world
		}
	}
	if s.kind == journal.KindFlavor {
		id, made, err = s.Cloud.EnsureFlavor(ctx, s.flavor)
	} else {
		id, made, err = s.Cloud.EnsurePlaceholder(ctx, s.project)
	}
	if err != nil {
		s.log().Warn("could not be made", "what", s.String(), "err", err)
		return "", false, fmt.Errorf("make %s: %w", s, err)
	}
	if s.row != nil && s.row.Made != nil && s.row.CloudID == id {
		return id, false, nil
	}
	made = made || s.row != nil // Only a run that was stopped leaves a row and the thing.
	row.CloudID = id
	return id, made, s.write(ctx, func(tx *journal.Tx) error {
		if !made {
			return tx.GoneShared(row) // It was there before us, and is not ours to delete.
		}
		return tx.EndShared(row)
	})
}

// entry is the journal's row of it.
func (s share) entry() journal.Shared {
	if s.row != nil {
		return *s.row
	}
	return journal.Shared{Kind: s.kind, Project: s.project, Name: s.name}
}

func (s share) write(ctx context.Context, f func(*journal.Tx) error) error {
	if err := s.Journal.Write(ctx, f); err != nil {
		return errFatal{error: err}
	}
	return nil
}
