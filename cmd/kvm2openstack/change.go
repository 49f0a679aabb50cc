package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/schollz/progressbar/v3"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A change is a run that may write: the journal with its lock, Nova's
// databases with theirs, and who is to use them.
type change struct {
	*importer.Importer
	journal *journal.Journal
	record  *journal.Recorder
	db      *nova.Cloud
	writer  *nova.Writer
	bar     *progressbar.ProgressBar
}

// openChange opens all that a run needs, locks first. Whatever it opened is
// closed again when it fails.
func (a *app) openChange(ctx context.Context, c config, p plan.Plan, side cloudSide) (ch *change, err error) {
	ch = &change{}
	defer func() {
		if err != nil {
			err = errors.Join(err, ch.close(ctx, "did not begin"))
			ch = nil
		}
	}()
	hosts, err := c.planHosts(p)
	if err != nil {
		return ch, err
	}
	if ch.db, err = c.requireNova(ctx, a); err != nil {
		return ch, err
	}
	if err = needsRelease(ch.db.Release()); err != nil {
		return ch, err
	}
	if ch.journal, err = journal.Open(ctx, c.Journal); err != nil {
		return ch, err
	}
	if ch.record, err = ch.journal.Start(ctx, journal.Run{Command: commandLine(), Version: version}); err != nil {
		return ch, err
	}
	if ch.writer, err = ch.db.Writer(ctx, ch.record.Holder().String()); err != nil {
		return ch, err
	}
	ch.Importer, err = ch.newImporter(ctx, a, c, side, reach(hosts))
	return ch, err
}

func (ch *change) newImporter(ctx context.Context, a *app, c config, side cloudSide, reach func(plan.Host) discover.Host) (*importer.Importer, error) {
	adoptions, err := ch.journal.Adoptions(ctx)
	if err != nil {
		return nil, err
	}
	return &importer.Importer{
		Nova: ch.db, Writer: ch.writer, Hosts: importer.Libvirt{Options: c.scanOptions()},
		Journal: ch.record, Snapshot: side.snapshot, Cloud: side.API(), RequestID: "req-" + uuid.NewString(),
		Earlier: importer.Earlier(adoptions), Log: a.log(), Reach: reach, Progress: ch.progress(a),
	}, nil
}

// reach finds the host that planHosts prepared.
func reach(hosts []discover.Host) func(plan.Host) discover.Host {
	byName := make(map[string]discover.Host)
	for _, h := range hosts {
		byName[h.Name] = h
	}
	return func(h plan.Host) discover.Host { return byName[h.Name] }
}

// progress draws the bar, or says nothing where there is no terminal.
func (ch *change) progress(a *app) func(importer.Progress) {
	return func(p importer.Progress) {
		if !obeys(a.err) {
			return
		}
		if ch.bar == nil {
			ch.bar = newBar(a, p.Total, "domains")
		}
		ch.bar.Set(p.Done) // a bar that cannot be drawn is no reason to stop
	}
}

// close gives everything back, the locks last.
func (ch *change) close(ctx context.Context, outcome string) error {
	var errs []error
	if ch.bar != nil {
		ch.bar.Finish() // see progress
	}
	if ch.writer != nil {
		errs = append(errs, ch.writer.Close())
	}
	if ch.record != nil {
		errs = append(errs, ch.record.End(ctx, outcome))
	}
	if ch.journal != nil {
		errs = append(errs, ch.journal.Close())
	}
	closeNova(ch.db)
	return errors.Join(errs...)
}

// commandLine is what was typed, for the journal. Secrets are never on it.
func commandLine() string { return "kvm2openstack " + strings.Join(os.Args[1:], " ") }

// summaryStatus is the exit status of a run that changed something.
func summaryStatus(s importer.Summary) int {
	switch {
	case s.Count(importer.Half)+s.Count(importer.NotTried) > 0:
		return exitPerson
	case s.Count(importer.RolledBack) > 0:
		return exitUndone
	case s.Count(importer.Refused) > 0:
		return exitBlocked
	case s.Warnings() > 0:
		return exitAttention
	}
	return exitClean
}

// countImports is how many domains of p are to be imported.
func countImports(p plan.Plan) (n int) {
	for _, d := range p.Domains {
		if d.Decision == plan.Import {
			n++
		}
	}
	return n
}

// onHosts is how many hosts those domains are on.
func onHosts(p plan.Plan) int {
	hosts := map[string]bool{}
	for _, d := range p.Domains {
		if d.Decision == plan.Import {
			hosts[d.Host] = true
		}
	}
	return len(hosts)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", one)
	}
	return fmt.Sprintf("%d %s", n, many)
}
