//go:build lab

package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// reachCodes are the rules about where an interface leads after its restart.
var reachCodes = []string{"K2O-332", "K2O-333", "K2O-334", "K2O-335", "K2O-336", "K2O-337", "K2O-338", "K2O-339", "K2O-340"}

// TestLabReach audits the fleet's way to Neutron: as the lab is, where a pair
// joins the legacy bridge with Neutron's, without that pair, and joined as the
// audit advises then. A legacy guest misses no ping, and is reached from
// Neutron's bridge again.
func TestLabReach(t *testing.T) {
	l := newLab(t, nil)
	want := release(t).reach
	for name, found := range l.reach() {
		if slices.ContainsFunc(found, func(f check.Finding) bool { return f.Code != want }) || (len(found) > 0) != (want != "") {
			t.Errorf("the audit says of the way of %s: %+v, want %q", name, found, want)
		}
	}
	if !release(t).switched || t.Failed() {
		return
	}
	guest := l.fleet[one]
	l.withProbe()
	l.answers(guest, true)
	l.advises("k2o-up", "")

	stop := l.startPings([]*legacy{guest})
	l.shell("ip link set br-legacy address $(cat /sys/class/net/br-legacy/address) && ip link set k2o-up-br nomaster && ovs-appctl -t $(ls -t /var/run/openvswitch/ovs-vswitchd.*.ctl | head -1) fdb/flush br-phys") // as where there never was a way
	t.Cleanup(func() { l.shell("ip link set k2o-up-br master br-legacy") })
	l.answers(guest, false)
	join := l.advises("", "ovs-vsctl add-port br-phys n-br-legacy")
	t.Cleanup(func() { l.shell("ovs-vsctl -t 60 --if-exists del-port n-br-legacy; ip link del l-br-legacy") })
	t.Log(join)
	l.shell(join)
	l.answers(guest, true)
	l.advises("n-br-legacy", "")
	stop()
}

// reach is what an audit finds of the domains' ways, by name.
func (l *lab) reach() map[string][]check.Finding {
	l.t.Helper()
	_, text := l.try("audit", "-o", "json", "--only", labPrefix+"*")
	var audit struct {
		Domains []struct {
			Name     string
			Findings []check.Finding
		}
	}
	l.must(json.NewDecoder(strings.NewReader(text)).Decode(&audit)) // messages follow it
	found := map[string][]check.Finding{}
	for _, d := range audit.Domains {
		found[d.Name] = slices.DeleteFunc(d.Findings, func(f check.Finding) bool { return !slices.Contains(reachCodes, f.Code) })
	}
	if len(found) < len(adoptable) {
		l.t.Fatalf("the audit has %d domains of the fleet", len(found))
	}
	return found
}

// advises: the audit names the device that may lead to Neutron's bridge, and
// gives no command for a second way; or it gives one.
func (l *lab) advises(device, command string) (join string) {
	l.t.Helper()
	found := l.reach()[one]
	if len(found) != 1 {
		l.t.Fatalf("the audit says %+v", found)
	}
	_, after, is := strings.Cut(found[0].Action, "for two ways are a loop: ")
	join, _, ends := strings.Cut(after, "; no guest is cut off by it")
	if !strings.Contains(found[0].Action, device) || is != (command != "") || ends != is || !strings.Contains(join, command) {
		l.t.Fatalf("the audit advises %q, want the device %q and the command %q", found[0].Action, device, command)
	}
	return join
}

// withProbe makes an address that is on Neutron's bridge and nowhere else, as an
// adopted guest's is, until the test ends.
func (l *lab) withProbe() {
	l.t.Helper()
	l.t.Cleanup(func() {
		l.shell("ovs-vsctl -t 60 --if-exists del-port k2o-probe; ip link del k2o-probe; ip netns del k2o-probe")
	})
	l.shell(`set -e
ip netns add k2o-probe
ip link add k2o-probe type veth peer name eth0 netns k2o-probe
` + inProbe + `ip addr add 10.66.0.190/24 dev eth0
` + inProbe + `ip link set eth0 up
ip link set k2o-probe up
ovs-vsctl -t 60 add-port br-phys k2o-probe`)
}

const inProbe = "nsenter --net=/run/netns/k2o-probe "

// answers: a guest does, to the probe, or does not.
func (l *lab) answers(g *legacy, want bool) {
	l.t.Helper()
	out, err := exec.Command("sh", "-c", inProbe+"ping -n -c 5 -i 0.2 -W 2 "+g.nics[0].address).CombinedOutput()
	if (err == nil) != want {
		l.t.Fatalf("that %s answers from Neutron's bridge is %t, want %t:\n%s", g.name, err == nil, want, out)
	}
}

// shell runs commands of the machine.
func (l *lab) shell(commands string) {
	l.t.Helper()
	l.output("sh", "-c", commands)
}
