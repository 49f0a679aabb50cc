package discover

import (
	"context"
	"iter"
	"time"
)

// An Inventory is what one host has. A host that could not be read has Err
// set and may still carry what was read before the failure.
type Inventory struct {
	Host     Host
	Hostname string // as libvirt reports it; Nova's host name unless Host.ComputeHost says otherwise

	LibvirtVersion string // 9.0.0
	QEMUVersion    string // 7.2.0
	CPUs           int    // logical processors
	MemoryKiB      uint64
	ReadOnly       bool // read through libvirt's read-only socket

	Domains    []Domain
	Unreadable []Unreadable // domains that are there but could not be read

	// Silent are running domains, also among Domains, whose QEMU process did
	// not answer in time, or that were not asked because too many before them
	// had not: what only a running domain can tell of itself is not known.
	Silent []Silence

	// FilesErr says why the host's files could not be looked at (no files URL,
	// refused login); Domain.Disks[].File is nil then. "" when they were.
	FilesErr string
	// InstancesDir is Nova's instances_path on this host, nil as FilesErr says.
	InstancesDir *File
	// Devices are the host's network devices, the guests' taps left out; nil
	// when they could not be read.
	Devices []NetDevice

	Err  error // the host as a whole could not be read
	Took time.Duration
}

// Found is the number of domains the host listed, readable or not.
func (i Inventory) Found() int { return len(i.Domains) + len(i.Unreadable) }

// Unreadable is a domain of which no record could be made.
type Unreadable struct {
	Host string // Host.Name
	Name string
	UUID string // "" when not known
	Err  error
}

// A Silence is a running domain that did not answer.
type Silence struct {
	Host string // Host.Name
	Name string
	UUID string
	Err  error
}

// Options bound a scan. The zero value means the defaults named below.
type Options struct {
	Parallel      int           // hosts at a time, default 32
	HostTimeout   time.Duration // for all of one host, default 2m
	CallTimeout   time.Duration // for one call to libvirt, default 15s
	KeepXML       bool          // keep Domain.XML and Domain.LiveXML
	InstancesPath string        // default /var/lib/nova/instances
	SkipFiles     bool          // do not look at disk files
	SkipGuest     bool          // do not ask running guests for addresses and their agent
	// Look says for whose sake files are looked at and agents are asked; nil
	// means for all. Of the others it is known what libvirt itself tells.
	Look func(Domain) bool
	// Progress is called from many goroutines, as hosts begin and end.
	Progress func(Progress)
}

// Progress tells how far a scan has come.
type Progress struct {
	Host    string
	Done    bool // the host is finished
	Domains int  // found on it
	Err     error
}

// Source yields the inventories of a scan in the order the hosts were given,
// each as soon as it and all before it are complete. Breaking out of the loop
// ends the scan.
type Source = iter.Seq[Inventory]

// A Scanner is what reads: hosts over libvirt, or a folder of definitions.
type Scanner interface {
	Scan(ctx context.Context, opt Options) Source
}
