package check

import (
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
)

// driveRules: buses, controllers, boot order and removable media.
var driveRules = []Rule{
	{
		Code: "K2O-251", Severity: Blocked,
		Title:  "Disk on a bus that is not recorded",
		Action: "Move the disk to virtio, SCSI, SATA or IDE while the guest is off.",
		Fact:   "nova/virt/libvirt/blockinfo.py is_disk_bus_valid_for_virt, get_dev_prefix_for_disk_bus; of its buses the import writes virtio, scsi, sata and ide",
		find: func(s subject) []detail {
			return each(s.stored(), func(d discover.Disk) (detail, bool) {
				return say("Disk %s sits on the bus %s, and would come back on another, where the guest may not find it.", show(d.Target), show(d.Bus)).
						do("%svirsh edit %s: <target dev=... bus='sata'/> for %s, and start it once", s.whenOff(), s.virsh(), sh(d.Target)),
					!slices.Contains([]string{"virtio", "ide", "sata", "scsi"}, d.Bus)
			})
		},
	},
	{
		Code: "K2O-252", Severity: Info,
		Title:  "Two disk buses",
		Action: "Nothing; each disk's bus is recorded.",
		Fact:   "block_device_mapping.disk_bus wins over image_hw_disk_bus (tried on Zed: virtio root beside a SATA disk kept bus, name and content)",
		find: func(s subject) []detail {
			var buses []string
			for _, d := range s.stored() {
				if !slices.Contains(buses, d.Bus) {
					buses = append(buses, d.Bus)
				}
			}
			return when(len(buses) > 1, say("Its disks sit on several buses (%s), which are recorded disk by disk.", list(buses)))
		},
	},
	{
		Code: "K2O-253", Severity: Blocked,
		Title:  "SCSI controller that Nova has no word for",
		Action: "Give the domain a virtio-scsi controller whose driver the guest has.",
		Fact:   "nova/objects/fields.py SCSIModel: buslogic, ibmvscsi, lsilogic, lsisas1068, lsisas1078, virtio-scsi, vmpvscsi",
		find: func(s subject) []detail {
			return each(s.scsiModels(), func(model string) (detail, bool) {
				return say("Its SCSI disks hang on a controller %s, which Nova cannot bring back.", show(model)).
					do("%svirsh edit %s: <controller type='scsi' model='virtio-scsi'/>", s.whenOff(), s.virsh()), !slices.Contains(scsiKnown, model)
			})
		},
	},
	{
		Code: "K2O-254", Severity: Attention,
		Title:  "Several SCSI controller models",
		Action: "See that the guest has the driver of the model in the plan's hw_scsi_model.",
		Fact:   "nova/virt/libvirt/driver.py _get_scsi_controller: one image_hw_scsi_model for the whole server",
		find: func(s subject) []detail {
			models := s.scsiModels()
			return when(len(models) > 1, say("It has SCSI controllers of several models (%s), and after Nova's first start all are of one.", list(models)))
		},
	},
	{
		Code: "K2O-255", Severity: Info,
		Title:  "Empty CD-ROM drive",
		Action: "Nothing; on 2025.1 take it out if nova-compute logs a TypeError of os.path.dirname at its start.",
		Fact:   "dropped at Nova's first start (tried on Zed and 2025.1); nova/virt/libvirt/volume/mount.py",
		find: func(s subject) []detail {
			return each(s.Disks, func(d discover.Disk) (detail, bool) {
				return say("The empty CD-ROM drive %s is gone after Nova's first start.", show(d.Target)), d.Device == "cdrom" && d.Path == ""
			})
		},
	},
	{
		Code: "K2O-256", Severity: Attention,
		Title:  "CD-ROM with a medium",
		Action: "Eject the medium; see that the guest does not need it to boot.",
		Fact:   "nova/virt/libvirt/blockinfo.py: Nova makes a CD-ROM for a config drive or a rescue only",
		find: func(s subject) []detail {
			return each(s.Disks, func(d discover.Disk) (detail, bool) {
				return say("The medium %s in drive %s is gone after Nova's first start, and the drive with it.", show(d.Path), show(d.Target)).
					do("virsh change-media %s %s --eject --config%s", s.virsh(), sh(d.Target), s.liveFlag()), d.Device == "cdrom" && d.Path != ""
			})
		},
	},
	{
		Code: "K2O-257", Severity: Info,
		Title:  "Floppy drive",
		Action: "Copy what is needed from the floppy.",
		Fact:   "nova/virt/libvirt/driver.py _get_guest_storage_config writes no floppy",
		find: func(s subject) []detail {
			return each(s.Disks, func(d discover.Disk) (detail, bool) {
				return say("The floppy drive %s (%s) is gone after Nova's first start.", show(d.Target), medium(d)), d.Device == "floppy"
			})
		},
	},
	{
		Code: "K2O-258", Severity: Attention,
		Title:  "Boots from something else than its first disk",
		Action: "See that the guest boots from its first disk, or name the boot disk as the root disk in the plan.",
		Fact:   "nova/virt/libvirt/blockinfo.py get_boot_order: the root disk first, whatever the definition said",
		find: func(s subject) []detail {
			first := s.bootsFrom()
			return when(first != "", say("It boots from %s first, but from its root disk once Nova has started it.", show(first)))
		},
	},
	{
		Code: "K2O-259", Severity: Info,
		Title:  "Data disks",
		Action: "Leave the instance locked, so that nobody rebuilds or shelves it.",
		Fact:   "rebuild and shelve of a server with local data disks lose them (tried on Zed)",
		find: func(s subject) []detail {
			var targets []string
			for i, d := range s.stored() {
				if i > 0 {
					targets = append(targets, d.Target)
				}
			}
			return when(len(targets) > 0, say("Beside the root disk it has %s (%s): Nova calls them ephemeral, and a rebuild or shelve loses them.", Plural(len(targets), "data disk"), list(targets)))
		},
	},
}

