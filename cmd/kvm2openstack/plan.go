package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

type planOptions struct {
	selection
	file string
	next string // what to type after it
}

func newPlan(a *app) *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Annotations: onlyLooks,
		Use:         "plan -O FILE",
		Short:       "Decide for every domain, as a file to read, edit and keep",
		Long: `Plan audits the hosts and writes what import would do to every domain that was
found: project, flavor, networks and addresses, disks and where they go, NIC
model, lock. Blocked domains are in it as well, as "skip" with their reasons.
Read it, edit it, keep it: import does what it says and decides nothing.`,
		Example: `  kvm2openstack plan --host qemu+ssh://root@kvm01/system -O plan.yaml
  kvm2openstack plan --inventory hosts.txt --only 'web*' -O web.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.next = retype(cmd, "import", o.file, "--dry-run")
			return o.run(cmd.Context(), a)
		},
	}
	o.addFlags(cmd)
	cmd.Flags().StringVarP(&o.file, "out", "O", "", "`FILE` to write the plan to; - for standard output")
	return cmd
}

func (o *planOptions) run(ctx context.Context, a *app) error {
	if o.file == "" {
		return usagef("say where the plan goes: -O plan.yaml, or -O - for standard output")
	}
	c, err := loadConfig(a.configFile)
	if err == nil {
		c, err = o.above(c)
	}
	if err != nil {
		return err
	}
	in, from, err := a.auditInput(ctx, c, &o.selection)
	if err != nil {
		return stopped(err)
	}
	defer from.close()
	if in.Nova == nil {
		return usagef("a plan needs Nova's databases, which say what the hosts are called and which flavors there are: set nova.api_database or nova.nova_conf in the configuration")
	}
	bar := newScanBar(a, len(in.Hosts))
	in.Started = bar.progress
	r, err := audit.Run(ctx, in)
	bar.finish()
	if err != nil {
		return stopped(err)
	}
	p, err := buildPlan(ctx, c, from, r)
	if err != nil {
		return stopped(err)
	}
	if err := o.write(a, p); err != nil {
		return err
	}
	return o.conclude(a, r, p)
}

// buildPlan turns what was seen into decisions.
func buildPlan(ctx context.Context, c config, from sources, r audit.Report) (plan.Plan, error) {
	flavors, err := from.db.Flavors(ctx)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("read Nova's flavors: %w", err)
	}
	input := plan.Input{
		Made: plan.Made{
			At: time.Now().UTC().Truncate(time.Second), By: "kvm2openstack " + version, Nova: releaseName(r.Release),
			InstancesPath: c.Nova.InstancesPath, ImagesType: c.Nova.ImagesType, InstanceNameTemplate: c.Nova.InstanceNameTemplate,
		},
		Unreadable: r.Unreadable,
		Settings:   planSettings(c),
		Release:    r.Release,
		Flavors:    flavors,
		Computes:   r.Computes,
		Cloud:      from.snapshot,
	}
	for _, h := range r.Hosts {
		input.Hosts = append(input.Hosts, h.Inventory)
	}
	for d := range r.Domains() {
		input.Domains = append(input.Domains, plan.Candidate{Domain: d.Domain, Assessment: d.Assessment})
	}
	if err := from.addQuotas(ctx, plan.Projects(input)); err != nil {
		return plan.Plan{}, err
	}
	if input.Allocations, err = from.allocations(ctx, plan.Begun(input)); err != nil {
		return plan.Plan{}, err
	}
	return plan.Build(input)
}

// releaseName is how a person calls a release.
func releaseName(r nova.Release) string {
	if r.Name == "" {
		return "unknown"
	}
	return fmt.Sprintf("%s (%d)", r.Name, r.Major)
}

func planSettings(c config) plan.Settings {
	return plan.Settings{Networks: c.Networks, Defaults: c.Defaults, Rules: c.Rules}
}

// write puts the plan where it was asked for. An existing one is kept beside
// it, for it may have been edited by hand.
func (o *planOptions) write(a *app, p plan.Plan) error {
	if o.file == "-" {
		return plan.Write(a.out, p)
	}
	f, err := newWholeFile(o.file)
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	defer f.drop()
	if err := plan.Write(f, p); err != nil {
		return fmt.Errorf("plan: %w", f.failed(err))
	}
	earlier, err := f.keepEarlier()
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if earlier != "" {
		fmt.Fprintf(a.err, "the earlier plan is kept as %s\n", earlier)
	}
	if err := f.keep(); err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	return nil
}

// conclude says what the plan holds and what comes next.
func (o *planOptions) conclude(a *app, r audit.Report, p plan.Plan) error {
	var out io.Writer = a.out
	if o.file == "-" {
		out = a.err
	}
	imported, skipped := 0, 0
	for _, d := range p.Domains {
		if d.Decision == plan.Import {
			imported++
		} else {
			skipped++
		}
	}
	t := r.Totals()
	fmt.Fprintf(out, "%s: %d domains to import, %d to skip", o.file, imported, skipped)
	fmt.Fprintf(out, " (%d found = %d planned + %d unreadable + %d left out)\n", t.Found, len(p.Domains), t.Unreadable, t.Filtered)
	report.Failures(out, r)
	if r.Release.ReadOnly != "" {
		fmt.Fprintf(out, "import will refuse: %s\n", r.Release.ReadOnly)
	}
	if err := checkTotals(r); err != nil {
		return err
	}
	switch {
	case imported == 0:
		fmt.Fprintln(out, "nothing can be imported; audit says why")
		return status(exitBlocked)
	case o.file != "-":
		fmt.Fprintf(out, "next: read %s, then %s\n", o.file, o.next)
	}
	if skipped+t.Unreadable+t.HostsFailed > 0 {
		return status(exitAttention)
	}
	return nil
}

// planned reads the configuration and those domains of a plan that were
// chosen: what every command on a plan begins with.
func (a *app) planned(file string, s *selection) (c config, p plan.Plan, err error) {
	if c, err = loadConfig(a.configFile); err != nil {
		return c, p, err
	}
	if p, err = loadPlan(file); err != nil {
		return c, p, err
	}
	p, err = choose(p, s)
	return c, p, err
}

// loadPlan reads a plan file; what is wrong with it is the operator's to mend.
func loadPlan(file string) (plan.Plan, error) {
	p, err := plan.Load(file)
	if err != nil {
		return p, usage(err)
	}
	return p, nil
}

// choose leaves in p only the domains that --only and --skip want.
func choose(p plan.Plan, s *selection) (plan.Plan, error) {
	f, err := s.filter()
	if err != nil || f.Empty() {
		return p, err
	}
	var kept []plan.Domain
	for _, d := range p.Domains {
		if f.Match(d) {
			kept = append(kept, d)
		}
	}
	if len(kept) == 0 {
		return p, usagef("--only and --skip leave none of the plan's %d domains", len(p.Domains))
	}
	p.Domains = kept
	return p, nil
}

// needsRelease refuses early what the databases would refuse later.
func needsRelease(r nova.Release) error {
	if r.ReadOnly != "" {
		return refused(fmt.Errorf("%w: %s", nova.ErrReadOnly, r.ReadOnly))
	}
	return nil
}
