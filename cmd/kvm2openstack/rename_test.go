package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/restart"
)

func TestSortOut(t *testing.T) {
	p := plan.Plan{Domains: []plan.Domain{{Domain: "unknown", UUID: "unknown", Decision: plan.Import}, {Domain: "skipped", UUID: "skipped", Decision: plan.Skip}}}
	adoptions := []journal.Adoption{{UUID: "skipped", State: journal.StateImported}}
	for _, s := range []journal.State{
		journal.StateBegun, journal.StateHalf, journal.StateImported, journal.StateFailed, journal.StateReleasing, journal.StateReleased,
		journal.StateRenaming, journal.StateRenamed, journal.StateReturning, journal.StateFinalized, journal.StateSwapping,
	} {
		p.Domains = append(p.Domains, plan.Domain{Domain: string(s), UUID: string(s), Decision: plan.Import})
		adoptions = append(adoptions, journal.Adoption{UUID: string(s), State: s})
	}
	names := func(domains []plan.Domain, results []restart.Result) string {
		var all []string
		for _, d := range domains {
			all = append(all, d.Domain)
		}
		for _, r := range results {
			all = append(all, r.Domain)
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		what                 string
		w                    renameWork
		todo, done, refused_ string
	}{
		{"rename", sortOut(p, adoptions, false), "imported renaming returning swapping", "renamed finalized", "unknown begun half failed releasing released"},
		{"swap", sortOut(p, adoptions, true), "imported renaming renamed returning finalized swapping", "", "unknown begun half failed releasing released"},
		{"unlink", sortOutRenamed(p, adoptions), "renamed", "finalized", "unknown begun half failed releasing released imported renaming returning swapping"},
	} {
		got := []string{names(c.w.todo, nil), names(nil, c.w.done), names(nil, c.w.refused)}
		if diff := cmp.Diff([]string{c.todo, c.done, c.refused_}, got); diff != "" {
			t.Errorf("%s, want -, got +:\n%s", c.what, diff)
		}
		for _, r := range c.w.refused {
			if r.Outcome != restart.Refused || r.Reason == "" {
				t.Errorf("%s: %+v", c.what, r)
			}
		}
	}
	if got := names(sortOut(p, adoptions, false).begun(), nil); got != "renaming returning swapping" {
		t.Errorf("begun: %s", got)
	}
}

func TestRestartStatus(t *testing.T) {
	for _, c := range []struct {
		outcomes []restart.Outcome
		want     int
	}{
		{nil, exitClean},
		{[]restart.Outcome{restart.Renamed, restart.Already, restart.Returned, restart.Finalized}, exitClean},
		{[]restart.Outcome{restart.Renamed, restart.NotTried}, exitAttention},
		{[]restart.Outcome{restart.Refused, restart.NotTried}, exitBlocked},
		{[]restart.Outcome{restart.Refused, restart.RolledBack}, exitUndone},
		{[]restart.Outcome{restart.RolledBack, restart.Half, restart.Renamed}, exitPerson},
	} {
		var results []restart.Result
		for _, o := range c.outcomes {
			results = append(results, restart.Result{Outcome: o})
		}
		if got := restartStatus(results); got != c.want {
			t.Errorf("%v: %d, want %d", c.outcomes, got, c.want)
		}
	}
	if got := restartStatus([]restart.Result{{Outcome: restart.Renamed, Warnings: []string{"x"}}}); got != exitAttention {
		t.Errorf("with a warning: %d, want %d", got, exitAttention)
	}
}

func TestAwaitWindow(t *testing.T) {
	w, err := restart.ParseWindow("01:00-05:00 UTC")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := &app{streams: streams{err: &out}}
	synctest.Test(t, func(t *testing.T) { // It begins at midnight UTC.
		if err := a.awaitWindow(t.Context(), w, []plan.Domain{{}}); err != nil || out.Len() > 0 {
			t.Errorf("with a guest that may be off: %v, %s", err, out.String())
		}
		if err := a.awaitWindow(t.Context(), w, nil); err != nil || time.Now().UTC().Format(time.TimeOnly) != "01:00:00" {
			t.Errorf("it waited until %v: %v", time.Now().UTC(), err)
		}
		if !strings.Contains(out.String(), "opens at Sat 01:00 UTC, in 1 h 00 min") {
			t.Errorf("it said %q", out.String())
		}
		if err := a.awaitWindow(t.Context(), w, nil); err != nil || time.Now().UTC().Hour() != 1 {
			t.Errorf("inside of it: %v at %v", err, time.Now().UTC())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Minute)
		defer stop()
		err := a.awaitWindow(ctx, w, nil)
		if code := exitStatus(err); code != exitAttention || time.Now().UTC().Minute() != 30 {
			t.Errorf("stopped while waiting: %v (%d) at %v", err, code, time.Now().UTC())
		}
	})
}

// viewOf is a view with a clock, on a terminal of some width or on none.
func viewOf(width int) (*restartView, *bytes.Buffer, func(time.Duration)) {
	var out bytes.Buffer
	now := time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)
	v := newRestartView(&app{streams: streams{err: &out}})
	v.width, v.now = width, func() time.Time { return now }
	return v, &out, func(d time.Duration) { now = now.Add(d) }
}

