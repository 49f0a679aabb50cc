package journal

import "time"

// version is the shape of the tables below. It is raised by whoever changes
// the meaning of a column; older programs then refuse the journal.
//
// Shape 2 has the table of shared things, and adoptions whose plan says that
// ports and allocations were made: a program that knows only shape 1 would
// release those and leave their ports behind.
//
// Shape 3 has adoptions whose domain was restarted under Nova's name: a
// program that knows only shape 2 would take them for imported ones.
//
// Shape 4 has what sync has seen, and the rounds that several processes share:
// a program that knows only shape 3 would begin a run beside them. It also has
// renamed domains in the middle of another restart, which that would release.
const version = 4

// A State says how far the adoption of a domain has come.
type State string

// A domain begins as StateBegun. StateImported instances are complete in
// Nova; StateReleased ones have left it again; StateFailed ones were taken back
// after an error. StateHalf needs a rerun, or a person: its records are there,
// but no host owns them yet.
//
// StateRenaming domains are on their way from StateImported to StateRenamed,
// and StateReturning ones on their way back: a rerun goes on, wherever they
// are. StateFinalized ones are renamed, and the legacy names of their disks
// are gone. StateSwapping ones are in the middle of the restart of a renamed or
// finalized domain that gives its interfaces another model.
const (
	StateBegun     State = "begun"
	StateHalf      State = "half"
	StateImported  State = "imported"
	StateFailed    State = "failed"
	StateReleasing State = "releasing"
	StateReleased  State = "released"
	StateRenaming  State = "renaming"
	StateRenamed   State = "renamed"
	StateReturning State = "returning"
	StateFinalized State = "finalized"
	StateSwapping  State = "swapping"
)

// A Run is one invocation of the program that changed something.
type Run struct {
	ID         int64     `gorm:"primaryKey"`
	Started    time.Time // UTC
	Ended      *time.Time
	User       string `gorm:"column:who;size:255"`
	Host       string `gorm:"size:255"` // where the program ran, not what it worked on
	PID        int    `gorm:"column:pid"`
	Command    string `gorm:"type:text"`
	Version    string `gorm:"size:64"`
	PlanDigest string `gorm:"size:80"`
	Outcome    string `gorm:"type:text"`
}

// An Adoption is what is known of one domain, the last word only.
type Adoption struct {
	UUID         string `gorm:"primaryKey;size:36"`
	Host         string `gorm:"size:255;index"` // discover.Host.Name
	Domain       string `gorm:"type:text"`      // the legacy libvirt name
	DisplayName  string `gorm:"type:text"`
	Cell         string `gorm:"size:36"` // cell_mappings.uuid
	ComputeHost  string `gorm:"size:255"`
	InstanceID   int64  // instances.id, 0 until it is known
	InstanceName string `gorm:"size:255"` // instance-%08x of InstanceID
	State        State  `gorm:"size:16;index"`
	Reason       string `gorm:"type:text"`     // why it is not complete
	Plan         string `gorm:"type:longtext"` // the domain's part of the plan, YAML
	// Definition is the inactive XML from before anything was changed, without
	// secrets. Adoptions leaves it out; see Journal.Definition.
	Definition string `gorm:"type:longtext"`
	Run        int64  // the run that wrote this row last
	Updated    time.Time

	// Left are the steps that were begun and not taken back, oldest first, of
	// an adoption that is neither complete nor out again. Adoptions fills it.
	Left []string `gorm:"-"`
	// Open are those of Left whose end is not noted.
	Open []string `gorm:"-"`
}

// open reports whether something of the adoption may have to be done yet.
func (a Adoption) open() bool {
	switch a.State {
	case StateBegun, StateHalf, StateReleasing, StateRenaming, StateReturning, StateSwapping:
		return true
	}
	return false
}

// A Step is one change to one domain, once per run.
type Step struct {
	ID    int64  `gorm:"primaryKey"`
	Run   int64  `gorm:"uniqueIndex:run_domain_step"`
	UUID  string `gorm:"size:36;uniqueIndex:run_domain_step;index:domain"`
	Step  string `gorm:"size:32;uniqueIndex:run_domain_step"`
	Begun time.Time
	Ended *time.Time
	Error string `gorm:"type:text"`
	Made  string `gorm:"type:longtext"` // JSON, what the way back needs; its shape is the step's own

	UndoBegun *time.Time
	Undone    *time.Time
}

// A Kind is what a Shared thing is.
type Kind string

// Flavors and placeholder images are what several instances of a project use.
const (
	KindFlavor Kind = "flavor"
	KindImage  Kind = "image"
)

// A Shared thing was made in the cloud for several adoptions, and goes when
// the last of them has gone. Begun without Made is an intent: it may be there
// or not. What was there before us has no row.
type Shared struct {
	ID      int64  `gorm:"primaryKey"`
	Kind    Kind   `gorm:"size:16;uniqueIndex:kind_project_name"`
	Project string `gorm:"size:64;uniqueIndex:kind_project_name"` // its id
	Name    string `gorm:"size:255;uniqueIndex:kind_project_name"`
	CloudID string `gorm:"size:255"` // flavorid, or the image's id; "" until it is known
	Run     int64
	Begun   time.Time
	Made    *time.Time
	Gone    *time.Time // deleted again
}

// shape holds one row: the version of the tables.
type shape struct {
	ID      int `gorm:"primaryKey;autoIncrement:false"`
	Version int
}

// TableName names the table for what it holds.
func (shape) TableName() string { return tablePrefix + "shape" }

// TableName of runs.
func (Run) TableName() string { return tablePrefix + "runs" }

// TableName of adoptions.
func (Adoption) TableName() string { return tablePrefix + "adoptions" }

// TableName of steps.
func (Step) TableName() string { return tablePrefix + "steps" }

// TableName of shared things.
func (Shared) TableName() string { return tablePrefix + "shared" }

// tablePrefix keeps our tables apart from anything else in a shared schema.
const tablePrefix = "k2o_"
