package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

type importOptions struct {
	selection
	dryRun bool
	yes    bool
	rename bool
	output string
}

func newImport(a *app) *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import PLAN",
		Short: "Write Nova's records and link the disks; the guests keep running",
		Long: `Import does what a plan says: for every domain with "decision: import" it writes
Nova's records, hard-links the disks to where Nova looks for them, and makes
the records final from the domain's state at that moment. The guests are not
touched. What is done already is left alone, so that the same command completes
a run that was stopped at any point.

With --rename the guests are then restarted under Nova's names, as rename does
it with the limits and the window of the configuration; with -o json that is a
document of its own.`,
		Example: `  kvm2openstack import plan.yaml --dry-run
  kvm2openstack import plan.yaml --only kvm01
  kvm2openstack import plan.yaml --yes`,
		Args: oneArg("plan"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), a, args[0]) },
	}
	o.addFilterFlags(cmd)
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "print every row and link; nothing is opened for writing")
	cmd.Flags().BoolVar(&o.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&o.rename, "rename", false, "then restart the guests under Nova's names, as the command rename does")
	addOutputFlag(cmd, &o.output, "table", "json")
	return cmd
}

func (o *importOptions) run(ctx context.Context, a *app, file string) error {
	if err := checkOutput(o.output, "table", "json"); err != nil {
		return err
	}
	c, p, err := a.planned(file, &o.selection)
	if err != nil {
		return err
	}
	r, err := c.restarts()
	if err == nil && o.rename {
		err = r.possible(c)
	}
	if err != nil {
		return err
	}
	if o.dryRun {
		err := a.preview(ctx, c, p)
		if o.rename && exitStatus(err) <= exitBlocked {
			fmt.Fprintln(a.out, "what the restarts would do is told once the domains are imported: kvm2openstack rename PLAN --dry-run")
		}
		return err
	}
	n := countImports(p)
	if n == 0 {
		return refused(errors.New("the plan has no domain with \"decision: import\""))
	}
	question := fmt.Sprintf("import %s on %s into Nova (guests keep running)", plural(n, "domain", "domains"), plural(onHosts(p), "host", "hosts"))
	if o.rename {
		question += ", then " + allImports(p).question(r)
	}
	if err := a.confirm(ctx, o.yes, question); err != nil {
		return err
	}
	err = o.carryOut(ctx, a, c, p)
	if !o.rename || !isStatus(err) || ctx.Err() != nil {
		return err
	}
	return worse(err, o.renameImported(ctx, a, c, p, r))
}

func (o *importOptions) carryOut(ctx context.Context, a *app, c config, p plan.Plan) error {
	side, err := c.readCloud(ctx, a)
	if err != nil {
		return err
	}
	ch, err := a.openChange(ctx, c, p, side)
	if err != nil {
		return err
	}
	sum, runErr := side.considerate(ctx, func() (importer.Summary, error) { return ch.Import(ctx, p, plan.Filter{}) })
	if err := errors.Join(runErr, ch.close(ctx, sum.String())); err != nil {
		return a.afterError(o.output, sum, err)
	}
	return a.conclude(o.output, sum)
}

// afterError prints what was reached before a run as a whole failed.
func (a *app) afterError(output string, sum importer.Summary, err error) error {
	if len(sum.Results) > 0 {
		a.conclude(output, sum) // its status is less than the error's
	}
	return statusError{status: max(summaryStatus(sum), exitBlocked), err: err}
}

// conclude prints what became of every domain.
func (a *app) conclude(output string, sum importer.Summary) error {
	if output == "json" {
		if err := report.SummaryJSON(a.out, sum); err != nil {
			return err
		}
	} else {
		report.SummaryTable(a.out, sum, a.style())
		a.adviceFor(sum)
	}
	return status(summaryStatus(sum))
}

// adviceFor prints what can be done about the failures, each advice once.
func (a *app) adviceFor(sum importer.Summary) {
	said := map[string]bool{}
	for _, r := range sum.Results {
		if text := advice(r.Err); text != "" && !said[text] {
			said[text] = true
			fmt.Fprintf(a.out, "try: %s\n", text)
		}
	}
}

// preview prints what an import would write. It opens readers only.
func (a *app) preview(ctx context.Context, c config, p plan.Plan) error {
	known, err := c.adoptions(ctx)
	if err != nil {
		return err
	}
	readers, db, err := c.readers(ctx, a, p, known)
	if err != nil {
		return err
	}
	defer closeNova(db)
	sum, err := importer.Preview(ctx, p, readers, func(v importer.Previewed) error { return report.Preview(a.out, v) })
	if err != nil {
		return err
	}
	if why := db.Release().ReadOnly; why != "" {
		fmt.Fprintf(a.out, "\nimport will refuse: %s\n", why)
	}
	fmt.Fprintf(a.out, "\ndry run, nothing was written; a real one would end with: %s\n", sum)
	return status(summaryStatus(sum))
}
