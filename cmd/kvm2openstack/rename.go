package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/restart"
)

type renameOptions struct {
	selection
	restartFlags
	dryRun bool
	yes    bool
	unlink bool
	nic    string
	output string
}

func newRename(a *app) *cobra.Command {
	var o renameOptions
	cmd := &cobra.Command{
		Use:   "rename PLAN",
		Short: "Restart imported guests once, under the name that Nova gave them",
		Long: `Rename ends an adoption: each guest is shut down in good order, its domain gets
Nova's instance name and the disks' paths in the instance directory, and it is
started again and asked whether it works. What fails goes back to what it was,
byte for byte, and runs again. Power is never cut unless the plan says "force:
true" of that domain.

One domain is restarted alone, and the rest only if that went well: wave by
wave as the plan has it, no more than --max-per-host and --max-unavailable at a
time, and of domains of the same "group" never two. With --window nothing is
begun that could not end inside it, by what earlier restarts took; rename waits
until it opens, and ends when it closes. The same command goes on from there.

With a cloud in the configuration Nova itself starts the guests, from the
records of the import; --start-by libvirt keeps the virtual hardware as it is,
and --prove then has Nova rebuild each guest once more while somebody watches.

Ctrl-C begins nothing new and finishes what is in hand; a second one stops
between two steps. Ctrl-Z (or SIGUSR1) pauses after what is in hand, Ctrl-Z
again (or SIGUSR2) goes on. After a kill the same command goes on, too.

It ends with 1 when it ended before all were tried, 3 when a guest runs again
as before because its restart failed, and 4 when one could not be brought back.`,
		Example: `  kvm2openstack rename plan.yaml --dry-run --only web-3
  kvm2openstack rename plan.yaml --only web-3
  kvm2openstack rename plan.yaml --yes --window "01:00-05:00 Europe/Berlin" --max-unavailable 10
  kvm2openstack rename plan.yaml --only 'win*' --nic virtio
  kvm2openstack rename plan.yaml --unlink-legacy`,
		Args: oneArg("plan"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, a, args[0]) },
	}
	o.addFilterFlags(cmd)
	o.restartFlags.add(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.dryRun, "dry-run", false, "print what becomes different in each definition, the rows, and how long it may be down; nothing is opened for writing")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.StringVar(&o.nic, "nic", "", "give the interfaces this `MODEL` (virtio, e1000, e1000e, ...) instead of the plan's nic_model; those of guests that were renamed before, too, in one more restart")
	f.BoolVar(&o.unlink, "unlink-legacy", false, "remove the legacy names of renamed domains' disks, so that nothing leads back; no guest is touched")
	addOutputFlag(cmd, &o.output, "table", "json")
	return cmd
}

func (o *renameOptions) run(cmd *cobra.Command, a *app, file string) error {
	if err := checkOutput(o.output, "table", "json"); err != nil {
		return err
	}
	c, p, err := a.planned(file, &o.selection)
	if err != nil {
		return err
	}
	r, err := o.settle(cmd, c)
	if err != nil {
		return err
	}
	if err := o.setNIC(p); err != nil {
		return err
	}
	r.swap = o.nic != ""
	ctx := cmd.Context()
	switch {
	case o.unlink && (o.dryRun || o.nic != ""):
		return usagef("--unlink-legacy goes with neither --dry-run nor --nic")
	case o.unlink:
		return o.unlinkLegacy(ctx, a, c, p)
	case o.dryRun:
		return o.preview(ctx, a, c, p, r)
	}
	return o.rename(ctx, a, c, p, r)
}

// setNIC has all chosen domains get the model of --nic.
func (o *renameOptions) setNIC(p plan.Plan) error {
	if o.nic == "" {
		return nil
	}
	if err := plan.CheckNICModel(o.nic); err != nil {
		return usagef("--nic: %w", err)
	}
	for n := range p.Domains {
		p.Domains[n].NICModel = o.nic
	}
	return nil
}

// rename asks, waits for the window, and restarts.
func (o *renameOptions) rename(ctx context.Context, a *app, c config, p plan.Plan, r restarts) error {
	known, err := c.adoptions(ctx)
	if err != nil {
		return err
	}
	work := sortOut(p, known, r.swap)
	if len(work.todo) == 0 {
		return work.nothing(a, o.output)
	}
	if err := a.confirm(ctx, o.yes, work.question(r)); err != nil {
		return err
	}
	if err := a.awaitWindow(ctx, r.limits.Window, work.begun()); err != nil {
		return err
	}
	return a.restart(ctx, c, p, r, o.output)
}

// question says how many guests are restarted, where and when.
func (w renameWork) question(r restarts) string {
	hosts, off := map[string]bool{}, 0
	for _, d := range w.todo {
		hosts[d.Host] = true
		if d.MadeFrom.State == "shutoff" {
			off++
		}
	}
	tasks, _ := restart.Tasks(w.todo, r.groupBy, w.isBegun)
	parts := []string{fmt.Sprintf("restart %s on %s under Nova's names", plural(len(w.todo), "guest", "guests"), plural(len(hosts), "host", "hosts"))}
	if off > 0 {
		parts[0] += fmt.Sprintf(" (%d of them were off and stay off)", off)
	}
	if n := len(w.swaps()); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of them, renamed before, for interfaces of another model", n))
	}
	if n := len(w.begun()); n > 0 {
		parts = append(parts, fmt.Sprintf("%d of them, which an earlier run had begun, at once", n))
	}
	parts = append(parts,
		fmt.Sprintf("at most %d on a host and %d in all at a time", r.limits.PerHost, r.limits.Unavailable),
		"started by "+string(r.options.StartBy),
		when(r.limits.Window),
		fmt.Sprintf("about %s in all", roughly(restart.Forecast(tasks, r.limits))),
	)
	return strings.Join(parts, ", ")
}

func when(w restart.Window) string {
	if w.IsZero() {
		return "beginning now"
	}
	return "inside the window " + w.String()
}

// nothing explains why there is nothing to restart.
func (w renameWork) nothing(a *app, output string) error {
	if len(w.done) == 0 && len(w.refused) == 0 {
		return refused(errors.New("the plan has no domain with \"decision: import\""))
	}
	return a.concludeRestart(output, w.settled())
}
