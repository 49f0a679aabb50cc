package check

import (
	"slices"
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
	f := FleetOf(a, b)
	for what, c := range map[string]struct {
		users Users
		want  map[string][]string
	}{
		"UUIDs":     {f.UUIDs, map[string][]string{"aa": {"kvm01/web.1", "kvm02/web_1"}}},
		"MACs":      {f.MACs, map[string][]string{"52:54:00:aa:00:01": {"kvm01/web.1"}}},
		"disks 1":   {f.Disks["kvm01"], map[string][]string{"/img/a.qcow2": {"kvm01/web.1"}, "/data/a.qcow2": {"kvm01/web.1"}}},
		"disks 2":   {f.Disks["kvm02"], map[string][]string{"/dev/sdb": {"kvm02/web_1"}}},
		"Names":     {f.Names, map[string][]string{"web.1": {"kvm01/web.1"}, "web_1": {"kvm02/web_1"}}},
		"Hostnames": {f.Hostnames, map[string][]string{"web-1": {"kvm01/web.1", "kvm02/web_1"}}},
	} {
		got := map[string][]string{}
		for key := range c.users.first {
			got[key] = c.users.Of(key)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

// Two guests without a name that Nova could use get "Server-" and their UUID,
// which are two names.
func TestFleetForgetsEmptyHostnames(t *testing.T) {
	f := FleetOf(discover.Domain{Host: "a", Name: "统一"}, discover.Domain{Host: "b", Name: "财务"})
	if len(f.Hostnames.first) != 0 {
		t.Errorf("Hostnames = %v, want none", f.Hostnames)
	}
}

// A folder may have a definition and a copy of it: two domains of one name,
// which are twins all the same.
func TestTwinsOfOneName(t *testing.T) {
	twin := func() discover.Domain {
		return discover.Domain{Host: "kvm01", Name: "web", UUID: "aa", Interfaces: []discover.Interface{{MAC: "52:54:00:aa:00:01"}, {MAC: "52:54:00:aa:00:01"}}}
	}
	for n, want := range map[int]map[string]bool{1: {"K2O-701": false, "K2O-702": false}, 2: {"K2O-701": true, "K2O-702": true}} {
		f := NewFleet()
		for range n {
			f.Add(twin())
		}
		a := Assess(twin(), Facts{Fleet: f})
		for code, found := range want {
			if got := slices.ContainsFunc(a.Findings, func(f Finding) bool { return f.Code == code }); got != found {
				t.Errorf("%d of one name and UUID: %s is found: %v, want %v", n, code, got, found)
			}
		}
	}
}
