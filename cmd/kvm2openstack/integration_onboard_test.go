//go:build integration

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func runCommand(name string, args ...string) ([]byte, error) {
	return exec.Command(name, args...).CombinedOutput()
}

// hostIs is what Nova, Placement and the host have of the host, as an operator
// sees it: rows that are deleted softly are not seen.
func (s *site) hostIs() string {
	s.t.Helper()
	var b strings.Builder
	for _, q := range []struct{ database, query string }{
		{"cell1", "SELECT host, disabled, disabled_reason IS NOT NULL AS reason, forced_down, version, report_count > 0 AS reported FROM services WHERE deleted = 0 AND `binary` = 'nova-compute' ORDER BY id"},
		{"cell1", "SELECT host, hypervisor_hostname FROM compute_nodes WHERE deleted = 0 ORDER BY id"},
		{"api", "SELECT h.host, c.name FROM host_mappings h JOIN cell_mappings c ON c.id = h.cell_id"},
		{"placement", "SELECT name, inventories FROM providers"},
	} {
		fmt.Fprintln(&b, strings.Join(s.rows(s.databases[q.database], q.query), "\n"))
	}
	fmt.Fprintln(&b, "nova-compute runs:", s.computeRuns())
	fmt.Fprintln(&b, strings.Join(s.stateFiles(), "\n"))
	out, err := runCommand("ssh", "-p", s.port(), "-i", env(s.t, "K2O_TEST_SSH_KEY"), "-o", "UserKnownHostsFile="+env(s.t, "K2O_TEST_KNOWN_HOSTS"), "root@127.0.0.1", "ls -A /run | grep -c first-start; true")
	if err != nil {
		s.t.Fatalf("ssh: %v %s", err, out)
	}
	fmt.Fprintf(&b, "files of a first start: %s", out)
	return b.String()
}

// computeRuns says on which libvirt the host's nova-compute runs.
func (s *site) computeRuns() string {
	text, err := os.ReadFile(s.path("state/pid"))
	if err != nil {
		return "not"
	}
	uri, err := os.ReadFile(s.path("state/uri"))
	s.must(err)
	return fmt.Sprintf("%s, alive: %v", bytes.TrimSpace(uri), syscall.Kill(number(s.t, text), 0) == nil)
}

