package discover

import (
	"cmp"
	"net/netip"
)

// A State is the run state of a domain in libvirt's words
// (virDomainState, libvirt-domain.h).
type State string

// The states that libvirt knows.
const (
	StateNone        State = "nostate"
	StateRunning     State = "running"
	StateBlocked     State = "blocked"
	StatePaused      State = "paused"
	StateShutdown    State = "shutdown" // being shut down, still running
	StateShutoff     State = "shutoff"
	StateCrashed     State = "crashed"
	StatePMSuspended State = "pmsuspended"
)

// Active reports whether a domain in this state has a process on its host.
func (s State) Active() bool {
	return s == StateRunning || s == StateBlocked || s == StatePaused || s == StateShutdown || s == StatePMSuspended
}

// A Domain is one libvirt domain as its host has it defined. It is a small
// record: the parsed definition it was made from is not kept.
type Domain struct {
	Host        string `json:"host"`        // Host.Name of the host it is defined on
	Name        string `json:"name"`        // libvirt name, any bytes but "/"; the legacy one until the domain is adopted
	UUID        string `json:"uuid"`        // canonical form; never changes, in libvirt or in Nova
	Title       string `json:"title"`       // <title>
	Description string `json:"description"` // <description>

	State       State `json:"state"`
	Persistent  bool  `json:"persistent"`   // a transient domain has no definition to rename
	Autostart   bool  `json:"autostart"`    //
	ManagedSave bool  `json:"managed_save"` // saved memory, which belongs to the present definition
	Snapshots   bool  `json:"snapshots"`    // libvirt knows at least one snapshot
	Checkpoints bool  `json:"checkpoints"`  // libvirt knows at least one checkpoint

	VirtType    string   `json:"virt_type"`    // kvm, qemu
	Arch        string   `json:"arch"`         // x86_64
	MachineType string   `json:"machine_type"` // canonical as defined: pc-i440fx-7.2, pc-q35-7.2, pc, q35
	Emulator    string   `json:"emulator"`
	VCPUs       uint     `json:"vcpus"`                // present
	VCPUsMax    uint     `json:"vcpus_max"`            // <vcpu> when current= is lower
	VCPUsLive   uint     `json:"vcpus_live,omitempty"` // of the running domain, where it has another number of them
	MemoryKiB   uint64   `json:"memory_kib"`           // <currentMemory>
	MemMaxKiB   uint64   `json:"memory_max_kib"`       // <memory>
	HotplugKiB  uint64   `json:"hotplug_kib"`          // <maxMemory>, 0 without memory hotplug
	Firmware    Firmware `json:"firmware"`
	CPU         CPU      `json:"cpu"`
	Tuning      Tuning   `json:"tuning"`

	ACPI        bool     `json:"acpi"`         // without it a shutdown request cannot reach the guest
	HyperV      []string `json:"hyperv"`       // enlightenments that are on
	ClockOffset string   `json:"clock_offset"` // utc, localtime, timezone, variable
	Timers      []string `json:"timers"`       // names of <timer present!='no'>
	OnPoweroff  string   `json:"on_poweroff"`  // destroy when absent
	OnReboot    string   `json:"on_reboot"`
	OnCrash     string   `json:"on_crash"`

	Disks       []Disk       `json:"disks"`
	Interfaces  []Interface  `json:"interfaces"`
	Graphics    []Graphics   `json:"graphics"`
	Video       []string     `json:"video"`       // models, in order
	Consoles    []string     `json:"consoles"`    // "serial:pty", "console:file", in order
	Inputs      []string     `json:"inputs"`      // "tablet/usb"
	Hostdevs    []string     `json:"hostdevs"`    // "pci 0000:3b:00.0", "usb 046d:c31c", "mdev UUID"
	Filesystems []string     `json:"filesystems"` // "9p /srv -> share", "virtiofs /srv -> share"
	TPM         string       `json:"tpm"`         // "tpm-crb emulator 2.0", "" without
	Others      []string     `json:"others"`      // devices Nova has no word for: "sound ich6", "watchdog i6300esb", "shmem", "redirdev usb", "vsock", "smartcard", "parallel pty", "memory nvdimm", "panic", "crypto", "iommu"
	RNG         bool         `json:"rng"`
	Controllers []Controller `json:"controllers"` // scsi controllers by model

	QEMUCommandline bool     `json:"qemu_commandline"`      // <qemu:commandline> or <qemu:override>
	BootDevices     []string `json:"boot_devices"`          // <os><boot dev>: hd, cdrom, network, fd, in order; empty when devices carry <boot order>
	DirectKernel    string   `json:"direct_kernel"`         // <os><kernel>, "" when booted from disk or network
	MetadataNova    bool     `json:"metadata_nova"`         // carries <nova:instance>: some Nova made or adopted it
	LibosinfoID     string   `json:"libosinfo_id"`          // http://microsoft.com/win/2k19
	SecurityLabel   string   `json:"security_label"`        // model of an explicit <seclabel>, "" without
	BlockJob        bool     `json:"block_job"`             // live XML shows a <mirror>: a job is active
	Tainted         string   `json:"tainted,omitempty"`     // what libvirt says of it, running domains only
	UnknownXML      []string `json:"unknown_xml,omitempty"` // element paths below <devices> that this tool has no word for

	// Layout is for what comes of a definition that is made anew.
	Layout Layout `json:"-"`

	AgentChannel   bool      `json:"agent_channel"`   // org.qemu.guest_agent.0 is defined
	AgentConnected bool      `json:"agent_connected"` // live XML says the channel is connected
	Addresses      []Address `json:"addresses"`       // of a running guest
	Guest          Guest     `json:"guest"`           // which operating system it seems to run

	// Digest is "sha256:" and the digest of the inactive definition, byte by
	// byte but for passwords, which a read without SECURE stars out. Whitespace
	// counts, for libvirt's own formatting is stable. Where only a live
	// definition exists (a transient domain, or a dump of a running one) it is
	// the digest of Facts, for libvirt itself changes the rest: aliases, tap
	// names, ports, the balloon, the state of the agent's channel.
	Digest string `json:"digest"`
	// XML is the persistent definition as libvirt sent it (flags INACTIVE), and
	// LiveXML the running one (flags 0). They are nil unless Options.KeepXML.
	// XML read without SECURE lacks passwords: never define from it.
	XML     []byte `json:"-"`
	LiveXML []byte `json:"-"`
}

