package main

import (
	"context"
	"fmt"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// preview prints what restarts would do. It opens readers only.
func (o *renameOptions) preview(ctx context.Context, a *app, c config, p plan.Plan, r restarts) error {
	known, err := c.adoptions(ctx)
	if err != nil {
		return err
	}
	work := sortOut(p, known, r.swap)
	if len(work.todo) == 0 {
		return work.nothing(a, o.output)
	}
	side, err := c.openPorts(ctx, a)
	if err != nil {
		return err
	}
	hosts, err := c.planHosts(p)
	if err != nil {
		return err
	}
	db, err := c.requireNova(ctx, a)
	if err != nil {
		return err
	}
	defer closeNova(db)
	tasks, ordered := restart.Tasks(work.todo, r.groupBy, work.isBegun)
	list, err := jobs(ctx, db, p, ordered, importer.Earlier(known), reach(hosts))
	if err != nil {
		return err
	}
	libvirt := c.restartHosts(a.log())
	defer libvirt.Close()
	viewer := restart.Viewer{Nova: db, Ports: side.ports(), Hosts: libvirt, Servers: side.api != nil}
	previews := make([]restart.Preview, len(list))
	for n, j := range list {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("preview: %w", err)
		}
		previews[n] = viewer.Preview(ctx, j, r.options)
		if o.output != "json" {
			report.RestartPreview(a.out, previews[n])
		}
	}
	if o.output == "json" {
		if err := report.RestartPreviewJSON(a.out, previews, restart.Forecast(tasks, r.limits).Seconds()); err != nil {
			return err
		}
		return status(previewStatus(previews, work))
	}
	o.concludePreview(a, previews, work, tasks, r)
	return status(previewStatus(previews, work))
}

// concludePreview says what a real run would do.
func (o *renameOptions) concludePreview(a *app, previews []restart.Preview, work renameWork, tasks []restart.Task, r restarts) {
	if left := work.settled(); len(left) > 0 {
		fmt.Fprintln(a.out)
		report.RestartTable(a.out, left, a.style())
	}
	refused := 0
	for _, p := range previews {
		if p.Refused != "" {
			refused++
		}
	}
	fmt.Fprintf(a.out, "\ndry run, nothing was changed; a real one would %s\n", work.question(r))
	if refused > 0 {
		fmt.Fprintf(a.out, "%s would be refused, see above\n", plural(refused, "domain", "domains"))
	}
}

// previewStatus is what a real run would at least end with.
func previewStatus(previews []restart.Preview, work renameWork) int {
	code := restartStatus(work.settled())
	for _, p := range previews {
		switch {
		case p.Refused != "":
			code = max(code, exitBlocked)
		case len(p.Warnings) > 0:
			code = max(code, exitAttention)
		}
	}
	return code
}
