package check

import (
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/nova"
)

// firmwareRules: what the guest boots with, and the machine it sees.
var firmwareRules = []Rule{
	{
		Code: "K2O-401", Severity: Attention,
		Title:  "UEFI without a path for its variables",
		Action: "Write <nvram> with the path in use into the definition.",
		Fact:   "libvirt 9.0: with <os firmware='efi'> and no path, the path follows the name and a rename starts from the empty template (tried)",
		find: func(s subject) []detail {
			d := say("Its definition does not say where its UEFI variables lie: they are lost as soon as its name changes.")
			if s.Firmware.NVRAMLive != "" {
				d = d.do("virsh edit %s: <nvram>%s</nvram> below <os>", s.virsh(), show(s.Firmware.NVRAMLive))
			} else {
				d = d.do("start it, read <nvram> from virsh dumpxml %[1]s, and write that below <os> by virsh edit %[1]s", s.virsh())
			}
			return when(s.Firmware.UEFI && s.Firmware.NVRAM == "", d)
		},
	},
	{
		Code: "K2O-402", Severity: Attention,
		Title:  "Nova resets UEFI variables at each start but the first",
		Action: "See that the guest boots from \\EFI\\BOOT\\BOOTX64.EFI; keep a copy of the NVRAM file.",
		Fact:   "nova/virt/libvirt/guest.py delete_configuration: NVRAM goes with the undefine, and the import's hard link under the new name stays; kept from 31.3.0, 32.2.1 and 33.0.0 (tried on Zed and 31.0.0)",
		find: func(s subject) []detail {
			until, loses := nova.Release{Major: s.major()}.LosesVariables()
			text := "Each start through Nova but the first makes its UEFI variables anew%s: own boot entries and enrolled keys are lost."
			if until != "" {
				until = ", before " + until
			}
			d := say(text, until).
				do("inside the guest: ls /boot/efi/EFI/BOOT/BOOTX64.EFI (Windows: bcdboot makes it)")
			if nvram := s.nvram(); nvram != "" {
				d = d.do("keep a copy: cp -p %s BACKUP; inside the guest: ls /boot/efi/EFI/BOOT/BOOTX64.EFI (Windows: bcdboot makes it)", sh(nvram))
			}
			return when(s.Firmware.UEFI && loses, d)
		},
	},
	{
		Code: "K2O-403", Severity: Attention,
		Title:  "Secure Boot",
		Action: "See that the plan's image_properties have hw_firmware_type: uefi and os_secure_boot: required, and that the guest boots with the keys of the host's template.",
		Fact:   "nova/virt/libvirt/driver.py _configure_guest_by_virt_type: os_secure_boot, q35 only; from Wallaby",
		find: func(s subject) []detail {
			return when(s.Firmware.SecureBoot, say("It boots with Secure Boot, and with the keys of the host's template alone after Nova's first start."))
		},
	},
	{
		Code: "K2O-404", Severity: Blocked,
		Title:  "TPM",
		Action: "Leave it out; or suspend what is sealed to it (BitLocker: manage-bde -protectors -disable C:) and take the TPM out of the definition.",
		Fact:   "nova/virt/libvirt/driver.py needs system_metadata vtpm_secret_uuid from Barbican for a vTPM; a passed-through TPM has no word at all",
		find: func(s subject) []detail {
			return when(s.TPM != "", say("It has a TPM (%s) whose state Nova cannot take over: what is sealed to it, BitLocker for one, stays closed.", show(s.TPM)))
		},
	},
	{
		Code: "K2O-405", Severity: Info,
		Title:  "Firmware image of its own",
		Action: "See that the host's firmware descriptors name an image that boots the guest.",
		Fact:   "nova/virt/libvirt/host.py get_loader chooses from /usr/share/qemu/firmware",
		find: func(s subject) []detail {
			return when(s.Firmware.Loader != "" && s.Firmware.UEFI && !s.Firmware.Auto,
				say("It boots from the firmware %s, and from the one that Nova chooses after its first start.", show(s.Firmware.Loader)).
					do("grep -l %s /usr/share/qemu/firmware/*.json", sh(s.Firmware.Loader)))
		},
	},
	{
		Code: "K2O-406", Severity: Blocked,
		Title:  "Firmware image that is not UEFI",
		Action: "Take <loader> out of the definition if the guest boots without it.",
		Fact:   "nova/virt/libvirt/driver.py _configure_guest_by_virt_type: BIOS guests get QEMU's own firmware",
		find: func(s subject) []detail {
			return when(s.Firmware.Loader != "" && !s.Firmware.UEFI,
				say("It boots from the firmware %s, which Nova's first start leaves out.", show(s.Firmware.Loader)).
					do("%svirsh edit %s, take <loader> out and start it once", s.whenOff(), s.virsh()))
		},
	},
	{
		Code: "K2O-407", Severity: Blocked,
		Title:  "Kernel booted directly",
		Action: "Install a boot loader in the guest and take <kernel> and <initrd> out of the definition.",
		Fact:   "nova/virt/libvirt/driver.py: kernel and ramdisk come from Glance images (instances.kernel_id) only",
		find: func(s subject) []detail {
			return when(s.DirectKernel != "", say("libvirt boots the kernel %s for it, and after Nova's first start nothing does.", show(s.DirectKernel)))
		},
	},
	{
		Code: "K2O-408", Severity: Info,
		Title:  "Machine type is an alias",
		Action: "Pin in the plan's hw_machine_type what virsh dumpxml of the running guest shows.",
		Fact:   "libvirt replaces pc and q35 by the newest version at define; nova/virt/libvirt/utils.py get_machine_type",
		find: func(s subject) []detail {
			return when(s.MachineType == "" || s.MachineType == "pc" || s.MachineType == "q35",
				say("Its machine type is %s, which another QEMU understands in another way.", show(s.MachineType)))
		},
	},
	{
		Code: "K2O-409", Severity: Attention,
		Title:  "Very old machine type",
		Action: "See that the host's QEMU, and the one it is to be upgraded to, still has the type.",
		Fact:   "nova/virt/libvirt/host.py _check_machine_type ends the first start after the undefine; QEMU 6.0 and later drop such types one by one",
		find: func(s subject) []detail {
			return when(oldMachine(s.MachineType), say("Its machine type %s is about to leave QEMU: without it no start succeeds.", show(s.MachineType)).
				do("virsh capabilities | grep -F %s", sh(s.MachineType)))
		},
	},
	{
		Code: "K2O-410", Severity: Blocked,
		Title:  "Machine type that is neither i440fx nor q35",
		Action: "Leave it out.",
		Fact:   "adoption was tried for pc-i440fx and pc-q35 only",
		find: func(s subject) []detail {
			return when(s.x86() && !pcMachine(s.MachineType), say("Its machine type is %s, of which nobody knows what Nova makes.", show(s.MachineType)))
		},
	},
	{
		Code: "K2O-411", Severity: Blocked,
		Title:  "Not an x86 guest",
		Action: "Leave it out.",
		Fact:   "adoption was tried for x86 only; firmware, machine and bus defaults of Nova differ by architecture",
		find: func(s subject) []detail {
			return when(!s.x86(), say("Its architecture is %s, of which nobody knows what Nova makes.", show(s.Arch)))
		},
	},
	{
		Code: "K2O-412", Severity: Info,
		Title:  "Emulated, not accelerated",
		Action: "See that [libvirt] virt_type of the compute host is what the guest can run under.",
		Fact:   "nova.conf [libvirt] virt_type, one for all guests of a host, default kvm",
		find: func(s subject) []detail {
			return when(s.VirtType == "qemu", say("It is emulated by QEMU without KVM, and after Nova's first start runs as the compute host's virt_type says."))
		},
	},
	{
		Code: "K2O-413", Severity: Blocked,
		Title:  "Hypervisor that is not QEMU or KVM",
		Action: "Leave it out.",
		Fact:   "compute_nodes.hypervisor_type of the hosts adopted here is QEMU",
		find: func(s subject) []detail {
			return when(s.VirtType != "kvm" && s.VirtType != "qemu", say("It runs under %s, and only QEMU and KVM guests are adopted.", show(s.VirtType)))
		},
	},
	{
		Code: "K2O-414", Severity: Attention,
		Title:  "Emulator of its own",
		Action: "Find out what the program does that the distribution's QEMU does not.",
		Fact:   "nova/virt/libvirt/config.py writes no <emulator>; libvirt takes the distribution's",
		find: func(s subject) []detail {
			return when(s.Emulator != "" && !slices.ContainsFunc(emulators, func(p string) bool { return strings.HasPrefix(s.Emulator, p) }),
				say("It runs under %s, and under the distribution's QEMU after Nova's first start.", show(s.Emulator)).
					do("file %s; compare with virsh capabilities", sh(s.Emulator)))
		},
	},
}

