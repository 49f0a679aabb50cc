package check

import (
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
)

// lifecycleRules: what the domain does when it is stopped, started or fails.
var lifecycleRules = []Rule{
	{
		Code: "K2O-121", Severity: Attention,
		Title:  "No ACPI",
		Action: "Shut it down from inside the guest when the time comes; add <features><acpi/></features> if the guest can bear it.",
		Fact:   "libvirt virDomainShutdown presses an ACPI button; nova/virt/libvirt/driver.py _set_features always adds <acpi/>",
		find: func(s subject) []detail {
			return when(!s.ACPI, say("Without ACPI no shutdown request reaches it: a stop through Nova ends as a power cut, and Nova's first start gives it ACPI."))
		},
	},
	{
		Code: "K2O-122", Severity: Attention,
		Title:  "on_poweroff is not destroy",
		Action: "Set it to destroy.",
		Fact:   "libvirt qemu_process.c: on_poweroff=restart turns a shutdown into a reboot",
		find: func(s subject) []detail {
			return when(!slices.Contains([]string{"", "destroy"}, s.OnPoweroff),
				say("on_poweroff is %s: when it is shut down it does not end up shut off.", show(s.OnPoweroff)).
					do("virsh set-lifecycle-action %s poweroff destroy --config%s", s.virsh(), s.liveFlag()))
		},
	},
	{
		Code: "K2O-123", Severity: Attention,
		Title:  "on_reboot is not restart",
		Action: "Set it to restart.",
		Fact:   "libvirt <on_reboot>; nova/compute/manager.py _sync_instance_power_state calls the stop API for a guest that is off",
		find: func(s subject) []detail {
			return when(!slices.Contains([]string{"", "restart"}, s.OnReboot),
				say("on_reboot is %s: a reboot from inside the guest powers it off, and Nova records it as stopped.", show(s.OnReboot)).
					do("virsh set-lifecycle-action %s reboot restart --config%s", s.virsh(), s.liveFlag()))
		},
	},
	{
		Code: "K2O-124", Severity: Info,
		Title:  "Unusual on_crash",
		Action: "Nothing, unless somebody relies on it.",
		Fact:   "nova/virt/libvirt/config.py LibvirtConfigGuest writes no <on_crash>",
		find: func(s subject) []detail {
			return when(!slices.Contains([]string{"", "destroy", "restart"}, s.OnCrash),
				say("on_crash is %s, which Nova's first start leaves out.", show(s.OnCrash)))
		},
	},
	{
		Code: "K2O-125", Severity: Info,
		Title:  "Autostart",
		Action: "Set resume_guests_state_on_host_boot = True in the compute host's nova.conf once all its domains are adopted.",
		Fact:   "autostart is lost at Nova's first start (tried on 31.0.0); nova/compute/manager.py _resume_guests_state",
		find: func(s subject) []detail {
			return when(s.Autostart && s.State != discover.StateShutoff,
				say("It starts with its host today, and no longer does so after Nova's first start of it."))
		},
	},
	{
		Code: "K2O-126", Severity: Attention,
		Title:  "Autostart of a domain that is shut off",
		Action: "Switch autostart off, or start the domain before it is adopted.",
		Fact:   "nova/compute/manager.py _sync_instance_power_state: stopped in the records but running is force-stopped",
		find: func(s subject) []detail {
			return when(s.Autostart && s.State == discover.StateShutoff,
				say("It is off and would be recorded as stopped, but starts when its host boots, and Nova then cuts its power.").
					do("virsh autostart --disable %s", s.virsh()))
		},
	},
}

// liveFlag makes a virsh command act on the running domain, too.
func (s subject) liveFlag() string {
	if s.State.Active() {
		return " --live"
	}
	return ""
}