var shownTasks = []restart.Task{{Host: "kvm01", Domain: "web\x1b[2J", UUID: "1"}, {Host: "kvm02", Domain: "db", UUID: "2"}}

// play is a run of two restarts, of which one goes back.
func play(v *restartView, pass func(time.Duration)) {
	v.event(shownTasks, restart.Event{Task: 0, Left: 20 * time.Minute})
	v.event(shownTasks, restart.Event{Task: -1, Reason: "the first domain is restarted alone", Left: 20 * time.Minute})
	step := func(task int, name string, back bool, down time.Time) {
		t := shownTasks[task]
		v.step(restart.Progress{Host: t.Host, Domain: t.Domain, UUID: t.UUID, Step: name, Back: back, At: v.now(), Down: down})
	}
	step(0, "save", false, time.Time{})
	step(0, "shutdown", false, time.Time{})
	pass(12 * time.Second)
	off := v.now()
	pass(20 * time.Millisecond)
	step(0, "start", false, off)
	pass(8 * time.Second)
	step(0, "health", false, off)
	v.event(shownTasks, restart.Event{Task: 0, Left: 90 * time.Second, Result: &restart.Result{Outcome: restart.Renamed, Times: restart.Times{Down: 14300 * time.Millisecond}}})
	v.event(shownTasks, restart.Event{Task: -1})
	v.event(shownTasks, restart.Event{Task: 1, Left: 90 * time.Second})
	step(1, "restore", true, v.now())
	v.event(shownTasks, restart.Event{Task: 1, Result: &restart.Result{Outcome: restart.RolledBack, Step: "health", Reason: "tcp 22: refused\nby it"}})
}

// Elsewhere than on a terminal there is a line for each step that matters.
func TestViewLines(t *testing.T) {
	v, out, pass := viewOf(0)
	stop := v.show(2)
	play(v, pass)
	stop()
	want := `01:00:00 nothing more is begun now: the first domain is restarted alone
01:00:00 kvm01/web\x1b[2J: shutdown
01:00:12 kvm01/web\x1b[2J: start
01:00:20 kvm01/web\x1b[2J: health
01:00:20 kvm01/web\x1b[2J: renamed, down 14 s (1 of 2, about 2 min left)
01:00:20 kvm02/db: back: restore
01:00:20 kvm02/db: rolled back: health: tcp 22: refused\nby it (2 of 2)
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// On a terminal a table is drawn again and again; what is left in the end are
// the lines that stay.
func TestViewTable(t *testing.T) {
	v, out, pass := viewOf(70)
	stop := v.show(2)
	v.event(shownTasks, restart.Event{Task: 0, Left: 20 * time.Minute})
	v.step(restart.Progress{Host: "kvm01", Domain: "web", UUID: "1", Step: "start", At: v.now(), Down: v.now()})
	pass(3400 * time.Millisecond)
	if _, err := v.Write([]byte("level=WARN msg=odd\n")); err != nil {
		t.Fatal(err)
	}
	screen := replay(out.String())
	for _, line := range []string{"level=WARN msg=odd", "DOMAIN", "kvm01/web", "about 20 min left"} {
		if strings.Count(screen, line) != 1 {
			t.Errorf("the screen does not show %q once:\n%s", line, screen)
		}
	}
	if !strings.Contains(screen, "start                  3.4 s    3.4 s") {
		t.Errorf("the time it is down is not shown:\n%s", screen)
	}
	for _, line := range strings.Split(screen, "\n") {
		if len([]rune(line)) > 69 {
			t.Errorf("a line would be wrapped: %q", line)
		}
	}
	play(v, pass)
	stop()
	if screen = replay(out.String()); strings.Contains(screen, "DOMAIN") || !strings.Contains(screen, "kvm02/db: rolled back") || strings.Contains(screen, "\x1b") {
		t.Errorf("what is left on the screen:\n%q", screen)
	}
}

// replay is what a terminal shows in the end: it knows the two sequences that
// the view uses.
func replay(s string) string {
	var lines []string
	for s != "" {
		if rest, ok := strings.CutPrefix(s, "\x1b["); ok {
			n, rest, _ := strings.Cut(rest, "F\x1b[J")
			up := 0
			for _, digit := range n {
				up = up*10 + int(digit-'0')
			}
			lines, s = lines[:len(lines)-up], rest
			continue
		}
		line, rest, _ := strings.Cut(s, "\n")
		lines, s = append(lines, line), rest
	}
	return strings.Join(lines, "\n")
}

func TestUntried(t *testing.T) {
	why := errors.New("boom")
	results := untried([]restart.Task{{Domain: "a"}, {Domain: "b", Begun: true}}, why)
	if results[0].Outcome != restart.NotTried || results[1].Outcome != restart.Half || results[0].Reason != "boom" {
		t.Errorf("%+v", results)
	}
}

func TestRoughly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 42 * time.Second: "42 s", 90 * time.Second: "2 min", 8 * time.Minute: "8 min", 200 * time.Minute: "3 h 20 min",
	} {
		if got := roughly(d); got != want {
			t.Errorf("roughly(%v) = %s, want %s", d, got, want)
		}
	}
}
