package main

import (
	"context"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// openNova opens Nova's databases for reading, or gives nil when the
// configuration names none.
func (c config) openNova(ctx context.Context, a *app) (*nova.Cloud, error) {
	if c.Nova.APIDatabase == "" {
		return nil, nil
	}
	return nova.Open(ctx, nova.Config{
		APIDatabase:          c.Nova.APIDatabase,
		MainDatabase:         c.Nova.MainDatabase,
		Cells:                c.Nova.Cells,
		InstanceNameTemplate: c.Nova.InstanceNameTemplate,
		InstancesPath:        c.Nova.InstancesPath,
		UniqueNameScope:      c.Nova.UniqueNameScope,
		Logger:               a.log(),
	})
}

// requireNova is openNova for commands that cannot do without.
func (c config) requireNova(ctx context.Context, a *app) (*nova.Cloud, error) {
	if c.Nova.APIDatabase == "" {
		return nil, usagef("no database: set nova.api_database or nova.nova_conf in the configuration (--config FILE)")
	}
	return c.openNova(ctx, a)
}

// identity resolves the default project and user, as far as can be. Without
// databases nobody asks who the instances will belong to.
func (c config) identity(snap *cloud.Snapshot) audit.Identity {
	if c.Nova.APIDatabase == "" {
		return audit.Identity{}
	}
	if c.Defaults.Project == "" || c.Defaults.User == "" {
		return audit.Identity{Problem: "the configuration names no owner: set defaults.project and defaults.user"}
	}
	project, err := snap.Project(c.Defaults.Project)
	if err != nil {
		return audit.Identity{Problem: err.Error()}
	}
	if _, err := snap.User(c.Defaults.User); err != nil {
		return audit.Identity{ProjectID: project.ID, Problem: err.Error()}
	}
	return audit.Identity{ProjectID: project.ID}
}
