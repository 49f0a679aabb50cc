package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
)

func addSampleFlag(cmd *cobra.Command, s *selection) {
	cmd.Flags().DurationVar(&s.sample, "sample", 0, "watch running domains for `TIME` (10s, 10m) and say what they use, which are idle, and which are larger than they need be")
}

// shortestSample is well above what a host takes to answer.
const shortestSample = time.Second

// checkSample refuses what would measure nothing.
func (s *selection) checkSample() error {
	switch {
	case s.sample == 0:
		return nil
	case s.sample < shortestSample:
		return usagef("--sample %v is too short to say anything: give %v or more", s.sample, shortestSample)
	case s.fromDir != "":
		return usagef("--sample watches running domains, and a folder of definitions (--from-dir) has none: name hosts")
	}
	return nil
}

// sampling is how the audit is to watch, with its progress as for the reading.
func (s *selection) sampling(c config, a *app) audit.Sampling {
	return audit.Sampling{For: s.sample, Limits: c.Usage, Begin: func(hosts int) (func(discover.Progress), func()) {
		b := &watchBar{app: a}
		if obeys(a.err) {
			bar := newBar(a, hosts, fmt.Sprintf("watching %d hosts for %v", hosts, s.sample))
			b.add = func() { bar.Add(1) } // a bar that cannot be drawn is no reason to stop
			return b.progress, func() { bar.Finish() }
		}
		return b.progress, func() {}
	}}
}

// A watchBar shows which hosts have been watched: a bar on a terminal, a line
// a host elsewhere with -v.
type watchBar struct {
	mu  sync.Mutex
	app *app
	add func() // nil without a terminal
}

// progress is called from many goroutines.
func (b *watchBar) progress(p discover.Progress) {
	if !p.Done {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.add != nil:
		b.add()
	case b.app.verbose && p.Err != nil:
		fmt.Fprintf(b.app.err, "%v\n", p.Err)
	case b.app.verbose:
		fmt.Fprintf(b.app.err, "host %s watched: %d running domains\n", p.Host, p.Domains)
	}
}
