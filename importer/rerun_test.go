package importer

import (
	"context"
	"errors"
	"testing"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
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

// A forgetfulNova loses the answer to Finish, and does not answer once when it
// is asked what became of it.
type forgetfulNova struct {
	*fakeNova
	lost bool
}

func (f *forgetfulNova) Finish(ctx context.Context, finals []nova.Final) error {
	f.lost = true
	return errors.Join(f.fakeNova.Finish(ctx, finals), errBoom)
}

func (f *forgetfulNova) Written(ctx context.Context, uuids []string) (map[string]nova.Stage, error) {
	if f.lost {
		f.lost = false
		return nil, errBoom
	}
	return f.fakeNova.Written(ctx, uuids)
}

// TestFinalIsNotTakenBack: what may be final is Nova's, and stays as it is.
func TestFinalIsNotTakenBack(t *testing.T) {
	w := newCloudWorld(t, 1)
	before := w.dump()
	f := &forgetfulNova{fakeNova: w.nova}
	s, err := w.do(nil, func(s session) (Summary, error) {
		s.Nova, s.Writer = f, f
		return s.Import(t.Context(), w.plan, plan.Filter{})
	})
	if err != nil || s.Count(Half) != 3 || len(w.nova.rows) != 3 {
		t.Errorf("Import = %v, %v, want all half done and in Nova: %+v", s, err, s.Results)
	}
	if s, err := w.imports(nil); err != nil || s.Count(Imported) != 3 {
		t.Errorf("second Import = %v, %v, want all imported: %+v", s, err, s.Results)
	}
	w.wantReleased("in the end", before)
}
