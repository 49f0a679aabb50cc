package importer

import (
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// TestRerunTakesAllBack: what fails in a rerun is taken back with what an
// earlier run had done further on, and leaves no allocation behind.
func TestRerunTakesAllBack(t *testing.T) {
	w := newCloudWorld(t, 3)
	before := w.dump()
	w.hosts.gone[uuidOf(2)] = true
	if s, err := w.imports(nil); err != nil || s.Count(Half) != 1 {
		t.Fatalf("Import = %v, %v, want 1 half done", s, err)
	}
	clear(w.hosts.gone)
	for id, p := range w.cloud.ports {
		if p.DeviceID == uuidOf(2) { // A failover has unbound them.
			p.HostID, p.VIFType = "", "unbound"
			w.cloud.ports[id] = p
		}
	}
	w.cloud.refuse["BindPort "+uuidOf(2)] = cloud.ErrUnbound
	s, err := w.imports(nil)
	if err != nil || s.Count(RolledBack) != 1 {
		t.Fatalf("Import = %v, %v, want 1 rolled back: %+v", s, err, s.Results)
	}
	if a, there := w.cloud.allocations[uuidOf(2)]; there {
		t.Errorf("rolled back, and Placement still has %+v", a)
	}
	w.wantReleased("in the end", before)
}
