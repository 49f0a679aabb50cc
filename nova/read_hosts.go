package nova

import (
	"context"
	"time"
)

// HostRecords are what the databases have of nova-computes and their hosts, as
// it stands: rows that do not fit together are all there, and deleted ones too.
type HostRecords struct {
	Services   []HostService
	Nodes      []HostNode
	Mappings   []HostMapping
	Conductors map[string]int // cell's uuid -> version of its nova-conductor, the lowest of several
}

// A HostService is a row of a nova-compute in services.
type HostService struct {
	ID         int64
	UUID       string
	Host       string
	Cell       string // cell_mappings.uuid
	CellName   string
	Version    int
	Disabled   bool
	Reason     string // why it is disabled, "" without
	ForcedDown bool
	Deleted    bool
	Up         bool      // as Nova itself would say now
	Reports    int       // how often it has reported
	Seen       time.Time // when it last did; zero for never
}

// A HostNode is a row of compute_nodes.
type HostNode struct {
	ID       int64
	UUID     string // of its Placement provider
	Host     string
	Name     string // hypervisor_hostname
	Cell     string
	CellName string
	Deleted  bool
}

// A HostMapping says in which cell the API looks for a host.
type HostMapping struct {
	ID       int64
	Host     string
	Cell     string
	CellName string
	Closed   string // why the cell cannot be used, "" when it can
	Disabled bool   // the cell is closed because somebody has disabled it
}

type hostServiceRow struct {
	ID          int64
	UUID        *string
	Host        string
	Version     int
	Disabled    bool
	Reason      *string `gorm:"column:disabled_reason"`
	ForcedDown  bool
	Deleted     *int64
	ReportCount int
	LastSeenUp  *time.Time
	CreatedAt   *time.Time
}

// HostRecords reads every cell that is open. A host of a closed one has its
// mapping alone.
func (c *Cloud) HostRecords(ctx context.Context) (HostRecords, error) {
	return c.hostRecords(ctx, "")
}

// HostRecordsOf are those of one host, by Nova's name of it.
func (c *Cloud) HostRecordsOf(ctx context.Context, host string) (HostRecords, error) {
	return c.hostRecords(ctx, host)
}

// NodeHost is the host that Nova has a node of this UUID of, "" without one.
func (c *Cloud) NodeHost(ctx context.Context, uuid string) (string, error) {
	for _, cell := range c.cells {
		hosts, err := readRows[string](ctx, cell.database, "compute_nodes", "SELECT host FROM compute_nodes WHERE deleted = 0 AND host IS NOT NULL AND uuid = ?", uuid)
		if err != nil {
			return "", err
		}
		if len(hosts) > 0 {
			return hosts[0], nil
		}
	}
	return "", nil
}

// hostRecords are those of one host, or of all for "".
func (c *Cloud) hostRecords(ctx context.Context, host string) (HostRecords, error) {
	r := HostRecords{Conductors: map[string]int{}}
	mappings, err := readRows[struct {
		ID     int64
		Host   string
		CellID int64
	}](ctx, c.api, "host_mappings", "SELECT id, host, cell_id FROM host_mappings WHERE (? = '' OR host = ?) ORDER BY host", host, host)
	if err != nil {
		return r, err
	}
	for _, m := range mappings {
		r.Mappings = append(r.Mappings, c.hostMapping(HostMapping{ID: m.ID, Host: m.Host}, m.CellID))
	}
	for _, cell := range c.cells {
		if err := r.read(ctx, cell, host); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (c *Cloud) hostMapping(m HostMapping, cellID int64) HostMapping {
	m.CellName = hostRows{cells: c.seen(), closed: c.closed}.cellName(cellID)
	for _, one := range c.cells {
		if one.ID == cellID {
			m.Cell = one.UUID
		}
	}
	for _, one := range c.closed {
		if one.ID == cellID {
			m.Cell, m.Closed, m.Disabled = one.UUID, one.Reason, one.Disabled
		}
	}
	return m
}

// seen are the open cells without what is in them.
func (c *Cloud) seen() (cells []cellHosts) {
	for _, one := range c.cells {
		cells = append(cells, cellHosts{cell: one})
	}
	return cells
}

// read adds one cell.
func (r *HostRecords) read(ctx context.Context, cell *cell, host string) error {
	services, err := readRows[hostServiceRow](ctx, cell.database, "services",
		"SELECT id, uuid, host, COALESCE(version, 0) AS version, disabled, disabled_reason, forced_down, deleted, report_count, last_seen_up, created_at FROM services WHERE `binary` = 'nova-compute' AND host IS NOT NULL AND (? = '' OR host = ?) ORDER BY id", host, host)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, s := range services {
		r.Services = append(r.Services, s.record(cell, now))
	}
	nodes, err := readRows[struct {
		ID      int64
		UUID    string
		Host    *string
		Name    *string `gorm:"column:hypervisor_hostname"`
		Deleted *int64
	}](ctx, cell.database, "compute_nodes", "SELECT id, COALESCE(uuid, '') AS uuid, host, hypervisor_hostname, deleted FROM compute_nodes WHERE (? = '' OR host = ?) ORDER BY id", host, host)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		r.Nodes = append(r.Nodes, HostNode{ID: n.ID, UUID: n.UUID, Host: orEmpty(n.Host), Name: orEmpty(n.Name), Cell: cell.UUID, CellName: cell.Name, Deleted: n.Deleted == nil || *n.Deleted != 0})
	}
	versions, err := readRows[int](ctx, cell.database, "services",
		"SELECT MIN(COALESCE(version, 0)) FROM services WHERE deleted = 0 AND `binary` = 'nova-conductor' AND (forced_down = 0 OR forced_down IS NULL) HAVING COUNT(*) > 0")
	if err != nil {
		return err
	}
	if len(versions) > 0 {
		r.Conductors[cell.UUID] = versions[0]
	}
	return nil
}

func (s hostServiceRow) record(cell *cell, now time.Time) HostService {
	state := serviceRow{ForcedDown: s.ForcedDown, LastSeenUp: s.LastSeenUp, CreatedAt: s.CreatedAt}
	one := HostService{
		ID: s.ID, UUID: orEmpty(s.UUID), Host: s.Host, Cell: cell.UUID, CellName: cell.Name, Version: s.Version,
		Disabled: s.Disabled, Reason: orEmpty(s.Reason), ForcedDown: s.ForcedDown, Deleted: s.Deleted == nil || *s.Deleted != 0, Up: state.up(now), Reports: s.ReportCount,
	}
	if s.LastSeenUp != nil {
		one.Seen = *s.LastSeenUp
	}
	return one
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// InstancesOn counts the instances that Nova has on a host, in all open cells.
// The marker that online migrations leave behind is none.
func (c *Cloud) InstancesOn(ctx context.Context, host string) (int, error) {
	all := 0
	for _, cell := range c.cells {
		n, err := readRows[int](ctx, cell.database, "instances",
			"SELECT COUNT(*) FROM instances WHERE deleted = 0 AND host = ? AND uuid <> ?", host, markerUUID)
		if err != nil {
			return 0, err
		}
		all += n[0]
	}
	return all, nil
}
