package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/onboard"
	"github.com/lightcloud/kvm2openstack/nova"
)

// An onboarding is a run that may write: the journal with its lock, Nova's
// databases with theirs, and who is to use them.
type onboarding struct {
	*onboard.Onboarder
	journal *journal.Journal
	record  *journal.Recorder
	db      *nova.Cloud
	writer  *nova.Writer
}

// onboarderMade sees an onboarder before it begins: tests have one end this process
// in the middle of a step.
var onboarderMade = func(*onboard.Onboarder) {}

// openOnboarding opens all that a run needs, locks first.
func (o *onboardOptions) openOnboarding(ctx context.Context, a *app, c config) (run *onboarding, err error) {
	run = &onboarding{}
	defer func() {
		if err != nil {
			err = errors.Join(err, run.close(ctx, "did not begin"))
			run = nil
		}
	}()
	side, err := c.openCloud(ctx, a)
	if err != nil {
		return run, err
	}
	if run.db, err = c.requireNova(ctx, a); err != nil {
		return run, err
	}
	if run.journal, err = journal.Open(ctx, c.Journal); err != nil {
		return run, err
	}
	if run.record, err = run.journal.Start(ctx, journal.Run{Command: commandLine(), Version: version}); err != nil {
		return run, err
	}
	if run.writer, err = run.db.Writer(ctx, run.record.Holder().String()); err != nil {
		return run, err
	}
	var saying sync.Mutex
	run.Onboarder = &onboard.Onboarder{
		Nova: run.db, Writer: run.writer, API: side.api, Journal: run.record, Open: onboard.OpenMachine, Settings: c.Onboard, Log: a.log(),
		Progress: func(host, step string) {
			saying.Lock()
			defer saying.Unlock()
			fmt.Fprintf(a.err, "%s: %s\n", host, step)
		},
	}
	onboarderMade(run.Onboarder)
	return run, nil
}

// close gives everything back, the locks last.
func (r *onboarding) close(ctx context.Context, outcome string) error {
	var errs []error
	if r.writer != nil {
		errs = append(errs, r.writer.Close())
	}
	if r.record != nil {
		errs = append(errs, r.record.End(ctx, outcome))
	}
	if r.journal != nil {
		errs = append(errs, r.journal.Close())
	}
	closeNova(r.db)
	return errors.Join(errs...)
}

