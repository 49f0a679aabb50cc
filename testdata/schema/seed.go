package schema

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A Seed is a cloud as nova-manage and its services would have left it, before
// any instance: cells, hosts, services, nodes, flavors, aggregates, quotas.
type Seed struct {
	Release string
	Now     time.Time // when services last reported; UTC
	Cells   []CellSeed
	Flavors []FlavorSeed
	Quotas  map[string]map[string]int // project -> resource -> hard limit
	// DefaultQuota is quota_classes' class default: resource -> hard limit.
	DefaultQuota map[string]int
}

// A CellSeed is one cell. Its database exists already, made by Create.
type CellSeed struct {
	Name, UUID string
	URL        string // SQLAlchemy's, for cell_mappings
	DB         *sql.DB
	Hosts      []HostSeed
}

// A HostSeed is a compute host with one node.
type HostSeed struct {
	Host, Node        string // Node is Host when empty
	UUID              string // of the node
	AvailabilityZone  string // through an aggregate of that name; "" for none
	VCPUs, MemoryMB   int
	LocalGB           int
	ReportedAgo       time.Duration // since the service last reported
	Disabled, Forced  bool
	Version           int    // of the service; the release's own when 0
	Hypervisor        string // QEMU when empty
	Unmapped, NoNode  bool   // without host_mappings row, without compute_nodes row
	CPURatio, RAMRate float64
}

// A FlavorSeed is one flavor.
type FlavorSeed struct {
	ID, Name                   string
	VCPUs, MemoryMB            int
	RootGB, EphemeralGB, Swap  int
	Private, Disabled          bool
	Projects                   []string
	ExtraSpecs                 map[string]string
	VCPUWeightUnset, RxTxUnset bool
}

// Cell0UUID is the cell of servers that no host took.
const Cell0UUID = "00000000-0000-0000-0000-000000000000"

// Plausible is a small cloud: one cell with three hosts in two zones, and
// flavors from small to the 8 VCPU, 24 GB, 300 GB of old data centres.
func Plausible(release string, cell CellSeed) Seed {
	cell.Name, cell.UUID = "cell1", "11111111-1111-4111-8111-111111111111"
	cell.Hosts = []HostSeed{
		{Host: "kvm01", UUID: "aaaaaaaa-0000-4000-8000-000000000001", AvailabilityZone: "az1", VCPUs: 64, MemoryMB: 262144, LocalGB: 8000},
		{Host: "kvm02", UUID: "aaaaaaaa-0000-4000-8000-000000000002", AvailabilityZone: "az1", VCPUs: 64, MemoryMB: 262144, LocalGB: 8000},
		{Host: "kvm03", UUID: "aaaaaaaa-0000-4000-8000-000000000003", VCPUs: 32, MemoryMB: 131072, LocalGB: 4000},
	}
	return Seed{
		Release: release,
		Now:     time.Now().UTC(),
		Cells:   []CellSeed{cell},
		Flavors: []FlavorSeed{
			{ID: "1", Name: "m1.small", VCPUs: 1, MemoryMB: 2048, RootGB: 20},
			{ID: "2", Name: "m1.medium", VCPUs: 2, MemoryMB: 4096, RootGB: 40},
			{ID: "3", Name: "m1.large", VCPUs: 4, MemoryMB: 8192, RootGB: 80},
			{ID: "legacy.8c24g", Name: "legacy.8c24g", VCPUs: 8, MemoryMB: 24576, RootGB: 300,
				Private: true, Projects: []string{"legacy"}, ExtraSpecs: map[string]string{"hw:cpu_sockets": "2"}},
		},
		Quotas:       map[string]map[string]int{"legacy": {"instances": 200, "cores": -1, "ram": 1024 * 1024}},
		DefaultQuota: map[string]int{"instances": 50},
	}
}

// Insert writes the seed. The databases must be fresh.
func (s Seed) Insert(ctx context.Context, api *sql.DB) error {
	r, err := Find(s.Release)
	if err != nil {
		return err
	}
	a := &inserter{ctx: ctx, db: api, now: s.Now}
	a.insert("cell_mappings", row{"uuid": Cell0UUID, "name": "cell0", "transport_url": "none:///", "database_connection": "mysql+pymysql://nova:x@localhost/nova_cell0", "disabled": 0})
	aggregates := map[string]int64{}
	for _, cell := range s.Cells {
		id := a.insert("cell_mappings", row{"uuid": cell.UUID, "name": cell.Name, "transport_url": "rabbit://", "database_connection": cell.URL, "disabled": 0})
		c := &inserter{ctx: ctx, db: cell.DB, now: s.Now, err: a.err}
		for _, h := range cell.Hosts {
			if !h.Unmapped {
				a.insert("host_mappings", row{"cell_id": id, "host": h.Host})
			}
			a.zone(aggregates, h)
			c.host(h, r.Service)
		}
		if r.Upgraded {
			c.marker()
		}
		a.err = c.err
	}
	for _, f := range s.Flavors {
		a.flavor(f)
	}
	for project, limits := range s.Quotas {
		for resource, limit := range limits {
			a.insert("quotas", row{"project_id": project, "resource": resource, "hard_limit": limit})
		}
	}
	for resource, limit := range s.DefaultQuota {
		a.insert("quota_classes", row{"class_name": "default", "resource": resource, "hard_limit": limit})
	}
	if a.err != nil {
		return fmt.Errorf("seed a cloud of %s: %w", s.Release, a.err)
	}
	return nil
}

