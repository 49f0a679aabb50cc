package nova

import (
	"cmp"
	"context"
	"slices"
	"time"
)

type serverRow struct {
	ID               int64
	UUID             string
	DisplayName      string
	Hostname         string
	ProjectID        string
	UserID           string
	Host             string
	Node             string
	AvailabilityZone string
	VMState          string `gorm:"column:vm_state"`
	TaskState        string
	PowerState       int
	VCPUs            int `gorm:"column:vcpus"`
	MemoryMB         int `gorm:"column:memory_mb"`
	RootGB           int `gorm:"column:root_gb"`
	EphemeralGB      int `gorm:"column:ephemeral_gb"`
	Locked           bool
	LockedBy         string
	CreatedAt        *time.Time
	UpdatedAt        *time.Time
	NICModel         string
	NetworkInfo      string
}

const selectServers = `SELECT i.id, i.uuid, i.display_name, i.hostname, i.project_id, i.user_id, i.host, i.node, i.availability_zone,
	i.vm_state, i.task_state, i.power_state, i.vcpus, i.memory_mb, i.root_gb, i.ephemeral_gb, i.locked, i.locked_by, i.created_at, i.updated_at, c.network_info,
	(SELECT MAX(m.value) FROM instance_system_metadata m WHERE m.instance_uuid = i.uuid AND m.` + "`key`" + ` = 'image_hw_vif_model' AND m.deleted = 0) AS nic_model
	FROM instances i LEFT JOIN instance_info_caches c ON c.instance_uuid = i.uuid AND c.deleted = 0 WHERE i.deleted = 0 AND `

// Servers reads live instances by uuid, by display name and uuid. One that no
// open cell has is left out.
func (c *Cloud) Servers(ctx context.Context, uuids []string) ([]Server, error) {
	return c.servers(ctx, "i.uuid IN ?", unique(uuids))
}

// ServersOnHost reads the live instances of one host (services.host).
func (c *Cloud) ServersOnHost(ctx context.Context, host string) ([]Server, error) {
	return c.servers(ctx, "i.host IN ?", []string{host})
}

func (c *Cloud) servers(ctx context.Context, condition string, keys []string) ([]Server, error) {
	var all []Server
	for _, cell := range c.cells {
		rows, err := readFor[serverRow](ctx, cell.database, "instances", selectServers+condition, keys)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			all = append(all, r.server(cell.Name, c.config.InstanceNameTemplate))
		}
	}
	slices.SortFunc(all, func(a, b Server) int {
		return cmp.Or(cmp.Compare(a.DisplayName, b.DisplayName), cmp.Compare(a.UUID, b.UUID))
	})
	return all, nil
}

// server never fails: what another hand wrote into a row is shown as a
// problem of that row.
func (r serverRow) server(cell, template string) Server {
	s := Server{
		UUID: r.UUID, DisplayName: r.DisplayName, Hostname: r.Hostname, ProjectID: r.ProjectID, UserID: r.UserID,
		Cell: cell, Host: r.Host, Node: r.Node, AvailabilityZone: r.AvailabilityZone,
		VMState: r.VMState, TaskState: r.TaskState, PowerState: r.PowerState,
		VCPUs: r.VCPUs, MemoryMB: r.MemoryMB, RootGB: r.RootGB, EphemeralGB: r.EphemeralGB,
		Locked: r.Locked, LockedBy: r.LockedBy, NICModel: r.NICModel,
	}
	if r.CreatedAt != nil {
		s.Created = r.CreatedAt.UTC()
	}
	if r.UpdatedAt != nil {
		s.Updated = r.UpdatedAt.UTC()
	}
	if name, err := NameFor(template, r.ID, r.UUID, r.Hostname); err == nil {
		s.InstanceName = name
	}
	vifs, err := parseNetworkInfo(r.NetworkInfo)
	if err != nil {
		s.NetworksProblem = err.Error()
	}
	for _, v := range vifs {
		s.Networks = append(s.Networks, v.network())
	}
	return s
}
