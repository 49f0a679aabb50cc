package cloud

import (
	"errors"
	"maps"
)

// Why the cloud would not do what was asked. What speaks to it wraps these.
var (
	// ErrUnbound: no mechanism driver could bind the port to the host.
	ErrUnbound = errors.New("Neutron could not bind the port")
	// ErrTaken: the port, or its MAC address on this network, is in use.
	ErrTaken = errors.New("it is in use")
	// ErrNoRoom: Placement's provider does not have the room.
	ErrNoRoom = errors.New("Placement has no room for it")
	// ErrConflict: Placement's generations kept changing under the request.
	ErrConflict = errors.New("somebody else keeps changing the same records")
	// ErrHosting: a host cannot be taken out of Nova as it is.
	ErrHosting = errors.New("Nova has instances on the host, or migrations to or from it")
	// ErrNotFound: what the plan refers to is not there any more.
	ErrNotFound = errors.New("it is not there any more")
)

// Mark is how everything that is made for an adoption begins its description,
// so that a run after a crash, and release, know what is theirs.
const Mark = "kvm2openstack: "

// PlaceholderName is the name of the image that adopted instances refer to. It
// is 1 MiB of nothing: rebuilding to it would install an empty disk.
const PlaceholderName = "legacy-adopted (empty: never rebuild to it)"

// A NewFlavor is a flavor to be made, private to one project.
type NewFlavor struct {
	Name        string
	ProjectID   string
	VCPUs       int
	MemoryMB    int
	RootGB      int
	EphemeralGB int
	ExtraSpecs  map[string]string
}

// A NewPort is a port to be made for one interface of a domain: unbound, and
// the instance's from the beginning.
type NewPort struct {
	Instance       string // UUID, becomes device_id
	Name           string // the port's, the domain's display name
	ProjectID      string
	NetworkID      string
	MAC            string
	FixedIPs       []PortIP // empty: the port gets no address
	PortSecurity   bool
	SecurityGroups []string // ids; with port security and none of them, the project's default one
	Zone           string   // availability zone of the instance, for device_owner "compute:ZONE"
	Comment        string   // follows Mark in the description: host and domain
}

// An Allocation is what one instance takes of a compute node
// (Placement, /allocations/{consumer_uuid}).
type Allocation struct {
	Instance  string // UUID, the consumer
	Provider  string // compute_nodes.uuid
	ProjectID string
	UserID    string
	Resources map[string]int            // VCPU, MEMORY_MB, DISK_GB, and what extra specs ask for
	Others    map[string]map[string]int // what it has of further providers, as it was read
}

// At is the allocation as that provider has it, if it has anything of it:
// which of two compute nodes is read as the instance's own, chance decides.
func (a Allocation) At(provider string) Allocation {
	resources, ok := a.Others[provider]
	if !ok {
		return a
	}
	others := maps.Clone(a.Others)
	delete(others, provider)
	others[a.Provider] = a.Resources
	a.Provider, a.Resources, a.Others = provider, resources, others
	return a
}

// A Quota is what a project may have and has. Limits are -1 where there is
// none.
type Quota struct {
	ProjectID               string
	Instances, Cores, RAMMB Limit
	Ports                   Limit
}

// A Limit is one bound of a Quota.
type Limit struct {
	Max, Used int
}

// Left is how much still fits; the second value is false without a bound.
func (l Limit) Left() (int, bool) {
	if l.Max < 0 {
		return 0, false
	}
	return max(l.Max-l.Used, 0), true
}

// A Provider is one resource provider of Placement: a compute node.
type Provider struct {
	UUID, Name  string
	Generation  int
	Inventories map[string]Inventory // by resource class
}

// An Inventory is what a Provider has of one resource class.
type Inventory struct {
	Total, Reserved, Used      int
	MinUnit, MaxUnit, StepSize int
	Ratio                      float64 // allocation_ratio
}

// Room is how much more may be allocated, by Placement's own rule:
// (total - reserved) * allocation_ratio - used.
func (i Inventory) Room() int {
	return max(int(float64(i.Total-i.Reserved)*i.Ratio)-i.Used, 0)
}

// A SecurityGroup is one of a project's.
type SecurityGroup struct {
	ID, Name, ProjectID string
}
