package check

import "github.com/lightcloud/kvm2openstack/discover"

func firmware(fw discover.Firmware) tweak {
	return func(d *discover.Domain, _ *Facts) { d.Firmware = fw }
}

func machine(t string) tweak { return func(d *discover.Domain, _ *Facts) { d.MachineType = t } }

func virt(t string) tweak { return func(d *discover.Domain, _ *Facts) { d.VirtType = t } }

func tuning(t discover.Tuning) tweak { return func(d *discover.Domain, _ *Facts) { d.Tuning = t } }

func cpu(c discover.CPU) tweak { return func(d *discover.Domain, _ *Facts) { d.CPU = c } }

func hostdev(h string) tweak {
	return func(d *discover.Domain, _ *Facts) { d.Hostdevs = []string{h} }
}

func other(o ...string) tweak { return func(d *discover.Domain, _ *Facts) { d.Others = o } }

const vars = "/var/lib/libvirt/qemu/nvram/web-1_VARS.fd"

var machineFixtures = map[string]fixture{
	"K2O-401": {firmware(discover.Firmware{UEFI: true, Auto: true}), firmware(discover.Firmware{UEFI: true, NVRAM: vars})},
	"K2O-402": {
		both(firmware(discover.Firmware{UEFI: true, NVRAM: vars}), release(31)),
		both(firmware(discover.Firmware{UEFI: true, NVRAM: vars}), release(33)),
	},
	"K2O-403": {firmware(discover.Firmware{UEFI: true, SecureBoot: true, NVRAM: vars}), firmware(discover.Firmware{UEFI: true, NVRAM: vars})},
	"K2O-404": {func(d *discover.Domain, _ *Facts) { d.TPM = "tpm-crb emulator 2.0" }, firmware(discover.Firmware{UEFI: true, SecureBoot: true})},
	"K2O-405": {
		firmware(discover.Firmware{UEFI: true, Loader: "/opt/ovmf/CODE.fd", NVRAM: vars}),
		firmware(discover.Firmware{UEFI: true, Auto: true, Loader: "/usr/share/OVMF/OVMF_CODE.fd", NVRAM: vars}),
	},
	"K2O-406": {firmware(discover.Firmware{Loader: "/usr/share/seabios/custom.bin"}), firmware(discover.Firmware{UEFI: true, Loader: "/opt/ovmf/CODE.fd"})},
	"K2O-407": {func(d *discover.Domain, _ *Facts) { d.DirectKernel = "/boot/vmlinuz-guest" }, firmware(discover.Firmware{UEFI: true, Auto: true})},
	"K2O-408": {machine("q35"), machine("pc-q35-7.2")},
	"K2O-409": {machine("pc-0.12"), machine("pc-i440fx-2.11")},
	"K2O-410": {machine("microvm"), machine("pc-q35-rhel8.6.0")},
	"K2O-411": {func(d *discover.Domain, _ *Facts) { d.Arch = "aarch64" }, func(d *discover.Domain, _ *Facts) { d.Arch = "i686" }},
	"K2O-412": {virt("qemu"), virt("xen")},
	"K2O-413": {virt("xen"), virt("qemu")},
	"K2O-414": {
		func(d *discover.Domain, _ *Facts) { d.Emulator = "/usr/local/bin/qemu-wrapper.sh" },
		func(d *discover.Domain, _ *Facts) { d.Emulator = "/usr/libexec/qemu-kvm" },
	},

	"K2O-421": {func(d *discover.Domain, _ *Facts) { d.MemoryKiB, d.MemMaxKiB = 0, 0 }, func(d *discover.Domain, _ *Facts) { d.MemoryKiB = 0 }},
	"K2O-422": {tuning(discover.Tuning{Pinned: true}), tuning(discover.Tuning{CPUQuota: true})},
	"K2O-423": {tuning(discover.Tuning{NUMACells: 2}), tuning(discover.Tuning{Pinned: true})},
	"K2O-424": {tuning(discover.Tuning{IOThreads: 2}), tuning(discover.Tuning{Pinned: true})},
	"K2O-425": {tuning(discover.Tuning{CPUQuota: true}), tuning(discover.Tuning{BlkioTune: true})},
	"K2O-426": {func(d *discover.Domain, _ *Facts) { d.VCPUsMax = 8 }, func(d *discover.Domain, _ *Facts) { d.VCPUsMax = 0 }},
	"K2O-427": {
		cpu(discover.CPU{Mode: "host-model", Sockets: 1, Dies: 1, Cores: 2, Threads: 1}),
		cpu(discover.CPU{Mode: "host-model", Sockets: 2, Dies: 1, Cores: 1, Threads: 1}),
	},
	"K2O-428": {
		cpu(discover.CPU{Mode: "host-model", Sockets: 2, Dies: 1, Cores: 4, Threads: 1}),
		cpu(discover.CPU{Mode: "host-model", Sockets: 1, Dies: 2, Cores: 1, Threads: 1}),
	},
	"K2O-429": {cpu(discover.CPU{Mode: "custom", Model: "Haswell-noTSX"}), cpu(discover.CPU{Mode: "host-model", Features: 2})},
	"K2O-430": {cpu(discover.CPU{Mode: "host-model", Features: 2}), cpu(discover.CPU{Mode: "custom", Model: "Haswell-noTSX"})},

	"K2O-441": {tuning(discover.Tuning{Hugepages: true}), tuning(discover.Tuning{Locked: true})},
	"K2O-442": {tuning(discover.Tuning{Locked: true}), tuning(discover.Tuning{SharedMem: true})},
	"K2O-443": {tuning(discover.Tuning{SharedMem: true}), tuning(discover.Tuning{Locked: true})},
	"K2O-444": {func(d *discover.Domain, _ *Facts) { d.HotplugKiB = 16 << 20 }, func(d *discover.Domain, _ *Facts) { d.MemoryKiB = 1 << 20 }},
	"K2O-445": {func(d *discover.Domain, _ *Facts) { d.MemMaxKiB, d.MemoryKiB = 1000000, 1000000 }, func(d *discover.Domain, _ *Facts) { d.MemMaxKiB, d.MemoryKiB = 1024, 1024 }},
	"K2O-446": {func(d *discover.Domain, _ *Facts) { d.MemoryKiB = 1 << 20 }, func(d *discover.Domain, _ *Facts) { d.MemoryKiB = 0 }},
	"K2O-447": {tuning(discover.Tuning{MemoryTune: true}), tuning(discover.Tuning{BlkioTune: true})},
	"K2O-448": {tuning(discover.Tuning{BlkioTune: true}), tuning(discover.Tuning{MemoryTune: true})},

	"K2O-461": {hostdev("pci 0000:3b:00.0"), hostdev("usb 046d:c31c")},
	"K2O-462": {hostdev("usb 046d:c31c"), hostdev("pci 0000:3b:00.0")},
	"K2O-463": {hostdev("mdev 4b20d080-1b54-4048-85b3-a6a62d165c01"), hostdev("pci 0000:3b:00.0")},
	"K2O-464": {hostdev("scsi_host naa.5001405df3e54061"), hostdev("mdev 4b20d080-1b54-4048-85b3-a6a62d165c01")},
	"K2O-465": {func(d *discover.Domain, _ *Facts) { d.Filesystems = []string{"9p /srv -> share"} }, tuning(discover.Tuning{SharedMem: true})},
	"K2O-466": {func(d *discover.Domain, _ *Facts) { d.QEMUCommandline = true }, func(d *discover.Domain, _ *Facts) { d.Tainted = "custom-argv" }},
	"K2O-467": {other("sound ich6", "redirdev usb"), other("watchdog i6300esb")},
	"K2O-468": {other("watchdog i6300esb", "sound ich6"), other("sound ich6", "shmem")},
	"K2O-469": {other("memory nvdimm"), other("memory dimm", "soundcard")},
	"K2O-470": {func(d *discover.Domain, _ *Facts) { d.UnknownXML = []string{"devices/quantum"} }, other("sound ich6")},
	"K2O-471": {func(d *discover.Domain, _ *Facts) { d.SecurityLabel = "apparmor" }, func(d *discover.Domain, _ *Facts) { d.Tainted = "custom-argv" }},
}
