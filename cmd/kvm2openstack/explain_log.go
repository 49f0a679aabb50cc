package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/cmd/kvm2openstack/report"
	"github.com/lightcloud/kvm2openstack/importer/onboard"
)

// isLog reports whether that was taken from a log: a code and the name of a
// domain do not look like it, and name= says that it is none all the same.
func isLog(what string) bool {
	return what == "-" || !strings.HasPrefix(what, "name=") && (len(onboard.Text(what)) > 0 || onboard.LooksLogged(what))
}

// explainLog explains lines of nova-compute's log, for "-" those on standard
// input.
func (o *explainOptions) explainLog(ctx context.Context, a *app, what string) error {
	if o.namesHosts() {
		return usagef("what a log says is explained without hosts; a domain that is called like this is name= and its name")
	}
	found, lines := onboard.Text(what), 1
	if what == "-" {
		var err error
		if found, lines, err = readLog(ctx, a); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		return usagef("%s of a log looked at, and none is among those that explain knows: with which nova-compute refuses a host, or complains of guests that are not Nova's",
			report.Count(lines, "line"))
	}
	for i, line := range found {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		report.ExplainLogLine(a.out, line, a.style())
	}
	return nil
}

// A logRead is what onboard.Read has returned.
type logRead struct {
	found []onboard.Seen
	lines int
	err   error
}

// readLog ends with ctx, too: a terminal may never say anything.
func readLog(ctx context.Context, a *app) ([]onboard.Seen, int, error) {
	r, ok := unlessDone(ctx, func() (r logRead) {
		r.found, r.lines, r.err = onboard.Read(a.in)
		return r
	})
	if !ok {
		return nil, 0, stopped(ctx.Err())
	}
	return r.found, r.lines, r.err
}
