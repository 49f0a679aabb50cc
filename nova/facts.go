package nova

// A Release is what the databases say about the Nova that uses them.
type Release struct {
	Name     string // "Zed", "2025.1"; "" when unknown
	Major    int    // 26, 31; 0 when unknown
	API      string // revision of the API database
	Cell     string // revision of the cell databases
	Services int    // lowest services.version of nova-compute and nova-conductor; 0 without services
	// ReadOnly says why nothing may be written: unknown revision, databases of
	// different releases, services of mixed versions. "" when writing is fine.
	ReadOnly string
}

// HealsInfoCache reports whether nova-compute refills an empty info cache by
// itself: heal_instance_info_cache_interval is off by default from 31.0.0.
func (r Release) HealsInfoCache() bool { return r.Major > 0 && r.Major < 31 }

// LosesVariables reports whether Nova makes a guest's UEFI variables anew each
// time it makes the domain anew, and in which point release of the series that
// came to an end, "" for none: guest.py delete_configuration undefines with
// NVRAM, and with KEEP_NVRAM from 33.0.0 on. The databases do not tell one point
// release from another.
func (r Release) LosesVariables() (until string, loses bool) {
	switch {
	case r.Major == 31:
		return "31.3.0", true
	case r.Major == 32:
		return "32.2.1", true
	}
	return "", r.Major < 33
}

// A Presence is where a UUID already occurs in Nova's databases.
type Presence struct {
	Live         bool // instances, deleted = 0
	Deleted      bool // instances, deleted <> 0: nova-compute destroys a guest with this UUID
	Shadow       bool // archived
	Mapping      bool // instance_mappings
	RequestSpec  bool
	BuildRequest bool
	Migration    string // status of a migrations row, "" without
	Cell         string // name of the cell that has the row
	Host         string // instances.host of a live row; "" while half written
	Name         string // display name of a live row
	TaskState    string
}

// Empty reports whether Nova has never heard of the UUID.
func (p Presence) Empty() bool { return p == Presence{} }

// QuotaLeft is what a project may still use; negative when over, and a limit
// of -1 is unlimited.
type QuotaLeft struct {
	Project                                          string
	Instances, Cores, RAMMB                          int
	UnlimitedInstances, UnlimitedCores, UnlimitedRAM bool
}

// Room is what a host has left at its allocation ratios.
type Room struct {
	VCPUs, MemoryMB, DiskGB int
	MaxVCPUs                int // the most one instance may have: Placement's max_unit is the host's processors

	// Used is what the records of the host's instances add up to: with what is
	// left it makes what the host may hold.
	Used HostUse
}

// HostUse is what instances take of a host.
type HostUse struct{ VCPUs, MemoryMB, DiskGB int }
