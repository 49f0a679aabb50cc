package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

type verifyOptions struct {
	selection
	output string
}

func newVerify(a *app) *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use:   "verify [PLAN]",
		Short: "Do records, domains and disks agree?",
		Long: `Verify compares Nova's records of adopted domains with the invariants that Nova
relies on, with libvirt and with the disks, reading only, and names by code
what does not agree. Without a plan it looks at all that the journal knows.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("give one plan or none, not %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), a, args) },
	}
	o.addFilterFlags(cmd)
	addOutputFlag(cmd, &o.output, "table", "json")
	return cmd
}

func (o *verifyOptions) run(ctx context.Context, a *app, args []string) error {
	if err := checkOutput(o.output, "table", "json"); err != nil {
		return err
	}
	c, err := loadConfig(a.configFile)
	if err != nil {
		return err
	}
	adoptions, err := c.adoptions(ctx)
	if err != nil {
		return err
	}
	p, err := o.plan(args, adoptions)
	if err != nil {
		return err
	}
	return o.verify(ctx, a, c, p, adoptions)
}

// plan is what to verify: the file's domains, or the journal's.
func (o *verifyOptions) plan(args []string, adoptions []journal.Adoption) (plan.Plan, error) {
	var p plan.Plan
	var err error
	if len(args) == 1 {
		p, err = loadPlan(args[0])
	} else {
		p, err = importer.PlanOf(adoptions)
	}
	if err != nil {
		return p, err
	}
	return choose(p, &o.selection)
}

func (o *verifyOptions) verify(ctx context.Context, a *app, c config, p plan.Plan, adoptions []journal.Adoption) error {
	readers, db, err := c.readers(ctx, a, p, adoptions)
	if err != nil {
		return err
	}
	defer closeNova(db)
	var found []importer.Finding
	looked, err := importer.Verify(ctx, p, readers, func(f importer.Finding) { found = append(found, f) })
	printErr := o.print(a, found, looked)
	if err := errors.Join(err, printErr); err != nil {
		return err
	}
	if len(found) > 0 {
		return status(exitAttention)
	}
	return nil
}

func (o *verifyOptions) print(a *app, found []importer.Finding, looked int) error {
	if o.output == "json" {
		return report.VerifyJSON(a.out, found, looked)
	}
	report.VerifyTable(a.out, found, looked, a.style())
	return nil
}
