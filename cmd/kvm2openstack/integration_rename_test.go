//go:build integration

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// impatient has guests that hear no power button, for they have no operating
// system, cut off soon; but only those that may be.
func (s *site) impatient(host string) {
	s.t.Helper()
	s.write("config.yaml", cutOff(s.configuration(s.url("api"), host)))
}

func cutOff(configuration string) string {
	text := strings.Replace(configuration,
		`rules: [{match: {name: "running-*"}, lock: none}]`,
		`rules: [{match: {name: "running-*"}, lock: none, force: true}, {match: {name: "two-*"}, force: true}, {match: {name: "o?hara*"}, wave: 2}]`, 1)
	return text + "restart: {shutdown_timeout: 2s, max_per_host: 4, stop_after: 0}\n"
}

// A journey is the way to Nova's names and back that guests go on one release,
// and what the commands answer.
type journey struct {
	release string
	only    int // of the site's guests; all for each that can be adopted

	plan, preview, rename, again int // exit statuses

	previewed         []string // words of the preview
	renamed, measured int      // guests, and those of them that run
	others            string   // what becomes of the others
	said              []string // words on it
}

const all = -1

var journeys = []journey{
	{release: "zed", only: all, plan: exitAttention, preview: exitBlocked, rename: exitUndone, again: exitUndone,
		previewed: []string{"definition: -  <name>running-", "is off and stays off", "paused or asleep"},
		renamed:   3, measured: 2, others: ", 1 refused, 1 rolled back", said: []string{"try: "}},
	// A release changes rows, and this guest has those of all kinds that a
	// restart and the way back write.
	{release: "epoxy", only: two, rename: exitAttention, // for power is cut
		previewed: []string{"definition: -  <name>two-"}, renamed: 1, measured: 1},
}

func (j journey) takes(guest int) bool { return j.only == all || j.only == guest }

// TestRename restarts real domains under Nova's names, and a release brings
// them back. The host is reached by SSH, as most are.
func TestRename(t *testing.T) {
	for _, j := range journeys {
		t.Run(j.release, func(t *testing.T) {
			s := newSiteOf(t, j.release, sshHost(t))
			s.impatient(sshHost(t))
			before, defined := s.snapshot(), s.definitions()
			s.plans(j)
			s.command(warned(), "import", s.plan, "--yes")
			s.goes(j, before)
			s.comesBack(j)
			if diff := cmp.Diff(defined, s.definitions()); diff != "" {
				t.Errorf("definitions differ after release (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(before.cloud, s.dump()); diff != "" {
				t.Errorf("databases differ after release (-before +after):\n%s", diff)
			}
			if made := s.made(); len(made) > 0 {
				t.Errorf("release left %q below instances_path", made)
			}
		})
	}
}

func (s *site) plans(j journey) {
	s.t.Helper()
	args := []string{"plan", "-O", s.plan}
	if j.only != all {
		args = append(args, "--only", s.guests[j.only].name)
	}
	s.command(j.plan, args...)
}

// goes renames, and renames once more what is renamed.
func (s *site) goes(j journey, before snapshot) {
	s.t.Helper()
	imported := s.dump()
	out := s.command(j.preview, "rename", s.plan, "--dry-run")
	expect(s.t, out, append(j.previewed, "definition: +  <name>instance-0000000", "started by libvirt from the edited definition", "nothing was changed")...)
	before.guestsUnchanged("rename --dry-run")
	if diff := cmp.Diff(imported, s.dump()); diff != "" {
		s.t.Fatalf("rename --dry-run changed the databases (-before +after):\n%s", diff)
	}

	out = s.command(j.rename, "rename", s.plan, "--yes")
	s.t.Log(out)
	expect(s.t, out, append(j.said, fmt.Sprintf("%d renamed%s", j.renamed, j.others),
		"guests down: median", "of it our gap: median", fmt.Sprintf("(%d measured)", j.measured))...)
	s.renamed(j)
	s.command(exitClean, "verify", s.plan)
	expect(s.t, s.command(j.again, "rename", s.plan, "--yes"), fmt.Sprintf("%d already there%s", j.renamed, j.others))
	s.renamed(j)
}

func (s *site) comesBack(j journey) {
	s.t.Helper()
	expect(s.t, s.command(exitBlocked, "release", s.plan), plural(j.renamed, "guest was", "guests were")+" renamed since, and restarted for it")
	s.claimed()
	out := s.command(exitAttention, "release", s.plan, "--yes") // for power was cut
	s.t.Log(out)
	taken := 0
	for n := range s.adopted() {
		if j.takes(n) {
			taken++
		}
	}
	expect(s.t, out, fmt.Sprintf("%d returned", j.renamed), fmt.Sprintf("%d released", taken))
}

// claimed holds that what is attached to a guest is heard of before it is
// restarted for a release, and not after.
func (s *site) claimed() {
	s.t.Helper()
	g, c := s.guests[two], s.changes().claim
	process := s.process(g.uuid)
	c.do(s, g)
	defer c.mend(s, g)
	expect(s.t, s.command(exitBlocked, "release", s.plan, "--yes", "--only", g.name), "refused", c.name)
	if now := s.process(g.uuid); now != process {
		s.t.Errorf("it was restarted: %s, and now %s", process, now)
	}
}

// definitions are all of the guests that a rename and a release leave as it
// was: name, definition, state, autostart, and the disks' files.
func (s *site) definitions() map[string]string {
	s.t.Helper()
	m := map[string]string{}
	for _, g := range s.guests {
		m[g.uuid] = strings.Join([]string{
			virsh(s.t, "domname", g.uuid), virsh(s.t, "domstate", g.uuid), virsh(s.t, "dumpxml", "--inactive", "--security-info", g.uuid),
		}, "\n")
		for _, d := range g.disks {
			st := s.stat(d.path)
			m[g.uuid] += fmt.Sprint("\n", d.path, st.Ino, st.Size, st.Mode)
		}
	}
	return m
}

// renamed holds what a rename is to have left: of those it was given the
// running, the off and the one with two disks have Nova's names and paths, the
// others their own.
func (s *site) renamed(j journey) {
	s.t.Helper()
	for n, g := range s.adopted() {
		name, state := virsh(s.t, "domname", g.uuid), virsh(s.t, "domstate", g.uuid)
		ours := j.takes(n) && (n == running || n == off || n == two)
		if strings.HasPrefix(name, "instance-") != ours || state != g.state {
			s.t.Errorf("%s is called %s and is %s", g.name, name, state)
		}
		linked := strings.Contains(virsh(s.t, "dumpxml", g.uuid), filepath.Join(s.dir, "instances", g.uuid, "disk"))
		if linked != ours {
			s.t.Errorf("%s runs from the instance directory: %v, want %v", g.name, linked, ours)
		}
		if j.takes(n) {
			s.numbered("rename", g)
		}
	}
}
