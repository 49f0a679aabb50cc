package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

type releaseOptions struct {
	selection
	yes    bool
	output string
}

func newRelease(a *app) *cobra.Command {
	var o releaseOptions
	cmd := &cobra.Command{
		Use:   "release PLAN",
		Short: "Take an import back: records deleted, links removed, guests untouched",
		Long: `Release takes back what import did to the domains of a plan: Nova's records are
physically deleted, children first, and the hard links are removed; the disks
keep their own names and the guests are not touched. Nothing is soft-deleted,
for nova-compute destroys a guest whose record says deleted.

A domain that Nova has meanwhile rebuilt under its own name is refused.`,
		Example: `  kvm2openstack release plan.yaml --only web-3
  kvm2openstack release plan.yaml --yes`,
		Args: oneArg("plan"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), a, args[0]) },
	}
	o.addFilterFlags(cmd)
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	addOutputFlag(cmd, &o.output, "table", "json")
	return cmd
}

func (o *releaseOptions) run(ctx context.Context, a *app, file string) error {
	if err := checkOutput(o.output, "table", "json"); err != nil {
		return err
	}
	c, p, err := a.planned(file, &o.selection)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("delete Nova's records of %s and remove their links (guests keep running)", plural(countImports(p), "domain", "domains"))
	if err := a.confirm(o.yes, question); err != nil {
		return err
	}
	side, err := c.openCloud(ctx, a)
	if err != nil {
		return err
	}
	ch, err := a.openChange(ctx, c, p, side)
	if err != nil {
		return err
	}
	sum, runErr := ch.Release(ctx, p, plan.Filter{})
	if err := errors.Join(runErr, ch.close(ctx, sum.String())); err != nil {
		return a.afterError(o.output, sum, err)
	}
	return a.conclude(o.output, sum)
}
