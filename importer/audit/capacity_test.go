package audit

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

func TestCapacity(t *testing.T) {
	compute := &nova.Compute{Host: "kvm01", UUID: "u1", VCPUs: 16, MemoryMB: 65536, LocalGB: 900, CPURatio: 4, RAMRatio: 1, DiskRatio: 1}
	read := func(p ...cloud.Provider) *known {
		k := &known{
			computes: map[string]*nova.Compute{"kvm01": compute},
			rooms:    map[string]*nova.Room{"kvm01": {VCPUs: 60, MemoryMB: 61440, DiskGB: 860, MaxVCPUs: 16, Used: nova.HostUse{VCPUs: 4, MemoryMB: 3584, DiskGB: 40}}},
		}
		k.askPlacement(&cloud.Snapshot{Live: true, Providers: p})
		return k
	}
	guess := &Capacity{VCPUs: Class{16, 4, 64, 4}, MemoryMB: Class{65536, 1, 65024, 3584}, DiskGB: Class{900, 1, 900, 40}}
	over := map[string]cloud.Inventory{"VCPU": {Total: 16, Reserved: 2, Ratio: 1.5, Used: 30}, "MEMORY_MB": {Total: 4096, Reserved: 512, Ratio: 1, Used: 8}}
	for _, c := range []struct {
		name  string
		known *known
		host  *nova.Compute
		want  *Capacity
	}{
		{"from the databases", read(), compute, guess},
		{"of another node's provider", read(cloud.Provider{UUID: "u2"}), compute, guess},
		{"more than fits is told", read(cloud.Provider{UUID: "u1", Inventories: over}), compute,
			&Capacity{VCPUs: Class{16, 1.5, 21, 30}, MemoryMB: Class{4096, 1, 3584, 8}, Placement: true}},
		{"a host Nova has not", read(), nil, nil},
		{"a host with a problem", read(), &nova.Compute{Host: "kvm02"}, nil},
	} {
		if diff := cmp.Diff(c.want, c.known.capacity(c.host)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}
