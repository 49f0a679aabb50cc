package nova

import (
	"log/slog"
	"time"

	"gorm.io/gorm"
)

// Config says where Nova's databases are and how its services are set up.
type Config struct {
	// APIDatabase is SQLAlchemy's URL as in nova.conf, [api_database]
	// connection: mysql+pymysql://nova:secret@db1/nova_api?charset=utf8, or
	// sqlite:////absolute/path.
	APIDatabase string
	// MainDatabase is [database] connection of nova.conf. It is only needed
	// where cell_mappings holds templates such as {scheme}://{username}:...;
	// APIDatabase fills them when it is empty.
	MainDatabase string
	// Cells replaces the URL of single cells, by name or uuid, where
	// cell_mappings cannot be used as they stand.
	Cells map[string]string

	InstanceNameTemplate string // default instance-%08x
	InstancesPath        string // default /var/lib/nova/instances
	// UniqueNameScope is osapi_compute_unique_server_name_scope: "" (Nova's
	// default: host names may repeat), project or global.
	UniqueNameScope string

	ConnectTimeout time.Duration // default 10s
	QueryTimeout   time.Duration // for one statement, default 60s

	// Logger gets every statement at debug level, without its values. Nil
	// logs nothing.
	Logger *slog.Logger
}

// withDefaults fills what is unset with Nova's own defaults.
func (c Config) withDefaults() Config {
	if c.InstanceNameTemplate == "" {
		c.InstanceNameTemplate = "instance-%08x"
	}
	if c.InstancesPath == "" {
		c.InstancesPath = "/var/lib/nova/instances"
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	if c.QueryTimeout <= 0 {
		c.QueryTimeout = time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// LogValue shows where the databases are without a password.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("api_database", Redact(c.APIDatabase)),
		slog.String("main_database", Redact(c.MainDatabase)),
		slog.String("instance_name_template", c.InstanceNameTemplate),
		slog.String("instances_path", c.InstancesPath),
	)
}

// String is LogValue as text, so that a Config in an error or a format string
// never shows a password.
func (c Config) String() string { return c.LogValue().String() }

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// A Cloud is Nova's databases, opened for reading. It holds no writer; see
// Cloud.Writer.
type Cloud struct {
	config  Config
	release Release
	api     *database
	cells   []*cell      // open ones, in the order of cell_mappings.id; never cell0
	closed  []ClosedCell // disabled, unreachable or wrong ones
}

// A database is one open connection pool with what is known of its tables.
type database struct {
	*gorm.DB
	label   string                     // for errors: "API database", "database of cell1"; never the URL
	columns map[string]map[string]bool // table -> columns it really has
	timeout time.Duration              // for one statement
}

// A cell is one cell of the cloud with its database.
type cell struct {
	ID         int64
	UUID, Name string
	*database
}

// A ClosedCell is a cell that cannot be used. Its hosts take no instances, and
// what it holds is not seen by any read; the rest of the cloud goes on.
type ClosedCell struct {
	ID         int64
	UUID, Name string
	Reason     string // "is disabled", or what went wrong when it was opened
	Disabled   bool   // it was not opened because somebody has disabled it
}

// Release says which Nova uses the databases.
func (c *Cloud) Release() Release { return c.release }

// Settings returns the configuration the cloud was opened with, defaults
// filled in.
func (c *Cloud) Settings() Config { return c.config }

// ClosedCells lists the cells that are not readable, with the reason.
func (c *Cloud) ClosedCells() []ClosedCell { return c.closed }

// An OpenCell is one that can be used.
type OpenCell struct{ UUID, Name string }

// OpenCells lists the cells that are readable, in the order of their ids.
func (c *Cloud) OpenCells() []OpenCell {
	list := make([]OpenCell, len(c.cells))
	for i, one := range c.cells {
		list[i] = OpenCell{one.UUID, one.Name}
	}
	return list
}

// cellByUUID returns the open cell with that uuid, or nil.
func (c *Cloud) cellByUUID(uuid string) *cell {
	for _, cell := range c.cells {
		if cell.UUID == uuid {
			return cell
		}
	}
	return nil
}

// has reports whether the table has the column in this release.
func (d *database) has(table, column string) bool { return d.columns[table][column] }
