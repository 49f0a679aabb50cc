package audit

import (
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A Capacity is what a host may hold by Placement's count, before anything of
// this audit is adopted.
type Capacity struct {
	VCPUs, MemoryMB, DiskGB Class

	// Placement says that these are Placement's own figures. Otherwise they are
	// made of what Nova's databases have, where what is reserved is a guess.
	Placement bool
}

// A Class is one resource class of a host.
type Class struct {
	Total int     // what the host has
	Ratio float64 // allocation_ratio
	Limit int     // what instances may have of it: (total - reserved) * ratio
	Used  int     // what they have
}

// capacity is what the host may hold, nil when that is not known. It is for
// the rooms as they were read, before any domain was given a share.
func (k *known) capacity(c *nova.Compute) *Capacity {
	if c == nil || k.rooms[c.Host] == nil {
		return nil
	}
	if p, ok := k.providers[c.UUID]; ok {
		return &Capacity{
			VCPUs: class(p.Inventories["VCPU"]), MemoryMB: class(p.Inventories["MEMORY_MB"]), DiskGB: class(p.Inventories["DISK_GB"]), Placement: true,
		}
	}
	left := k.rooms[c.Host]
	used := left.Used
	return &Capacity{
		VCPUs:    Class{Total: c.VCPUs, Ratio: c.CPURatio, Limit: left.VCPUs + used.VCPUs, Used: used.VCPUs},
		MemoryMB: Class{Total: c.MemoryMB, Ratio: c.RAMRatio, Limit: left.MemoryMB + used.MemoryMB, Used: used.MemoryMB},
		DiskGB:   Class{Total: c.LocalGB, Ratio: c.DiskRatio, Limit: left.DiskGB + used.DiskGB, Used: used.DiskGB},
	}
}

// class takes over what Placement says. Its Room ends at nothing, and a host
// may hold more than it should: what it may hold is counted from the total.
func class(i cloud.Inventory) Class {
	return Class{Total: i.Total, Ratio: i.Ratio, Limit: int(float64(i.Total-i.Reserved) * i.Ratio), Used: i.Used}
}
