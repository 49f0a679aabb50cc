package nova

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// serviceDownTime is the default of [DEFAULT] service_down_time: a service
// that has not reported for longer is down.
const serviceDownTime = time.Minute

// defaultZone is where hosts of no aggregate are ([DEFAULT]
// default_availability_zone).
const defaultZone = "nova"

type serviceRow struct {
	Host       string
	Version    int
	Disabled   bool
	ForcedDown bool
	LastSeenUp *time.Time
	CreatedAt  *time.Time
}

// up is nova/servicegroup/drivers/db.py, is_up: a clock that is ahead counts
// like one that is behind.
func (s serviceRow) up(now time.Time) bool {
	seen := s.LastSeenUp
	if seen == nil {
		seen = s.CreatedAt
	}
	return seen != nil && !s.ForcedDown && now.Sub(*seen).Abs() <= serviceDownTime
}

type nodeRow struct {
	ID       int64
	UUID     string
	Host     string
	Node     string `gorm:"column:hypervisor_hostname"`
	Type     string `gorm:"column:hypervisor_type"`
	VCPUs    int    `gorm:"column:vcpus"`
	MemoryMB int    `gorm:"column:memory_mb"`
	LocalGB  int    `gorm:"column:local_gb"`

	VCPUsUsed    int `gorm:"column:vcpus_used"`
	MemoryMBUsed int `gorm:"column:memory_mb_used"`
	LocalGBUsed  int `gorm:"column:local_gb_used"`

	CPURatio  float64 `gorm:"column:cpu_allocation_ratio"`
	RAMRatio  float64 `gorm:"column:ram_allocation_ratio"`
	DiskRatio float64 `gorm:"column:disk_allocation_ratio"`
}

type hostMapping struct {
	Host   string
	CellID int64
}

// hostRows is what the databases have about compute hosts.
type hostRows struct {
	mappings []hostMapping
	zones    map[string]string // host -> availability zone
	cells    []cellHosts
	closed   []ClosedCell
	major    int
	now      time.Time
}

// cellHosts is one open cell's part.
type cellHosts struct {
	cell     *cell
	services []serviceRow
	nodes    []nodeRow
}

// Computes lists every host that the API database maps or that has a
// nova-compute or a node in an open cell, by name. What keeps one from taking
// instances is its Problem; being down or disabled is not.
func (c *Cloud) Computes(ctx context.Context) ([]Compute, error) {
	rows, err := c.hostRows(ctx)
	if err != nil {
		return nil, err
	}
	return rows.computes(), nil
}

// ComputeUp reads whether the nova-compute of a host reports at this moment.
// Nova takes an order also for one that does not.
func (c *Cloud) ComputeUp(ctx context.Context, cellUUID, host string) (bool, error) {
	cell := c.cellByUUID(cellUUID)
	if cell == nil {
		return false, fmt.Errorf("read nova-compute of %s: cell %q is not open", host, cellUUID)
	}
	rows, err := cell.computeServices(ctx, host)
	return len(rows) == 1 && rows[0].up(time.Now()), err
}

// computeServices are the services of nova-compute in a cell: a host's, or all
// for "".
func (c *cell) computeServices(ctx context.Context, host string) ([]serviceRow, error) {
	return readRows[serviceRow](ctx, c.database, "services",
		"SELECT host, version, disabled, forced_down, last_seen_up, created_at FROM services WHERE deleted = 0 AND `binary` = 'nova-compute' AND host IS NOT NULL AND (? = '' OR host = ?)", host, host)
}

func (c *Cloud) hostRows(ctx context.Context) (hostRows, error) {
	h := hostRows{closed: c.closed, major: c.release.Major, now: time.Now()}
	var err error
	if h.mappings, err = readRows[hostMapping](ctx, c.api, "host_mappings", "SELECT host, cell_id FROM host_mappings ORDER BY host"); err != nil {
		return h, err
	}
	if h.zones, err = c.zones(ctx); err != nil {
		return h, err
	}
	for _, cell := range c.cells {
		one := cellHosts{cell: cell}
		if one.services, err = cell.computeServices(ctx, ""); err != nil {
			return h, err
		}
		if one.nodes, err = readRows[nodeRow](ctx, cell.database, "compute_nodes",
			`SELECT id, uuid, host, hypervisor_hostname, hypervisor_type, vcpus, memory_mb, local_gb, vcpus_used, memory_mb_used, local_gb_used,
			cpu_allocation_ratio, ram_allocation_ratio, disk_allocation_ratio FROM compute_nodes WHERE deleted = 0 ORDER BY id`); err != nil {
			return h, err
		}
		h.cells = append(h.cells, one)
	}
	return h, nil
}

// zones reads the availability zone of every host that is in an aggregate
// that makes one.
func (c *Cloud) zones(ctx context.Context) (map[string]string, error) {
	rows, err := readRows[struct{ Host, Value string }](ctx, c.api, "aggregates",
		"SELECT h.host, m.value FROM aggregate_hosts h JOIN aggregate_metadata m ON m.aggregate_id = h.aggregate_id WHERE m.`key` = 'availability_zone'")
	zones := make(map[string]string, len(rows))
	for _, r := range rows {
		zones[r.Host] = r.Value
	}
	return zones, err
}

// computes puts the rows together.
func (h hostRows) computes() []Compute {
	mapped := map[string]int64{}
	for _, m := range h.mappings {
		mapped[m.Host] = m.CellID
	}
	found := map[string]*Compute{}
	for _, one := range h.cells {
		for _, part := range one.compose(h.now, h.major) {
			p := found[part.Host]
			switch {
			case p == nil, mapped[part.Host] == part.CellID:
				part.Problem = cmp.Or(h.mappingProblem(mapped, part), part.Problem)
				if p != nil {
					part.Problem = cmp.Or(part.Problem, alsoIn(p.CellName))
				}
				found[part.Host] = &part
			default:
				p.Problem = cmp.Or(p.Problem, alsoIn(part.CellName))
			}
		}
	}
	h.addUnseen(mapped, found)
	list := make([]Compute, 0, len(found))
	for _, c := range found {
		c.AvailabilityZone = orElse(h.zones[c.Host], defaultZone)
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Compute) int { return cmp.Compare(a.Host, b.Host) })
	return list
}

func alsoIn(cell string) string { return "it also has a nova-compute or a node in " + cell }
