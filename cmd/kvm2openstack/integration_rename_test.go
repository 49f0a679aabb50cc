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

// TestRename restarts real domains under Nova's names, and a release brings
// them back. The host is reached by SSH, as most are.
func TestRename(t *testing.T) {
	host := sshHost(t)
	s := newSite(t, host)
	s.impatient(host)
	before, defined := s.snapshot(), s.definitions()
	s.command(exitAttention, "plan", "-O", s.plan)
	s.command(warned(), "import", s.plan, "--yes")
	imported := s.dump()

	out := s.command(exitBlocked, "rename", s.plan, "--dry-run")
	expect(t, out, "definition: -  <name>running-", "definition: +  <name>instance-0000000", "started by libvirt from the edited definition", "is off and stays off", "paused or asleep", "nothing was changed")
	before.guestsUnchanged("rename --dry-run")
	if diff := cmp.Diff(imported, s.dump()); diff != "" {
		t.Fatalf("rename --dry-run changed the databases (-before +after):\n%s", diff)
	}

	out = s.command(exitUndone, "rename", s.plan, "--yes")
	t.Log(out)
	expect(t, out, "3 renamed, 1 refused, 1 rolled back", "guests down: median", "of it our gap: median", "(2 measured)", "try: ")
	s.renamed()
	s.command(exitClean, "verify", s.plan)
	expect(t, s.command(exitUndone, "rename", s.plan, "--yes"), "3 already there, 1 refused, 1 rolled back")
	s.renamed()
	expect(t, s.command(exitBlocked, "release", s.plan), "3 guests were renamed since, and restarted for it")

	out = s.command(exitAttention, "release", s.plan, "--yes") // for power was cut
	t.Log(out)
	expect(t, out, "3 returned", "5 released")
	if diff := cmp.Diff(defined, s.definitions()); diff != "" {
		t.Errorf("definitions differ after release (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(before.cloud, s.dump()); diff != "" {
		t.Errorf("databases differ after release (-before +after):\n%s", diff)
	}
	if made := s.made(); len(made) > 0 {
		t.Errorf("release left %q below instances_path", made)
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

// renamed holds what a rename is to have left: the running, the off and the
// one with two disks have Nova's names and paths, the others their own.
func (s *site) renamed() {
	s.t.Helper()
	for n, g := range s.adopted() {
		name, state := virsh(s.t, "domname", g.uuid), virsh(s.t, "domstate", g.uuid)
		ours := n == 0 || n == 2 || n == 3
		if strings.HasPrefix(name, "instance-") != ours || state != g.state {
			s.t.Errorf("%s is called %s and is %s", g.name, name, state)
		}
		linked := strings.Contains(virsh(s.t, "dumpxml", g.uuid), filepath.Join(s.dir, "instances", g.uuid, "disk"))
		if linked != ours {
			s.t.Errorf("%s runs from the instance directory: %v, want %v", g.name, linked, ours)
		}
	}
}
