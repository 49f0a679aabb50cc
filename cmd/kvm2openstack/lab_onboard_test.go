//go:build lab

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// identityOfLab is where the lab's nova-compute has its node's UUID.
const identityOfLab = "/var/lib/nova/compute_id"

// TestLabOnboard has the lab's nova-compute forget its host, sees that it
// refuses it, for it has guests, and makes it Nova's again, both ways.
func TestLabOnboard(t *testing.T) {
	if release(t).major < 29 {
		t.Skip("this release refuses no host that has guests")
	}
	l := newLab(t, onboardingOfLab(t))
	running := l.inState("running")
	boots, domains := l.boots(running), l.domains()
	t.Cleanup(func() { l.knownAgain() })
	l.forgetHost()
	l.refusedHost()
	l.says(exitAttention, "refused|Nova has no nova-compute of host \"k2o-lab\"|discover_hosts", "onboard", "qemu:///system")

	for _, way := range []string{"first-start", "records"} {
		compute := l.markLog("nova-compute")
		t.Log(l.command(exitClean, "onboard", "qemu:///system", "--way", way, "--apply", "--yes"))
		l.hostIsNovas(way)
		if log := l.logged(compute); strings.Contains(log, "existing instances") || strings.Contains(log, "No local node identity") {
			t.Errorf("%s: nova-compute has refused the host:\n%s", way, log)
		}
		l.says(exitClean, "accepted|its service is disabled", "onboard", "qemu:///system")
		if way == "records" {
			break // The host stays Nova's.
		}
		t.Log(l.command(exitClean, "onboard", "qemu:///system", "--undo", "--yes"))
		l.hostIsNobodys()
		l.refusedHost()
	}
	l.enabled()
	l.sameBoots(running, boots, "onboarding")
	if diff := cmp.Diff(domains, l.domains()); diff != "" {
		t.Errorf("domains differ (-before +after):\n%s", diff)
	}
	l.command(exitAttention, "plan", "-O", l.plan, "--only", labPrefix+"*")
}

// onboardingOfLab says how the lab starts nova-compute, for it has no systemd.
func onboardingOfLab(t *testing.T) func(string) string {
	folder, err := filepath.Abs(filepath.Join("..", "..", "testdata", "lab"))
	if err != nil {
		t.Fatal(err)
	}
	launch := func(file string) string {
		return fmt.Sprintf(`bash -c 'set -euo pipefail; . %[1]s/lib.sh; . %[1]s/services.sh; launch nova-compute %[2]s'`, folder, file)
	}
	text := fmt.Sprintf(`onboard:
  config_files: [/var/lib/k2o-lab/nova-compute.conf]
  first_start: %q
  first_stop: %q
  start: %q
  stop: %q
  running: %q
`, launch(`"$FIRST_START"`), folder+"/service.sh stop nova-compute", launch(""), folder+"/service.sh stop nova-compute", folder+"/service.sh status nova-compute")
	return func(config string) string { return text + config }
}

// domains are all of the machine: name, UUID, number of their process and state.
func (l *lab) domains() string {
	l.t.Helper()
	return l.virsh("list", "--all", "--uuid", "--name") + "\n" + l.virsh("list", "--all")
}

// A labService is one line of "openstack compute service list".
type labService struct {
	ID, Host, Status, State string
}

// computeService is the lab's nova-compute to Nova; false without one.
func (l *lab) computeService() (labService, bool) {
	l.t.Helper()
	var list []labService
	l.must(json.Unmarshal([]byte(l.client("compute service list --service nova-compute")), &list))
	if len(list) == 0 {
		return labService{}, false
	}
	return list[0], true
}

// forgetHost takes the host out of Nova, as somebody does who builds it anew.
func (l *lab) forgetHost() {
	l.t.Helper()
	s, ok := l.computeService()
	if !ok {
		l.t.Fatal("Nova has no nova-compute")
	}
	l.script("service.sh", "stop", "nova-compute")
	l.openstack("k2o-lab", "compute service delete "+s.ID)
	l.must(os.Remove(identityOfLab))
	l.hostIsNobodys()
}

