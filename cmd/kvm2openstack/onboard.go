package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

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
	f.StringVar(&o.cell, "cell", "", "`NAME` of the cell that the hosts' transport_url leads to: for --way records where there are several, and where one is disabled")
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

// someArgs wants one thing at least.
func someArgs(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage(fmt.Errorf("give at least one %s", what))
		}
		return nil
	}
}
