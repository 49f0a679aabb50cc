package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer/audit"
)

// print gives the result in the form that was asked for.
func (o *auditOptions) print(cmd *cobra.Command, a *app, c config, r audit.Report) error {
	if nothing := o.left.nothing(r); nothing != "" {
		fmt.Fprintln(a.err, nothing)
	}
	switch o.output {
	case "json":
		return report.AuditJSON(a.out, r, maker())
	case "csv":
		return report.AuditCSV(a.out, r)
	}
	if err := report.AuditTable(a.out, r, o.view(a)); err != nil {
		return err
	}
	report.UsageTable(a.out, r, a.style())
	if o.explain {
		report.AuditExplain(a.out, r)
	}
	o.sayNext(cmd, a, c, r)
	return nil
}

// sayNext says what to type next, with the options that were typed now.
func (o *auditOptions) sayNext(cmd *cobra.Command, a *app, c config, r audit.Report) {
	t := r.Totals()
	if t.Attention+t.Blocked > 0 && !o.explain {
		fmt.Fprintf(a.out, "\nwhy, and what to do: %s --explain\n", retype(cmd, "audit"))
	}
	switch {
	case t.Ready+t.Attention == 0:
	case c.Nova.APIDatabase == "":
		fmt.Fprintln(a.out, "next: name Nova's databases in a configuration (nova.api_database or nova.nova_conf), which plan needs")
	default:
		fmt.Fprintf(a.out, "next: %s -O plan.yaml\n", retype(cmd, "plan"))
	}
}

// status is the exit status of an audit.
func (o *auditOptions) status(r audit.Report) int {
	t := r.Totals()
	switch {
	case t.Blocked+t.Unreadable+t.HostsFailed > 0:
		return exitBlocked
	case o.failOn == "blocked":
		return exitClean
	case t.Attention > 0 || t.Filtered > 0 && t.Filtered == t.Found:
		return exitAttention
	}
	return exitClean
}
