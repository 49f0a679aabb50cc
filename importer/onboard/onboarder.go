package onboard

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/nova"
)

// What callers branch on.
var (
	// ErrInterrupted: the run was told to stop.
	ErrInterrupted = errors.New("interrupted")
	// ErrSilent: nova-compute did not do what it was waited for.
	ErrSilent = errors.New("nova-compute has not come so far")
	// ErrNotOurs: what is there is not what this program has made.
	ErrNotOurs = errors.New("this program has not made it")
	// ErrNothing: the journal knows nothing of an onboarding of this host.
	ErrNothing = errors.New("the journal knows of no onboarding of this host")
	// ErrChanged: the host is not as it was when it was judged.
	ErrChanged = errors.New("it is not as it was when it was looked at")
	// ErrHopeless: what is wrong is not this host's own.
	ErrHopeless = errors.New("not one of the first hosts could be onboarded, so what is wrong is hardly a host's own")
	// ErrDoomed: nova-compute would destroy guests, so it is not started.
	ErrDoomed = errors.New("nova-compute would destroy guests, for Nova has a deleted instance or a migration of their UUIDs")
)

// Reader is Nova's databases, for looking.
type Reader interface {
	HostRecordsOf(ctx context.Context, host string) (nova.HostRecords, error)
	NodeHost(ctx context.Context, uuid string) (string, error)
	InstancesOn(ctx context.Context, host string) (int, error)
	Presence(ctx context.Context, uuids []string) (map[string]nova.Presence, error)
}

// Writer is what an onboarding writes into them.
type Writer interface {
	AddService(ctx context.Context, s nova.NewService) error
	RemoveService(ctx context.Context, s nova.NewService) error
	MapHost(ctx context.Context, host, cell string) (id int64, made bool, err error)
	UnmapHost(ctx context.Context, host string, id int64) error
}

// API is what is asked of Nova and Placement themselves.
type API interface {
	HostProviders(ctx context.Context, names ...string) ([]cloud.Provider, error)
	DisableService(ctx context.Context, uuid, reason string) error
	EnableService(ctx context.Context, uuid string) error
	DeleteService(ctx context.Context, uuid string) error
}

// Ledger is the journal.
type Ledger interface {
	Write(ctx context.Context, f func(*journal.Tx) error) error
	Steps(ctx context.Context, uuids ...string) ([]journal.Step, error)
}

// An Onboarder makes hosts with guests Nova's, and takes that back. It may be at
// work on several at a time.
type Onboarder struct {
	Nova     Reader
	Writer   Writer
	API      API
	Journal  Ledger
	Open     func(context.Context, discover.Host) (Machine, error)
	Settings Settings
	Log      *slog.Logger
	Progress func(host, step string) // nil for nobody; may be called by several at a time
	Every    time.Duration           // between two looks at what is waited for; 0 for a second
}

// A Job is a host to be onboarded, as it was judged.
type Job struct {
	Host  Host
	Cloud Cloud
	Reach discover.Host
	Way   Way
	Cell  string // that its transport_url leads to, "" where nobody has said
}

// An Outcome is what became of a host.
type Outcome string

// The outcomes.
const (
	Onboarded Outcome = "onboarded"
	Already   Outcome = "already there"
	Half      Outcome = "half done"
	NotTried  Outcome = "not tried"
	Undone    Outcome = "taken back"
)

// A Result is what became of one host, and how it stands now.
type Result struct {
	Host    string
	Name    string // to Nova
	Outcome Outcome
	Step    string // that did not go well
	Err     error
	Checks  []Check
	Left    []string // that is for somebody else to do, or was not given back, and why
}

// Key is the host's name among the journal's steps, which know domains by UUIDs.
func Key(computeHost string) string {
	return uuid.NewSHA1(uuid.NameSpaceDNS, []byte("onboard:"+strings.ToLower(computeHost))).String()
}

// pause is between two looks.
func (o *Onboarder) pause() time.Duration { return cmp.Or(o.Every, time.Second) }

func (o *Onboarder) say(host, step string) {
	o.Log.Info("step", "host", host, "step", step)
	if o.Progress != nil {
		o.Progress(host, step)
	}
}
