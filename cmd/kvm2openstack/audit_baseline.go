package main

import (
	"fmt"
	"os"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer/audit"
)

// readBaseline reads the audit that --baseline names, as far as the filters
// take it; nil when there is nothing to compare with.
func (o *auditOptions) readBaseline() (*audit.Baseline, error) {
	if o.baseline == "" {
		return nil, nil
	}
	filter, err := o.filter()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(o.baseline)
	if err != nil {
		return nil, usagef("--baseline: %w; make one with --save FILE", err)
	}
	defer f.Close() // it was read only
	b, err := report.ReadBaseline(f, filter.MatchDomain)
	if err != nil {
		return nil, usagef("--baseline %s: %w", o.baseline, err)
	}
	return &b, nil
}

// beginSave opens the file that --save names, before any host is read; nil
// when nothing is to be saved.
func (o *auditOptions) beginSave() (*wholeFile, error) {
	if o.save == "" {
		return nil, nil
	}
	f, err := newWholeFile(o.save)
	if err != nil {
		return nil, usagef("--save: %w", err)
	}
	return f, nil
}

// writeSave writes the whole audit, whatever is printed of it, and of hosts
// that could not be read what the baseline knows.
func (o *auditOptions) writeSave(f *wholeFile, r audit.Report, c audit.Comparison) error {
	if f == nil {
		return nil
	}
	if err := report.SaveAudit(f, r, c.Last, maker()); err != nil {
		return fmt.Errorf("--save: %w", f.failed(err))
	}
	if err := f.keep(); err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	return nil
}

// maker is the program with its version.
func maker() string { return "kvm2openstack " + version }

// printChanges gives what differs from the baseline.
func (o *auditOptions) printChanges(a *app, r audit.Report, c audit.Comparison) error {
	if c.By != maker() {
		fmt.Fprintf(a.err, "the baseline was made by %s, this is %s: what is new may be a new rule\n", report.Line(c.By), maker())
	}
	if o.output == "json" {
		return report.ChangesJSON(a.out, r, c, maker())
	}
	return report.ChangesTable(a.out, r, c, o.view(a), o.explain)
}

// changesStatus is the exit status of an audit with a baseline: only what is
// new counts.
func (o *auditOptions) changesStatus(c audit.Comparison) int {
	status := exitClean
	if t := c.Totals; t.New+t.Changed+t.Gone > 0 && o.failOn != "blocked" {
		status = exitAttention
	}
	if c.HostsFailed() > 0 {
		return exitBlocked
	}
	for change := range c.Changes() {
		if change.Blocks() {
			return exitBlocked
		}
	}
	return status
}
