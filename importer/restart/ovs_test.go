package restart

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/rename"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// onLegacy is where an interface of a host without Neutron hangs, and what is
// left of its definition once libvirt starts it on Open vSwitch.
var onLegacy = []struct{ name, nic string }{
	{"linux-bridge", `    <interface type='bridge'>
      <mac address='52:54:00:10:00:50'/>
      <source bridge='br0'/>
      <model type='virtio'/>
      <driver name='vhost' queues='2'/>
    </interface>`},
	{"own-ovs-vlan", `    <interface type='bridge'>
      <mac address='52:54:00:10:00:50'/>
      <source bridge='ovsbr0'/>
      <vlan>
        <tag id='120'/>
      </vlan>
      <virtualport type='openvswitch'>
        <parameters interfaceid='ec842079-04cf-54b4-8531-f8d20533c857'/>
      </virtualport>
      <target dev='web-a'/>
      <model type='e1000'/>
    </interface>`},
	{"libvirt-network", `    <interface type='network'>
      <mac address='52:54:00:10:00:50'/>
      <source network='default' portgroup='tenants'/>
      <model type='virtio'/>
      <boot order='1'/>
    </interface>`},
	{"macvtap", `    <interface type='direct'>
      <mac address='52:54:00:10:00:50'/>
      <source dev='eth0' mode='bridge'/>
      <model type='virtio'/>
    </interface>`},
}

// The definition that libvirt starts a guest with on Open vSwitch, whole, and
// the one from before when it is released, to the byte.
func TestOVSDefinitions(t *testing.T) {
	for _, c := range onLegacy {
		t.Run(c.name, func(t *testing.T) {
			s := shape{ovs: true}
			w := newWorld(t, openJournal(t), s)
			start, end := strings.Index(w.legacyDef, "    <interface"), strings.Index(w.legacyDef, "    <graphics")
			w.legacyDef = w.legacyDef[:start] + c.nic + "\n" + w.legacyDef[end:]
			d := w.domains[w.uuid]
			d.definition, d.live = w.legacyDef, w.liveOf(w.legacyDef)
			w.job(s)
			before := w.dump()
			if r, _ := w.call(0, 0, w.forward(s)); r.Outcome != Renamed || len(r.Warnings) > 0 {
				t.Fatalf("%s at %s: %v, %q", r.Outcome, r.Step, r.Err, r.Warnings)
			}
			golden(t, c.name+".xml", strings.NewReplacer(w.uuid, "UUID", w.instance, "INSTANCE").Replace(w.domains[w.uuid].definition))
			if r, _ := w.call(0, 0, w.back(s)); r.Outcome != Returned {
				t.Fatalf("%s at %s: %v", r.Outcome, r.Step, r.Err)
			}
			if w.domains[w.uuid].definition != w.legacyDef {
				t.Errorf("the definition is another one:\n%s", cmp.Diff(w.legacyDef, w.domains[w.uuid].definition))
			}
			w.wantBefore(before, "released")
		})
	}
}

// golden compares with a file of testdata/ovs.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "ovs", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// Two interfaces, of which one has a port that only Nova plugs: the other one
// moves, and it stays, which is said.
func TestOVSBesideHybrid(t *testing.T) {
	w := newWorld(t, openJournal(t), shape{ovs: true})
	const mac2, port2 = "52:54:00:10:00:51", "0d3a7c11-5d6e-4c1b-9a57-0f3f1f7a2b44"
	second := strings.Replace(onLegacy[0].nic, mac, mac2, 1) + "\n"
	w.domains[w.uuid].definition = strings.Replace(w.legacyDef, "    <graphics", second+"    <graphics", 1)
	hybrid := ovsPort()
	hybrid.ID, hybrid.MAC, hybrid.VIFDetails = port2, mac2, map[string]any{"ovs_hybrid_plug": true}
	saved, err := fakeHandle{w}.Save(t.Context())
	w.must(err)
	j := w.job(shape{})
	more := j.Plan.NICs[0]
	more.MAC, more.Port = mac2, port2
	j.Plan.NICs = append(j.Plan.NICs, more)
	e, err := newEditor(j, recorded{Domain: j.Plan, InstancesPath: "/var/lib/nova/instances"}, saved)
	w.must(err)
	f := fakeFiles{w}
	e.bridges, e.stat = f, f.Stat
	found, err := e.edit(t.Context(), []cloud.Port{ovsPort(), hybrid})
	w.must(err)
	want := map[string]rename.NIC{mac: {Bridge: "br-int", Target: "tap95d105a7-3d", OVSPort: portID}}
	if diff := cmp.Diff(want, found.change.NICs); diff != "" {
		t.Errorf("interfaces (-want +got):\n%s", diff)
	}
	if len(found.warnings) != 1 || !strings.Contains(found.warnings[0], mac2) || !strings.Contains(found.warnings[0], "ovs_hybrid_plug") {
		t.Errorf("said %q", found.warnings)
	}
}