// MarkerUUID is that of an instance that never was.
const MarkerUUID = "00000000-0000-0000-0000-000000000000"

// marker writes what "nova-manage db online_data_migrations" has to remember
// its place by: an instance that is deleted, and an interface of it.
func (a *inserter) marker() {
	gone := stamp(a.now)
	a.insert("instances", row{
		"id": 1, "uuid": MarkerUUID, "project_id": MarkerUUID, "user_id": MarkerUUID, "vm_state": "deleted", "deleted_at": gone, "terminated_at": gone,
		"deleted": 1, "hidden": 0, "launch_index": 0, "locked": 0, "disable_terminate": 0, "shutdown_terminate": 0, "auto_disk_config": 0, "cleaned": 0,
	})
	a.insert("instance_extra", row{"instance_uuid": MarkerUUID, "deleted": 0, "pci_requests": "[]"})
	a.insert("instance_info_caches", row{"instance_uuid": MarkerUUID, "deleted": 0, "network_info": "[]"})
	a.insert("virtual_interfaces", row{
		"instance_uuid": MarkerUUID, "uuid": MarkerUUID, "deleted": 0, "address": "ff:ff:ff:ff:ff:ff/" + MarkerUUID,
		"tag": "9e1b5ab6-ffff-4000-8000-000000000001",
	})
}

// zone puts the host into the aggregate that makes its availability zone.
func (a *inserter) zone(aggregates map[string]int64, h HostSeed) {
	if h.AvailabilityZone == "" {
		return
	}
	id, ok := aggregates[h.AvailabilityZone]
	if !ok {
		id = a.insert("aggregates", row{"uuid": fmt.Sprintf("bbbbbbbb-0000-4000-8000-%012d", len(aggregates)+1), "name": "zone-" + h.AvailabilityZone})
		a.insert("aggregate_metadata", row{"aggregate_id": id, "key": "availability_zone", "value": h.AvailabilityZone})
		aggregates[h.AvailabilityZone] = id
	}
	a.insert("aggregate_hosts", row{"aggregate_id": id, "host": h.Host})
}

// host writes the service of nova-compute and its node.
func (a *inserter) host(h HostSeed, version int) {
	if h.Version != 0 {
		version = h.Version
	}
	seen := a.now.Add(-h.ReportedAgo)
	a.insert("services", row{
		"uuid": "5" + h.UUID[1:], "host": h.Host, "binary": "nova-compute", "topic": "compute", "report_count": 1,
		"disabled": flag(h.Disabled), "forced_down": flag(h.Forced), "deleted": 0, "version": version, "last_seen_up": stamp(seen),
	})
	if h.NoNode {
		return
	}
	a.insert("compute_nodes", row{
		"uuid": h.UUID, "host": h.Host, "hypervisor_hostname": or(h.Node, h.Host), "deleted": 0, "mapped": 1,
		"vcpus": h.VCPUs, "memory_mb": h.MemoryMB, "local_gb": h.LocalGB, "vcpus_used": 0, "memory_mb_used": 512, "local_gb_used": 0,
		"hypervisor_type": or(h.Hypervisor, "QEMU"), "hypervisor_version": 7002000, "cpu_info": "{}",
		"cpu_allocation_ratio": h.CPURatio, "ram_allocation_ratio": h.RAMRate, "disk_allocation_ratio": 1.0,
	})
}

func (a *inserter) flavor(f FlavorSeed) {
	r := row{
		"name": f.Name, "flavorid": f.ID, "memory_mb": f.MemoryMB, "vcpus": f.VCPUs, "root_gb": f.RootGB,
		"ephemeral_gb": f.EphemeralGB, "swap": f.Swap, "rxtx_factor": 1.0, "vcpu_weight": 0,
		"disabled": flag(f.Disabled), "is_public": flag(!f.Private),
	}
	if f.VCPUWeightUnset {
		delete(r, "vcpu_weight")
	}
	if f.RxTxUnset {
		delete(r, "rxtx_factor")
	}
	id := a.insert("flavors", r)
	for _, p := range f.Projects {
		a.insert("flavor_projects", row{"flavor_id": id, "project_id": p})
	}
	for k, v := range f.ExtraSpecs {
		a.insert("flavor_extra_specs", row{"flavor_id": id, "key": k, "value": v})
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
