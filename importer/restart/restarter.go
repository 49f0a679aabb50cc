package restart

import (
	"context"
	"log/slog"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// A Restarter restarts domains, several at a time if asked to. Servers and
// Ports may be nil without the cloud's APIs, and Now, Log and Progress always;
// all other fields must be set.
type Restarter struct {
	Nova    Records
	Writer  Writer
	Servers Servers // nil: guests are started by libvirt alone, and nothing can be proven
	Ports   Ports   // nil: interfaces stay where they are plugged
	Hosts   Hosts
	Journal Ledger

	Now      func() time.Time // nil is the clock
	Log      *slog.Logger     // nil says nothing
	Progress func(Progress)   // called when a domain comes to a step, from several goroutines
}

// Records reads what Nova's databases say of an instance. *nova.Cloud has it.
type Records interface {
	Restart(ctx context.Context, cell, uuid string) (nova.Restart, error)
	// ComputeUp: the host's nova-compute reports, at this moment.
	ComputeUp(ctx context.Context, cell, host string) (bool, error)
	// NICModel is "" where none is recorded.
	NICModel(ctx context.Context, cell, uuid string) (string, error)
	// Claimed is nova.ErrInUse where the records cannot be removed.
	Claimed(ctx context.Context, cell, uuid string) error
}

// A Writer changes Nova's records around a restart. *nova.Writer is one.
type Writer interface {
	Hold(ctx context.Context, on nova.Compute, uuid string) error
	Settle(ctx context.Context, f nova.Final) error
	SetNICModel(ctx context.Context, on nova.Compute, uuid, model string) error
}

// Servers asks Nova's API. *openstack.Cloud is one. Start and HardReboot
// return when Nova has taken the order, not when it is carried out.
type Servers interface {
	Start(ctx context.Context, uuid string) error
	HardReboot(ctx context.Context, uuid string) error
	// Server is the instance as the API shows it: ACTIVE, SHUTOFF, ERROR and so
	// on, its task ("" for none), its host, and the message of its last fault.
	Server(ctx context.Context, uuid string) (status, task, host, fault string, err error)
}

// Ports tells how Neutron has bound the ports of instances. *openstack.Cloud
// does, and KnownPorts.
type Ports interface {
	PortsOf(ctx context.Context, instances []string) ([]cloud.Port, error)
}

// Hosts is how domains and files are reached. *Libvirt is one.
type Hosts interface {
	Domain(ctx context.Context, h discover.Host, uuid string) (Domain, error)
	Files(ctx context.Context, h discover.Host) (Files, error)
	// Vantage is a place to ask guests of h from: "host" is h itself, and else
	// [USER@]NAME[:PORT] that SSH leads to. The caller ends it.
	Vantage(ctx context.Context, h discover.Host, from string) (rename.Vantage, func(), error)
}

// A Domain is one libvirt domain, as *rename.Domain is with the events of its
// host. All of it may be called again after any error.
type Domain interface {
	watched
	defined
	powered
	Close()
}

// watched is what is asked of a domain.
type watched interface {
	asked
	Save(ctx context.Context) (rename.Saved, error)
	Addresses(ctx context.Context) ([]rename.Address, error)
	CheckHealth(ctx context.Context, h rename.Health, since time.Time) (rename.Report, error)
}

// defined changes what a domain is.
type defined interface {
	Define(ctx context.Context, want rename.Definition) error
	Rename(ctx context.Context, to string) error
	Restore(ctx context.Context, saved rename.Saved, same func(saved, present string) error) error
	SetAutostart(ctx context.Context, on bool) error
}

// powered stops and starts it.
type powered interface {
	Shutdown(ctx context.Context, how rename.Shutdown) (rename.Stopped, error)
	Start(ctx context.Context, paused bool) (rename.Started, error)
	StartOnce(ctx context.Context, text string, paused bool) (rename.Started, error)
}

// Files are a host's files. *instancedir.Files is one. Paths are the host's,
// and the errors of all methods name them.
type Files interface {
	rename.Files
	keeper
	links
	Close() error
}

// keeper keeps small files that only root may read.
type keeper interface {
	// ReadKept reads a whole file; fs.ErrNotExist when there is none.
	ReadKept(ctx context.Context, path string) ([]byte, error)
	// WriteKept makes a file of mode 0600 with its folders, 0700: whole and
	// durable when it returns, and under its name only then. What was there is
	// replaced.
	WriteKept(ctx context.Context, path string, text []byte) error
	// RemoveKept removes files of a folder, and the folder if it is empty then.
	// What is not there is fine.
	RemoveKept(ctx context.Context, dir string, names ...string) error
	// Remove removes a file; one that is gone already is fine.
	Remove(ctx context.Context, path string) error
}

// links are the two names of a disk.
type links interface {
	// Link gives a file one more name; a name that is taken is fs.ErrExist.
	Link(ctx context.Context, from, to string) error
	// Unlink removes a name of a file that is proven to have the other one too;
	// one that is gone already is fine.
	Unlink(ctx context.Context, name, other string) error
	// IsBridge reports whether the host has a Linux bridge of that name.
	IsBridge(ctx context.Context, name string) (bool, error)
}

// A Ledger is the journal of this run. *journal.Recorder is one.
type Ledger interface {
	Write(ctx context.Context, f func(*journal.Tx) error) error
	Steps(ctx context.Context, uuids ...string) ([]journal.Step, error)
	Adoptions(ctx context.Context, uuids ...string) ([]journal.Adoption, error)
}

// KnownPorts are ports from a file of the cloud's answers.
type KnownPorts []cloud.Port

// PortsOf are those of the ports whose device is one of the instances.
func (k KnownPorts) PortsOf(_ context.Context, instances []string) (found []cloud.Port, err error) {
	for _, p := range k {
		for _, uuid := range instances {
			if p.DeviceID == uuid {
				found = append(found, p)
			}
		}
	}
	return found, nil
}

func (r *Restarter) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func (r *Restarter) log() *slog.Logger {
	if r.Log != nil {
		return r.Log
	}
	return slog.New(slog.DiscardHandler)
}
