package main

import (
	"context"
	"errors"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// allImports are the restarts of a plan that is about to be imported.
func allImports(p plan.Plan) renameWork {
	var imported []journal.Adoption
	for _, d := range p.Domains {
		imported = append(imported, journal.Adoption{UUID: d.UUID, State: journal.StateImported})
	}
	return sortOut(p, imported, false)
}

// renameImported restarts what the import has made of a plan. Domains that it
// refused have been told of.
func (o *importOptions) renameImported(ctx context.Context, a *app, c config, p plan.Plan, r restarts) error {
	known, err := c.adoptions(ctx)
	if err != nil {
		return err
	}
	work := sortOut(p, known, false)
	if len(work.todo) == 0 {
		return nil
	}
	p.Domains = work.todo
	if err := a.awaitWindow(ctx, r.limits.Window, work.begun()); err != nil {
		return err
	}
	return a.restart(ctx, c, p, r, o.output)
}

// isStatus reports whether err is an exit status whose reasons were told, or
// nothing at all.
func isStatus(err error) bool {
	var s statusError
	return err == nil || errors.As(err, &s) && s.err == nil
}
