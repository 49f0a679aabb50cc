package plan

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// hardware pins what Nova would otherwise fill in from its own defaults, or
// from those of a later release, when it makes the definition anew
// (nova/virt/libvirt/driver.py, _register_all_undefined_instance_details).
func (d *draft) hardware(windowsNIC string, major int) {
	d.OSType = d.osType()
	d.NICModel = d.nicModel(windowsNIC, major)
	p := map[string]string{
		"hw_machine_type":  d.found.MachineType,
		"hw_firmware_type": "bios",
		"hw_cdrom_bus":     d.cdromBus(),
		"hw_video_model":   d.videoModel(major),
		"hw_input_bus":     inputBus(d.found.Inputs),
		"hw_pointer_model": "usbtablet", // Nova's only one
	}
	if p["hw_machine_type"] == "" {
		p["hw_machine_type"] = "pc" // libvirt's default for x86
	}
	if d.found.Firmware.UEFI {
		p["hw_firmware_type"] = "uefi"
	}
	if slices.ContainsFunc(d.Disks, func(disk Disk) bool { return disk.Bus == "scsi" }) {
		p["hw_scsi_model"] = scsiModel(d.found.Controllers)
	}
	if d.found.AgentChannel {
		p["hw_qemu_guest_agent"] = "yes"
	}
	if slices.Contains(d.found.Timers, "hpet") {
		p["hw_time_hpet"] = "yes"
	}
	addTopology(p, d.found.CPU, d.found.VCPUs)
	for name, value := range d.rule.ImageProperties {
		p[name] = value
	}
	for name := range elsewhere {
		delete(p, name)
	}
	d.ImageProperties = p
}

// osType is windows when that is sure enough: it changes the clock to local
// time and turns Hyper-V's features on, which a Linux guest would not expect.
func (d *draft) osType() string {
	if d.rule.OSType != "" {
		return strings.TrimPrefix(d.rule.OSType, "linux") // linux is recorded as nothing
	}
	g := d.found.Guest
	sure := g.Score >= windowsScore
	if g.Confidence == "agent" {
		sure = g.Family == "windows"
	}
	if sure {
		return "windows"
	}
	return ""
}

// windowsScore is where discover.Guest.Score begins to mean Windows.
const windowsScore = 60

// nicModel is the model of the first interface, for Nova has one for all of
// an instance.
func (d *draft) nicModel(windowsNIC string, major int) string {
	if d.rule.NICModel != "" {
		return d.rule.NICModel
	}
	model := "virtio"
	if len(d.found.Interfaces) > 0 {
		model = novaModel(d.found.Interfaces[0].Model, major)
	}
	if model == "virtio" && d.OSType == "windows" && windowsNIC == WindowsE1000 && len(d.found.Interfaces) > 0 {
		model = d.windowsModel()
		d.find(infoNIC, "Its interfaces become %s at the first restart that Nova or the rename makes.", model)
	}
	return model
}

// novaModel returns libvirt's model in Nova's words, or the nearest that Nova
// has. libvirt fills in rtl8139 for x86 where a definition names none.
func novaModel(model string, major int) string {
	switch model {
	case "":
		return "rtl8139"
	case "virtio-transitional", "virtio-non-transitional":
		return "virtio"
	case "igb":
		return nearest("hw_vif_model", model, "e1000e", major)
	}
	return nearest("hw_vif_model", model, "e1000", major)
}

// windowsModel is the adapter that this Windows has a driver of its own for:
// e1000e's came with 8 and 2012.
func (d *draft) windowsModel() string {
	if isQ35(d.found.MachineType) && modernWindows(d.found.Guest.Name, d.found.LibosinfoID) {
		return "e1000e"
	}
	return "e1000"
}

func modernWindows(name, libosinfo string) bool {
	modern := []string{"8", "8.1", "10", "11", "2012", "2016", "2019", "2022", "2025", "2k12", "2k12r2", "2k16", "2k19", "2k22", "2k25"}
	words := strings.Fields(name)
	if i := strings.LastIndex(libosinfo, "/"); i >= 0 {
		words = append(words, libosinfo[i+1:])
	}
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(modern, w) })
}

func isQ35(machine string) bool { return strings.Contains(machine, "q35") }

// videoModel is that of the first adapter, or none at all.
func (d *draft) videoModel(major int) string {
	if len(d.found.Video) == 0 {
		return "none"
	}
	return nearest("hw_video_model", d.found.Video[0], "vga", major)
}

// cdromBus matters for the drives that Nova makes itself: for a rescue or a
// config drive.
func (d *draft) cdromBus() string {
	for _, disk := range d.found.Disks {
		if disk.Device == "cdrom" && legalValue("hw_cdrom_bus", disk.Bus) {
			return disk.Bus
		}
	}
	if isQ35(d.found.MachineType) {
		return "sata"
	}
	return "ide"
}

// inputBus is virtio where the guest's tablet is, else usb.
func inputBus(inputs []string) string {
	if slices.Contains(inputs, "tablet/virtio") {
		return "virtio"
	}
	return "usb"
}

// scsiModel is that of the first SCSI controller. Where none is named libvirt
// takes lsilogic.
func scsiModel(controllers []discover.Controller) string {
	model := ""
	for _, c := range controllers {
		if c.Type == "scsi" && model == "" {
			model = c.Model
		}
	}
	if strings.HasPrefix(model, "virtio") { // virtio-transitional and the like
		return "virtio-scsi"
	}
	return nearest("hw_scsi_model", cmp.Or(model, "lsilogic"), "lsilogic", 0)
}

// addTopology keeps sockets, cores and threads, on which Windows' licences and
// its limits hang. Nova has no word for dies, so their cores are the socket's.
// A layout that does not multiply to the vCPUs, because some are yet to be
// plugged, is not one that Nova could follow.
func addTopology(p map[string]string, cpu discover.CPU, vcpus uint) {
	cores := max(cpu.Dies, 1) * cpu.Cores
	if cpu.Sockets <= 0 || cpu.Sockets*cores*cpu.Threads != int(vcpus) {
		return
	}
	p["hw_cpu_sockets"] = strconv.Itoa(cpu.Sockets)
	p["hw_cpu_cores"] = strconv.Itoa(cores)
	p["hw_cpu_threads"] = strconv.Itoa(cpu.Threads)
}
