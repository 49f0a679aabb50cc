package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// shares are the flavors and placeholder images that several domains of a run
// use together. They are made before any domain is taken, and deleted when no
// instance in Nova has them any more.
type shares struct {
	images map[string]string // placeholder image by project
	made   map[shareKey]bool // by this run
	failed map[shareKey]error
}

// A shareKey is what one of them is, for whom.
type shareKey struct {
	kind          journal.Kind
	project, name string
}

func flavorKey(d plan.Domain) shareKey {
	return shareKey{journal.KindFlavor, d.ProjectID, d.Flavor.Name}
}

func imageKey(d plan.Domain) shareKey {
	return shareKey{journal.KindImage, d.ProjectID, cloud.PlaceholderName}
}

// A share is one of them: a step of the run as a whole.
type share struct {
	*Importer
	shareKey
	flavor cloud.NewFlavor
	row    *journal.Shared // nil: no run has begun it
}

func (s share) String() string {
	if s.kind == journal.KindFlavor {
		return "flavor " + s.name
	}
	return fmt.Sprintf("placeholder image of project %s", s.project)
}

// shareTimeout bounds making or deleting one of them.
const shareTimeout = 2 * time.Minute

// sharesOf are those that domains ask for, each once, in the domains' order.
func (i *Importer) sharesOf(ctx context.Context, domains []plan.Domain) ([]share, error) {
	rows, err := i.Journal.Shared(ctx)
	if err != nil {
		return nil, err
	}
	var all []share
	seen := map[shareKey]bool{}
	add := func(k shareKey, f cloud.NewFlavor) {
		if seen[k] {
			return
		}
		seen[k] = true
		s := share{Importer: i, shareKey: k, flavor: f}
		for n, r := range rows {
			// A flavor's name is the whole cloud's, whoever it was made for.
			if r.Kind == k.kind && r.Name == k.name && (r.Project == k.project || k.kind == journal.KindFlavor) {
				s.row = &rows[n]
			}
		}
		all = append(all, s)
	}
	for _, d := range domains {
		if d.Flavor.Create {
			add(flavorKey(d), plan.NewFlavor(d))
		}
		if d.Placeholder {
			add(imageKey(d), cloud.NewFlavor{})
		}
	}
	return all, nil
}

// makeShares makes what the domains share. One that cannot be made is in
// failed, for the domains that need it; the error ends the run.
func (i *Importer) makeShares(ctx context.Context, domains []plan.Domain) (shares, error) {
	s := shares{images: map[string]string{}, made: map[shareKey]bool{}, failed: map[shareKey]error{}}
	if i.Cloud == nil {
		return s, nil
	}
	var unfinished []plan.Domain
	for _, d := range domains {
		if !stands(i.Earlier[d.UUID]) {
			unfinished = append(unfinished, d)
		}
	}
	all, err := i.sharesOf(ctx, unfinished)
	if err != nil || len(all) == 0 {
		return s, err
	}
	flavors, err := flavorsByName(ctx, i.Nova)
	if err != nil {
		return s, err
	}
	for _, one := range all {
		if ctx.Err() != nil {
			break // Import says that it was interrupted.
		}
		if one.done(flavors[one.name]) {
			continue
		}
		id, made, err := one.do(ctx)
		if fatal := (errFatal{}); errors.As(err, &fatal) {
			return s, err
		}
		s.note(one, id, made, err)
	}
	return s, nil
}

func (s shares) note(one share, id string, made bool, err error) {
	switch {
	case err != nil:
		s.failed[one.shareKey] = err
	case one.kind == journal.KindImage:
		s.images[one.project] = id
	}
	if made {
		s.made[one.shareKey] = true
	}
}

// flavorsByName are Nova's. A run sees them after its own are made.
func flavorsByName(ctx context.Context, c catalog) (map[string]nova.Flavor, error) {
	all, err := c.Flavors(ctx)
	if err != nil {
		return nil, fmt.Errorf("read flavors: %w", err)
	}
	by := map[string]nova.Flavor{}
	for _, f := range all {
		by[f.Name] = f
	}
	return by, nil
}
