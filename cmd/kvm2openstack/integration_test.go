//go:build integration

package main

import (
	"fmt"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A setting is a way to the daemon and its files, the local socket or SSH with
// SFTP, and a cloud.
type setting struct{ name, release, host string }

func settings(t *testing.T) []setting {
	return []setting{
		{"local", "zed", localHost(t)},
		{"ssh, an upgraded Zed", "zed-upgraded", sshHost(t)},
		{"local, an upgraded 2025.1", "epoxy-upgraded", localHost(t)},
	}
}

func localHost(t *testing.T) string {
	return fmt.Sprintf("{uri: %q, name: here}", "qemu:///system?socket="+env(t, "K2O_TEST_LIBVIRT_SOCKET"))
}

func sshHost(t *testing.T) string {
	return fmt.Sprintf("{uri: %q, name: there, key_file: %q, known_hosts: %q}",
		"qemu+ssh://root@"+env(t, "K2O_TEST_SSH")+"/system", env(t, "K2O_TEST_SSH_KEY"), env(t, "K2O_TEST_KNOWN_HOSTS"))
}

// warned is the status of an import that went well: without a user nova on
// the machine it warns that it could not give the directories away.
func warned() int {
	if _, err := user.Lookup("nova"); err != nil {
		return exitAttention
	}
	return exitClean
}

// A snapshot is all that was there before the command ran.
type snapshot struct {
	*site
	guests map[string]string
	cloud  []string
}

func (s *site) snapshot() snapshot { return snapshot{s, s.untouched(), s.dump()} }

// guestsUnchanged holds the promise of every command.
func (b snapshot) guestsUnchanged(after string) {
	b.t.Helper()
	if diff := cmp.Diff(b.guests, b.untouched()); diff != "" {
		b.t.Fatalf("guests differ after %s (-before +after):\n%s", after, diff)
	}
}

// nothingChanged holds the promise of commands that only look, and of release.
func (b snapshot) nothingChanged(after string) {
	b.t.Helper()
	b.guestsUnchanged(after)
	if diff := cmp.Diff(b.cloud, b.dump()); diff != "" {
		b.t.Fatalf("databases differ after %s (-before +after):\n%s", after, diff)
	}
	if made := b.made(); len(made) > 0 {
		b.t.Fatalf("%s left %q below instances_path", after, made)
	}
}

// TestWay goes from audit to release with real guests, and looks after each
// step at all that may have changed.
func TestWay(t *testing.T) {
	for _, w := range settings(t) {
		t.Run(w.name, func(t *testing.T) {
			s := newSiteOf(t, w.release, w.host)
			before := s.snapshot()
			n := len(s.adopted())
			steps := []struct {
				status int
				args   []string
				says   string
				holds  func(after string)
			}{
				{exitBlocked, []string{"audit"}, "4 ready + 1 attention + 1 blocked", before.nothingChanged},
				{exitAttention, []string{"plan", "-O", s.plan}, fmt.Sprintf("%d domains to import, 1 to skip", n), before.nothingChanged},
				{warned(), []string{"import", s.plan, "--dry-run"}, "nothing was written", before.nothingChanged},
				{exitBlocked, []string{"import", s.plan}, "--yes", before.nothingChanged},
				{warned(), []string{"import", s.plan, "--yes"}, fmt.Sprintf("%d imported", n), s.imported},
				{exitClean, []string{"verify", s.plan}, "", s.imported},
				{exitClean, []string{"verify"}, "", s.imported},
				{exitClean, []string{"status"}, "ACTIVE", s.imported},
				{exitClean, []string{"import", s.plan, "--yes"}, fmt.Sprintf("%d already there", n), s.imported},
				{exitBlocked, []string{"audit"}, "managed", s.imported},
				{exitClean, []string{"release", s.plan, "--yes", "--only", s.guests[0].name}, "1 released", before.guestsUnchanged},
				{warned(), []string{"import", s.plan, "--yes"}, fmt.Sprintf("1 imported, %d already there", n-1), s.imported},
				{exitClean, []string{"release", s.plan, "--yes"}, fmt.Sprintf("%d released", n), before.nothingChanged},
				{exitClean, []string{"verify", s.plan}, "", before.nothingChanged},
				{exitClean, []string{"release", s.plan, "--yes"}, fmt.Sprintf("%d already there", n), before.nothingChanged},
			}
			for _, step := range steps {
				out := s.command(step.status, step.args...)
				if !strings.Contains(out, step.says) {
					t.Errorf("%v does not say %q:\n%s", step.args, step.says, out)
				}
				before.guestsUnchanged(step.args[0])
				step.holds(strings.Join(step.args, " "))
			}
		})
	}
}

// imported holds what an import is to have left: rows as libvirt's state is,
// and the disks under their second names.
func (s *site) imported(after string) {
	s.t.Helper()
	var files []string
	for _, g := range s.adopted() {
		files = append(files, g.uuid, g.uuid+"/disk.info")
		for i, d := range g.disks {
			name := []string{"disk", "disk.eph0"}[i]
			files = append(files, g.uuid+"/"+name)
			link := s.stat(filepath.Join(s.dir, "instances", g.uuid, name))
			if disk := s.stat(d.path); link.Ino != disk.Ino || link.Nlink != 2 {
				s.t.Errorf("after %s: %s of %s has inode %d and %d names, the disk has inode %d", after, name, g.name, link.Ino, link.Nlink, disk.Ino)
			}
		}
		s.row(after, g)
	}
	slices.Sort(files)
	if diff := cmp.Diff(files, s.made()); diff != "" {
		s.t.Errorf("after %s: below instances_path (-want +got):\n%s", after, diff)
	}
}

// row compares one instance with its guest.
func (s *site) row(after string, g *guest) {
	s.t.Helper()
	state := map[string]string{"running": "vm_state=active;power_state=1;", "paused": "vm_state=paused;power_state=3;", "shut off": "vm_state=stopped;power_state=4;"}[g.state]
	locked := "1"
	if strings.HasPrefix(g.name, "running-") { // the rule of the configuration
		locked = "0"
	}
	want := []string{fmt.Sprintf("display_name=%s;%stask_state=NULL;host=%s;node=%s;deleted=0;locked=%s;", g.name, state, computeHost, computeHost, locked)}
	got := s.rows(s.databases["cell1"], "SELECT display_name, vm_state, power_state, task_state, host, node, deleted, locked FROM instances WHERE uuid = ?", g.uuid)
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("after %s: instance of %s (-want +got):\n%s", after, g.name, diff)
	}
	s.numbered(after, g)
	for _, q := range []struct {
		database, table, column string
		want                    int
	}{
		{"cell1", "block_device_mapping", "instance_uuid", len(g.disks)},
		{"cell1", "instance_extra", "instance_uuid", 1},
		{"cell1", "instance_info_caches", "instance_uuid", 1},
		{"api", "instance_mappings", "instance_uuid", 1},
		{"api", "request_specs", "instance_uuid", 1},
	} {
		if got := s.rows(s.databases[q.database], "SELECT id FROM "+q.table+" WHERE "+q.column+" = ?", g.uuid); len(got) != q.want {
			s.t.Errorf("after %s: %s has %d rows in %s, want %d", after, g.name, len(got), q.table, q.want)
		}
	}
	cache := s.column(s.databases["cell1"], "SELECT network_info FROM instance_info_caches WHERE instance_uuid = ?", g.uuid)
	if g.nic != "" && (len(cache) != 1 || !strings.Contains(cache[0], g.nic) || !strings.Contains(cache[0], g.address)) {
		s.t.Errorf("after %s: network cache of %s is %q, want %s with %s in it", after, g.name, cache, g.nic, g.address)
	}
}
