package nova

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

func TestComputes(t *testing.T) {
	for _, r := range schema.Releases {
		t.Run(r.Name, func(t *testing.T) {
			got, err := newFixture(t, r.Name, nil).open().Computes(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 3 {
				t.Fatalf("%d hosts, want 3: %+v", len(got), got)
			}
			want := Compute{
				Host: "kvm01", Node: "kvm01", NodeID: 1, UUID: "aaaaaaaa-0000-4000-8000-000000000001",
				Cell: "11111111-1111-4111-8111-111111111111", CellID: 2, CellName: "cell1",
				AvailabilityZone: "az1", HypervisorType: "QEMU", Version: r.Service, Up: true,
				VCPUs: 64, MemoryMB: 262144, MemoryMBUsed: 512, LocalGB: 8000, CPURatio: 4, RAMRatio: 1, DiskRatio: 1,
			}
			if r.Service <= 64 {
				want.CPURatio, want.RAMRatio = 16, 1.5
			}
			if d := cmp.Diff(want, got[0]); d != "" {
				t.Error(d)
			}
			if got[2].AvailabilityZone != "nova" {
				t.Errorf("host of no aggregate is in zone %q", got[2].AvailabilityZone)
			}
		})
	}
}

// Every reason for which a host cannot take instances, and what is none.
func TestComputeProblems(t *testing.T) {
	f := newFixture(t, "zed", func(s *schema.Seed) {
		s.Cells[0].Hosts = []schema.HostSeed{
			{Host: "good", UUID: "a1"}, {Host: "down", UUID: "a2", ReportedAgo: 2 * time.Minute},
			{Host: "ahead", UUID: "a3", ReportedAgo: -2 * time.Minute}, {Host: "forced", UUID: "a4", Forced: true},
			{Host: "disabled", UUID: "a5", Disabled: true}, {Host: "unmapped", UUID: "a6", Unmapped: true},
			{Host: "nodeless", UUID: "a7", NoNode: true}, {Host: "ironic", UUID: "a8", Hypervisor: "ironic"},
			{Host: "kvm", UUID: "a9", Hypervisor: "KVM"}, {Host: "renamed", UUID: "bb1", NoNode: true},
			{Host: "other", Node: "renamed", UUID: "bb2"}, {Host: "serviceless", UUID: "bb3"}, {Host: "many", UUID: "bb4"},
			{Host: "twin1", Node: "twin", UUID: "bb5"}, {Host: "twin2", Node: "twin", UUID: "bb6"}, {Host: "ratios", UUID: "bb7", CPURatio: 2, RAMRate: 0.9},
			{Host: "moved", UUID: "bb8"},
		}
	})
	f.exec(f.cell, "UPDATE services SET deleted = id WHERE host = 'serviceless'")
	f.insert(f.cell, "compute_nodes", map[string]any{"uuid": "c1", "host": "many", "hypervisor_hostname": "second", "deleted": 0,
		"vcpus": 1, "memory_mb": 1, "local_gb": 1, "vcpus_used": 0, "memory_mb_used": 0, "local_gb_used": 0, "hypervisor_type": "QEMU", "hypervisor_version": 1, "cpu_info": ""})
	gone := f.insert(f.api, "cell_mappings", map[string]any{"uuid": "c2", "name": "gone", "database_connection": "mysql://x:y@127.0.0.1:1/z", "disabled": 0})
	f.insert(f.api, "host_mappings", map[string]any{"host": "faraway", "cell_id": gone})
	f.insert(f.api, "host_mappings", map[string]any{"host": "phantom", "cell_id": 2})
	f.exec(f.api, "UPDATE host_mappings SET cell_id = ? WHERE host = 'moved'", gone)

	cloud := f.open()
	computes, err := cloud.Computes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Compute{}
	for _, c := range computes {
		got[c.Host] = c
	}
	problems := map[string]string{
		"good": "", "down": "", "ahead": "", "forced": "", "disabled": "", "kvm": "", "other": "", "ratios": "",
		"unmapped": "no host mapping", "nodeless": "no node (compute_nodes)", "ironic": "its hypervisor is ironic",
		"renamed": `belongs to host "other"`, "serviceless": "no nova-compute service", "many": "2 nodes",
		"twin1": "several hosts", "twin2": "several hosts", "faraway": "its cell cannot be used: open database of gone",
		"phantom": "neither a nova-compute", "moved": "maps it to gone, but its service is in cell1",
	}
	for host, want := range problems {
		c, ok := got[host]
		if !ok || (want == "") != (c.Problem == "") || !strings.Contains(c.Problem, want) {
			t.Errorf("%s: Problem = %q (found %v), want %q", host, c.Problem, ok, want)
		}
	}
	if len(got) != len(problems) {
		t.Errorf("%d hosts, want %d", len(got), len(problems))
	}
	for host, up := range map[string]bool{"good": true, "disabled": true, "down": false, "ahead": false, "forced": false} {
		if got[host].Up != up {
			t.Errorf("%s: Up = %v, want %v", host, got[host].Up, up)
		}
		if anew, err := cloud.ComputeUp(t.Context(), got[host].Cell, host); err != nil || anew != up {
			t.Errorf("%s: read anew, Up = %v, %v, want %v", host, anew, err, up)
		}
	}
	if c := got["ratios"]; c.CPURatio != 2 || c.RAMRatio != 0.9 {
		t.Errorf("stored ratios are not kept: %+v", c)
	}
	if got["faraway"].Cell != "c2" || !got["disabled"].Disabled {
		t.Errorf("faraway %+v, disabled %+v", got["faraway"], got["disabled"])
	}
}