// hostIsNobodys: nothing of it is left in Nova, in Placement and on the host.
func (l *lab) hostIsNobodys() {
	l.t.Helper()
	if s, ok := l.computeService(); ok {
		l.t.Errorf("Nova has service %+v", s)
	}
	for _, q := range []struct{ database, from string }{
		{"nova_cell1", "compute_nodes WHERE deleted = 0"}, {"nova_api", "host_mappings"}, {"placement", "resource_providers"},
	} {
		if n := l.number(q.database, "SELECT COUNT(*) FROM "+q.from); n != 0 {
			l.t.Errorf("%s has %d rows of %s, want none", q.database, n, q.from)
		}
	}
	for _, file := range []string{identityOfLab, "/run/kvm2openstack-first-start.conf"} {
		if _, err := os.Stat(file); err == nil {
			l.t.Errorf("there is a %s", file)
		}
	}
}

func (l *lab) number(database, query string) (n int) {
	l.t.Helper()
	l.must(l.database(database).QueryRow(query).Scan(&n))
	return n
}

// refusedHost starts nova-compute, which has to end by itself, with the words
// for it.
func (l *lab) refusedHost() {
	l.t.Helper()
	compute := l.markLog("nova-compute")
	out, err := exec.Command("../../testdata/lab/service.sh", "start", "nova-compute").CombinedOutput()
	if log := l.logged(compute); err == nil || !strings.Contains(log, "My hypervisor has existing instances") {
		l.t.Fatalf("nova-compute was to refuse the host: %v %s\n%s", err, out, log)
	}
	l.script("service.sh", "stop", "nova-compute") // takes its pid file away
}

// hostIsNovas: the service is up and disabled, node, provider and compute_id are
// one, there are inventories, and the host is mapped.
func (l *lab) hostIsNovas(way string) {
	l.t.Helper()
	s, ok := l.computeService()
	if !ok || s.State != "up" || s.Status != "disabled" || s.Host != "k2o-lab" {
		l.t.Errorf("%s: Nova has service %+v, want one that is up and disabled", way, s)
	}
	id, err := os.ReadFile(identityOfLab)
	l.must(err)
	var node string
	l.must(l.database("nova_cell1").QueryRow("SELECT uuid FROM compute_nodes WHERE deleted = 0").Scan(&node))
	if strings.TrimSpace(string(id)) != node {
		l.t.Errorf("%s: compute_id says %q, and the node is %s", way, id, node)
	}
	if n := l.number("placement", "SELECT COUNT(*) FROM inventories i JOIN resource_providers p ON p.id = i.resource_provider_id WHERE p.uuid = '"+node+"'"); n < 3 {
		l.t.Errorf("%s: the provider has %d inventories, want VCPU, MEMORY_MB and DISK_GB", way, n)
	}
	if n := l.number("nova_api", "SELECT COUNT(*) FROM host_mappings WHERE host = 'k2o-lab'"); n != 1 {
		l.t.Errorf("%s: %d mappings, want 1", way, n)
	}
	info, err := os.Stat(identityOfLab)
	l.must(err)
	if owner := strings.TrimSpace(l.output("stat", "-c", "%U", identityOfLab)); owner != "nova" || info.Mode().Perm()&0o400 == 0 {
		l.t.Errorf("%s: compute_id is %s's, mode %v", way, owner, info.Mode())
	}
}

// enabled gives the host to the scheduler again, and waits until it may have it.
func (l *lab) enabled() {
	l.t.Helper()
	l.openstack("k2o-lab", "compute service set --enable k2o-lab nova-compute")
	l.eventually(2*time.Minute, "nova-compute is up and enabled", func() bool {
		s, ok := l.computeService()
		return ok && s.State == "up" && s.Status == "enabled"
	})
}

// knownAgain keeps a test that failed from spoiling the next ones: the host is
// made Nova's by the lab's own means.
func (l *lab) knownAgain() {
	if exec.Command("../../testdata/lab/service.sh", "status", "nova-compute").Run() == nil {
		if s, ok := l.computeService(); ok && s.State == "up" {
			l.enabled()
			return
		}
	}
	l.script("service.sh", "stop", "nova-compute")
	if _, ok := l.computeService(); !ok {
		_ = os.Remove(identityOfLab) // There is none, or it is of no use.
		l.output("bash", "-c", `set -euo pipefail; cd ../../testdata/lab; . ./lib.sh; . ./services.sh
printf '[libvirt]\nconnection_uri = qemu:///session\n' >"$LAB_STATE/first-start.conf"
launch nova-compute "$LAB_STATE/first-start.conf"; registered; stop nova-compute`)
	}
	l.script("service.sh", "start", "nova-compute")
	l.enabled()
}
