package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// dropShares deletes those that the domains asked for, that runs of ours have
// made and that no instance has any more. What could not be deleted is told;
// the error ends the run.
func (i *Importer) dropShares(ctx context.Context, domains []plan.Domain, which func(shareKey) bool) (left []string, err error) {
	if i.Cloud == nil {
		return nil, nil
	}
	all, err := i.sharesOf(ctx, domains)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(s share) bool { return s.row == nil || !which(s.shareKey) })
	if len(all) == 0 {
		return nil, nil
	}
	flavors, err := flavorsByName(ctx, i.Nova)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		err := s.undo(ctx, flavors[s.name])
		if fatal := (errFatal{}); errors.As(err, &fatal) {
			return left, err
		}
		if err != nil {
			left = append(left, fmt.Sprintf("%s stays: %v", s, err))
		}
	}
	return left, nil
}

// undo deletes it, unless an instance has it. flavor is Nova's of that name.
func (s share) undo(ctx context.Context, flavor nova.Flavor) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shareTimeout)
	defer cancel()
	drop := s.dropFlavor
	if s.kind == journal.KindImage {
		drop = s.dropImage
	}
	gone, err := drop(ctx, flavor)
	if err != nil || !gone {
		return err
	}
	s.log().Info("deleted", "what", s.String())
	return s.write(ctx, func(tx *journal.Tx) error { return tx.GoneShared(s.entry()) })
}

func (s share) dropFlavor(ctx context.Context, f nova.Flavor) (gone bool, err error) {
	if f.Name == "" {
		return true, nil // never made, or deleted by a run that was stopped
	}
	use, err := s.Nova.InUse(ctx, []int64{f.ID}, nil)
	if err != nil || use.Flavors[f.ID] > 0 {
		return false, err
	}
	return true, s.Cloud.DeleteFlavor(ctx, f.FlavorID)
}

// dropImage asks for the image where a run was stopped before it knew its id:
// there is no other way to find out.
func (s share) dropImage(ctx context.Context, _ nova.Flavor) (gone bool, err error) {
	id := s.row.CloudID
	if id == "" {
		if id, _, err = s.Cloud.EnsurePlaceholder(ctx, s.project); err != nil {
			return false, err
		}
	}
	use, err := s.Nova.InUse(ctx, nil, []string{id})
	if err != nil || use.Images[id] > 0 {
		return false, err
	}
	return true, s.Cloud.DeletePlaceholder(ctx, id)
}
