package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/metrics"
	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/notify"
	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/sync"
)

// A syncing is one run of sync with all that it has opened.
type syncing struct {
	*sync.Runner
	config  config
	in      audit.Input
	from    sources
	journal *journal.Journal
	record  *journal.Recorder
	bar     *scanBar
}

// open opens all that a run reads, the run lock last. What can write into Nova
// is opened by Runner.Heal, when there is something to heal.
func (o *syncOptions) open(ctx context.Context, a *app, c config) (s *syncing, err error) {
	s = &syncing{config: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(ctx, "did not begin"))
			s = nil
		}
	}()
	if s.in, s.from, err = a.auditInput(ctx, c, &o.selection); err != nil {
		return s, err
	}
	if s.from.db == nil {
		return s, usagef("sync compares with Nova's databases: set nova.api_database or nova.nova_conf in the configuration")
	}
	if o.apply {
		if err = needsRelease(s.from.db.Release()); err != nil {
			return s, err
		}
	}
	if s.journal, err = journal.Open(ctx, c.Journal); err != nil {
		return s, err
	}
	start := s.journal.Start
	if o.share {
		start = s.journal.StartShared
	}
	if s.record, err = start(ctx, journal.Run{Command: commandLine(), Version: version}); err != nil {
		return s, err
	}
	s.bar = newScanBar(a, len(s.in.Hosts))
	s.in.Scan.Progress = s.bar.progress
	s.Runner = &sync.Runner{
		Audit: s.in, Nova: s.from.db, Cloud: s.from.lookup(), Journal: s.record, Policy: c.Sync, Digest: o.digest(c, s.in),
		Accept: o.accept, Log: a.log(),
	}
	if o.apply {
		s.Heal = func(ctx context.Context) (*sync.Healer, error) { return s.healer(ctx, a) }
	}
	return s, nil
}

// digest is of what the processes of one round must have in common: they come
// to one conclusion, and each of them may act on it.
func (o *syncOptions) digest(c config, in audit.Input) string {
	text, err := yaml.Marshal([]any{version, o.apply, o.accept, c.Sync.WithDefaults(), planSettings(c), c.Nova.InstancesPath, in.Hosts})
	if err != nil {
		panic(fmt.Sprintf("what was read as YAML cannot be written: %v", err)) // a mistake of this package
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256(text))
}

// healer opens what can write into Nova's databases.
func (s *syncing) healer(ctx context.Context, a *app) (*sync.Healer, error) {
	writer, err := s.from.db.Writer(ctx, s.record.Holder().String())
	if err != nil {
		return nil, err
	}
	i := &importer.Importer{
		Nova: s.from.db, Writer: writer, Hosts: importer.Libvirt{Options: s.config.scanOptions()}, Journal: s.record,
		Snapshot: s.from.snapshot, Cloud: s.from.API(), RequestID: "req-" + uuid.NewString(), Log: a.log(), Reach: reach(s.in.Hosts),
	}
	return &sync.Healer{Importer: i, Close: writer.Close, Plan: func(ctx context.Context, r audit.Report) (plan.Plan, error) {
		return buildPlan(ctx, s.config, s.from, r)
	}}, nil
}

// notify tells the webhook of drifts that nobody was told of, if there is one.
// The run does not fail with it, and waits no longer than its deadline: what was
// not delivered is told by the next run.
func (s *syncing) notify(ctx context.Context, a *app, r sync.Result) {
	fresh, ids, err := s.Untold(ctx, r)
	if err == nil && len(ids) > 0 {
		if s.config.Notify.On() {
			err = s.config.Notify.Send(ctx, notify.About(r, fresh))
		}
		if err == nil {
			err = s.Told(ctx, ids)
		}
	}
	if err != nil {
		fmt.Fprintf(a.err, "kvm2openstack: %v; the next run tries again\n", err)
	}
}

// measure adds to the metrics what adopted domains use.
func (o *syncOptions) measure(ctx context.Context, a *app, s *syncing, m *metrics.Metrics) error {
	if o.usage == 0 {
		return nil
	}
	adoptions, err := s.record.Outlines(ctx)
	if err != nil {
		return err
	}
	adopted := map[string]bool{}
	for _, k := range adoptions {
		adopted[k.UUID] = importer.Stands(k.State)
	}
	in := s.in
	in.Nova, in.Scan.SkipFiles, in.Scan.SkipGuest, in.Scan.Progress = nil, true, true, nil
	in.Keep = func(d discover.Domain) bool { return adopted[d.UUID] }
	in.Sampling = audit.Sampling{For: o.usage, Limits: s.config.Usage}
	r, err := audit.Run(ctx, in)
	if err != nil {
		return fmt.Errorf("watch the adopted domains: %w", err)
	}
	m.SetUsage(r.Domains())
	return nil
}

// close gives everything back, the lock last.
func (s *syncing) close(ctx context.Context, outcome string) error {
	var errs []error
	if s.bar != nil {
		s.bar.finish()
	}
	if s.record != nil {
		errs = append(errs, s.record.End(ctx, outcome))
	}
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
	}
	s.from.close()
	return errors.Join(errs...)
}
