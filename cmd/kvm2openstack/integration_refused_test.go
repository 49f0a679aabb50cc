//go:build integration

package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// TestHeld: while somebody else works with the journal or with the databases,
// a run is refused, says who it is, and has written nothing.
func TestHeld(t *testing.T) {
	s := newSite(t, localHost(t))
	s.command(exitAttention, "plan", "-O", s.plan)
	before := s.snapshot()
	refused := func(who string) {
		t.Helper()
		for _, command := range []string{"import", "release"} {
			if out := s.command(exitBlocked, command, s.plan, "--yes"); !strings.Contains(out, who) {
				t.Errorf("%s does not say that %q holds the lock:\n%s", command, who, out)
			}
			before.nothingChanged("a refused " + command)
		}
	}

	j, err := journal.Open(t.Context(), s.path("journal.db"))
	s.must(err)
	defer j.Close()
	r, err := j.Start(t.Context(), journal.Run{Command: "kvm2openstack import other.yaml"})
	s.must(err)
	refused(fmt.Sprint(os.Getpid()))
	refused("kvm2openstack import other.yaml")
	s.must(r.End(t.Context(), "done"))

	// Another journal, the same cloud.
	c, err := nova.Open(t.Context(), nova.Config{APIDatabase: s.url("api"), InstanceNameTemplate: "instance-%08x", InstancesPath: s.path("instances"), Logger: slog.New(slog.DiscardHandler)})
	s.must(err)
	defer c.Close()
	w, err := c.Writer(t.Context(), "alice on another-host")
	s.must(err)
	refused("alice on another-host")
	s.must(w.Close())
	s.command(warned(), "import", s.plan, "--yes", "--only", s.guests[0].name)
}

// TestWrongDatabases: what is wrong is said, without the password.
func TestWrongDatabases(t *testing.T) {
	s := newSite(t, localHost(t))
	before := s.snapshot()
	s.databases["empty"] = s.create("k2o_way_empty_"+s.guests[0].uuid[:8], "")
	good := s.url("api")
	secret := "wr0ng-s3cret"
	for _, c := range []struct{ url, says string }{
		{strings.Replace(good, s.dsn.Passwd, secret, 1), "Access denied"},
		{s.url("empty"), "no Nova"},
		{s.url("cell1"), "API"},
		{strings.Replace(good, s.dsn.Addr, "127.0.0.1:1", 1), "refused"},
	} {
		s.write("config.yaml", s.configuration(c.url, localHost(t)))
		for _, args := range [][]string{{"audit"}, {"plan", "-O", s.plan}} {
			out := s.command(exitBlocked, args...)
			t.Logf("%s", out)
			if !strings.Contains(out, c.says) || strings.Contains(out, secret) {
				t.Errorf("%v does not say %q, or says the password:\n%s", args, c.says, out)
			}
		}
		if _, err := os.Stat(s.plan); err == nil {
			t.Errorf("a plan was written although %s", c.says)
		}
	}
	delete(s.databases, "empty")
	before.nothingChanged("refusals")
}

// TestUnreachableHost: one host that cannot be reached does not hold the others.
func TestUnreachableHost(t *testing.T) {
	s := newSite(t, localHost(t))
	gone := fmt.Sprintf("{uri: %q, name: gone, key_file: %q, known_hosts: %q}", "qemu+ssh://root@127.0.0.1:1/system", env(t, "K2O_TEST_SSH_KEY"), env(t, "K2O_TEST_KNOWN_HOSTS"))
	s.write("config.yaml", s.configuration(s.url("api"), gone, localHost(t)))
	if out := s.command(exitBlocked, "audit"); !strings.Contains(out, "gone") || !strings.Contains(out, "6 domains found") {
		t.Errorf("audit:\n%s", out)
	}
	if out := s.command(exitAttention, "plan", "-O", s.plan); !strings.Contains(out, "host gone") || !strings.Contains(out, fmt.Sprintf("%d domains to import", len(s.adopted()))) {
		t.Errorf("plan:\n%s", out)
	}
	s.command(warned(), "import", s.plan, "--yes")
	s.imported("import beside a host that is gone")
	s.command(exitClean, "release", s.plan, "--yes")
}
