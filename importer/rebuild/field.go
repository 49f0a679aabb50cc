package rebuild

// A Field is one kind of thing that is compared.
type Field struct {
	Name  string
	Title string
	Guest bool   // the guest can notice; otherwise only its host does
	Why   string // what decides it in Nova, and what a difference may mean
}

// Fields are all that is foretold, in the order in which differences are told
// when nothing else puts one first. A detail stands after its device.
//
// What is not among them is not foretold; FIELDS.md names it.
func Fields() []Field { return fields }

var fields = []Field{
	{"firmware", "firmware", true, "Nova takes it from the recorded hw_firmware_type and os_secure_boot; libvirt chooses the loader's file."},
	{"firmware_variables", "UEFI variables", true, "Nova undefines the domain with its variables at each rebuild: boot entries and enrolled keys are gone, and the guest must boot by its fallback path. The hard link that the import makes carries them over the first one."},
	{"machine", "machine type", true, "Nova takes it from the recorded hw_machine_type."},
	{"virt_type", "virtualization", true, "Nova has one for all guests of a host, [libvirt] virt_type; since Yoga it emulates where hw_architecture is another than the host's, i686 as well."},
	{"arch", "architecture", true, "Nova gives every guest its host's architecture unless hw_architecture is recorded."},
	{"vcpus", "vCPUs", true, "Nova has the flavor's and no more to plug in."},
	{"memory", "memory", true, "Nova has the flavor's, all of it from the start; whole MiB."},
	{"memory.hotplug", "memory to plug in", true, "Nova has no word for it."},
	{"cpu", "CPU model", true, "Nova has one for all guests of a host, [libvirt] cpu_mode, which is host-model unless nova.conf says otherwise. Software that is licensed by the CPU may notice."},
	{"cpu.features", "CPU features named", true, "Nova has one list for all guests of a host, [libvirt] cpu_model_extra_flags."},
	{"cpu.topology", "CPU topology", true, "Nova takes it from hw_cpu_sockets, hw_cpu_cores and hw_cpu_threads, without which every vCPU is a socket."},
	{"cpu.numa", "NUMA cells", true, "An adopted instance has no NUMA topology in its records."},
	{"smbios", "SMBIOS", true, "Nova writes its own: OpenStack's name, and the instance's UUID for a serial number. Licences may be tied to it."},
	{"feature", "feature", true, "Nova turns on acpi, apic and vmcoreinfo, and what is recorded of hw_pmu and img_hide_hypervisor_id."},
	{"hyperv", "Hyper-V feature", true, "Nova has one set, for instances whose os_type is windows."},
	{"clock", "clock", true, "Nova has localtime for instances whose os_type is windows, and UTC for all others. A guest that counts on the other is wrong by its time zone until it is told."},
	{"timer", "timer", true, "Nova sets pit and rtc, and hpet by hw_time_hpet, where virt_type is kvm. A plan records that property where the definition says that there is one. Where it says nothing QEMU has one as a rule, and Nova takes it away unless the plan is given hw_time_hpet: yes."},
	{"boot", "boot order", true, "Nova boots from the root disk alone."},
	{"kernel", "kernel given from outside", true, "Nova takes kernels from an image only: the guest boots from its root disk."},
	{"disk", "drive", true, "Nova has a record of hard disks only: drives for removable media are dropped."},
	{"disk.bus", "bus of a disk", true, "Nova takes it from the block device mapping."},
	{"disk.address", "address of a disk", true, "Nova's definition has no addresses: libvirt gives them out anew."},
	{"disk.serial", "serial number of a disk", true, "Nova has none for local disks: /dev/disk/by-id changes."},
	{"disk.options", "option of a disk", true, "Nova has no record of it for local disks."},
	{"disk.cache", "cache mode of a disk", false, "Nova has one for all local disks of a host: none, or what [libvirt] disk_cachemodes says."},
	{"disk_order", "order of the disks", true, "libvirt orders disks of one bus by their names."},
	{"nic", "interface", true, "Nova makes one for each port."},
	{"nic.model", "model of an interface", true, "Nova has one for all interfaces of an instance, the recorded hw_vif_model."},
	{"nic.address", "address of an interface", true, "Nova's definition has no addresses: libvirt gives them out anew. A guest that names interfaces by their slot calls it something else."},
	{"nic.mtu", "MTU of an interface", true, "Nova takes it from the network, as Neutron has it; virtio tells it to the guest."},
	{"nic.queues", "queues of an interface", true, "Nova has several only with hw_vif_multiqueue_enabled, as many as vCPUs."},
	{"nic.options", "option of an interface", true, "Nova has no record of it."},
	{"nic.filter", "filter of an interface", false, "Security groups are Neutron's: libvirt's filters are dropped."},
	{"nic.bandwidth", "bandwidth of an interface", false, "Nova takes it from the flavor's extra specs only."},
	{"nic_order", "order of the interfaces", true, "Nova has them in the order of its records."},
	{"video", "video adapter", true, "Nova has one, the recorded hw_video_model."},
	{"video.memory", "memory of a video adapter", true, "Nova leaves it to libvirt unless the flavor allows hw_video_ram."},
	{"video.address", "address of a video adapter", true, "Nova's definition has no addresses: libvirt gives them out anew."},
	{"input", "input device", true, "Nova adds a tablet, and a keyboard on the same bus since Wallaby."},
	{"serial", "serial port", true, "Nova has one, whose output is kept in console.log."},
	{"console", "console", true, "Nova has none beside the serial port: a guest that logs to hvc0 is not heard."},
	{"channel", "channel to the host", true, "Nova has that of the guest agent, where hw_qemu_guest_agent is recorded."},
	{"controller", "controller", true, "libvirt adds what the devices need; Nova names those for USB and SCSI. The USB controller's model is libvirt's choice, piix3-uhci, on q35 as well: nothing that Nova records keeps another, for it heeds hw_usb_model (since 2025.2) only where nothing is on USB."},
	{"controller.address", "address of a controller", true, "Nova's definition has no addresses: libvirt gives them out anew."},
	{"pci_bridge", "PCI bridges", true, "libvirt adds as many as the devices need."},
	{"balloon", "memory balloon", true, "Nova has a virtio one and asks it for statistics."},
	{"balloon.options", "option of the balloon", true, "Nova turns these on since 2025.2."},
	{"balloon.address", "address of the balloon", true, "Nova's definition has no addresses: libvirt gives them out anew."},
	{"rng", "random number generator", true, "Nova gives every guest one unless the flavor says hw_rng:allowed=False."},
	{"rng.address", "address of the random number generator", true, "Nova's definition has no addresses: libvirt gives them out anew."},
	{"tpm", "TPM", true, "Nova cannot take over an existing one: what it has sealed is lost."},
	{"hostdev", "device of the host", true, "Nova has no record of it."},
	{"filesystem", "shared folder", true, "Nova has no record of it."},
	{"device", "device", true, "Nova has no word for it."},
	{"unknown", "element", true, "Nothing is known of it here, and Nova writes nothing of the kind."},
	{"qemu_commandline", "options for QEMU", true, "Nova has no word for them."},
	{"on_poweroff", "what powering off does", false, "Nova leaves it at libvirt's default."},
	{"on_reboot", "what a reboot does", false, "Nova leaves it at libvirt's default."},
	{"on_crash", "what a crash does", false, "Nova leaves it at libvirt's default."},
	{"autostart", "autostart", false, "libvirt forgets it with the old definition; Nova starts guests itself where resume_guests_state_on_host_boot is set."},
	{"graphics", "display", false, "Nova has a VNC display without a password, reached through its proxy."},
	{"tuning", "tuning", false, "Nova takes it from the flavor's extra specs only; since 2026.1 every guest has one I/O thread."},
	{"security_label", "security label", false, "libvirt's own is used."},
}

// fieldNamed has their place in the list.
var fieldNamed = func() map[string]int {
	m := map[string]int{}
	for i, f := range fields {
		m[f.Name] = i
	}
	return m
}()