// RunningVCPUs is how many vCPUs the domain has now.
func (d Domain) RunningVCPUs() uint { return cmp.Or(d.VCPUsLive, d.VCPUs) }

// Firmware says what a domain boots with.
type Firmware struct {
	UEFI         bool   `json:"uefi"`
	Auto         bool   `json:"auto"`           // <os firmware='efi'>: libvirt picks loader and NVRAM path
	Loader       string `json:"loader"`         // path of an explicit loader
	SecureBoot   bool   `json:"secure_boot"`    // loader secure='yes', or the secure-boot feature is on
	NVRAM        string `json:"nvram"`          // path; "" means libvirt derives it from the domain's name
	NVRAMLive    string `json:"nvram_live"`     // the path in use, from the live definition
	NVRAMPattern string `json:"nvram_template"` // template=, "" when absent
}

// CPU is what the guest is told of its processors.
type CPU struct {
	Mode     string `json:"mode"` // host-model, host-passthrough, maximum, custom, "" = hypervisor default
	Model    string `json:"model"`
	Sockets  int    `json:"sockets"` // 0 when there is no <topology>
	Dies     int    `json:"dies"`
	Cores    int    `json:"cores"`
	Threads  int    `json:"threads"`
	Features int    `json:"features"` // number of <feature> elements
}

// Tuning is what ties a domain to its host's processors and memory.
type Tuning struct {
	NUMACells  int  `json:"numa_cells"` // <cpu><numa><cell>
	Pinned     bool `json:"pinned"`     // <vcpu cpuset>, <vcpupin>, <emulatorpin>, <iothreadpin>
	NUMATune   bool `json:"numa_tune"`  // <numatune>
	Hugepages  bool `json:"hugepages"`  // <memoryBacking><hugepages>
	Locked     bool `json:"locked"`     // <memoryBacking><locked>
	SharedMem  bool `json:"shared_mem"` // <memoryBacking><access mode='shared'>
	IOThreads  uint `json:"iothreads"`
	CPUQuota   bool `json:"cpu_quota"`   // <cputune> shares, period or quota
	BlkioTune  bool `json:"blkio_tune"`  // <blkiotune>
	MemoryTune bool `json:"memory_tune"` // <memtune>
}

// A Disk is one <disk> of a domain, with what is known of its storage.
type Disk struct {
	Target    string   `json:"target"`   // vda, hda, sdb
	Bus       string   `json:"bus"`      // virtio, ide, sata, scsi, usb, fdc
	Device    string   `json:"device"`   // disk, cdrom, floppy, lun
	Type      string   `json:"type"`     // file, block, network, dir, volume, nvme, vhostuser
	Format    string   `json:"format"`   // driver type: qcow2, raw, ...
	Path      string   `json:"path"`     // file, device node, directory, or "pool/volume"; "" for an empty drive
	Protocol  string   `json:"protocol"` // network disks: rbd, iscsi, nbd, ...
	Serial    string   `json:"serial"`
	Cache     string   `json:"cache"`
	Options   []string `json:"options,omitempty"` // what else is said of it: "discard unmap", "block size 4096"
	BootOrder uint     `json:"boot_order"`        // <boot order>, 0 without
	Shareable bool     `json:"shareable"`
	ReadOnly  bool     `json:"readonly"`
	Transient bool     `json:"transient"`
	Encrypted bool     `json:"encrypted"`
	Throttled bool     `json:"throttled"` // <iotune>
	Backing   []string `json:"backing"`   // chain below Path as the definition or the image header says, nearest first

	CapacityBytes   uint64 `json:"capacity_bytes"`   // virtual size; 0 = not known
	AllocationBytes uint64 `json:"allocation_bytes"` // space in use
	File            *File  `json:"file,omitempty"`   // what lies at Path; nil when the host's files were not looked at
}

