package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/onboard"
)

type onboardOptions struct {
	inventory string
	insecure  bool
	way       string
	cell      string
	apply     bool
	back      bool
	yes       bool
	output    string
}

func newOnboard(a *app) *cobra.Command {
	var o onboardOptions
	cmd := &cobra.Command{
		Use:   "onboard HOST...",
		Short: "Have nova-compute accept a host that has guests",
		Long: `Onboard says for hosts that have guests whether this cloud's nova-compute will
accept them, and if not why, and what to do. Since 2024.1 nova-compute refuses
its first start where libvirt has any domain.

HOST is the name of a host in the configuration or the inventory, its
compute_host, or a URI. Without --apply it only looks, and prints the commands
with which a person does it.

With --apply nova-compute starts once on an empty libvirt, that of its own user,
where Nova makes its records; its service is disabled, nova-compute is started
as it is to be, and the host is mapped to its cell. Where such a start cannot
be, --way records writes the one row and the one file that it would have left.
The service stays disabled until somebody enables it: the guests that are not
adopted yet are not counted. No guest is touched. A run that was stopped goes on
with the same command, and --undo takes back what the journal says was made.`,
		Example: `  kvm2openstack onboard kvm07
  kvm2openstack onboard kvm07 kvm08 --inventory hosts.yaml -o json
  kvm2openstack onboard kvm07 --apply
  kvm2openstack onboard kvm07 --undo`,
		Args: someArgs("host"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), a, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.inventory, "inventory", "", "`FILE` with hosts: YAML, or one URI a line (default: those of the configuration)")
	f.BoolVar(&o.insecure, "insecure", false, "allow qemu+tcp:// hosts, which are neither encrypted nor authenticated")
	f.StringVar(&o.way, "way", string(onboard.ByFirstStart), "`first-start` on an empty libvirt, in which Nova makes its records; or records, written into Nova's database, where that cannot be")
	f.StringVar(&o.cell, "cell", "", "`NAME` of the cell that the hosts' transport_url leads to, for --way records where there are several")
	f.BoolVar(&o.apply, "apply", false, "do it, where that is the remedy")
	f.BoolVar(&o.back, "undo", false, "take it back, as the journal says")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	cmd.RegisterFlagCompletionFunc("way", cobra.FixedCompletions(onboardWays, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that does not exist
	addOutputFlag(cmd, &o.output, "table", "json")
	return cmd
}

var onboardWays = []string{string(onboard.ByFirstStart), string(onboard.ByRecords)}

func (o *onboardOptions) check() error {
	switch {
	case !slices.Contains(onboardWays, o.way):
		return usagef("--way %s: it is one of %s", o.way, strings.Join(onboardWays, ", "))
	case o.apply && o.back:
		return usagef("give --apply or --undo, not both")
	case o.yes && !o.apply && !o.back:
		return usagef("--yes is for --apply and --undo; without them nothing is changed")
	case o.cell != "" && o.way != string(onboard.ByRecords):
		return usagef("--cell is for --way records; otherwise nova-compute itself knows its cell")
	}
	return checkOutput(o.output, "table", "json")
}

func (o *onboardOptions) run(ctx context.Context, a *app, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	c, err := loadConfig(a.configFile)
	if err != nil {
		return err
	}
	if (o.apply || o.back) && c.Cloud == "" {
		return usagef("onboarding asks Placement, and has Nova disable the service: name the cloud in the configuration (cloud: NAME in clouds.yaml)")
	}
	hosts, err := o.chosen(c, args)
	if err != nil {
		return err
	}
	switch {
	case o.apply:
		return o.carryOut(ctx, a, c, hosts)
	case o.back:
		return o.undo(ctx, a, c, hosts)
	}
	all, _, err := o.assess(ctx, a, c, hosts)
	if err != nil {
		return stopped(err)
	}
	return o.print(a, all)
}

// chosen are the hosts that the arguments name.
func (o *onboardOptions) chosen(c config, args []string) (hosts []discover.Host, err error) {
	known, err := c.hosts()
	if err == nil && o.inventory != "" {
		known, err = discover.ReadInventory(o.inventory)
		err = usageOf(err)
	}
	if err != nil {
		return nil, err
	}
	for _, arg := range args {
		h, err := findHost(known, arg)
		if err != nil {
			return nil, err
		}
		h.Insecure = h.Insecure || o.insecure
		if err := h.Check(); err != nil {
			return nil, usage(err)
		}
		if i := slices.IndexFunc(hosts, func(other discover.Host) bool { return other.URI == h.URI || other.Name == h.Name }); i < 0 {
			hosts = append(hosts, h)
		}
	}
	return hosts, nil
}

func usageOf(err error) error {
	if err != nil {
		return usage(err)
	}
	return nil
}

// findHost finds a host by its name, by Nova's name of it, or by its URI.
func findHost(known []discover.Host, arg string) (discover.Host, error) {
	uri := arg
	var given discover.Host
	if strings.Contains(arg, "://") {
		var err error
		if given, err = discover.ParseHost(arg); err != nil {
			return given, usage(err)
		}
		uri = given.URI
	}
	var names []string
	for _, h := range known {
		if h.Name == arg || h.ComputeHost == arg || h.URI == uri {
			return h, nil
		}
		names = append(names, h.Name)
	}
	if given.URI != "" {
		return given, nil
	}
	if len(names) == 0 {
		return given, usagef("no host is known, so none is %s: name hosts in the configuration or in --inventory FILE, or give a URI (qemu+ssh://root@%s/system)", arg, arg)
	}
	return given, usagef("no host is %s; known are %s", arg, strings.Join(names, ", "))
}

// survey reads hosts.
func (o *onboardOptions) survey(c config, hosts []discover.Host) onboard.Survey {
	return onboard.Survey{Hosts: discover.Hosts(hosts), Scan: c.scanOptions(), Places: c.Onboard.Places(), Open: onboard.OpenFiles}
}

// assess reads hosts and cloud, and judges.
func (o *onboardOptions) assess(ctx context.Context, a *app, c config, hosts []discover.Host) (all []onboard.Assessment, in onboard.Cloud, err error) {
	db, err := c.requireNova(ctx, a)
	if err != nil {
		return nil, in, err
	}
	defer closeNova(db)
	in = onboard.Cloud{Release: db.Release(), Open: db.OpenCells(), Closed: db.ClosedCells()}
	found := o.survey(c, hosts).Run(ctx)
	if err := ctx.Err(); err != nil {
		return nil, in, err
	}
	if in.Records, err = db.HostRecords(ctx); err != nil {
		return nil, in, err
	}
	if in.Providers, err = c.hostProviders(ctx, a, onboard.Nodes(found)); err != nil {
		return nil, in, err
	}
	return onboard.Assess(found, in, c.Onboard, onboard.Way(o.way)), in, nil
}

// hostProviders are those of Placement; nil without its API.
func (c config) hostProviders(ctx context.Context, a *app, names []string) ([]cloud.Provider, error) {
	side, err := c.openCloud(ctx, a)
	if err != nil || side.api == nil {
		return nil, err
	}
	found, err := side.api.HostProviders(ctx, names...)
	if err != nil {
		return nil, refused(err)
	}
	return found, nil
}

// print ends a run that has only looked.
func (o *onboardOptions) print(a *app, all []onboard.Assessment) error {
	if o.output == "json" {
		if err := report.OnboardJSON(a.out, all); err != nil {
			return err
		}
		return status(onboardStatus(all))
	}
	report.Onboard(a.out, all, a.style())
	if names := ourNames(all); len(names) > 0 {
		fmt.Fprintf(a.out, "next: %s\n", o.next(a, names))
	}
	return status(onboardStatus(all))
}

// next is the command that does it.
func (o *onboardOptions) next(a *app, names []string) string {
	words := []string{"kvm2openstack onboard"}
	if a.configFile != "" {
		words = append(words, "--config", a.configFile)
	}
	if o.inventory != "" {
		words = append(words, "--inventory", o.inventory)
	}
	if o.way != string(onboard.ByFirstStart) {
		words = append(words, "--way", o.way)
	}
	for i, w := range words[1:] {
		words[i+1] = check.Shell(w)
	}
	for _, n := range names {
		words = append(words, check.Shell(n))
	}
	return report.Line(strings.Join(append(words, "--apply"), " "))
}

// onboardStatus: what onboarding is the remedy for asks for attention, and
// everything else is for a person.
func onboardStatus(all []onboard.Assessment) int {
	worst := exitClean
	for _, one := range all {
		switch {
		case one.Verdict.Ours():
			worst = max(worst, exitAttention)
		case len(one.Verdict.Problems) > 0:
			worst = max(worst, exitBlocked)
		}
	}
	return worst
}

// ourNames are the hosts that onboarding is the remedy for.
func ourNames(all []onboard.Assessment) (names []string) {
	for _, one := range all {
		if one.Verdict.Ours() {
			names = append(names, one.Host.Name)
		}
	}
	return names
}

// someArgs wants one thing at least.
func someArgs(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage(fmt.Errorf("give at least one %s", what))
		}
		return nil
	}
}
