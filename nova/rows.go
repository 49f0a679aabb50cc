package nova

import "time"

// MarkerKey is the key of instance_system_metadata that says an instance was
// adopted by this program; its value is the request id of the run. Nova keeps
// and ignores what it does not know there (nova/utils.py,
// get_image_from_system_metadata), no API shows or changes it, and a rebuild
// removes only keys that begin with image_. A snapshot carries it on as an
// image property, and a server made from that has it as image_kvm2openstack,
// which is another key: only adopted instances have this one.
const MarkerKey = "kvm2openstack"

// taskStateAdopting is the task_state of an instance until it is final. Any
// task_state keeps the power sync and API actions away; this one is Nova's own.
const taskStateAdopting = "migrating"

// A RowSet is all rows of one instance, parents before children.
type RowSet struct {
	UUID string
	Cell []Row // one transaction in the cell's database
	API  []Row // another in the API database, after it
}

// A Row is one row to be inserted. Columns that are not named are NULL, but
// for id, which the database gives.
type Row struct {
	Table   string
	Columns []Column
}

// A Column is one value of a Row: a string, an int, an int64 or nil.
type Column struct {
	Name  string
	Value any
	// newer is set on a column that older releases lack; there it is left out.
	newer bool
}

// Get returns the value of a column, nil when it is not named.
func (r Row) Get(column string) any {
	for _, c := range r.Columns {
		if c.Name == column {
			return c.Value
		}
	}
	return nil
}

// Rows turns an instance into its rows. It looks at nothing but its arguments,
// so the same instance at the same time gives the same rows.
//
// The instances row has no host yet and a task_state: until Finish no
// nova-compute looks at it, and nothing in the API can act on it. Every default
// that Nova's models fill in on the client side is written, for the schema has
// none: a row whose deleted is NULL is invisible everywhere.
//
// Ports that are not bound yet (VIFType "") get their virtual_interfaces rows,
// which say in which order Nova plugs them, and are left out of the info cache.
// SetInfoCache writes that in full once they are bound, and has to before
// Finish: a hard reboot in between would start the guest without them.
//
// Whatever could stop a nova-compute or lose the guest's hardware is an error
// that names the instance and the field.
func Rows(in Instance, now time.Time) (RowSet, error) {
	if err := in.check(now); err != nil {
		return RowSet{}, err
	}
	cell, err := cellRows(in, now)
	if err != nil {
		return RowSet{}, err
	}
	api, err := apiRows(in, now)
	if err != nil {
		return RowSet{}, err
	}
	return RowSet{UUID: in.UUID, Cell: cell, API: api}, nil
}

// A rowBuilder holds what several rows of one instance share. Stored objects
// are made first, so that a builder of rows cannot fail.
type rowBuilder struct {
	in  Instance
	now string

	flavor, keyPairs, networkInfo string // of the cell
	requestSpec                   string // of the API database
}

// cellRows are the rows of the cell's database, for a checked instance.
func cellRows(in Instance, now time.Time) ([]Row, error) {
	b := rowBuilder{in: in, now: sqlTime(now)}
	var err error
	if b.flavor, err = flavorBlob(in.Flavor); err != nil {
		return nil, in.fault("flavor", err)
	}
	if b.keyPairs, err = keyPairsBlob(); err != nil {
		return nil, in.fault("key pairs", err)
	}
	if b.networkInfo, err = NetworkInfo(boundPorts(in.Ports)); err != nil {
		return nil, in.fault("info cache", err)
	}
	return b.cellRows(), nil
}

// apiRows are the rows of the API database, for a checked instance.
func apiRows(in Instance, now time.Time) ([]Row, error) {
	b := rowBuilder{in: in, now: sqlTime(now)}
	properties, err := in.typedProperties()
	if err != nil {
		return nil, in.fault("request spec", err)
	}
	if b.requestSpec, err = requestSpecBlob(in, properties); err != nil {
		return nil, in.fault("request spec", err)
	}
	return b.apiRows(), nil
}

// fault is a FieldError of the instance.
func (in Instance) fault(field string, err error) error {
	return &FieldError{UUID: in.UUID, Name: in.DisplayName, Field: field, Err: err}
}

// sqlTime is a DATETIME in UTC without a fraction, as text: it reads the same
// in MySQL, in SQLite and in a dry run.
func sqlTime(t time.Time) string { return t.UTC().Format(time.DateTime) }

// value is a column that every release has.
func value(name string, v any) Column { return Column{Name: name, Value: v} }

// orNil is the text, or NULL for the empty one.
func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// imageFormat is the disk format that snapshots and request_specs record.
func (in Instance) imageFormat() string { return orElse(in.DiskFormat, "qcow2") }
