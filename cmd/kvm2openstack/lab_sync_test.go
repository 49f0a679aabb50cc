//go:build lab

package main

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"

	"github.com/lightcloud/kvm2openstack/importer/sync"
)

// synced are the guests that are adopted first, each for what befalls it.
var synced = []string{"leg-web01", "leg-off01", "leg-sata01", "leg-ide01", "leg-auto01"}

// TestLabSync changes behind Nova's back what Nova would act on, or miss. Sync
// names all of it, heals what the policy allows, and leaves the rest as it is:
// a guest that was started by hand and that Nova would power off runs on, and
// one whose record was deleted is nobody's to touch.
func TestLabSync(t *testing.T) {
	l := newLab(t, nil)
	before := l.dumpCloud()
	t.Cleanup(func() { l.releaseWhatIsLeft() })
	l.command(exitAttention, "plan", "-O", l.plan, "--only", labPrefix+"*")
	args := []string{"import", l.plan, "--yes"}
	for _, name := range synced {
		args = append(args, "--only", name)
	}
	l.command(exitClean, args...)
	first := l.sync(exitAttention)
	l.drifted(first)
	fresh := l.freshIn(first)

	l.script("service.sh", "stop", "nova-compute") // It would act on some within seconds.
	t.Cleanup(func() { l.script("service.sh", "start", "nova-compute") })
	l.phase("gone from libvirt", l.vanishes)
	l.phase("called otherwise", l.calledOtherwise)
	undo := l.behindNova()
	l.phase("compared and healed", l.healsWhatItMay)
	undo()
	l.drifted(l.sync(exitAttention))
	l.phase("nova-compute looks", l.novaLooks)
	l.command(exitClean, "verify")

	l.policy("import: [{name: " + fresh + "}], heal: [unfinished]")
	l.killedAt("mappings", l.fleet["leg-vnc01"])
	l.drifted(l.sync(exitPerson), "leg-vnc01 D34")
	l.drifted(l.sync(exitAttention, "--apply"))
	for _, name := range []string{fresh, "leg-vnc01"} {
		if s := l.servers()[l.fleet[name].uuid]; s.Name != name || s.Status != "ACTIVE" {
			t.Errorf("sync has not imported %s: %+v", name, s)
		}
	}
	l.command(exitClean, "verify")
	l.command(exitClean, "release", l.plan, "--yes")
	if diff := before.diff(l.dumpCloud()); diff != "" {
		t.Errorf("the cloud is not as it was:\n%s", diff)
	}
}

// sync runs it and reads what it says.
func (l *lab) sync(status int, args ...string) (drifts []sync.Drift) {
	l.t.Helper()
	text := l.command(status, append([]string{"sync", "-o", "json"}, args...)...)
	var out struct{ Drifts []sync.Drift }
	l.must(json.NewDecoder(strings.NewReader(text)).Decode(&out))
	return out.Drifts
}

