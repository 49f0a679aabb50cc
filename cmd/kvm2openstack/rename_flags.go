package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// restartFlags are the flags that say how and when guests are restarted. What
// is not given is as the configuration has it.
type restartFlags struct {
	perHost     int
	unavailable int
	stopAfter   int
	window      string
	startBy     string
	groupBy     string
	prove       bool
}

func (o *restartFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&o.perHost, "max-per-host", defaultPerHost, "at most `N` restarts under way on a host")
	f.IntVar(&o.unavailable, "max-unavailable", defaultUnavailable, "at most `N` guests unavailable on all hosts")
	f.IntVar(&o.stopAfter, "stop-after", defaultStopAfter, "begin nothing new after `N` failures; 0 never stops")
	addWindowFlag(cmd, &o.window)
	f.StringVar(&o.startBy, "start-by", "", "who starts the guests: nova (default with a cloud in the configuration) or libvirt")
	f.StringVar(&o.groupBy, "group-by", "", "restart the domains of each wave group by group: "+strings.Join(groupWords(), ", "))
	f.BoolVar(&o.prove, "prove", false, "with --start-by libvirt: then have Nova rebuild each guest by a hard reboot, and ask again whether it works")
	cmd.RegisterFlagCompletionFunc("start-by", cobra.FixedCompletions([]string{"nova", "libvirt"}, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that does not exist
	cmd.RegisterFlagCompletionFunc("group-by", cobra.FixedCompletions(groupWords(), cobra.ShellCompDirectiveNoFileComp))                // likewise
}

// addWindowFlag is for all commands that restart guests.
func addWindowFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "window", "", "restart guests only at this time of day, as in 01:00-05:00 (this machine's clock) or \"01:00-05:00 Europe/Berlin\"; always for no such bound")
}

func groupWords() (words []string) {
	for _, g := range restart.Groupings {
		words = append(words, string(g))
	}
	return words
}

// restarts are how and when guests are restarted, as flags and configuration
// say it together.
type restarts struct {
	limits  restart.Limits
	options restart.Options
	groupBy restart.Grouping
	swap    bool // domains that were renamed are restarted once more, for other interfaces
}

// restarts are those of the configuration alone.
func (c config) restarts() (restarts, error) {
	limits, err := c.Restart.limits()
	return restarts{limits: limits, options: c.restartOptions(), groupBy: restart.Grouping(c.Restart.GroupBy)}, err
}

// settle puts flags above the configuration.
func (o *restartFlags) settle(cmd *cobra.Command, c config) (restarts, error) {
	r, err := c.restarts()
	if err != nil {
		return r, usage(err)
	}
	given := cmd.Flags().Changed
	for _, n := range []struct {
		flag  string
		value int
		least int
		to    *int
	}{
		{"max-per-host", o.perHost, 1, &r.limits.PerHost},
		{"max-unavailable", o.unavailable, 1, &r.limits.Unavailable},
		{"stop-after", o.stopAfter, 0, &r.limits.StopAfter},
	} {
		if !given(n.flag) {
			continue
		}
		if n.value < n.least {
			return r, usagef("--%s is %d, want %d or more", n.flag, n.value, n.least)
		}
		*n.to = n.value
	}
	if given("window") {
		if r.limits.Window, err = parseWindow(o.window); err != nil {
			return r, usagef("--window: %w", err)
		}
	}
	if given("group-by") {
		if r.groupBy, err = restart.ParseGrouping(o.groupBy); err != nil {
			return r, usagef("--group-by: %w", err)
		}
	}
	if given("start-by") {
		if !isStartBy(o.startBy) {
			return r, usagef("--start-by is %q, want nova or libvirt", o.startBy)
		}
		r.options.StartBy = restart.StartBy(o.startBy)
	}
	r.options.Prove = o.prove
	return r, r.possible(c)
}

// possible refuses what no cloud is there for.
func (r restarts) possible(c config) error {
	if c.Cloud != "" {
		return nil
	}
	const hint = "set cloud in the configuration to an entry of clouds.yaml"
	switch {
	case r.options.StartBy == restart.ByNova:
		return usage(fmt.Errorf("--start-by nova needs Nova's API: %s, or use --start-by libvirt", hint))
	case r.options.Prove:
		return usage(fmt.Errorf("--prove needs Nova's API: %s", hint))
	}
	return nil
}
