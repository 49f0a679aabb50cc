// Package usage says what a running domain was seen to use, and what that says
// of its size. It measures nothing itself, and decides nothing but by the
// limits it is given.
//
// Rates are per second, memory is in KiB and disk sizes in bytes.
package usage

import "fmt"

// A Usage is what one running domain used of its host while it was watched. It
// is what the audit prints as "usage"; fields are only added.
//
// What is nil or absent was not measured, and NotMeasured says why. Nothing is
// guessed.
type Usage struct {
	Seconds    float64     `json:"seconds"` // between the two looks at the host's counters, 0 when there was no pair
	CPU        *CPU        `json:"cpu,omitempty"`
	Memory     *Memory     `json:"memory,omitempty"`
	Disks      []Disk      `json:"disks,omitempty"`      // drives without a medium are left out
	Interfaces []Interface `json:"interfaces,omitempty"` // those with counters on the host

	NotMeasured []Gap `json:"not_measured,omitempty"`

	Idle       bool  `json:"idle"`                 // all of it was measured, and next to nothing was done
	Oversized  bool  `json:"oversized"`            // has far more than it was seen to need
	Suggestion *Size `json:"suggestion,omitempty"` // only for an oversized domain
}

// A Gap is something that was not measured.
type Gap struct {
	What string `json:"what"` // all, cpu, memory, disks, disk vda, interfaces, interface vnet0
	Why  string `json:"why"`  // restarted meanwhile
}

// CPU is the processor time that a domain took, its emulator's included.
type CPU struct {
	PercentOfOne   float64 `json:"percent_of_one"`   // 250 is two and a half processors of the host
	PercentOfVCPUs float64 `json:"percent_of_vcpus"` // the same of all its own; the emulator can make it more than 100
	VCPUs          uint    `json:"vcpus"`
}

// Memory is what a guest used, as its balloon says, or else what its process
// has of the host.
type Memory struct {
	Source    string  `json:"source"`     // balloon, rss
	UsedKiB   uint64  `json:"used_kib"`   // balloon: available - unused, with the guest's caches; rss: resident on the host
	NeededKiB uint64  `json:"needed_kib"` // what the guest could not do without: without its caches where it tells them
	GivenKiB  uint64  `json:"given_kib"`  // what the balloon leaves to the guest
	Percent   float64 `json:"percent"`    // used of given; rss has the emulator's own memory in it and can be more than 100
	Swapping  bool    `json:"swapping"`   // the guest swapped while it was watched
}

// Disk is one disk of a domain.
type Disk struct {
	Target          string   `json:"target"`
	Rates           *IO      `json:"rates,omitempty"`
	CapacityBytes   uint64   `json:"capacity_bytes,omitempty"` // as the guest sees it; absent when not known
	AllocationBytes uint64   `json:"allocation_bytes,omitempty"`
	FillPercent     *float64 `json:"fill_percent,omitempty"` // allocation of capacity; a qcow2 image can have more than 100
}

// IO is what went through a disk, each second.
type IO struct {
	ReadBytes     float64 `json:"read_bytes"`
	WriteBytes    float64 `json:"write_bytes"`
	ReadRequests  float64 `json:"read_requests"`
	WriteRequests float64 `json:"write_requests"`
}

// Interface is what went through an interface each second, as the guest sees
// it: rx is what it received. Dropped packets and errors are counts, of the
// whole time.
type Interface struct {
	MAC       string  `json:"mac"` // "" when the definition does not tell which it is
	Tap       string  `json:"tap"` // on the host
	RxBytes   float64 `json:"rx_bytes"`
	TxBytes   float64 `json:"tx_bytes"`
	RxPackets float64 `json:"rx_packets"`
	TxPackets float64 `json:"tx_packets"`
	RxDropped uint64  `json:"rx_dropped"`
	TxDropped uint64  `json:"tx_dropped"`
	RxErrors  uint64  `json:"rx_errors"`
	TxErrors  uint64  `json:"tx_errors"`
}

// Size is what a flavor says of processors and memory.
type Size struct {
	VCPUs    uint   `json:"vcpus"`
	MemoryMB uint64 `json:"memory_mb"`
}

func (s Size) String() string { return fmt.Sprintf("%d vCPU %d MB", s.VCPUs, s.MemoryMB) }
