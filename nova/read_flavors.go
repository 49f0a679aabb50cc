package nova

import (
	"context"
	"time"
)

type flavorRow struct {
	ID          int64
	FlavorID    string `gorm:"column:flavorid"`
	Name        string
	VCPUs       int      `gorm:"column:vcpus"`
	MemoryMB    int      `gorm:"column:memory_mb"`
	RootGB      int      `gorm:"column:root_gb"`
	EphemeralGB int      `gorm:"column:ephemeral_gb"`
	SwapMB      int      `gorm:"column:swap"`
	RxTxFactor  *float64 `gorm:"column:rxtx_factor"`
	VCPUWeight  int      `gorm:"column:vcpu_weight"`
	Disabled    bool
	IsPublic    *bool
	CreatedAt   *time.Time
}

// Flavors lists the flavors of the cloud with who may use them and their extra
// specs, in the order of their ids.
func (c *Cloud) Flavors(ctx context.Context) ([]Flavor, error) {
	rows, err := readRows[flavorRow](ctx, c.api, "flavors",
		`SELECT id, flavorid, name, vcpus, memory_mb, root_gb, ephemeral_gb, swap, rxtx_factor, vcpu_weight, disabled, is_public, created_at
		FROM flavors ORDER BY id`)
	if err != nil {
		return nil, err
	}
	specs, err := readRows[struct {
		FlavorID int64
		Key      string
		Value    string
	}](ctx, c.api, "flavor_extra_specs", "SELECT flavor_id, `key`, value FROM flavor_extra_specs")
	if err != nil {
		return nil, err
	}
	projects, err := readRows[struct {
		FlavorID  int64
		ProjectID string
	}](ctx, c.api, "flavor_projects", "SELECT flavor_id, project_id FROM flavor_projects ORDER BY project_id")
	if err != nil {
		return nil, err
	}
	flavors := make([]Flavor, len(rows))
	byID := make(map[int64]*Flavor, len(rows))
	for i, r := range rows {
		flavors[i] = r.flavor()
		byID[r.ID] = &flavors[i]
	}
	for _, s := range specs {
		if f := byID[s.FlavorID]; f != nil {
			f.ExtraSpecs[s.Key] = s.Value
		}
	}
	for _, p := range projects {
		if f := byID[p.FlavorID]; f != nil {
			f.Projects = append(f.Projects, p.ProjectID)
		}
	}
	return flavors, nil
}

// flavor fills what is NULL as Nova's model does.
func (r flavorRow) flavor() Flavor {
	f := Flavor{
		ID: r.ID, FlavorID: r.FlavorID, Name: r.Name, VCPUs: r.VCPUs, MemoryMB: r.MemoryMB, RootGB: r.RootGB,
		EphemeralGB: r.EphemeralGB, SwapMB: r.SwapMB, RxTxFactor: 1, VCPUWeight: r.VCPUWeight,
		Disabled: r.Disabled, Public: r.IsPublic == nil || *r.IsPublic, ExtraSpecs: map[string]string{},
	}
	if r.RxTxFactor != nil {
		f.RxTxFactor = *r.RxTxFactor
	}
	if r.CreatedAt != nil {
		f.CreatedAt = r.CreatedAt.UTC()
	}
	return f
}
