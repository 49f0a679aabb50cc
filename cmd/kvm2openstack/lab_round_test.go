//go:build lab

package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// A round is some guests of the test's own that are adopted together and then
// worked with side by side.
type round struct {
	*lab
	*users
	seenBy recorder
	guests []*legacy
	plan   plan.Plan
	before map[string]map[string]string // what guests saw before the import, by UUID
	since  []logMark                    // of Nova, from before the import
}

// newRound makes the guests and imports them. Whatever becomes of them, nothing
// is left when the test ends.
func newRound(t *testing.T, b batch, shapes []string) *round {
	t.Helper()
	l := newLab(t, func(text string) string {
		return strings.Replace(restartConfiguration(text), "stop_after: 0}", "stop_after: 0, resume_paused: true}", 1)
	})
	l.must(appendRules(l.config, b.rules()))
	r := &round{lab: l, users: &users{l.newAPI(administrator), l.newAPI(owner)}}
	l.t.Cleanup(r.forget)
	r.guests = l.clones(b, shapes)
	l.greet()
	r.before = l.seenBefore(r.guests)
	_, text := l.try("plan", "-O", l.plan, "--only", b.prefix+"-*")
	t.Log(text)
	var err error
	r.plan, err = plan.Load(l.plan)
	l.must(err)
	for _, d := range r.plan.Domains {
		if d.Decision != plan.Import {
			t.Fatalf("%s is not to be imported: %+v", d.Domain, d.Findings)
		}
	}
	r.since = l.markNova()
	t.Log(l.command(exitClean, "import", l.plan, "--yes"))
	r.imageRefs()
	return r
}

// seenBefore is what guests see before they are adopted. One that is paused has
// to run for that; one that is off, and never ran, has nothing to say.
func (l *lab) seenBefore(guests []*legacy) map[string]map[string]string {
	l.t.Helper()
	before := map[string]map[string]string{}
	for _, g := range guests {
		switch l.virsh("domstate", g.uuid) {
		case "running":
			before[g.uuid] = l.state(g.nics[0].address)
		case "paused":
			l.virsh("resume", g.uuid)
			before[g.uuid] = l.state(g.nics[0].address)
			l.virsh("suspend", g.uuid)
		}
	}
	return before
}

// appendRules adds to the rules of a configuration.
func appendRules(file, rules string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(strings.Replace(string(text), "rules:\n", "rules:\n"+rules, 1)), 0o600)
}

// imageRefs adds what the import has found out: the placeholder image.
func (r *round) imageRefs() {
	r.t.Helper()
	for i := range r.plan.Domains {
		d := &r.plan.Domains[i]
		s, err := r.admin.show(d.UUID)
		r.must(err)
		image, _ := s.Image.(map[string]any)
		d.ImageRef, _ = image["id"].(string)
	}
}

// day is one guest of the round, for a test of its own.
func (r *round) day(t *testing.T, g *legacy) *day {
	t.Helper()
	l := *r.lab
	l.t = t
	i := slices.IndexFunc(r.plan.Domains, func(d plan.Domain) bool { return d.UUID == g.uuid })
	shape := shapeOf(g)
	d := &day{lab: &l, users: r.users, seenBy: &r.seenBy, guest: g, shape: shape, whole: r.plan, plan: r.plan.Domains[i], status: adoptable[labPrefix+shape], boots: 1, locked: r.plan.Domains[i].Lock != plan.None}
	if shape == "off01" {
		d.boots = 0
	}
	d.hardware = r.before[g.uuid]
	d.log = l.markLog("nova-compute")
	return d
}

// shapeOf is the shape that a guest was made of.
func shapeOf(g *legacy) (shape string) {
	_, shape, _ = strings.Cut(g.name, "-")
	return shape
}

// ends looks at Nova's logs since before the import, and notes what was seen if
// there is nothing in them.
func (r *round) ends(t *testing.T, excuses ...excuse) {
	t.Helper()
	quiet := t.Run("Nova's logs", func(t *testing.T) {
		l := *r.lab
		l.t = t
		l.novaSaysNothing(r.since, r.seenBy.failed, excuses...)
	})
	if quiet {
		r.seenBy.keep(r.lab)
	}
}

// each does the same with all guests of a round, as many at a time as go
// test has subtests run: -parallel, else the number of processors.
func (r *round) each(t *testing.T, name string, do func(*day)) {
	t.Run(name, func(t *testing.T) {
		for _, g := range r.guests {
			t.Run(g.name, func(t *testing.T) {
				t.Parallel()
				d := r.day(t, g)
				t.Cleanup(func() {
					if t.Failed() {
						r.seenBy.forget(d.shape)
					}
				})
				do(d)
			})
		}
	})
}