// A File is what a look at one path of a host's file system found.
type File struct {
	Missing           bool   `json:"missing"`
	Error             string `json:"error,omitempty"` // why it could not be looked at; other fields mean nothing then
	Kind              string `json:"kind"`            // file, dir, block, char, other (after symlinks)
	Resolved          string `json:"resolved"`        // path after symlinks
	SizeBytes         uint64 `json:"size_bytes"`
	FS                string `json:"fs"`    // identity of the file system on its host, equal for paths that can be hard-linked
	Inode             uint64 `json:"inode"` // 0 when not known
	Links             uint64 `json:"links"`
	Format            string `json:"format"` // by its header: qcow2, raw, qed, vmdk, vdi, vhdx; "" when not readable
	VirtualBytes      uint64 `json:"virtual_bytes"`
	Backing           string `json:"backing"`            // backing file named in the header, as written there
	InternalSnapshots int    `json:"internal_snapshots"` // qcow2 nb_snapshots
}

// An Interface is one <interface> of a domain.
type Interface struct {
	Type           string   `json:"type"`  // bridge, network, direct, ethernet, hostdev, vhostuser, vdpa, user, ...
	MAC            string   `json:"mac"`   // lower case
	Model          string   `json:"model"` // virtio, e1000, ...; "" = hypervisor default
	Bridge         string   `json:"bridge"`
	Network        string   `json:"network"` // libvirt network
	PortGroup      string   `json:"portgroup"`
	NetworkBridge  string   `json:"network_bridge"`  // bridge behind Network, as the host's network definition says
	NetworkForward string   `json:"network_forward"` // nat, route, bridge, open, "" = isolated; "unknown" when not read
	SourceDev      string   `json:"source_dev"`      // macvtap: lower device
	SourceMode     string   `json:"source_mode"`
	VirtualPort    string   `json:"virtualport"`  // openvswitch, 802.1Qbg, ...
	InterfaceID    string   `json:"interface_id"` // OVS iface-id
	VLAN           int      `json:"vlan"`         // 0 = untagged; libvirt's absent, 0 and 4095 are all 0 here
	Trunk          bool     `json:"trunk"`        // more than one tag, or trunk='yes'
	Target         string   `json:"target"`       // tap name, live only
	BootOrder      uint     `json:"boot_order"`
	MTU            uint     `json:"mtu"`
	Queues         uint     `json:"queues"`
	DriverOpts     []string `json:"driver_opts"` // iommu, ats, packed, page_per_vq: refused for non-virtio models
	Filter         string   `json:"filter"`      // filterref
	Bandwidth      bool     `json:"bandwidth"`
	Teaming        string   `json:"teaming"` // persistent, transient
	LinkDown       bool     `json:"link_down"`
	PCIAddress     string   `json:"pci_address"`
	RxDropped      uint64   `json:"rx_dropped"` // tap counters of a running domain
	TxDropped      uint64   `json:"tx_dropped"`
}

// Graphics is one <graphics> of a domain. The password itself is never read.
type Graphics struct {
	Type     string `json:"type"` // vnc, spice, ...
	Listen   string `json:"listen"`
	Port     int    `json:"port"` // -1 or 0 = chosen at start
	AutoPort bool   `json:"autoport"`
	Password bool   `json:"password"` // one is set, as far as a read without SECURE can tell
}

// A Controller is a SCSI controller; other controllers follow from the machine type.
type Controller struct {
	Type  string `json:"type"`
	Index uint   `json:"index"`
	Model string `json:"model"`
}

// An Address is one that a running guest uses, and how we know.
type Address struct {
	MAC    string     `json:"mac"`
	IP     netip.Addr `json:"ip"`
	Prefix int        `json:"prefix"`
	Source string     `json:"source"` // agent, lease, arp
}

// Guest is the operating system a domain seems to run.
type Guest struct {
	Family     string   `json:"family"`     // windows, linux, bsd, other, unknown
	Name       string   `json:"name"`       // "Windows Server 2019", "CentOS 5.5"; "" when only the family is known
	Confidence string   `json:"confidence"` // agent, high, medium, low, none
	Score      int      `json:"score"`      // of being Windows: 60 and more is Windows, 30 to 59 asks a person
	Evidence   []string `json:"evidence"`
}