// emulators are where distributions keep QEMU.
var emulators = []string{"/usr/bin/qemu-system-", "/usr/bin/qemu-kvm", "/usr/bin/kvm", "/usr/libexec/qemu-kvm", "/usr/bin/qemu"}

// nvram is the file with the UEFI variables, as far as it is known.
func (s subject) nvram() string {
	if s.Firmware.NVRAMLive != "" {
		return s.Firmware.NVRAMLive
	}
	return s.Firmware.NVRAM
}

func (s subject) x86() bool { return s.Arch == "x86_64" || s.Arch == "i686" }

// oldMachine reports whether QEMU has deprecated or dropped the type:
// everything before i440fx 2.4 and Red Hat's first ones.
func oldMachine(t string) bool {
	for _, p := range []string{"pc-0.", "pc-1.", "pc-i440fx-1.", "pc-q35-1.", "rhel5", "rhel6", "pc-i440fx-rhel6"} {
		if strings.HasPrefix(t, p) {
			return true
		}
	}
	for _, minor := range []string{"0", "1", "2", "3"} {
		if t == "pc-i440fx-2."+minor || t == "pc-q35-2."+minor {
			return true
		}
	}
	return false
}

// pcMachine reports whether the type is one of the PC's two chipsets, in
// upstream's or a distribution's naming. An empty type is another rule's.
func pcMachine(t string) bool {
	return t == "" || t == "pc" || t == "q35" || strings.HasPrefix(t, "pc-") || strings.HasPrefix(t, "rhel")
}
