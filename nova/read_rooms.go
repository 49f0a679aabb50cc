package nova

import "context"

// reservedMemoryMB is the default of [DEFAULT] reserved_host_memory_mb.
const reservedMemoryMB = 512

// usage is what the instances of one host use by their records.
type usage struct {
	Host     string
	VCPUs    int `gorm:"column:vcpus"`
	MemoryMB int `gorm:"column:memory_mb"`
	DiskGB   int `gorm:"column:disk_gb"`
}

// Rooms says what every host has left, by services.host: its totals at their
// allocation ratios, less what the records of its instances add up to. Hosts
// with a Problem are not in it.
//
// Memory that Nova reserves for the host is not in the database; it is taken
// as the default 512 MB, or as what compute_nodes counts as used beyond the
// instances, if that is more. Placement has the last word.
func (c *Cloud) Rooms(ctx context.Context) (map[string]Room, error) {
	computes, err := c.Computes(ctx)
	if err != nil {
		return nil, err
	}
	used, err := c.usages(ctx)
	if err != nil {
		return nil, err
	}
	rooms := make(map[string]Room, len(computes))
	for _, h := range computes {
		if h.Problem == "" {
			rooms[h.Host] = room(h, used[h.Cell+"\x00"+h.Host])
		}
	}
	return rooms, nil
}

func room(h Compute, u usage) Room {
	reserved := max(reservedMemoryMB, h.MemoryMBUsed-u.MemoryMB)
	return Room{
		VCPUs:    int(float64(h.VCPUs)*h.CPURatio) - u.VCPUs,
		MemoryMB: int(float64(h.MemoryMB-reserved)*h.RAMRatio) - u.MemoryMB,
		DiskGB:   int(float64(h.LocalGB)*h.DiskRatio) - u.DiskGB,
		MaxVCPUs: h.VCPUs,
		Used:     HostUse{VCPUs: u.VCPUs, MemoryMB: u.MemoryMB, DiskGB: u.DiskGB},
	}
}

// usages adds up the instances of every host, by cell uuid and host. A root
// disk that is a volume is not on the host, whatever the flavor says.
func (c *Cloud) usages(ctx context.Context) (map[string]usage, error) {
	all := map[string]usage{}
	for _, cell := range c.cells {
		rows, err := readRows[usage](ctx, cell.database, "instances",
			`SELECT host, SUM(vcpus) AS vcpus, SUM(memory_mb) AS memory_mb, SUM(COALESCE(root_gb, 0) + COALESCE(ephemeral_gb, 0)) AS disk_gb
			FROM instances WHERE deleted = 0 AND host IS NOT NULL GROUP BY host`)
		if err != nil {
			return nil, err
		}
		volumes, err := readRows[usage](ctx, cell.database, "root volumes",
			`SELECT i.host, SUM(COALESCE(i.root_gb, 0)) AS disk_gb FROM instances i
			JOIN block_device_mapping b ON b.instance_uuid = i.uuid
			WHERE i.deleted = 0 AND i.host IS NOT NULL AND b.deleted = 0 AND b.boot_index = 0 AND b.destination_type = 'volume'
			GROUP BY i.host`)
		if err != nil {
			return nil, err
		}
		for _, u := range rows {
			all[cell.UUID+"\x00"+u.Host] = u
		}
		for _, v := range volumes {
			u := all[cell.UUID+"\x00"+v.Host]
			u.DiskGB -= v.DiskGB
			all[cell.UUID+"\x00"+v.Host] = u
		}
	}
	return all, nil
}
