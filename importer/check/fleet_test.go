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
			{Device: "disk", Type: "file", Path: "/img/b.qcow2", Backing: []string{"/img/./middle.qcow2", "rbd:vms/base"}},
			{Device: "disk", Type: "file", Path: "/img/c.qcow2", Backing: []string{"/img/middle.qcow2"}},
		},
	}
	b := discover.Domain{Host: "kvm02", Name: "web_1", UUID: "aa", Interfaces: a.Interfaces, Disks: []discover.Disk{{Device: "disk", Type: "block", Path: "/dev/sdb"}}}
	f := FleetOf(a, b)
	for what, c := range map[string]struct {
		users Users
		want  map[string][]string
	}{
		"UUIDs":     {f.UUIDs, map[string][]string{"aa": {"kvm01/web.1", "kvm02/web_1"}}},
		"MACs":      {f.MACs, map[string][]string{"52:54:00:aa:00:01": {"kvm01/web.1", "kvm02/web_1"}}},
		"disks 1":   {f.Disks["kvm01"], map[string][]string{"/img/a.qcow2": {"kvm01/web.1"}, "/data/a.qcow2": {"kvm01/web.1"}, "/img/b.qcow2": {"kvm01/web.1"}, "/img/c.qcow2": {"kvm01/web.1"}}},
		"disks 2":   {f.Disks["kvm02"], map[string][]string{"/dev/sdb": {"kvm02/web_1"}}},
		"bases 1":   {f.Bases["kvm01"], map[string][]string{"/img/middle.qcow2": {"kvm01/web.1"}}},
		"bases 2":   {f.Bases["kvm02"], map[string][]string{}},
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

// A template that is a domain itself is not adopted while others rest on its
// disk. The others are judged as they would be without it, whatever else rests
// there.
func TestTemplateAndClones(t *testing.T) {
	with := func(name, path string, backing ...string) discover.Domain {
		d, _ := clean()
		d.Name, d.UUID, d.Interfaces = name, "", nil
		d.Disks = []discover.Disk{cleanDisk("vda", path)}
		d.Disks[0].Backing = backing
		return d
	}
	found := func(d discover.Domain, all ...discover.Domain) []Finding {
		_, f := clean()
		f.Fleet = FleetOf(all...)
		return slices.DeleteFunc(Assess(d, f).Findings, func(f Finding) bool { return f.Code != "K2O-240" && f.Code != "K2O-226" && f.Code != "K2O-242" })
	}
	template, plain := with("template", "/i/t.qcow2"), with("plain", "/i/p.qcow2")
	one, two := with("one", "/i/c1.qcow2", "/i/t.qcow2"), with("two", "/i/c2.qcow2", "/i/t.qcow2")
	over := with("over", "/i/o.qcow2", "/i/c1.qcow2", "/i/t.qcow2")
	all := []discover.Domain{one, template, plain, two, over}

	got := found(template, all...)
	if len(got) != 1 || got[0].Code != "K2O-242" || got[0].Severity != Blocked {
		t.Fatalf("the template: %+v, want K2O-242 alone", got)
	}
	want := "Disk vda (/i/t.qcow2) lies under disks of kvm01/one, kvm01/over, kvm01/two: whatever Nova writes into it or deletes, they lose."
	if got[0].Text != want {
		t.Errorf("the template: %q, want %q", got[0].Text, want)
	}
	if got := codes(found(plain, all...)); len(got) > 0 {
		t.Errorf("one that has nothing to do with it: %v", got)
	}
	if diff := cmp.Diff(found(two, two), found(two, all...)); diff != "" {
		t.Errorf("a clone, with and without the others (-alone +among them):\n%s", diff)
	}
	if got := codes(found(one, all...)); !slices.Equal(got, []string{"K2O-226", "K2O-242"}) {
		t.Errorf("a clone that is itself a template: %v, want both", got)
	}
	if got := codes(found(template, template, two)); !slices.Equal(got, []string{"K2O-242"}) {
		t.Errorf("the template of one: %v", got)
	}
	template.Disks = append(template.Disks, over.Disks...)
	if got := codes(found(template, template)); slices.Contains(got, "K2O-242") {
		t.Errorf("one that rests on a disk of its own: %v, want none of its neighbours named", got)
	}
}