// scsiKnown are the models of hw_scsi_model that run under QEMU.
var scsiKnown = []string{"lsilogic", "lsisas1068", "lsisas1078", "virtio-scsi", "ibmvscsi"}

// scsiModels are the distinct models of SCSI controllers, where a disk uses
// one. A controller without a model gets libvirt's own choice, as in Nova.
func (s subject) scsiModels() []string {
	if !slices.ContainsFunc(s.stored(), func(d discover.Disk) bool { return d.Bus == "scsi" }) {
		return nil
	}
	var models []string
	for _, c := range s.Controllers {
		if c.Type == "scsi" && c.Model != "" && !slices.Contains(models, c.Model) {
			models = append(models, c.Model)
		}
	}
	return models
}

// medium is what is in a drive.
func medium(d discover.Disk) string {
	if d.Path == "" {
		return "empty"
	}
	return show(d.Path).String()
}

// bootsFrom is the device that is tried before the first disk, "" when the
// first disk comes first or the definition does not say. Empty drives count
// for nothing.
func (s subject) bootsFrom() string {
	disks := s.stored()
	if len(disks) == 0 {
		return ""
	}
	name, lowest := "", uint(0)
	try := func(order uint, n string) {
		if order > 0 && (lowest == 0 || order < lowest) {
			name, lowest = n, order
		}
	}
	for _, d := range s.Disks {
		if holdsData(d) || d.Path != "" {
			try(d.BootOrder, d.Target)
		}
	}
	for _, n := range s.Interfaces {
		try(n.BootOrder, "the network ("+n.MAC+")")
	}
	switch {
	case lowest == 0:
		return s.bootDevice()
	case lowest == disks[0].BootOrder:
		return ""
	}
	return name
}

// bootDevice is the same for a definition with <os><boot dev>.
func (s subject) bootDevice() string {
	for _, dev := range s.BootDevices {
		switch {
		case dev == "hd":
			return ""
		case dev == "network" && len(s.Interfaces) > 0:
			return "the network"
		case dev == "cdrom" && s.hasMedium("cdrom"), dev == "fd" && s.hasMedium("floppy"):
			return dev
		}
	}
	return ""
}

func (s subject) hasMedium(device string) bool {
	return slices.ContainsFunc(s.Disks, func(d discover.Disk) bool { return d.Device == device && d.Path != "" })
}
