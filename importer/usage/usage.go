// Package usage says what a running domain was seen to use, and what that says
// of its size: whether it is idle, and which flavor would hold it if it has far
// more than it needs. It measures nothing itself.
//
// Rates are per second, memory is in KiB and disk sizes in bytes.
package usage

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A Usage is what one running domain used of its host while it was watched. It
// is what the audit prints as "usage"; fields are only added.
//
// What is nil or absent was not measured, and NotMeasured says why. Nothing is
// guessed.
type Usage struct {
	Seconds    float64     `json:"seconds"` // between the two looks at its counters, 0 when there was no pair
	CPU        *CPU        `json:"cpu,omitempty"`
	Memory     *Memory     `json:"memory,omitempty"`
	Disks      []Disk      `json:"disks,omitempty"`      // drives without a medium are left out
	Interfaces []Interface `json:"interfaces,omitempty"` // those with counters on the host

	NotMeasured []Gap `json:"not_measured,omitempty"`

	Paused     bool  `json:"paused"`               // which says nothing of its size
	Idle       bool  `json:"idle"`                 // processor, disks and interfaces were measured, and next to nothing was done
	Oversized  bool  `json:"oversized"`            // has far more than it was seen to need
	Suggestion *Size `json:"suggestion,omitempty"` // of an oversized domain; holds what was seen and the headroom
}

// What is measured is shown as it is.
type (
	Gap       = discover.Gap
	Disk      = discover.DiskLoad
	IO        = discover.IO
	Interface = discover.InterfaceLoad
)

// CPU is the processor time that a domain took, its emulator's included.
type CPU struct {
	PercentOfOne   float64 `json:"percent_of_one"`   // 250 is two and a half processors of the host
	PercentOfVCPUs float64 `json:"percent_of_vcpus"` // the same of all its own; the emulator can make it more than 100
	VCPUs          uint    `json:"vcpus"`
}

// Memory is what a guest used, as its balloon reports, or else what its process
// has of the host.
type Memory struct {
	Source    string  `json:"source"`     // balloon, rss
	UsedKiB   uint64  `json:"used_kib"`   // balloon: available - unused, with the guest's caches; rss: resident on the host
	NeededKiB uint64  `json:"needed_kib"` // what the guest could not do without
	AtMost    bool    `json:"at_most"`    // it may need less: its caches are in needed_kib, for it does not tell them
	GivenKiB  uint64  `json:"given_kib"`  // what the balloon leaves to the guest
	Percent   float64 `json:"percent"`    // used of given; rss has the emulator's own memory in it and can be more than 100
	Swapping  bool    `json:"swapping"`   // the guest swapped while it was watched
}

// Size is what a flavor says of processors and memory.
type Size struct {
	VCPUs    uint   `json:"vcpus"`
	MemoryMB uint64 `json:"memory_mb"`
}

func (s Size) String() string { return fmt.Sprintf("%d vCPU %d MB", s.VCPUs, s.MemoryMB) }

// Of says what the load of d means. It looks at nothing but its arguments.
func Of(d discover.Domain, l discover.Load, limits Limits) *Usage {
	u := &Usage{Seconds: rounded(l.Interval.Seconds()), Paused: l.Paused, Disks: l.Disks, NotMeasured: slices.Clone(l.Gaps)}
	if vcpus := d.RunningVCPUs(); l.Processors != nil && vcpus > 0 {
		u.CPU = &CPU{rounded(*l.Processors * 100), rounded(*l.Processors * 100 / float64(vcpus)), vcpus}
	}
	u.addMemory(d, l.Memory)
	u.addInterfaces(d, l)
	u.judge(d, limits.withDefaults())
	return u
}

// Unmeasured is the usage of a domain that was not measured at all.
func Unmeasured(why string) *Usage { return &Usage{NotMeasured: []Gap{{What: "all", Why: why}}} }

func (u *Usage) gap(what, why string) {
	u.NotMeasured = append(u.NotMeasured, Gap{What: what, Why: why})
}

// addMemory takes the guest's own report, and where there is none what its
// process has: never less than the guest has touched, but for what the host
// has swapped out and for huge pages, which do not count as resident.
func (u *Usage) addMemory(d discover.Domain, m *discover.MemoryLoad) {
	switch {
	case m == nil:
		return
	case m.Fresh:
		free := cmp.Or(m.UsableKiB, m.UnusedKiB)
		u.Memory = &Memory{
			Source: "balloon", UsedKiB: m.AvailableKiB - m.UnusedKiB,
			NeededKiB: m.GivenKiB - min(free, m.GivenKiB), AtMost: m.UsableKiB == 0, Swapping: m.Swapped,
		}
	case d.Tuning.Hugepages:
		u.gap("memory", "its balloon reports nothing, and its huge pages are not counted as resident")
		return
	default:
		u.Memory = &Memory{Source: "rss", UsedKiB: m.ResidentKiB, NeededKiB: min(m.ResidentKiB, m.GivenKiB), AtMost: true}
	}
	u.Memory.GivenKiB = m.GivenKiB
	if m.GivenKiB > 0 {
		u.Memory.Percent = rounded(float64(u.Memory.UsedKiB) / float64(m.GivenKiB) * 100)
	}
}

// addInterfaces says which is which by the names of the taps, and which has no
// counters: of a passed-through device or a user network the host knows nothing.
func (u *Usage) addInterfaces(d discover.Domain, l discover.Load) {
	macs, counted := map[string]string{}, map[string]bool{}
	for _, i := range d.Interfaces {
		macs[i.Target] = i.MAC
	}
	for _, i := range l.Interfaces {
		i.MAC = macs[i.Tap]
		u.Interfaces = append(u.Interfaces, i)
		counted[i.Tap] = true
	}
	for _, g := range l.Gaps {
		counted[g.What] = true // interface vnet0
	}
	if l.Interval == 0 {
		return
	}
	for _, i := range d.Interfaces {
		if !counted[i.Target] && !counted["interface "+i.Target] {
			u.gap("interface "+i.MAC, "its host keeps no counters of it")
		}
	}
}

// rounded keeps three decimals: more say nothing.
func rounded(f float64) float64 { return math.Round(f*1000) / 1000 }
