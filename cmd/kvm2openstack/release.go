package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

type releaseOptions struct {
	selection
	yes    bool
	window string
	output string
}

func newRelease(a *app) *cobra.Command {
	var o releaseOptions
	cmd := &cobra.Command{
		Use:   "release PLAN",
		Short: "Take an import back: records deleted, links removed",
		Long: `Release takes back what import did to the domains of a plan: Nova's records are
physically deleted, children first, and the hard links are removed; the disks
keep their own names and the guests are not touched. Nothing is soft-deleted,
for nova-compute destroys a guest whose record says deleted.

A domain that the plan skips because Nova had it already (K2O-900) was imported
by another plan, and stays: that plan releases it, or --only with its name or
UUID in full. One whose decision was made "skip" by hand since its import is
released with the others.

A guest that was renamed is restarted for it: shut down in good order, given
its legacy name and its saved definition byte for byte, and started. The limits
are those of the restarts in the configuration; one that does not shut down
stays as it is, in Nova. With -o json its restart is a document of its own,
before that of the release.

A domain that Nova has meanwhile rebuilt under its own name, without rename, is
refused.`,
		Example: `  kvm2openstack release plan.yaml --only web-3
  kvm2openstack release plan.yaml --yes`,
		Args: oneArg("plan"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), a, args[0]) },
	}
	o.addFilterFlags(cmd)
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	addWindowFlag(cmd, &o.window)
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
	r, err := o.restarts(c)
	if err != nil {
		return err
	}
	only, err := o.filter()
	if err != nil {
		return err
	}
	known, err := c.adoptions(ctx)
	if err != nil {
		return err
	}
	chosen := importer.ChooseRelease(p, importer.Earlier(known), only)
	if err := a.staying(chosen); err != nil {
		return err
	}
	work := toReturn(chosen.Plan, known)
	if err := a.confirm(ctx, o.yes, o.question(chosen, work)); err != nil {
		return err
	}
	if len(work.todo) > 0 {
		if err := a.awaitWindow(ctx, r.limits.Window, work.begun()); err != nil {
			return err
		}
	}
	return o.carryOut(ctx, a, c, r, releasing{chosen.Plan, only})
}

// restarts are how renamed guests are brought back.
func (o *releaseOptions) restarts(c config) (restarts, error) {
	r, err := c.restarts()
	if err != nil {
		return r, usage(err)
	}
	if o.window != "" {
		if r.limits.Window, err = parseWindow(o.window); err != nil {
			return r, usagef("--window: %w", err)
		}
	}
	return r, nil
}

// staying says which domains of the plan stay, and refuses where that is all.
func (a *app) staying(c importer.ReleaseChoice) error {
	if c.Stay > 0 {
		fmt.Fprintf(a.err, "%s adopted before this plan was made, and left alone; the plan that imported a domain releases it, or --only with its name or UUID\n",
			plural(c.Stay, "domain of the plan was", "domains of the plan were"))
	}
	if len(c.Plan.Domains) == 0 {
		return refused(errors.New("the plan has no domain to release: those that it skips it has not imported"))
	}
	return nil
}

func (o *releaseOptions) question(c importer.ReleaseChoice, work renameWork) string {
	what := fmt.Sprintf("delete Nova's records of %s and remove their links", plural(c.Known, "domain", "domains"))
	if n := len(c.Plan.Domains) - c.Known; n > 0 {
		what = fmt.Sprintf("delete Nova's records of %s, and of %d more that the journal does not have as imported where they carry this program's mark, and remove their links",
			plural(c.Known, "domain", "domains"), n)
	}
	if n := len(work.todo); n > 0 {
		return what + fmt.Sprintf("; %s renamed since, and restarted for it under the legacy name (shut down and started once more), the others keep running", plural(n, "guest was", "guests were"))
	}
	return what + " (guests keep running)"
}

// releasing is what is to be released: the domains of plan, which only chose.
type releasing struct {
	plan plan.Plan
	only plan.Filter
}

func (o *releaseOptions) carryOut(ctx context.Context, a *app, c config, r restarts, some releasing) error {
	side, err := c.openPorts(ctx, a)
	if err != nil {
		return err
	}
	ch, err := a.openChange(ctx, c, some.plan, side)
	if err != nil {
		return err
	}
	back, left, runErr := ch.bringBack(ctx, a, restarting{restarts: r, config: c, view: newRestartView(a), side: side, back: true}, some.plan)
	var sum importer.Summary
	if runErr == nil {
		sum, runErr = side.considerate(ctx, func() (importer.Summary, error) { return ch.Release(ctx, left, some.only) })
	}
	closed := ch.close(ctx, sum.String())
	var backErr error
	if len(back) > 0 {
		backErr = a.concludeRestart(o.output, back)
	}
	if err := errors.Join(runErr, closed); err != nil {
		return worse(backErr, a.afterError(o.output, sum, err))
	}
	return worse(backErr, a.conclude(o.output, sum))
}

// worse is the error with the higher exit status.
func worse(a, b error) error {
	if exitStatus(a) > exitStatus(b) {
		return a
	}
	return b
}
