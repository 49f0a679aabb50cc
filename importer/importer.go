package importer

import (
	"context"
	"log/slog"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// An Importer carries out plans and takes them back. All fields but Cloud,
// Vanished, Progress and Log must be set.
type Importer struct {
	Nova     Records  // reads
	Writer   Recorder // the only thing here that changes Nova's databases
	Hosts    Hosts
	Journal  Ledger
	Snapshot *cloud.Snapshot // ports and networks; nil when none are planned
	Cloud    API             // nil: on the databases alone; with it Snapshot is read from the APIs

	RequestID string                        // "req-" and a UUID, one for the run
	Earlier   map[string]Adoption           // by UUID, what the journal knew when the run began
	Vanished  map[string]bool               // UUIDs whose domain is known to be gone for good: Release takes their records out
	Now       func() time.Time              // nil is the clock
	Log       *slog.Logger                  // nil says nothing
	Progress  func(Progress)                // called from one goroutine
	Reach     func(plan.Host) discover.Host // nil is ReachPlanned
}

// Records is what an adoption asks of Nova's databases. *nova.Cloud has it.
type Records interface {
	catalog
	registry
	servers
	InUse(ctx context.Context, flavors []int64, images []string) (nova.Use, error)
	Verify(ctx context.Context, expected []nova.Expect) ([]nova.Violation, error)
}

// catalog is what the cloud offers.
type catalog interface {
	Computes(ctx context.Context) ([]nova.Compute, error)
	Flavors(ctx context.Context) ([]nova.Flavor, error)
}

// registry is what the cloud knows of UUIDs.
type registry interface {
	Presence(ctx context.Context, uuids []string) (map[string]nova.Presence, error)
	Written(ctx context.Context, uuids []string) (map[string]nova.Stage, error)
	InstanceNames(ctx context.Context, uuids []string) (map[string]string, error)
}

// A Recorder writes an adoption into Nova's databases and takes it out again.
// *nova.Writer is one.
type Recorder interface {
	InsertInstances(ctx context.Context, cell string, in []nova.Instance) (map[string]int64, error)
	InsertMappings(ctx context.Context, in []nova.Instance) error
	SetInfoCache(ctx context.Context, cell, uuid string, ports []nova.Port) error
	Finish(ctx context.Context, finals []nova.Final) error
	Unlock(ctx context.Context, uuids []string) error
	Delete(ctx context.Context, uuid string) error

	// Of Heal: each leaves alone what Nova is busy with.
	Repower(ctx context.Context, f nova.Final, was nova.Power) error
	SetPorts(ctx context.Context, on nova.Compute, uuid string, ports []nova.Port, gone []string) error
	SetFlavor(ctx context.Context, on nova.Compute, uuid string, f nova.Flavor, disks []nova.BlockDevice) error
}

// Hosts is how hosts are asked and their files reached; see Libvirt.
type Hosts interface {
	Lookers
	States(ctx context.Context, h discover.Host) (map[string]discover.State, error)
	Files(ctx context.Context, h discover.Host) (Files, error)
	Shell(ctx context.Context, h discover.Host) (sh Shell, end func(), err error)
}

// Files makes instance directories on one host. *instancedir.Tree does.
type Files interface {
	Make(ctx context.Context, w instancedir.Want) (instancedir.Made, error)
	Settle(ctx context.Context, instancesPath string) error
	Done(ctx context.Context, w instancedir.Want) (bool, error)
	Remove(ctx context.Context, w instancedir.Want) ([]instancedir.Left, error)
	RemoveVariables(ctx context.Context, v instancedir.Variables) ([]instancedir.Left, error)
	Close() error
}

// A Ledger is the journal of this run. *journal.Recorder is one.
type Ledger interface {
	Write(ctx context.Context, f func(*journal.Tx) error) error
	Shared(ctx context.Context) ([]journal.Shared, error)
}

// Adoption is the journal's word on a domain.
type Adoption = journal.Adoption

// Earlier turns the journal's rows into what an Importer wants.
func Earlier(adoptions []Adoption) map[string]Adoption {
	m := make(map[string]Adoption, len(adoptions))
	for _, a := range adoptions {
		m[a.UUID] = a
	}
	return m
}

func (i *Importer) now() time.Time {
	if i.Now != nil {
		return i.Now()
	}
	return time.Now()
}

func (i *Importer) log() *slog.Logger {
	if i.Log != nil {
		return i.Log
	}
	return slog.New(slog.DiscardHandler)
}

func (i *Importer) reach(h plan.Host) discover.Host {
	if i.Reach != nil {
		return i.Reach(h)
	}
	return ReachPlanned(h)
}
