package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// flavorDescription says whose the flavor is. Descriptions came with 2.55.
const flavorDescription = cloud.Mark + "made for domains adopted from plain libvirt"

// EnsureFlavor returns the flavorid of the flavor of that name, which has
// exactly this size and these extra specs and can be seen by the project. If
// there is none, it is made, private to the project; made says that this call
// did so, or ended what an earlier one had begun.
//
// A flavor with cloud.Mark is shown to the project if another one has it
// already. One that differs, or that is not ours and hidden from the project,
// is an error that says how.
func (c *Cloud) EnsureFlavor(ctx context.Context, want cloud.NewFlavor) (flavorID string, made bool, err error) {
	flavorID, made, err = c.ensureFlavor(ctx, want)
	if err != nil {
		return "", false, fmt.Errorf("make flavor %s for project %s: %w", want.Name, want.ProjectID, err)
	}
	return flavorID, made, nil
}

func (c *Cloud) ensureFlavor(ctx context.Context, want cloud.NewFlavor) (id string, made bool, err error) {
	has, found, err := c.flavorNamed(ctx, want.Name)
	if err == nil && !found {
		made = true
		has, err = c.createFlavor(ctx, want)
	}
	if err != nil {
		return "", false, err
	}
	if err := sameSize(has, want); err != nil {
		return "", false, err
	}
	projects, err := c.flavorProjects(ctx, has)
	if err != nil {
		return "", false, err
	}
	if isMarked(has.Description) && !has.IsPublic && len(projects) == 0 {
		// The projects come last: without any, it is not finished yet.
		made = true
		if has, err = c.completeSpecs(ctx, has, want); err != nil {
			return "", false, err
		}
	}
	if err := sameSpecs(has, want); err != nil {
		return "", false, err
	}
	return has.ID, made, c.showFlavor(ctx, has, want, projects)
}

// createFlavor makes the flavor without extra specs and projects. When
// somebody else was quicker, or the answer is lost, what is there now is it:
// a name can be taken once in a cloud.
func (c *Cloud) createFlavor(ctx context.Context, want cloud.NewFlavor) (flavors.Flavor, error) {
	private, noSwap := false, 0
	var created flavors.Flavor
	err := c.ask(ctx, nova, "create it", func(ctx context.Context) error {
		answer, err := flavors.Create(ctx, c.compute, flavors.CreateOpts{
			Name: want.Name, VCPUs: want.VCPUs, RAM: want.MemoryMB, Disk: &want.RootGB, Ephemeral: &want.EphemeralGB,
			Swap: &noSwap, IsPublic: &private, Description: flavorDescription,
		}).Extract()
		if err == nil && (answer == nil || answer.ID == "") {
			err = errors.New("the answer has no flavor")
		}
		if err == nil {
			created = *answer
		}
		return err
	})
	if answered(err, http.StatusConflict) || doubtful(err) {
		if has, found, lookErr := c.flavorNamed(ctx, want.Name); lookErr == nil && found {
			return has, nil
		}
	}
	return created, err
}

// completeSpecs adds the extra specs that our unfinished flavor lacks.
func (c *Cloud) completeSpecs(ctx context.Context, has flavors.Flavor, want cloud.NewFlavor) (flavors.Flavor, error) {
	missing := flavors.ExtraSpecsOpts{}
	for k, v := range want.ExtraSpecs {
		if _, ok := has.ExtraSpecs[k]; !ok {
			missing[k] = v
		}
	}
	if len(missing) == 0 {
		return has, nil
	}
	err := c.ask(ctx, nova, "set its extra specs", func(ctx context.Context) error {
		return flavors.CreateExtraSpecs(ctx, c.compute, has.ID, missing).Err
	})
	// Another run may have been at it too. Where both write at once, Nova tries the
	// second ten times in the transaction that cannot see the first, and gives up.
	if err != nil && !answered(err, http.StatusConflict) {
		return has, err
	}
	return c.flavorByID(ctx, has.ID)
}

// showFlavor lets the project use the flavor, if it cannot yet.
func (c *Cloud) showFlavor(ctx context.Context, has flavors.Flavor, want cloud.NewFlavor, projects map[string]bool) error {
	switch {
	case has.IsPublic || projects[want.ProjectID]:
		return nil
	case !isMarked(has.Description):
		return fmt.Errorf("the flavor of this name (%s) is private to other projects; let this one use it (openstack flavor set --project %s %s) or name another in the plan",
			has.ID, want.ProjectID, has.ID)
	}
	err := c.ask(ctx, nova, "let the project use it", func(ctx context.Context) error {
		return flavors.AddAccess(ctx, c.compute, has.ID, flavors.AddAccessOpts{Tenant: want.ProjectID}).Err
	})
	if answered(err, http.StatusConflict) { // by now it can
		return nil
	}
	return err
}

// DeleteFlavor deletes a flavor with cloud.Mark; another is left alone, and
// gone already is fine. Nova would also delete one that instances have: who
// asks for it has looked.
func (c *Cloud) DeleteFlavor(ctx context.Context, flavorID string) error {
	if err := c.deleteFlavor(ctx, flavorID); err != nil && !isAbsent(err) {
		return fmt.Errorf("delete flavor %s: %w", flavorID, err)
	}
	return nil
}

func (c *Cloud) deleteFlavor(ctx context.Context, flavorID string) error {
	has, err := c.flavorByID(ctx, flavorID)
	if err != nil {
		return err
	}
	if !isMarked(has.Description) {
		c.log.Info("flavor left alone: it was not made for adoptions", "flavor", has.Name, "id", flavorID)
		return nil
	}
	return c.ask(ctx, nova, "delete it", func(ctx context.Context) error {
		return flavors.Delete(ctx, c.compute, flavorID).ExtractErr()
	})
}

func isMarked(description string) bool { return strings.HasPrefix(description, cloud.Mark) }

// flavorNamed looks through all flavors, private ones too: Nova cannot be
// asked for a name.
func (c *Cloud) flavorNamed(ctx context.Context, name string) (found flavors.Flavor, ok bool, err error) {
	all, err := list[flavors.Flavor](ctx, c, "list flavors", listing{
		service: nova, client: c.compute, path: "flavors/detail", key: "flavors",
		query: url.Values{"is_public": {string(flavors.AllAccess)}},
	})
	for _, f := range all {
		if f.Name == name {
			return f, true, err
		}
	}
	return found, false, err
}

func (c *Cloud) flavorByID(ctx context.Context, id string) (has flavors.Flavor, err error) {
	err = c.ask(ctx, nova, "read flavor "+id, func(ctx context.Context) error {
		answer, err := flavors.Get(ctx, c.compute, id).Extract()
		if err == nil && (answer == nil || answer.ID != id) {
			err = errors.New("the answer is not this flavor")
		}
		if err == nil {
			has = *answer
		}
		return err
	})
	return has, err
}

// flavorProjects are those that may use a private flavor.
func (c *Cloud) flavorProjects(ctx context.Context, has flavors.Flavor) (map[string]bool, error) {
	projects := map[string]bool{}
	if has.IsPublic {
		return projects, nil
	}
	err := c.ask(ctx, nova, "read which projects may use flavor "+has.ID, func(ctx context.Context) error {
		page, err := flavors.ListAccesses(c.compute, has.ID).AllPages(ctx)
		if err != nil {
			return err
		}
		list, err := flavors.ExtractAccesses(page)
		for _, a := range list {
			projects[a.TenantID] = true
		}
		return err
	})
	return projects, err
}
