package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
)

func TestFleetOf(t *testing.T) {
	a := discover.Domain{
		Host: "kvm01", Name: "web.1", UUID: "AA", Interfaces: []discover.Interface{{MAC: "52:54:00:AA:00:01"}, {MAC: "52:54:00:aa:00:01"}},
		Disks: []discover.Disk{
			{Device: "disk", Type: "file", Path: "/img//a.qcow2", File: &discover.File{Resolved: "/data/a.qcow2"}},
			{Device: "cdrom", Type: "file", Path: "/iso/a.iso"},
			{Device: "disk", Type: "network", Protocol: "rbd", Path: "vms/a"},
		},
	}
	b := discover.Domain{Host: "kvm02", Name: "web_1", UUID: "aa", Disks: []discover.Disk{{Device: "disk", Type: "block", Path: "/dev/sdb"}}}
	want := &Fleet{
		UUIDs:     map[string][]string{"aa": {"kvm01/web.1", "kvm02/web_1"}},
		MACs:      map[string][]string{"52:54:00:aa:00:01": {"kvm01/web.1"}},
		Disks:     map[string][]string{"kvm01\x00/img/a.qcow2": {"kvm01/web.1"}, "kvm01\x00/data/a.qcow2": {"kvm01/web.1"}, "kvm02\x00/dev/sdb": {"kvm02/web_1"}},
		Names:     map[string][]string{"web.1": {"kvm01/web.1"}, "web_1": {"kvm02/web_1"}},
		Hostnames: map[string][]string{"web-1": {"kvm01/web.1", "kvm02/web_1"}},
	}
	if diff := cmp.Diff(want, FleetOf(a, b)); diff != "" {
		t.Errorf("FleetOf (-want +got):\n%s", diff)
	}
}

// Two guests without a name that Nova could use get "Server-" and their UUID,
// which are two names.
func TestFleetForgetsEmptyHostnames(t *testing.T) {
	f := FleetOf(discover.Domain{Host: "a", Name: "统一"}, discover.Domain{Host: "b", Name: "财务"})
	if len(f.Hostnames) != 0 {
		t.Errorf("Hostnames = %v, want none", f.Hostnames)
	}
}
