package check

import (
	"slices"
	"strings"
)

// deviceRules: what else is plugged into the domain.
var deviceRules = []Rule{
	{
		Code: "K2O-461", Severity: Blocked,
		Title:  "PCI device of the host",
		Action: "Leave it out, or take the device out of the definition.",
		Fact:   "nova/pci/manager.py: PCI devices are claimed through flavor aliases and pci_devices rows, which the import does not make",
		find: func(s subject) []detail {
			return when(len(s.hostdevs("pci")) > 0, say("It has PCI devices of its host (%s), which Nova's first start takes away.", list(s.hostdevs("pci"))))
		},
	},
	{
		Code: "K2O-462", Severity: Blocked,
		Title:  "USB device of the host",
		Action: "Leave it out, or move the device (a licence dongle, often) to a USB-over-IP server.",
		Fact:   "nova/virt/libvirt/driver.py has no word for USB host devices",
		find: func(s subject) []detail {
			return when(len(s.hostdevs("usb")) > 0, say("It has USB devices of its host (%s), which Nova's first start takes away.", list(s.hostdevs("usb"))))
		},
	},
	{
		Code: "K2O-463", Severity: Blocked,
		Title:  "Mediated device",
		Action: "Leave it out, or take the device out of the definition.",
		Fact:   "nova/virt/libvirt/driver.py: mdevs are made and claimed by Nova through Placement (resources:VGPU)",
		find: func(s subject) []detail {
			return when(len(s.hostdevs("mdev")) > 0, say("It has mediated devices (%s), which Nova's first start takes away.", list(s.hostdevs("mdev"))))
		},
	},
	{
		Code: "K2O-464", Severity: Blocked,
		Title:  "Other device of the host",
		Action: "Leave it out, or take the device out of the definition.",
		Fact:   "nova/virt/libvirt/driver.py has no word for other host devices",
		find: func(s subject) []detail {
			other := s.hostdevs("")
			return when(len(other) > 0, say("It has devices of its host (%s), which Nova's first start takes away.", list(other)))
		},
	},
	{
		Code: "K2O-465", Severity: Blocked,
		Title:  "Folder shared with the host",
		Action: "Leave it out, or move the share to NFS or CIFS.",
		Fact:   "nova/virt/libvirt/driver.py _get_guest_config writes no <filesystem> but for Manila shares",
		find: func(s subject) []detail {
			return when(len(s.Filesystems) > 0, say("It shares folders with its host (%s), which are gone after Nova's first start: a guest that mounts them may not come up.", list(s.Filesystems)))
		},
	},
	{
		Code: "K2O-466", Severity: Blocked,
		Title:  "Raw QEMU options",
		Action: "Find out what the options are for; leave it out, or take them out of the definition.",
		Fact:   "nova/virt/libvirt/config.py has no word for <qemu:commandline> and <qemu:override>",
		find: func(s subject) []detail {
			return when(s.QEMUCommandline, say("Its definition hands options straight to QEMU, which Nova's first start drops whatever they do.").
				do("virsh dumpxml --inactive %s | grep -A20 '<qemu:'", s.virsh()))
		},
	},
	{
		Code: "K2O-467", Severity: Info,
		Title:  "Devices that few guests miss",
		Action: "Nothing.",
		Fact:   "nova/virt/libvirt/driver.py _get_guest_config writes none of them",
		find: func(s subject) []detail {
			lost := s.others(comfort)
			return when(len(lost) > 0, say("Gone after Nova's first start: %s.", list(lost)))
		},
	},
	{
		Code: "K2O-468", Severity: Attention,
		Title:  "Devices that a guest may miss",
		Action: "See what in the guest uses them; a watchdog comes back with hw_watchdog_action in the plan's image_properties.",
		Fact:   "nova/virt/libvirt/driver.py _get_guest_config writes none of them by itself",
		find: func(s subject) []detail {
			lost := slices.DeleteFunc(slices.Clone(s.Others), func(o string) bool { return startsWith(o, comfort) || startsWith(o, vital) })
			return when(len(lost) > 0, say("Gone after Nova's first start, and perhaps missed: %s.", list(lost)))
		},
	},
	{
		Code: "K2O-469", Severity: Blocked,
		Title:  "Devices that hold data or join guests",
		Action: "Leave it out, or copy the data to a disk and take the device out of the definition.",
		Fact:   "nova/virt/libvirt/driver.py _get_guest_config has no word for shared memory, for modules that keep data, or for encrypted memory",
		find: func(s subject) []detail {
			lost := s.others(vital)
			return when(len(lost) > 0, say("Gone after Nova's first start, with what is in them: %s.", list(lost)))
		},
	},
	{
		Code: "K2O-470", Severity: Attention,
		Title:  "Elements that this tool does not know",
		Action: "Read them in the definition and decide whether the guest needs them.",
		Fact:   "Nova makes the definition anew from its records; what is not in them is gone",
		find: func(s subject) []detail {
			return when(len(s.UnknownXML) > 0, say("Its definition has elements this tool has no word for (%s), and neither has Nova.", list(s.UnknownXML)).
				do("virsh dumpxml --inactive %s", s.virsh()))
		},
	},
	{
		Code: "K2O-471", Severity: Attention,
		Title:  "Security label of its own",
		Action: "See that the label's purpose is served by libvirt's own labelling.",
		Fact:   "nova/virt/libvirt/config.py writes no <seclabel>; libvirt then makes one for each start",
		find: func(s subject) []detail {
			return when(s.SecurityLabel != "", say("Its %s security label is fixed in the definition, and libvirt's own choice after Nova's first start.", show(s.SecurityLabel)))
		},
	},
}

// comfort are devices without which a server does its work; vital are those
// that hold data or join guests. Each is the beginning of an entry of Others.
var (
	comfort = []string{"sound", "audio", "redirdev", "redirfilter", "smartcard", "panic", "hub"}
	vital   = []string{"shmem", "memory nvdimm", "memory virtio-pmem", "memory sgx-epc", "launch security"}
)

func startsWith(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return s == p || strings.HasPrefix(s, p+" ") })
}

// others are the devices beginning with one of the prefixes.
func (s subject) others(prefixes []string) []string {
	return slices.DeleteFunc(slices.Clone(s.Others), func(o string) bool { return !startsWith(o, prefixes) })
}

// hostdevs are the host devices of one kind; "" stands for all other kinds.
func (s subject) hostdevs(kind string) []string {
	return slices.DeleteFunc(slices.Clone(s.Hostdevs), func(h string) bool {
		first, _, _ := strings.Cut(h, " ")
		named := first == "pci" || first == "usb" || first == "mdev"
		return kind == "" && named || kind != "" && first != kind
	})
}
