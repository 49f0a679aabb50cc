package main

import (
	"fmt"
	"sync"

	"github.com/schollz/progressbar/v3"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A scanBar shows how far the reading of hosts has come: a bar on a terminal,
// a plain line a host elsewhere with -v, nothing otherwise.
type scanBar struct {
	mu      sync.Mutex
	bar     *progressbar.ProgressBar
	app     *app
	hosts   int
	done    int
	domains int
	errors  int
}

func newScanBar(a *app, hosts int) *scanBar {
	b := &scanBar{app: a, hosts: hosts}
	if obeys(a.err) {
		b.bar = newBar(a, hosts, "reading hosts")
	}
	return b
}

// newBar draws on standard error, which is a terminal: what is done and how
// long the rest will take. On a narrow one it has no words, for a line that
// wraps cannot be drawn over.
func newBar(a *app, total int, what string) *progressbar.ProgressBar {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(a.err),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(!narrow(a)),
		progressbar.OptionSetElapsedTime(!narrow(a)),
	}
	if narrow(a) {
		return progressbar.NewOptions(total, append(options, progressbar.OptionSetWidth(1))...)
	}
	return progressbar.NewOptions(total, append(options, progressbar.OptionSetDescription(what), progressbar.OptionFullWidth())...)
}

// narrow reports whether a bar with words would wrap.
func narrow(a *app) bool { return columns(terminal(a.err)) < 70 }

// progress is called from many goroutines.
func (b *scanBar) progress(p discover.Progress) {
	if !p.Done {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done++
	b.domains += p.Domains
	if p.Err != nil {
		b.errors++
	}
	switch {
	case b.bar != nil && narrow(b.app):
		b.bar.Add(1) // a bar that cannot be drawn is no reason to stop
	case b.bar != nil:
		b.bar.Describe(fmt.Sprintf("reading hosts: %d domains, %d errors", b.domains, b.errors))
		b.bar.Add(1) // see above
	case b.app.verbose:
		fmt.Fprintf(b.app.err, "host %s done (%d of %d): %d domains\n", p.Host, b.done, b.hosts, p.Domains)
	}
}

func (b *scanBar) finish() {
	if b.bar != nil {
		b.bar.Finish() // see progress
	}
}
