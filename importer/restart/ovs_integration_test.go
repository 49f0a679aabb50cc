//go:build integration

package restart

import (
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// What is edited for Open vSwitch is taken by libvirt as it was handed in, and
// the legacy definition comes back to the byte. The domain is off: to start it
// takes a switch, which the lab of 2025.1 has.
func TestRealOVS(t *testing.T) {
	d := addReal(t, "ovs", shape{off: true, autostart: true, ovs: true})
	if !strings.Contains(d.before, "<source bridge='br-legacy'/>") {
		t.Fatalf("it is on no bridge:\n%s", d.before)
	}
	r, _, err := d.call()
	if err != nil || r.Outcome != Renamed || len(r.Warnings) > 0 {
		t.Fatalf("forward: %s at %s: %v, %v, %q", r.Outcome, r.Step, r.Err, err, r.Warnings)
	}
	const want = `
      <source bridge='lo'/>
      <virtualport type='openvswitch'>
        <parameters interfaceid='` + portID + `'/>
      </virtualport>
      <target dev='tap95d105a7-3d'/>
      <model type='virtio'/>`
	if now := d.must("dumpxml", "--inactive", d.UUID); !strings.Contains(now, want) {
		t.Errorf("libvirt has not%s\nbut:\n%s", want, now)
	}
	d.Call = "back"
	if r, _, err = d.call(); err != nil || r.Outcome != Returned {
		t.Fatalf("back: %s at %s: %v, %v", r.Outcome, r.Step, r.Err, err)
	}
	d.wantBefore("released")
	if a := d.adoption(); a.State != journal.StateImported {
		t.Errorf("the journal says %s", a.State)
	}
}
