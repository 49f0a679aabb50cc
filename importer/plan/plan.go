// Package plan turns an audit into a file that a person reads, edits, diffs
// and keeps. A plan holds every decision; importing takes none, it only
// re-checks that the world still is what the plan was made from.
//
// No secret is ever in a plan.
package plan

import (
	"time"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// Schema is the version of the file's shape.
const Schema = "kvm2openstack.plan/1"

// A Plan is the whole file.
type Plan struct {
	Schema  string   `yaml:"schema"`
	Made    Made     `yaml:"made"`
	Hosts   []Host   `yaml:"hosts"`
	Domains []Domain `yaml:"domains"`

	// Unreadable are the hosts and domains of which no record could be made.
	// They are here so that nothing is silently missing from the plan.
	Unreadable []Unreadable `yaml:"unreadable,omitempty"`
}

// Unreadable is a domain, or with Domain empty a host, that was found but
// could not be read.
type Unreadable struct {
	Host   string `yaml:"host"`
	Domain string `yaml:"domain,omitempty"`
	UUID   string `yaml:"uuid,omitempty"`
	Error  string `yaml:"error"`
}

// Made says when and for what the plan was made.
type Made struct {
	At                   time.Time `yaml:"at"`
	By                   string    `yaml:"by"`   // kvm2openstack and its version
	Nova                 string    `yaml:"nova"` // "Zed (26)", or "" when planned without databases
	InstancesPath        string    `yaml:"instances_path"`
	ImagesType           string    `yaml:"images_type"`
	InstanceNameTemplate string    `yaml:"instance_name_template"`
	// Cloud says that the cloud's APIs were asked: what is missing is made by
	// the import, and room and quota were counted for the whole plan.
	Cloud bool `yaml:"cloud,omitempty"`
}

// A Host is one host of the plan.
type Host struct {
	Name        string `yaml:"name"`
	URI         string `yaml:"uri"`
	Files       string `yaml:"files,omitempty"`    // where its files are reached, when not by the URI
	Insecure    bool   `yaml:"insecure,omitempty"` // the operator insisted on qemu+tcp:// without TLS
	ComputeHost string `yaml:"compute_host"`       // services.host
	Node        string `yaml:"node"`               // compute_nodes.hypervisor_hostname
	Cell        string `yaml:"cell"`
}

// A Decision says what happens to a domain.
type Decision string

// Import adopts the domain, Skip leaves it alone.
const (
	Import Decision = "import"
	Skip   Decision = "skip"
)

// A Domain is one domain's part of the plan. The fields down to Probes may be
// edited; MadeFrom may not.
type Domain struct {
	Domain   string   `yaml:"domain"` // its libvirt name
	Host     string   `yaml:"host"`   // Host.Name
	UUID     string   `yaml:"uuid"`
	Decision Decision `yaml:"decision"`
	Wave     int      `yaml:"wave"`
	Group    string   `yaml:"group,omitempty"` // only one of a group may be down for its restart at a time

	DisplayName string `yaml:"display_name"`
	Hostname    string `yaml:"hostname"`
	Project     string `yaml:"project"`
	ProjectID   string `yaml:"project_id"`
	User        string `yaml:"user"`
	UserID      string `yaml:"user_id"`

	Flavor           Flavor `yaml:"flavor"`
	AvailabilityZone string `yaml:"availability_zone"`

	NICModel string `yaml:"nic_model"` // one for all of an instance's interfaces
	NICs     []NIC  `yaml:"nics"`
	Disks    []Disk `yaml:"disks"`

	OSType   string `yaml:"os_type,omitempty"` // windows, or empty
	ImageRef string `yaml:"image_ref,omitempty"`
	// Placeholder says that the instance refers to its project's placeholder
	// image, which is made if there is none yet; ImageRef is empty then.
	Placeholder bool `yaml:"placeholder_image,omitempty"`
	// ImageProperties are those that nothing else in the plan says: see
	// Domain.Properties for all that Nova is given.
	ImageProperties map[string]string `yaml:"image_properties"`
	Metadata        map[string]string `yaml:"metadata,omitempty"`

	Lock   Lock    `yaml:"lock"`
	Force  bool    `yaml:"force"` // power may be cut at the rename if the guest does not shut down
	Probes []Probe `yaml:"probes,omitempty"`

	Findings []Finding `yaml:"findings,omitempty"` // for the reader; importing does not look at them
	MadeFrom MadeFrom  `yaml:"made_from"`
}

// A Finding is check.Finding with its severity first, for reading.
type Finding struct {
	Code     string         `yaml:"code"`
	Severity check.Severity `yaml:"severity"`
	Text     string         `yaml:"text"`
	Action   string         `yaml:"action,omitempty"`
}

// A Flavor is the size an instance gets. Create says that none fits and this
// one is to be made.
type Flavor struct {
	Name        string            `yaml:"name"`
	Create      bool              `yaml:"create,omitempty"`
	VCPUs       int               `yaml:"vcpus"`
	MemoryMB    int               `yaml:"memory_mb"`
	RootGB      int               `yaml:"root_gb"`
	EphemeralGB int               `yaml:"ephemeral_gb"`
	ExtraSpecs  map[string]string `yaml:"extra_specs,omitempty"`
}

// A NIC is one interface and the network it belongs to.
type NIC struct {
	MAC       string   `yaml:"mac"`
	Network   string   `yaml:"network"`
	NetworkID string   `yaml:"network_id,omitempty"`
	Subnet    string   `yaml:"subnet,omitempty"`
	Port      string   `yaml:"port,omitempty"` // Neutron port, "" when there is none yet
	Addresses []string `yaml:"addresses"`
	Seen      string   `yaml:"seen,omitempty"` // where the addresses are known from

	// CreatePort says that there is no port of this MAC address yet and that
	// one is to be made.
	CreatePort     bool     `yaml:"create_port,omitempty"`
	PortSecurity   bool     `yaml:"port_security,omitempty"`   // of the port that is made
	SecurityGroups []string `yaml:"security_groups,omitempty"` // ids, likewise
}

// HasPort reports whether the interface has a port, or is to get one.
func (n NIC) HasPort() bool { return n.CreatePort || n.Port != "" }

// A Disk is one disk and what it becomes.
type Disk struct {
	Target  string `yaml:"target"`
	Bus     string `yaml:"bus"`
	Path    string `yaml:"path"`
	Becomes string `yaml:"becomes"` // name in the instance directory: disk, disk.eph0, ...
	Format  string `yaml:"format"`
	SizeGB  int    `yaml:"size_gb"`
	Device  string `yaml:"device"` // /dev/vda
}

// A Lock says how long the instance stays locked by the administrator.
type Lock string

// UntilRenamed is the default: snapshot, rescue and resize break a guest that
// still runs under its legacy name. Keep never unlocks, None unlocks at import.
const (
	UntilRenamed Lock = "until_renamed"
	Keep         Lock = "keep"
	None         Lock = "none"
)

// A Probe is asked after a restart. Exactly one field is set, besides From.
type Probe struct {
	TCP     int    `yaml:"tcp,omitempty"`
	HTTP    string `yaml:"http,omitempty"`
	Ping    bool   `yaml:"ping,omitempty"`
	ARP     bool   `yaml:"arp,omitempty"` // who answers for the address; from the guest's network alone
	Command string `yaml:"command,omitempty"`
	Console string `yaml:"console,omitempty"` // a text on a serial port whose output the host keeps in a file
	// From is who asks: "" for this machine, "host" for the guest's own, or
	// [USER@]NAME[:PORT] of one that SSH leads to.
	From string `yaml:"from,omitempty"`
}

// MadeFrom is what the decisions rest on: the digest of the definition, and
// the facts a person would compare by eye when the digest no longer fits.
type MadeFrom struct {
	Digest string   `yaml:"digest"`
	State  string   `yaml:"state"`
	OS     string   `yaml:"os,omitempty"`      // windows, linux, ...: discover.Guest.Family
	OSName string   `yaml:"os_name,omitempty"` // Windows Server 2019
	Facts  []string `yaml:"facts"`             // "vcpus 2", "memory 4096 MiB", "disk vda virtio qcow2 /var/...", in a fixed order
}
