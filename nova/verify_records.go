package nova

import (
	"context"
	"strings"
	"time"
)

// owned is a row that belongs to an instance.
type owned struct{ InstanceUUID string }

func (o owned) owner() string { return strings.ToLower(o.InstanceUUID) }

type instanceRecord struct {
	InstanceUUID      string
	ID                int64
	Deleted           *int64
	Hidden            bool
	DisplayName       string
	Hostname          string
	ProjectID         string
	UserID            string
	Host              string
	Node              string
	ComputeID         *int64
	AvailabilityZone  string
	VMState           string `gorm:"column:vm_state"`
	PowerState        int
	TaskState         *string
	Locked            bool
	LockedBy          string
	VCPUs             int `gorm:"column:vcpus"`
	MemoryMB          int `gorm:"column:memory_mb"`
	RootGB            int `gorm:"column:root_gb"`
	EphemeralGB       int `gorm:"column:ephemeral_gb"`
	ImageRef          string
	KernelID          string
	RamdiskID         string
	OSType            string `gorm:"column:os_type"`
	RootDeviceName    string
	ConfigDrive       string
	ShutdownTerminate bool
	DisableTerminate  bool
	CreatedAt         *time.Time
	LaunchedAt        *time.Time
	TerminatedAt      *time.Time
	DeletedAt         *time.Time
}

type extraRecord struct {
	InstanceUUID     string
	Flavor           *string
	PCIRequests      *string `gorm:"column:pci_requests"`
	NUMATopology     *string `gorm:"column:numa_topology"`
	Keypairs         *string
	VCPUModel        *string `gorm:"column:vcpu_model"`
	MigrationContext *string
	DeviceMetadata   *string
	TrustedCerts     *string
	Resources        *string
}

type cacheRecord struct {
	InstanceUUID string
	Deleted      *int64
	NetworkInfo  *string
}

type deviceRecord struct {
	InstanceUUID    string
	UUID            string
	SourceType      string
	DestinationType string
	DeviceName      string
	DiskBus         string
	BootIndex       *int
	VolumeID        string
	VolumeSize      int
	ImageID         string
	AttachmentID    string
	ConnectionInfo  string
	Encrypted       bool // since Zed; NULL, as in rows of before, is no
	EncryptionKey   string
}

func (d deviceRecord) root() bool { return d.BootIndex != nil && *d.BootIndex == 0 }

type interfaceRecord struct {
	InstanceUUID string
	UUID         string
	Address      string
}

type propertyRecord struct {
	InstanceUUID string
	Key          string
	Value        string
}

type migrationRecord struct {
	InstanceUUID  string
	Status        string
	MigrationType string
}

type faultRecord struct {
	InstanceUUID string
	CreatedAt    *time.Time
	Message      string
}

// gorm does not look into embedded types that are not exported.
func (r instanceRecord) owner() string  { return strings.ToLower(r.InstanceUUID) }
func (r extraRecord) owner() string     { return strings.ToLower(r.InstanceUUID) }
func (r cacheRecord) owner() string     { return strings.ToLower(r.InstanceUUID) }
func (r deviceRecord) owner() string    { return strings.ToLower(r.InstanceUUID) }
func (r interfaceRecord) owner() string { return strings.ToLower(r.InstanceUUID) }
func (r propertyRecord) owner() string  { return strings.ToLower(r.InstanceUUID) }
func (r migrationRecord) owner() string { return strings.ToLower(r.InstanceUUID) }
func (r faultRecord) owner() string     { return strings.ToLower(r.InstanceUUID) }
func (r mappingRecord) owner() string   { return strings.ToLower(r.InstanceUUID) }
func (r specRecord) owner() string      { return strings.ToLower(r.InstanceUUID) }

// cellRecords is what one cell has about a chunk of uuids.
type cellRecords struct {
	cell       *cell
	instances  map[string][]instanceRecord
	shadows    map[string][]owned
	extras     map[string][]extraRecord
	caches     map[string][]cacheRecord
	devices    map[string][]deviceRecord
	interfaces map[string][]interfaceRecord
	properties map[string][]propertyRecord
	migrations map[string][]migrationRecord
	faults     map[string][]faultRecord
	others     map[string][]owned // rows of tables that only matter when the instance is gone
}

type mappingRecord struct {
	InstanceUUID    string
	CellID          *int64
	ProjectID       string
	UserID          string
	QueuedForDelete *bool
}

type specRecord struct {
	InstanceUUID string
	Spec         string
}

// records is what all databases have about a chunk of uuids.
type records struct {
	cells    []*cellRecords
	mappings map[string][]mappingRecord
	specs    map[string][]specRecord
	builds   map[string][]owned
	sameName map[string][]namedInstance // lower host name -> live instances
}

type namedInstance struct{ UUID, ProjectID, Hostname string }

// recordReader reads tables until the first error.
type recordReader struct {
	ctx  context.Context
	db   *database
	keys []string
	err  error
}

// group reads one table's rows by their owner.
func group[T interface{ owner() string }](r *recordReader, what, query string) map[string][]T {
	if r.err != nil {
		return nil
	}
	var rows []T
	rows, r.err = readFor[T](r.ctx, r.db, what, query, r.keys)
	by := map[string][]T{}
	for _, row := range rows {
		by[row.owner()] = append(by[row.owner()], row)
	}
	return by
}

func (c *Cloud) readRecords(ctx context.Context, expected []Expect) (*records, error) {
	var keys []string
	for _, e := range expected {
		keys = append(keys, e.UUID)
	}
	keys = unique(keys)
	r := &recordReader{ctx: ctx, db: c.api, keys: keys}
	all := &records{
		mappings: group[mappingRecord](r, "instance_mappings", `SELECT instance_uuid, cell_id, project_id, user_id, queued_for_delete FROM instance_mappings
			WHERE project_id <> 'INSTANCE_MIGRATION_MARKER' AND instance_uuid IN ?`),
		specs:  group[specRecord](r, "request_specs", "SELECT instance_uuid, spec FROM request_specs WHERE instance_uuid IN ?"),
		builds: group[owned](r, "build_requests", "SELECT instance_uuid FROM build_requests WHERE instance_uuid IN ?"),
	}
	if r.err != nil {
		return nil, r.err
	}
	for _, cell := range c.cells {
		one, err := readCellRecords(ctx, cell, keys)
		if err != nil {
			return nil, err
		}
		all.cells = append(all.cells, one)
	}
	return all, c.readSameNames(ctx, all)
}

// readSameNames reads who else has the host names, where names must not repeat.
func (c *Cloud) readSameNames(ctx context.Context, all *records) error {
	if c.config.UniqueNameScope == "" {
		return nil
	}
	var names []string
	for _, one := range all.cells {
		for _, rows := range one.instances {
			for _, row := range rows {
				names = append(names, row.Hostname)
			}
		}
	}
	all.sameName = map[string][]namedInstance{}
	for _, cell := range c.cells {
		rows, err := readFor[namedInstance](ctx, cell.database, "host names",
			"SELECT uuid, project_id, hostname FROM instances WHERE deleted = 0 AND hostname IN ?", unique(names))
		if err != nil {
			return err
		}
		for _, row := range rows {
			name := strings.ToLower(row.Hostname)
			all.sameName[name] = append(all.sameName[name], row)
		}
	}
	return nil
}
