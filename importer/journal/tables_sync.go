package journal

// Times in the tables of sync are seconds since 1970 by the journal's clock
// (see Journal.clock), for they are compared with one another; 0 is never.

// A Sighting is what sync last saw of an adopted domain.
type Sighting struct {
	UUID     string `gorm:"primaryKey;size:36"`
	Host     string `gorm:"size:255"` // of the inventory, where it was seen last
	Missing  int    // runs in a row that did not see it anywhere; 0: it is there
	Since    int64  // when it was first missed
	Recorded int64  // when Nova's row was changed last, by the row's own word
}

// A Place is a host of the inventory as it answered last.
type Place struct {
	Name     string `gorm:"primaryKey;size:255"` // discover.Host.Name
	Hostname string `gorm:"size:255"`            // as libvirt there reports it
	Seen     int64
}

// A Noted is a drift that an earlier run has found and that is still there.
type Noted struct {
	ID    int64  `gorm:"primaryKey"`
	Code  string `gorm:"size:8;uniqueIndex:code_host_uuid"`
	Host  string `gorm:"size:255;uniqueIndex:code_host_uuid"`
	UUID  string `gorm:"size:36;uniqueIndex:code_host_uuid"`
	Since int64
	Told  int64 // when somebody was notified of it
}

// A Round is one comparison of the whole inventory, by one process or several.
type Round struct {
	ID       int64  `gorm:"primaryKey"`
	UnderWay *int   `gorm:"uniqueIndex:under_way"` // 1, or NULL when it has ended: there is one at a time
	Digest   string `gorm:"size:80"`               // of what its processes must have in common
	Started  int64
	Ended    int64
	Success  bool   // it came to its end, and all that it began to heal is healed
	Outcome  string `gorm:"type:text"`
}

// A Lease is one piece of a round's work, and who is at it until when. A
// process that is gone does not renew it, and another takes it over.
type Lease struct {
	ID     int64  `gorm:"primaryKey"`
	Round  int64  `gorm:"uniqueIndex:round_item;index:round_done"`
	Item   string `gorm:"size:300;uniqueIndex:round_item"`
	Done   int64  `gorm:"index:round_done"`
	Owner  string `gorm:"size:64"`
	Until  int64
	Tries  int
	Result string `gorm:"type:longtext"` // JSON, of whoever has done it
}

// TableName of sightings.
func (Sighting) TableName() string { return tablePrefix + "sightings" }

// TableName of places.
func (Place) TableName() string { return tablePrefix + "places" }

// TableName of noted drifts.
func (Noted) TableName() string { return tablePrefix + "noted" }

// TableName of rounds.
func (Round) TableName() string { return tablePrefix + "rounds" }

// TableName of leases.
func (Lease) TableName() string { return tablePrefix + "leases" }
