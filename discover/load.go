package discover

import "time"

// A HostLoad is what the running domains of one host used of it.
type HostLoad struct {
	Host  Host
	Loads []Load // of every domain that ran at either look, by name
	Err   error  // why there were no two looks; Loads is empty then
}

// A Load is what one domain used of its host between two looks at libvirt's
// counters. What is nil was not measured, and Gaps says why: nothing is
// guessed, and a counter that began anew gives no rate.
type Load struct {
	Name string
	UUID string

	Paused     bool          // at the second look
	Interval   time.Duration // between the two looks, by its processor time if that is known; 0 without a pair
	Processors *float64      // processor seconds each second, its emulator's included
	Memory     *MemoryLoad
	Disks      []DiskLoad      // those with a medium, in the order of the definition
	Interfaces []InterfaceLoad // those with counters on the host, likewise
	Gaps       []Gap
}

// A Gap is something that was not measured.
type Gap struct {
	What string `json:"what"` // all, cpu, memory, disks, disk vda, interfaces, interface vnet0
	Why  string `json:"why"`
}

// MemoryLoad is what was known of a domain's memory at the second look.
type MemoryLoad struct {
	GivenKiB    uint64 // by the balloon to the guest
	ResidentKiB uint64 // of its QEMU process, 0 when not known

	// Fresh tells that the guest reports on its memory at present. It does so
	// only where a period is set in its definition, which this package never
	// does: without one, what libvirt has may be as old as the guest.
	Fresh        bool
	AvailableKiB uint64 // to the guest's kernel
	UnusedKiB    uint64 // by anything, caches included
	UsableKiB    uint64 // without swapping; 0 from guests that do not tell
	Swapped      bool   // between the looks
}

// DiskLoad is what went through a disk, and how much room it takes.
type DiskLoad struct {
	Target          string   `json:"target"`
	Rates           *IO      `json:"rates,omitempty"`            // absent when not measured
	CapacityBytes   uint64   `json:"capacity_bytes,omitempty"`   // as the guest sees it; 0 = not known
	AllocationBytes uint64   `json:"allocation_bytes,omitempty"` // on its host; of a block device all of it
	FillPercent     *float64 `json:"fill_percent,omitempty"`     // allocation of capacity; a qcow2 image can have more than 100
}

// IO is what went through a disk each second.
type IO struct {
	ReadBytes     float64 `json:"read_bytes_per_s"`
	WriteBytes    float64 `json:"write_bytes_per_s"`
	ReadRequests  float64 `json:"read_requests_per_s"`
	WriteRequests float64 `json:"write_requests_per_s"`
}

// InterfaceLoad is what went through an interface, each second and as the guest
// sees it: rx is what it received. Dropped packets and errors are counts of the
// whole time between the looks.
type InterfaceLoad struct {
	MAC       string  `json:"mac"` // "" from Measure, which sees no definition
	Tap       string  `json:"tap"` // name on the host
	RxBytes   float64 `json:"rx_bytes_per_s"`
	TxBytes   float64 `json:"tx_bytes_per_s"`
	RxPackets float64 `json:"rx_packets_per_s"`
	TxPackets float64 `json:"tx_packets_per_s"`
	RxDropped uint64  `json:"rx_dropped"`
	TxDropped uint64  `json:"tx_dropped"`
	RxErrors  uint64  `json:"rx_errors"`
	TxErrors  uint64  `json:"tx_errors"`
}
