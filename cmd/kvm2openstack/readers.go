package main

import (
	"context"
	"fmt"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// readers opens all that looking at a plan's domains needs, and no writer. The
// databases are the caller's to close, with closeNova.
func (c config) readers(ctx context.Context, a *app, p plan.Plan, known []journal.Adoption) (importer.Readers, *nova.Cloud, error) {
	hosts, err := c.planHosts(p)
	if err != nil {
		return importer.Readers{}, nil, err
	}
	side, err := c.readCloud(ctx, a)
	if err != nil {
		return importer.Readers{}, nil, err
	}
	db, err := c.requireNova(ctx, a)
	if err != nil {
		return importer.Readers{}, nil, err
	}
	return importer.Readers{
		Nova: db, Hosts: importer.Libvirt{Options: c.scanOptions()}, Snapshot: side.snapshot, Cloud: side.lookup(),
		Earlier: importer.Earlier(known), Reach: reach(hosts), Note: func(text string) { fmt.Fprintln(a.err, text) },
	}, db, nil
}
