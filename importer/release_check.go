package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// checkRelease ends the items that cannot or need not be released.
func (i *Importer) checkRelease(ctx context.Context, items batch, found map[string]discover.Domain, unread map[string]error) error {
	stages, err := i.Nova.Written(ctx, items.uuids())
	if err != nil {
		return err
	}
	presence, err := i.Nova.Presence(ctx, items.uuids())
	if err != nil {
		return fmt.Errorf("look for the domains in Nova: %w", err)
	}
	names, err := i.Nova.InstanceNames(ctx, items.uuids())
	if err != nil {
		return fmt.Errorf("read instance names: %w", err)
	}
	for _, it := range items {
		it.remember(i.Earlier[it.uuid()])
		it.stage, it.noted = stages[it.uuid()], it.earlier.UUID != ""
		it.id = journal.InstanceID{UUID: it.uuid(), ID: it.earlier.InstanceID, Name: names[it.uuid()]}
		if it.id.Name == "" {
			it.id.Name = it.earlier.InstanceName
		}
		if it.nothingToRelease() {
			it.end(Already, stepRelease, ErrUnknown)
			continue
		}
		if it.earlier.UUID == "" {
			it.guessSide(i.Cloud != nil)
		}
		if it.side.made && i.Cloud == nil {
			it.end(it.unreleased(), stepRelease, fmt.Errorf("%w: its ports and its allocation were made with them", ErrNoCloud))
			continue
		}
		domain, ok := found[it.host.Name+"\x00"+it.uuid()]
		it.seen = ok
		if it.earlier.UUID == "" && ok {
			it.efi = variablesOf(domain) // Its second name goes only if it is proven to be one.
		}
		why := errors.Join(unread[it.host.Name], unread[it.host.Name+"\x00"+it.uuid()])
		if err := it.refuseRelease(presence[it.uuid()], domain, ok || i.Vanished[it.uuid()], why); err != nil {
			it.end(it.unreleased(), stepRelease, err)
		}
	}
	return nil
}

// unreleased is the outcome of a domain that this run does not touch: one that
// an earlier run has begun is half done all the same.
func (it *item) unreleased() Outcome {
	if it.begun() {
		return Half
	}
	return Refused
}

// guessSide is for an adoption that the journal does not know: what carries
// our mark was made for it. A port that the plan names may have been taken by
// the import, or by a person before it, so that it stays and is told.
func (it *item) guessSide(cloud bool) {
	it.side.made = cloud
	it.planned.NICs = slices.Clone(it.planned.NICs) // They are the caller's.
	for n := range it.planned.NICs {
		it.planned.NICs[n].Port = ""
	}
}

// nothingToRelease: no rows, and nothing else that the journal knows of.
func (it *item) nothingToRelease() bool {
	return it.stage == nova.Unwritten && !inNova(it.earlier.State)
}

// refuseRelease says why the way back would do harm.
func (it *item) refuseRelease(p nova.Presence, now discover.Domain, there bool, unread error) error {
	switch {
	case it.stage == nova.Foreign:
		return ErrForeign
	case slices.Contains([]journal.State{journal.StateRenaming, journal.StateReturning, journal.StateSwapping}, it.earlier.State):
		return ErrRestarting
	case unread != nil:
		return unread // Whether Nova has made the domain anew is not known.
	case !there && it.stage == nova.Finished:
		return fmt.Errorf("%w: Nova may have undefined it; define it from the definition in the journal first", ErrGone)
	case it.stage == nova.Finished && p.Host != it.place.ComputeHost:
		return fmt.Errorf("%w: on %q, imported on %q", ErrMoved, p.Host, it.place.ComputeHost)
	}
	return it.regenerated(now)
}

// regenerated says why the domain is the one that Nova has made, nil for the
// legacy one.
func (it *item) regenerated(now discover.Domain) error {
	if it.id.Name != "" && now.Name == it.id.Name {
		return fmt.Errorf("%w: its name is %s", ErrRegenerated, now.Name)
	}
	for _, k := range now.Disks {
		if within(k.Path, it.want.Dir()) {
			return fmt.Errorf("%w: its disk %s is %s", ErrRegenerated, k.Target, k.Path)
		}
	}
	return nil
}

// within reports whether a path is below a directory, by its text.
func within(p, dir string) bool {
	return len(p) > len(dir) && p[:len(dir)] == dir && p[len(dir)] == '/'
}
