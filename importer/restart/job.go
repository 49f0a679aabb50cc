package restart

import (
	"cmp"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// A Job is one domain to restart.
type Job struct {
	// Plan decides how: nic_model, lock, force, probes. Disks and interfaces
	// are those of the import, as Adoption has them.
	Plan     plan.Domain
	Host     plan.Host
	Reach    discover.Host    // how Host is reached
	Adoption journal.Adoption // what the journal knows of it, as it is now
	Compute  nova.Compute     // Host as Nova knows it
	// InstanceName is the one of Nova's database, which Adoption may lack.
	InstanceName string
}

func (j Job) uuid() string { return j.Plan.UUID }

// instanceName is the domain's name to be.
func (j Job) instanceName() string { return cmp.Or(j.InstanceName, j.Adoption.InstanceName) }

// StartBy says who starts a domain again.
type StartBy string

// ByNova makes the definition anew from Nova's records; ByLibvirt keeps the
// virtual hardware but for what was meant. A guest that was off is not started
// by either, and goes the way of ByLibvirt.
const (
	ByNova    StartBy = "nova"
	ByLibvirt StartBy = "libvirt"
)

// Options say how domains are restarted. The zero value is ByLibvirt with the
// defaults that stand here.
type Options struct {
	StartBy StartBy
	// Prove has Nova make the definition anew by a hard reboot, in the same
	// window. ByNova has done so already.
	Prove bool
	// Shutdown is how guests are asked. Force is each plan's own, and Presses
	// are those that suit the guest's system where they are left out.
	Shutdown rename.Shutdown
	// Resume allows to wake a guest that is paused, so that it can shut down.
	// It runs after the restart.
	Resume bool
	// Steady, Reboots and Agent are those of rename.Health. Agent is asked only
	// of guests whose agent was connected before: 2 minutes by default.
	Steady  time.Duration
	Reboots int
	Agent   time.Duration
	// Probes are for domains whose plan has none.
	Probes []plan.Probe
	// From is where guests are asked from; nil is this machine. Within is how
	// long a guest may take until it answers a probe: 2 minutes by default.
	From   rename.Vantage
	Within time.Duration
	// Nova is how long Nova may take to carry an order out, or to end what it
	// has under way: 5 minutes by default.
	Nova time.Duration
	// Patience is how long a host may be away in the middle of a restart before
	// its domain is left for a later call: 1 minute by default.
	Patience time.Duration
	// Poll is the time between looks at what Nova does: 1 second by default.
	Poll time.Duration
}

func (o Options) withDefaults() Options {
	o.StartBy = cmp.Or(o.StartBy, ByLibvirt)
	o.Agent = cmp.Or(o.Agent, 2*time.Minute)
	o.Within = cmp.Or(o.Within, 2*time.Minute)
	o.Nova = cmp.Or(o.Nova, 5*time.Minute)
	o.Patience = cmp.Or(o.Patience, time.Minute)
	o.Poll = cmp.Or(o.Poll, time.Second)
	return o
}
