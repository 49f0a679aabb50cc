package nova

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An instance is inserted before Neutron has bound its ports. The rows say
// which ports it has and in which order; the cache gets them once all are
// bound, and is then what it would have been from the beginning.
func TestUnboundPortsAreInTheRowsAndLaterInTheCache(t *testing.T) {
	f := newFixture(t, "epoxy", nil)
	w := f.writer()
	ctx := context.Background()
	in := twoPorts()
	for i := range in.Ports {
		in.Ports[i].VIFType, in.Ports[i].VIFDetails, in.Ports[i].Active = "", nil, false
	}
	f.adopt(w, []Instance{in}, Mapped)
	if n := f.count(f.cell, "instance_info_caches WHERE instance_uuid = ? AND network_info = '[]'", in.UUID); n != 1 {
		t.Error("the info cache is not empty: nova-compute sets an instance with an unbound port to ERROR when it starts")
	}
	var order []string
	if err := w.cells[kvm01.Cell].Raw("SELECT address FROM virtual_interfaces WHERE instance_uuid = ? ORDER BY id", in.UUID).Scan(&order).Error; err != nil {
		t.Fatal(err)
	}
	want := []string{in.Ports[0].MAC + "/" + in.Ports[0].ID, in.Ports[1].MAC + "/" + in.Ports[1].ID}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("virtual_interfaces (-want +got):\n%s", diff)
	}

	bound := twoPorts().Ports
	half := []Port{bound[0], in.Ports[1]}
	if err := w.SetInfoCache(ctx, kvm01.Cell, in.UUID, half); err == nil || !strings.Contains(err.Error(), bound[1].MAC) {
		t.Errorf("error %v, want one that names the port that is not bound", err)
	}
	if err := w.SetInfoCache(ctx, kvm01.Cell, in.UUID, bound); err != nil {
		t.Fatal(err)
	}
	info, err := NetworkInfo(bound)
	if err != nil {
		t.Fatal(err)
	}
	if n := f.count(f.cell, "instance_info_caches WHERE instance_uuid = ? AND network_info = ?", in.UUID, info); n != 1 {
		t.Error("the info cache does not have both ports")
	}
}