// drifted insists that this, as "DOMAIN CODE", and nothing else has drifted and
// was not healed of what is adopted, or of the run as a whole.
func (l *lab) drifted(drifts []sync.Drift, want ...string) {
	l.t.Helper()
	var got []string
	for _, d := range drifts {
		if d.Code != sync.NewReady && d.Code != sync.NewNotReady && !d.Healed {
			got = append(got, strings.TrimSpace(d.Domain+" "+string(d.Code)))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		l.t.Errorf("sync names %q, want %q: %+v", got, want, drifts)
	}
}

// freshIn is a running domain that nobody has adopted and that is ready.
func (l *lab) freshIn(drifts []sync.Drift) string {
	l.t.Helper()
	for _, d := range drifts {
		if d.Code == sync.NewReady && adoptable[d.Domain] == "ACTIVE" && d.Domain != "leg-vnc01" {
			return d.Domain
		}
	}
	l.t.Fatalf("no domain of the fleet is ready: %+v", drifts)
	return ""
}

// policy writes what may be healed into the configuration, in place of what it
// said before.
func (l *lab) policy(says string) {
	l.t.Helper()
	text, err := os.ReadFile(l.config)
	l.must(err)
	rest, _, _ := strings.Cut(string(text), "\nsync: ")
	l.must(os.WriteFile(l.config, []byte(strings.TrimRight(rest, "\n")+"\nsync: {"+says+"}\n"), 0o600))
}

// everythingBut is a policy that allows all but to record what has grown.
const everythingBut = "heal: [power, allocations, ports, info_cache, unfinished], vanished: release, missed: {runs: 2, for: 1s}"

// vanishes takes one of five domains from libvirt. Where that is too much at once
// nothing is done; and where it is not its records stay, for it was missed once.
func (l *lab) vanishes() {
	l.t.Helper()
	off := l.fleet["leg-off01"]
	file := l.dir + "/off.xml"
	l.must(os.WriteFile(file, []byte(l.virsh("dumpxml", "--inactive", "--security-info", off.name)), 0o600))
	l.virsh("undefine", off.name)
	l.t.Cleanup(func() { l.virsh("define", file) })
	l.policy(everythingBut + ", stop_above: 0%")
	records := l.dumpCloud()
	l.drifted(l.sync(exitPerson, "--apply"), off.name+" D03", "D50")
	l.policy(everythingBut)
	l.drifted(l.sync(exitAttention, "--apply"), off.name+" D03")
	if diff := records.diff(l.dumpCloud()); diff != "" {
		l.t.Errorf("a domain was missed, and its records were changed:\n%s", diff)
	}
	l.virsh("define", file)
	l.drifted(l.sync(exitAttention))
}

func (l *lab) calledOtherwise() {
	l.t.Helper()
	l.virsh("domrename", "leg-off01", "leg-other01")
	drifts := l.sync(exitAttention, "--apply")
	l.virsh("domrename", "leg-other01", "leg-off01")
	l.drifted(drifts, "leg-other01 D07")
}

// healsWhatItMay: what is in the policy and does not need a person.
func (l *lab) healsWhatItMay() {
	l.t.Helper()
	person := []string{"leg-ide01 D30", "leg-sata01 D24", "leg-auto01 D12"}
	all := append([]string{"leg-off01 D10", "leg-web01 D21", "leg-web01 D23"}, person...)
	l.drifted(l.sync(exitAttention), all...)
	l.drifted(l.sync(exitAttention, "--apply"), person...)
	l.drifted(l.sync(exitAttention), person...)
}

// behindNova changes what somebody may change with virsh, through the APIs and,
// of the record that is deleted, in the database: as nova-compute would, it is
// left alone only while that is away. undo is for what sync does not heal.
func (l *lab) behindNova() (undo func()) {
	l.t.Helper()
	web, off, ide := l.fleet["leg-web01"], l.fleet["leg-off01"], l.fleet["leg-ide01"]
	l.virsh("start", off.name)
	l.t.Cleanup(func() { l.virsh("destroy", off.uuid) })
	l.virsh("setmaxmem", "--config", "leg-auto01", "128M")

	provider, err := openstack.AuthenticatedClient(l.t.Context(), l.login(administrator))
	l.must(err)
	placement, err := openstack.NewPlacementV1(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
	l.must(err)
	l.must(call(placement, http.MethodDelete, "allocations/"+web.uuid, nil, nil))
	admin := l.newAPI(administrator)
	var list struct{ Ports []struct{ ID string } }
	l.must(call(admin.network, http.MethodGet, "ports?device_id="+web.uuid, nil, &list))
	if len(list.Ports) != 1 {
		l.t.Fatalf("%s has %d ports, want one", web.name, len(list.Ports))
	}
	l.must(call(admin.network, http.MethodPut, "ports/"+list.Ports[0].ID, map[string]any{"port": map[string]any{"binding:host_id": ""}}, nil))
	l.must(admin.action(l.fleet["leg-sata01"].uuid, "unlock", nil))
	l.cell("UPDATE instances SET deleted = id, deleted_at = UTC_TIMESTAMP() WHERE uuid = '" + ide.uuid + "'")
	back := func() {
		l.cell("UPDATE instances SET deleted = 0, deleted_at = NULL WHERE uuid = '" + ide.uuid + "'")
		l.virsh("setmaxmem", "--config", "leg-auto01", "96M")
		l.virsh("setmem", "--config", "leg-auto01", "96M")
	}
	l.t.Cleanup(back) // before nova-compute, which destroys what is marked as deleted, is started
	return func() {
		back()
		l.must(admin.action(l.fleet["leg-sata01"].uuid, "lock", nil))
	}
}

// cell is a statement to Nova's cell database.
func (l *lab) cell(statement string) {
	l.t.Helper()
	l.output("mariadb", "--socket=/run/k2o-lab/mysql/sock", "nova_cell1", "-e", statement)
}

// novaLooks brings nova-compute back and waits until it has compared what
// libvirt has with its records, more than once.
func (l *lab) novaLooks() {
	l.t.Helper()
	mark := l.markLog("nova-compute")
	l.script("service.sh", "start", "nova-compute")
	l.eventually(5*time.Minute, "nova-compute has compared its power states with libvirt's", func() bool {
		return strings.Count(l.logged(mark), "While synchronizing instance power states") > 0
	})
	time.Sleep(20 * time.Second) // It compares every quarter of a minute, and acts on what it sees.
	for _, name := range synced {
		if s := l.virsh("domstate", l.fleet[name].uuid); s != "running" {
			l.t.Errorf("%s is %s once Nova has compared", name, s)
		}
	}
}