// begun says of which hosts the journal has an onboarding.
func (c config) begun(ctx context.Context, all []onboard.Assessment) (map[string]bool, error) {
	j, err := journal.OpenExisting(ctx, c.Journal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer j.Close() // only read
	names := make([]string, len(all))
	for i, one := range all {
		names[i] = one.Host.ComputeHost()
	}
	return onboard.Begun(ctx, j, names)
}

// todo are the hosts that onboarding is the remedy for, and those of which one
// was begun, unless something else stands against them.
func todo(all []onboard.Assessment, begun map[string]bool) (work []onboard.Assessment) {
	for _, one := range all {
		going := begun[strings.ToLower(one.Host.ComputeHost())] && len(one.Verdict.Problems) == 0
		if going || one.Verdict.Ours() {
			work = append(work, one)
		}
	}
	return work
}

// carryOut makes the hosts Nova's that can be.
func (o *onboardOptions) carryOut(ctx context.Context, a *app, c config, hosts []discover.Host) error {
	found, in, err := o.assess(ctx, a, c, hosts)
	if err != nil {
		return stopped(err)
	}
	begun, err := c.begun(ctx, found)
	if err != nil {
		return err
	}
	work := todo(found, begun)
	if len(work) == 0 {
		return o.print(a, found)
	}
	if err := a.confirm(ctx, o.yes, notesOf(work)+o.question(work)); err != nil {
		return err
	}
	run, err := o.openOnboarding(ctx, a, c)
	if err != nil {
		return err
	}
	jobs := make([]onboard.Job, len(work))
	for i, one := range work {
		jobs[i] = onboard.Job{Host: one.Host, Cloud: in, Reach: hostCalled(hosts, one.Host.Name), Way: onboard.Way(o.way), Cell: o.cell}
	}
	end := report.OnboardEnd{Results: run.Onboard(ctx, jobs), Judged: work, Others: left(found, work)}
	closed := run.close(ctx, onboard.Outcomes(end.Results))
	end.Touched = onboard.Touched(hostsOf(found), o.survey(c, hosts).Run(context.WithoutCancel(ctx)))
	return o.conclude(a, end, closed)
}

func hostsOf(all []onboard.Assessment) []onboard.Host {
	hosts := make([]onboard.Host, len(all))
	for i, one := range all {
		hosts[i] = one.Host
	}
	return hosts
}

// notesOf is what is worth knowing before somebody says yes.
func notesOf(work []onboard.Assessment) string {
	var b strings.Builder
	for _, one := range work {
		for _, note := range one.Verdict.Notes {
			fmt.Fprintf(&b, "%s: note: %s\n", report.Line(one.Host.Name), report.Line(note))
		}
	}
	return b.String()
}

func (o *onboardOptions) question(work []onboard.Assessment) string {
	names, first, unmapped := make([]string, len(work)), false, false
	for i, one := range work {
		names[i] = one.Host.Name
		first = first || one.Verdict.Has(onboard.FirstStart)
		unmapped = unmapped || one.Verdict.Has(onboard.NotMapped)
	}
	how := "guests keep running"
	switch {
	case first && o.way == string(onboard.ByRecords):
		how = "a services row and compute_id are written, then nova-compute starts; guests keep running"
	case first:
		how = "nova-compute starts once on an empty libvirt, then as it is to be; guests keep running"
	case unmapped:
		how = "mapped to its cell, with its service disabled first where it has guests that are not adopted; guests keep running"
	}
	return fmt.Sprintf("have Nova take %s (%s)", report.Line(strings.Join(names, ", ")), how)
}

func hostCalled(hosts []discover.Host, name string) discover.Host {
	for _, h := range hosts {
		if h.Name == name {
			return h
		}
	}
	return discover.Host{} // of a name that was not asked for there is none
}

// left are the hosts that there is nothing to do for, or nothing that this
// program may do.
func left(found, work []onboard.Assessment) (others []onboard.Assessment) {
	for _, one := range found {
		mine := false
		for _, w := range work {
			mine = mine || w.Host.Name == one.Host.Name
		}
		if !mine {
			others = append(others, one)
		}
	}
	return others
}

// undo takes onboardings back, as the journal says.
func (o *onboardOptions) undo(ctx context.Context, a *app, c config, hosts []discover.Host) error {
	found := o.survey(c, hosts).Run(ctx)
	backs, away := returns(found, hosts)
	if len(backs) == 0 {
		return o.conclude(a, report.OnboardEnd{Results: away}, nil)
	}
	names := make([]string, len(backs))
	for i, b := range backs {
		names[i] = b.Host
	}
	question := fmt.Sprintf("take %s out of Nova again (nova-compute is stopped there; service, node, provider, mapping and compute_id that came of the onboarding go; where it was only mapped the mapping goes, and its service is enabled as before; guests keep running)", strings.Join(names, ", "))
	if err := a.confirm(ctx, o.yes, question); err != nil {
		return err
	}
	run, err := o.openOnboarding(ctx, a, c)
	if err != nil {
		return err
	}
	end := report.OnboardEnd{Results: append(run.Undo(ctx, backs), away...)}
	closed := run.close(ctx, onboard.Outcomes(end.Results))
	end.Touched = onboard.Touched(found, o.survey(c, hosts).Run(context.WithoutCancel(ctx)))
	return o.conclude(a, end, closed)
}

// returns are the hosts of which an onboarding can be taken back, and those that
// could not be read, which are not tried.
func returns(found []onboard.Host, hosts []discover.Host) (backs []onboard.Return, away []onboard.Result) {
	for i, h := range found {
		if h.Err != "" {
			away = append(away, onboard.Result{Host: h.Name, Name: h.ComputeHost(), Outcome: onboard.NotTried, Err: errors.New(h.Err)})
			continue
		}
		backs = append(backs, onboard.Return{Host: h.Name, ComputeHost: h.ComputeHost(), Reach: hosts[i]})
	}
	return backs, away
}
