package main

import (
	"fmt"
	"time"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer/audit"
)

// beginPage opens the file that --html names, before any host is read; nil
// when no page is wanted.
func (o *auditOptions) beginPage() (*wholeFile, error) {
	if o.html == "" {
		return nil, nil
	}
	f, err := newWholeFile(o.html)
	if err != nil {
		return nil, usagef("--html: %w", err)
	}
	return f, nil
}

// writePage writes the audit as a page. A page of an earlier audit stays as it
// is until all of the new one is on the disk.
func (o *auditOptions) writePage(a *app, f *wholeFile, c config, r audit.Report) error {
	if f == nil {
		return nil
	}
	page := report.Page{Made: time.Now(), Version: version, Filters: o.typed(), Networks: c.Networks}
	if err := report.AuditHTML(f, r, page); err != nil {
		return fmt.Errorf("--html: %w", f.failed(err))
	}
	if err := f.keep(); err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	fmt.Fprintf(a.err, "%s: the whole audit as a page; open it in a browser\n", o.html)
	return nil
}

// typed are the filters as they were given.
func (s *selection) typed() (out []string) {
	for _, f := range s.only {
		out = append(out, "--only "+f)
	}
	for _, f := range s.skip {
		out = append(out, "--skip "+f)
	}
	return out
}
