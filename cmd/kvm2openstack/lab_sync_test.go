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

// TestFullSync changes behind Nova's back what Nova would act on, or miss, and
// has sync heal it: a guest that was started by hand and that Nova would power
// off, an allocation and a binding that are gone, and a new domain.
func TestFullSync(t *testing.T) {
	l := newLab(t, nil)
	web, off := l.fleet["leg-web01"], l.fleet["leg-off01"]
	before := l.dumpCloud()
	t.Cleanup(func() { l.releaseWhatIsLeft() })
	l.command(exitAttention, "plan", "-O", l.plan, "--only", labPrefix+"*")
	l.command(exitClean, "import", l.plan, "--yes", "--only", web.name, "--only", off.name)

	first := l.sync(exitAttention)
	l.drifted(first, web.name, off.name)
	fresh := l.freshIn(first)
	stop := l.behindNova(web, off)
	l.drifted(l.sync(exitAttention), web.name, off.name, off.name+" D10", web.name+" D21", web.name+" D23")
	l.policy("heal: [power, allocations, ports, info_cache]")
	l.drifted(l.sync(exitAttention, "--apply"), web.name, off.name)
	l.drifted(l.sync(exitAttention), web.name, off.name)
	stop()
	if s := l.virsh("domstate", off.uuid); s != "running" {
		t.Errorf("%s was started by hand and recorded so, and is %s once Nova has compared", off.name, s)
	}
	l.command(exitClean, "verify")

	l.policy("import: [{name: " + fresh + "}]")
	l.sync(exitAttention, "--apply")
	if s := l.servers()[l.fleet[fresh].uuid]; s.Name != fresh || s.Status != "ACTIVE" {
		t.Errorf("sync has not imported %s: %+v", fresh, s)
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

// drifted insists that this, as "DOMAIN CODE", and nothing else of the two
// domains has drifted and was not healed.
func (l *lab) drifted(drifts []sync.Drift, one, other string, want ...string) {
	l.t.Helper()
	var got []string
	for _, d := range drifts {
		if (d.Domain == one || d.Domain == other) && !d.Healed {
			got = append(got, d.Domain+" "+string(d.Code))
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
		if d.Code == sync.NewReady && adoptable[d.Domain] == "ACTIVE" {
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

// behindNova changes things while nova-compute, which would act on some within
// seconds, is away. stop brings it back and waits until it has compared.
func (l *lab) behindNova(web, off *legacy) (stop func()) {
	l.t.Helper()
	l.script("service.sh", "stop", "nova-compute")
	l.t.Cleanup(func() { l.script("service.sh", "start", "nova-compute") })
	l.virsh("start", off.name)
	l.t.Cleanup(func() { l.virsh("destroy", off.uuid) })

	provider, err := openstack.AuthenticatedClient(l.t.Context(), l.login(administrator))
	l.must(err)
	placement, err := openstack.NewPlacementV1(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
	l.must(err)
	l.must(call(placement, http.MethodDelete, "allocations/"+web.uuid, nil, nil))
	network := l.newAPI(administrator).network
	var list struct{ Ports []struct{ ID string } }
	l.must(call(network, http.MethodGet, "ports?device_id="+web.uuid, nil, &list))
	if len(list.Ports) != 1 {
		l.t.Fatalf("%s has %d ports, want one", web.name, len(list.Ports))
	}
	l.must(call(network, http.MethodPut, "ports/"+list.Ports[0].ID, map[string]any{"port": map[string]any{"binding:host_id": ""}}, nil))
	return func() {
		l.t.Helper()
		mark := l.markLog("nova-compute")
		l.script("service.sh", "start", "nova-compute")
		l.eventually(2*time.Minute, "nova-compute has compared its power states with libvirt's", func() bool {
			return strings.Contains(l.logged(mark), "While synchronizing instance power states")
		})
		time.Sleep(35 * time.Second) // It compares every half minute, and acts on what it sees.
	}
}
