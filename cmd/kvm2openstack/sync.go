package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/metrics"
	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer/sync"
)

type syncOptions struct {
	selection
	output      string
	apply       bool
	accept      bool
	share       bool
	every       time.Duration
	metricsFile string
	listen      string
	usage       time.Duration
}

func newSync(a *app) *cobra.Command {
	var o syncOptions
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "What has drifted since the import? For a timer",
		Long: `Sync compares every host with Nova's records, ports, allocations and the
journal, and names by code what has drifted apart. It changes nothing but the
journal, which keeps what was seen.

With --apply it heals what sync: in the configuration allows, and nothing else:
never a domain that Nova made, never on a host that was not read whole, and not
at all while more is gone at once than sync.stop_above.`,
		Example: `  kvm2openstack sync
  kvm2openstack sync --apply --metrics-file /var/lib/node_exporter/kvm2openstack.prom
  kvm2openstack sync --apply --every 10m --listen 127.0.0.1:9188`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), a) },
	}
	o.addHostFlags(cmd)
	addOutputFlag(cmd, &o.output, "table", "json")
	f := cmd.Flags()
	f.BoolVar(&o.apply, "apply", false, "heal what sync: in the configuration allows")
	f.BoolVar(&o.accept, "accept", false, "take what is seen now for what should be: hosts have new names, what is gone at once is gone, and the clock is right")
	f.BoolVar(&o.share, "share", false, "share the run with other processes that are started alike; needs a journal on a server")
	f.DurationVar(&o.every, "every", 0, "stay, and run again every `TIME`")
	f.StringVar(&o.metricsFile, "metrics-file", "", "write metrics into `FILE`, for node_exporter's textfile collector")
	f.StringVar(&o.listen, "listen", "", "serve metrics at `ADDR`/metrics; needs --every")
	f.DurationVar(&o.usage, "usage", 0, "watch the adopted domains for `TIME`, and add to the metrics what they use")
	return cmd
}

// check refuses flags that do not go together, before anything is opened.
func (o *syncOptions) check(c config) error {
	switch {
	case o.metricsFile != "" && o.listen != "":
		return usagef("give --metrics-file or --listen, not both")
	case o.listen != "" && o.every == 0:
		return usagef("--listen is for a process that stays: give --every, too")
	case o.every < 0 || o.every > 0 && o.every < time.Second:
		return usagef("--every %v: give 1s or more", o.every)
	case o.accept && o.every > 0:
		return usagef("--accept is about what is seen now: give it once, without --every")
	case o.usage != 0 && o.usage < shortestSample:
		return usagef("--usage %v is too short to say anything: give %v or more", o.usage, shortestSample)
	case o.usage != 0 && o.metricsFile == "" && o.listen == "":
		return usagef("--usage is for the metrics: give --metrics-file or --listen, too")
	case o.apply && c.Sync.Nothing():
		return usagef("--apply has nothing to do: sync: in the configuration allows nothing (sync.heal, sync.import, sync.vanished)")
	}
	return nil
}

func (o *syncOptions) run(ctx context.Context, a *app) error {
	if err := checkOutput(o.output, "table", "json"); err != nil {
		return err
	}
	c, err := loadConfig(a.configFile)
	if err == nil {
		c, err = o.above(c)
	}
	if err == nil {
		err = o.check(c)
	}
	if err != nil {
		return err
	}
	m := metrics.New(version)
	if o.every == 0 {
		r, err := o.once(ctx, a, c, m)
		if err != nil {
			return err
		}
		return status(syncStatus(r))
	}
	if o.listen != "" {
		l, err := net.Listen("tcp", o.listen)
		if err != nil {
			return refused(fmt.Errorf("listen for metrics: %w", err))
		}
		defer serveMetrics(l, m)()
	}
	return o.stay(ctx, a, c, m)
}

// once is one run, from the opening of everything to the last word.
func (o *syncOptions) once(ctx context.Context, a *app, c config, m *metrics.Metrics) (sync.Result, error) {
	s, err := o.open(ctx, a, c)
	if err != nil {
		return sync.Result{}, err
	}
	r, err := s.Run(ctx)
	if err == nil {
		err = o.tell(ctx, a, s, m, r)
	}
	outcome := r.String()
	if err != nil {
		outcome = "ended early"
	}
	return r, errors.Join(err, s.close(ctx, outcome))
}

// tell says what a run has come to: to whoever has started it, to the metrics,
// and to the webhook. Of a run that is shared the process that ends it tells the
// world.
func (o *syncOptions) tell(ctx context.Context, a *app, s *syncing, m *metrics.Metrics, r sync.Result) error {
	err := o.print(a, r)
	if !r.Closed {
		return err
	}
	last, lastErr := s.record.LastSuccess(ctx)
	m.Set(r, last)
	err = errors.Join(err, lastErr, o.measure(ctx, a, s, m))
	if o.metricsFile != "" {
		err = errors.Join(err, m.WriteFile(o.metricsFile))
	}
	s.notify(ctx, a, r)
	return err
}

func (o *syncOptions) print(a *app, r sync.Result) error {
	if o.output == "json" {
		return report.SyncJSON(a.out, r)
	}
	report.SyncTable(a.out, r, a.style())
	return nil
}

// syncStatus is the exit status of a run.
func syncStatus(r sync.Result) int {
	half := false
	for _, d := range r.Drifts {
		half = half || d.Code == sync.HalfDone && !d.Healed
	}
	switch {
	case r.Stopped != "" || half:
		return exitPerson
	case r.Failed > 0:
		return exitUndone
	case r.Left() > 0:
		return exitAttention
	}
	return exitClean
}
