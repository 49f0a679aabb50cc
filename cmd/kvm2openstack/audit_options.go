package main

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
)

// tableOptions are the flags that say how the table is laid out.
type tableOptions struct {
	wide    bool
	groupBy string
	sort    []string
}

func (o *tableOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.wide, "wide", false, "cut nothing, and show machine types, interfaces, UUIDs and every reason")
	f.StringVar(&o.groupBy, "group-by", "", "a part of the table for each `host|verdict|os|reason`, with its own sum")
	f.StringSliceVar(&o.sort, "sort", nil, "sort the table by `COLUMNS`: "+strings.Join(report.OrderWords(), ", ")+"; -ram for the largest first")
	cmd.RegisterFlagCompletionFunc("group-by", cobra.FixedCompletions(report.GroupWords, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that does not exist
}

// check refuses what makes no sense for the form of the output.
func (o *tableOptions) check(form string) error {
	if form != "table" && (o.wide || o.groupBy != "" || len(o.sort) > 0) {
		return usagef("--wide, --group-by and --sort are for the table; -o %s has everything, in the order of the hosts", form)
	}
	if o.groupBy != "" && !slices.Contains(report.GroupWords, o.groupBy) {
		return usagef("cannot group by %q: it is one of %s", o.groupBy, strings.Join(report.GroupWords, ", "))
	}
	if _, err := report.ParseOrder(o.sort); err != nil {
		return usagef("--sort: %w", err)
	}
	return nil
}

func (o *tableOptions) view(a *app) report.View {
	order, _ := report.ParseOrder(o.sort) // refused in check, if it is wrong
	return report.View{Style: a.style(), Wide: o.wide, GroupBy: o.groupBy, Order: order}
}

// cronOptions are the flags for audits that nobody watches.
type cronOptions struct {
	failOn   string
	baseline string
	save     string
}

func (o *cronOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.baseline, "baseline", "", "print only what is new, changed or gone since the audit in `FILE`, and let only that make the exit status")
	f.StringVar(&o.save, "save", "", "also write the whole audit to `FILE` as -o json prints it, for a later --baseline; may be the same file")
	f.StringVar(&o.failOn, "fail-on", "attention", "the least that gives an exit status other than 0: `attention|blocked`")
	cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions(failOnWords, cobra.ShellCompDirectiveNoFileComp)) // see above
}

var failOnWords = []string{"attention", "blocked"}

func (o *cronOptions) check() error {
	if !slices.Contains(failOnWords, o.failOn) {
		return usagef("--fail-on %q: it is attention or blocked", o.failOn)
	}
	return nil
}

// check refuses options that do not go together, before anything is connected.
func (o *auditOptions) check() error {
	if err := checkOutput(o.output, "table", "json", "csv"); err != nil {
		return err
	}
	if err := o.tableOptions.check(o.output); err != nil {
		return err
	}
	if o.baseline != "" && (o.output == "csv" || o.groupBy != "" || len(o.sort) > 0) {
		return usagef("--baseline prints a list of changes, as table or json: it does not go with -o csv, --group-by or --sort")
	}
	return o.cronOptions.check()
}

// checkFiles refuses what would leave no file where one is wanted: a name that
// a script has left empty, and one file for two results.
func (o *auditOptions) checkFiles(cmd *cobra.Command) error {
	for _, flag := range []string{"html", "save", "baseline"} {
		if f := cmd.Flags().Lookup(flag); f.Changed && f.Value.String() == "" {
			return usagef("--%s: the name of the file is empty", flag)
		}
	}
	if o.html == "" {
		return nil
	}
	for flag, path := range map[string]string{"save": o.save, "baseline": o.baseline} {
		if path != "" && sameFile(path, o.html) {
			return usagef("--html and --%s name the same file: %s", flag, path)
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	a, errA := filepath.Abs(whereLeads(a))
	b, errB := filepath.Abs(whereLeads(b))
	return errA == nil && errB == nil && a == b
}