func number(t *testing.T, text []byte) int {
	t.Helper()
	n, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// stateFiles are the files of nova-compute's state, but for what the script that
// stands for it keeps beside them.
func (s *site) stateFiles() (names []string) {
	s.t.Helper()
	all, err := os.ReadDir(s.path("state"))
	s.must(err)
	for _, f := range all {
		if !slices.Contains([]string{"cell.cnf", "late", "log", "pid", "placement", "uri"}, f.Name()) {
			names = append(names, f.Name())
		}
	}
	return names
}

func (s *site) port() string {
	_, port, _ := strings.Cut(env(s.t, "K2O_TEST_SSH"), ":")
	return port
}

// onboardedIs is the same of a host that was onboarded.
func (s *site) onboardedIs(version int) string {
	return fmt.Sprintf(`host=%[1]s;disabled=1;reason=1;forced_down=0;version=%[2]d;reported=1;
host=%[1]s;hypervisor_hostname=%[3]s;
host=%[1]s;name=cell1;
name=%[3]s;inventories=1;
nova-compute runs: qemu:///system, alive: true
compute_id
files of a first start: 0
`, newHost, version, computeHost)
}

// TestOnboard has a host with real guests refused, made Nova's and taken back,
// both ways, on each release that refuses it.
func TestOnboard(t *testing.T) {
	for release, ways := range map[string][]string{"epoxy": {"first-start", "records"}, "hibiscus": {"records"}} {
		for _, way := range ways {
			t.Run(release+" "+way, func(t *testing.T) {
				s := newOnboardSite(t, release)
				guests, before, rows := s.untouched(), s.hostIs(), s.dump()
				same := func(after string) {
					t.Helper()
					if diff := cmp.Diff(guests, s.untouched()); diff != "" {
						t.Fatalf("guests differ after %s (-before +after):\n%s", after, diff)
					}
				}
				onboard := func(status int, args ...string) string {
					return s.command(status, append([]string{"onboard", "there", "--way", way}, args...)...)
				}
				text := onboard(exitAttention)
				t.Log(text)
				for _, word := range []string{"there: refused", `no nova-compute of host "kvm07", and libvirt has 6 domains`, "kvm07 to Nova, k2o-a to libvirt", "next: kvm2openstack onboard"} {
					if !strings.Contains(text, word) {
						t.Errorf("it does not say %q:\n%s", word, text)
					}
				}
				if diff := cmp.Diff(rows, s.dump()); diff != "" {
					t.Fatalf("looking has changed rows (-before +after):\n%s", diff)
				}
				s.refusedByNova()

				text = onboard(exitClean, "--apply", "--yes")
				t.Log(text)
				if diff := cmp.Diff(s.onboardedIs(s.conductorVersion()), s.hostIs()); diff != "" {
					t.Fatalf("onboarded (-want +got):\n%s\n%s", diff, text)
				}
				for _, word := range []string{"there: onboarded", "ok ", "host mapping: cell1", "all guests are as they were", "openstack compute service set --enable kvm07 nova-compute"} {
					if !strings.Contains(text, word) {
						t.Errorf("it does not say %q:\n%s", word, text)
					}
				}
				same("onboarding")
				if text := onboard(exitClean); !strings.Contains(text, "there: accepted") || !strings.Contains(text, "its service is disabled") {
					t.Errorf("afterwards:\n%s", text)
				}
				onboard(exitClean, "--apply", "--yes")

				text = s.command(exitClean, "onboard", "there", "--undo", "--yes")
				if diff := cmp.Diff(before, s.hostIs()); diff != "" {
					t.Errorf("taken back (-before +after):\n%s\n%s", diff, text)
				}
				same("the undo")
				s.refusedByNova()
				if status, text := s.try("onboard", "there", "--undo", "--yes"); status != exitBlocked || !strings.Contains(text, "the journal knows of no onboarding") {
					t.Errorf("a second undo: %d\n%s", status, text)
				}
				s.noSecrets()
			})
		}
	}
}

// refusedByNova: what stands for nova-compute refuses the host, as the real one.
func (s *site) refusedByNova() {
	s.t.Helper()
	out, err := runCommand("ssh", "-p", s.port(), "-i", env(s.t, "K2O_TEST_SSH_KEY"), "-o", "UserKnownHostsFile="+env(s.t, "K2O_TEST_KNOWN_HOSTS"), "root@127.0.0.1",
		s.script("start", "--config-file "+s.path("nova.conf")))
	log, _ := os.ReadFile(s.path("state/log"))
	if err != nil || !strings.Contains(string(log), "My hypervisor has existing instances") {
		s.t.Fatalf("nova-compute was to refuse the host: %v %s\n%s", err, out, log)
	}
	s.must(os.Remove(s.path("state/log")))
}

func (s *site) conductorVersion() (version int) {
	s.must(s.databases["cell1"].QueryRow("SELECT version FROM services WHERE `binary` = 'nova-conductor'").Scan(&version))
	return version
}

// noSecrets: none is in the journal.
func (s *site) noSecrets() {
	s.t.Helper()
	for _, name := range []string{"journal.db", "journal.db-wal"} {
		text, err := os.ReadFile(s.path(name))
		if err != nil {
			continue // it was written into the other
		}
		for _, secret := range []string{"secret-of", s.dsn.Passwd} {
			if bytes.Contains(text, []byte(secret)) {
				s.t.Errorf("%s has %q in it", name, secret)
			}
		}
	}
}

// TestOnboardOlder: what does not refuse a host is not made to accept it.
func TestOnboardOlder(t *testing.T) {
	for _, release := range []string{"victoria", "zed"} {
		s := newOnboardSite(t, release)
		text := s.command(exitClean, "onboard", "there", "--apply", "--yes")
		if !strings.Contains(text, "there: accepted") || !strings.Contains(text, "compute service set --disable kvm07") {
			t.Errorf("%s:\n%s", release, text)
		}
		if _, err := os.Stat(s.path("journal.db")); err == nil {
			t.Errorf("%s: there is a journal", release)
		}
	}
}

// TestOnboardBad has what only a whole cloud can have wrong.
func TestOnboardBad(t *testing.T) {
	s := newOnboardSite(t, "epoxy")
	const left = "bbbbbbbb-0000-4000-8000-000000000009"
	s.exec("placement", "INSERT INTO providers VALUES (?, ?, 1)", left, computeHost)
	text := s.command(exitBlocked, "onboard", "there", "--apply", "--yes")
	if !strings.Contains(text, "there: refused") || !strings.Contains(text, "openstack resource provider delete "+left) {
		t.Errorf("with a provider left over:\n%s", text)
	}
	s.exec("placement", "DELETE FROM providers")

	// nova-compute that does not come up: nothing of the first start runs on.
	s.write("config.yaml", strings.NewReplacer("timeout: 60s", "timeout: 1s", "--config-file $FIRST_START", "--config-file $FIRST_START --nonsense").Replace(s.onboardConfig()))
	text = s.command(exitPerson, "onboard", "there", "--apply", "--yes")
	if !strings.Contains(strings.Join(strings.Fields(text), " "), "unknown argument --nonsense") || !strings.Contains(text, "there: half done") {
		t.Errorf("a start that fails:\n%s", text)
	}
	s.write("config.yaml", s.onboardConfig())
	s.command(exitClean, "onboard", "there", "--apply", "--yes")
	s.exec("cell1", "INSERT INTO instances (uuid, host, deleted) VALUES ('11110000-0000-4000-8000-000000000001', ?, 0)", newHost)
	s.exec("cell1", "INSERT INTO instances (uuid, host, deleted) VALUES ('00000000-0000-0000-0000-000000000000', ?, 0)", newHost)
	before := s.hostIs()
	if status, text := s.try("onboard", "there", "--undo", "--yes"); status != exitBlocked || !strings.Contains(text, "Nova has instances on this host: 1") || s.hostIs() != before {
		t.Errorf("undo of a host with an instance: %d\n%s", status, text)
	}
	s.exec("cell1", "DELETE FROM instances WHERE uuid LIKE '1111%'")
	s.command(exitClean, "onboard", "there", "--undo", "--yes")
}

func (s *site) exec(database, statement string, values ...any) {
	s.t.Helper()
	_, err := s.databases[database].Exec(statement, values...)
	s.must(err)
}
