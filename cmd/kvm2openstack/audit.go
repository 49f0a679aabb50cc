package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/nova"
)

type auditOptions struct {
	selection
	tableOptions
	cronOptions
	output  string
	html    string
	explain bool
}

func newAudit(a *app) *cobra.Command {
	var o auditOptions
	cmd := &cobra.Command{
		Annotations: onlyLooks,
		Use:         "audit",
		Short:       "Look at hosts and say what can be adopted; writes nothing",
		Long: `Audit reads hosts, assesses every domain and says ready, attention or blocked,
each with its reasons. It writes nothing, neither to a host nor to a database.

With nova.api_database (or nova.nova_conf) in the configuration it also looks
at what Nova knows: hosts, cells, quota, capacity, and UUIDs it has seen.

With --sample 10s it then watches what runs for that long, all hosts at once,
and says what each domain uses of processor, memory, disks and network, which
are idle, and which would do with a smaller flavor. It reads the counters that
libvirt has anyway, two times, and switches nothing on: memory is as the guest's
balloon reports it where it does (a period is set in the definition), else what
the domain's process has of the host. What could not be measured is said.`,
		Example: `  kvm2openstack audit --host qemu:///system
  kvm2openstack audit --host qemu+ssh://root@kvm01/system --host qemu+ssh://root@kvm02/system
  kvm2openstack audit --inventory hosts.txt -o json | jq '.totals'
  kvm2openstack audit --inventory hosts.txt --html audit.html
  kvm2openstack audit --inventory hosts.txt --sample 10m -o csv > usage.csv
  kvm2openstack audit --from-dir ./definitions --only 'web*' --skip state=shutoff`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd, a) },
	}
	o.selection.addFlags(cmd)
	addOutputFlag(cmd, &o.output, "table", "json", "csv")
	cmd.Flags().StringVar(&o.html, "html", "", "also write the audit to `FILE` as one page to look at, to print and to hand on")
	o.tableOptions.addFlags(cmd)
	o.cronOptions.addFlags(cmd)
	addSampleFlag(cmd, &o.selection)
	cmd.Flags().BoolVar(&o.explain, "explain", false, "print every reason in full below the table, with what to do")
	return cmd
}

func (o *auditOptions) run(cmd *cobra.Command, a *app) error {
	if err := errors.Join(o.check(), o.checkFiles(cmd)); err != nil {
		return err
	}
	c, err := loadConfig(a.configFile)
	if err == nil {
		c, err = o.above(c)
	}
	if err != nil {
		return err
	}
	before, err := o.readBaseline()
	if err != nil {
		return err
	}
	save, err := o.beginSave()
	if err != nil {
		return err
	}
	defer save.drop()
	page, err := o.beginPage()
	if err != nil {
		return err
	}
	defer page.drop()
	r, err := a.audit(cmd.Context(), c, &o.selection)
	if err != nil {
		return err
	}
	var changes audit.Comparison
	if before != nil {
		changes = audit.Compare(r, *before)
	}
	// One that cannot be written or printed is no reason to lose the others.
	err = errors.Join(o.writeSave(save, r, changes), o.writePage(a, page, c, r), checkTotals(r))
	if before != nil {
		return ended(o.changesStatus(changes), err, a.printed(o.printChanges(a, r, changes)))
	}
	return ended(o.status(r), err, a.printed(o.print(cmd, a, c, r)))
}

// ended is the end of an audit: its verdict, unless something went wrong. A
// result that could not be written must not look like a verdict.
func ended(code int, errs ...error) error {
	err := errors.Join(errs...)
	var own statusError
	switch {
	case err == nil:
		return status(code)
	case errors.As(err, &own):
		return err
	}
	return statusError{exitPerson, err}
}

// audit reads the selected hosts.
func (a *app) audit(ctx context.Context, c config, s *selection) (audit.Report, error) {
	in, from, err := a.auditInput(ctx, c, s)
	if err != nil {
		return audit.Report{}, stopped(err)
	}
	defer from.close()
	bar := newScanBar(a, len(in.Hosts))
	defer bar.finish()
	in.Started = bar.progress
	r, err := audit.Run(ctx, in)
	return r, stopped(err)
}

// sources are what an audit reads of the cloud.
type sources struct {
	cloudSide
	db *nova.Cloud // nil when the configuration names no databases
}

func (s sources) close() { closeNova(s.db) }

// auditInput checks all options and opens what they name, for reading only.
func (a *app) auditInput(ctx context.Context, c config, s *selection) (in audit.Input, from sources, err error) {
	filter, err := s.filter()
	if err != nil {
		return in, from, err
	}
	if err := s.checkSample(); err != nil {
		return in, from, err
	}
	hosts, err := s.hosts(c)
	if err != nil {
		return in, from, err
	}
	if from.cloudSide, err = c.readCloud(ctx, a); err != nil {
		return in, from, err
	}
	if from.db, err = c.openNova(ctx, a); err != nil {
		return in, from, err
	}
	in = audit.Input{
		Hosts: hosts, Scan: c.scanOptions(), Settings: c.settings(),
		Snapshot: from.snapshot, Identity: c.identity(from.snapshot),
		Planned: planSettings(c), Compute: c.Nova.Libvirt.compute(),
	}
	if from.db != nil {
		in.Nova = from.db
	}
	in.Scan.SkipFiles = s.noFiles
	in.Sampling = s.sampling(c, a)
	if !filter.Empty() {
		s.left = leftOut{filter: filter}
		in.Keep = s.left.keep
	}
	return in, from, nil
}

func closeNova(db *nova.Cloud) {
	if db != nil {
		db.Close() // read-only connections: there is nothing to lose
	}
}

// checkTotals holds the promise that nothing is silently left out: what the
// hosts listed must be what was reported.
func checkTotals(r audit.Report) error {
	if t := r.Totals(); t.Found != t.Sum() {
		return statusError{exitCrash, fmt.Errorf("defect: %d domains were found but %d are accounted for", t.Found, t.Sum())}
	}
	return nil
}
