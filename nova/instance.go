package nova

import (
	"encoding/json"
	"net/netip"
	"time"
)

// An Instance is one server as it is to be recorded, before it is turned into
// rows. It holds decisions only: the same Instance gives the same rows.
type Instance struct {
	UUID        string // the domain's
	DisplayName string
	Description string
	Hostname    string // by SanitizeHostname of the display name, unless the plan says otherwise

	ProjectID, ProjectName string
	UserID, UserName       string

	Host             Compute
	AvailabilityZone string // never one the host is not in
	Flavor           Flavor
	ImageRef         string // a placeholder image, or ""
	DiskFormat       string // of the root disk, which snapshots record; "" is qcow2

	// ImageProperties are hw_machine_type, hw_disk_bus, hw_vif_model and so on,
	// without the image_ prefix. They go into instance_system_metadata and into
	// request_specs alike, for resize reads only the latter.
	ImageProperties map[string]string
	OSType          string // "windows" turns on Hyper-V features and localtime; "" otherwise

	RootDevice string // /dev/vda
	Disks      []BlockDevice
	Ports      []Port

	Metadata map[string]string // user metadata
	Tags     []string

	Created   time.Time // of the domain if known, else of the adoption
	RequestID string    // "req-" + uuid, groups the history rows of one run
	// ReservationID is "r-" and eight characters.
	ReservationID string
}

// A BlockDevice is one local disk of an instance.
type BlockDevice struct {
	UUID   string // of the mapping; made by the planner so that a rerun writes the same
	Device string // /dev/vda
	Bus    string // virtio, ide, sata, scsi
	SizeGB int    // rounded up; not recorded for the root disk
	Root   bool   // boot_index 0; every other disk is a blank local one, disk.eph0 and on, in order
}

// A Port is one Neutron port of an instance, as the info cache keeps it.
// Everything comes from Neutron; nothing here is invented.
type Port struct {
	ID           string // Neutron's
	MAC          string
	NetworkID    string
	NetworkName  string
	NetworkOwner string // project of the network
	MTU          int
	Physical     string // provider:physical_network
	Tunneled     bool
	VIFType      string // bridge, ovs; "" until it is bound; never unbound or binding_failed
	VIFDetails   map[string]any
	VNICType     string          // normal
	Profile      json.RawMessage // binding:profile, a JSON object; empty for none
	Active       bool
	FixedIPs     []FixedIP
}

// A FixedIP is an address of a port with its subnet.
type FixedIP struct {
	Address    netip.Addr
	Floating   []netip.Addr // that lead to it
	CIDR       netip.Prefix
	Gateway    netip.Addr // zero when the subnet has none
	DNS        []netip.Addr
	DHCPServer netip.Addr
	DHCP       *bool   // the subnet's enable_dhcp, for a Nova that keeps it
	Mode       string  // ipv6_address_mode: slaac, dhcpv6-stateful, dhcpv6-stateless; "" for none
	Routes     []Route // host_routes
}

// A Route is one that a subnet tells its guests of.
type Route struct {
	Destination netip.Prefix
	Gateway     netip.Addr // nexthop
}

// A Flavor is a size that Nova offers (flavors in the API database).
type Flavor struct {
	ID          int64 // flavors.id; 0 until it exists
	FlavorID    string
	Name        string
	VCPUs       int
	MemoryMB    int
	RootGB      int
	EphemeralGB int
	SwapMB      int
	RxTxFactor  float64
	VCPUWeight  int
	Disabled    bool
	Public      bool
	Projects    []string // who may use a private one
	ExtraSpecs  map[string]string
	CreatedAt   time.Time
}

// A Compute is one compute host of the cloud: its service and its node.
type Compute struct {
	Host     string // services.host, compute_nodes.host
	Node     string // compute_nodes.hypervisor_hostname
	NodeID   int64  // compute_nodes.id
	UUID     string // compute_nodes.uuid, which is its Placement provider
	Cell     string // cell_mappings.uuid
	CellID   int64  // cell_mappings.id
	CellName string

	AvailabilityZone string
	HypervisorType   string // QEMU
	Version          int    // services.version of its nova-compute
	Up               bool   // reported within service_down_time, not forced down
	Disabled         bool
	Problem          string // why it cannot take instances: no service, several nodes, ...; "" when it can

	VCPUs, VCPUsUsed              int
	MemoryMB, MemoryMBUsed        int
	LocalGB, LocalGBUsed          int
	CPURatio, RAMRatio, DiskRatio float64
}

// Power states of nova/compute/power_state.py.
const (
	PowerNone      = 0
	PowerRunning   = 1
	PowerPaused    = 3
	PowerShutdown  = 4
	PowerCrashed   = 6
	PowerSuspended = 7
)

// A Final is the last word on an instance: what makes it Nova's. It is
// written in one guarded UPDATE, from the domain as it is at that moment.
type Final struct {
	UUID       string
	Host       Compute
	VMState    string // active, stopped, paused, suspended
	PowerState int
	Unlock     bool
}
