package check

import "github.com/lightcloud/kvm2openstack/discover"

// stateRules: what of libvirt's own state stands in the way.
var stateRules = []Rule{
	{
		Code: "K2O-101", Severity: Blocked,
		Title:  "Transient domain",
		Action: "Make it persistent: define it from its own definition, read with --security-info.",
		Fact:   "libvirt virDomainRename refuses a transient domain; virDomainDefineXML makes a running one persistent (tried on 9.0)",
		find: func(s subject) []detail {
			return when(!s.Persistent, say("It is transient: libvirt keeps no definition of it, and it is gone for ever once it powers off.").
				do("virsh dumpxml --inactive --security-info %s | virsh define /dev/stdin", s.virsh()))
		},
	},
	{
		Code: "K2O-102", Severity: Blocked,
		Title:  "Managed save image",
		Action: "Start the domain, which uses the image up, or give the saved memory up with virsh managedsave-remove.",
		Fact:   "libvirt virDomainRename refuses a managed save; nova/virt/libvirt/guest.py delete_configuration undefines with MANAGED_SAVE",
		find: func(s subject) []detail {
			return when(s.ManagedSave, say("It has saved memory of its present definition, which Nova's first start would throw away.").
				do("virsh start %[1]s (goes on from the saved memory), or, to give that up: virsh managedsave-remove %[1]s", s.virsh()))
		},
	},
	{
		Code: "K2O-103", Severity: Blocked,
		Title:  "libvirt snapshots",
		Action: "Merge or delete the snapshots.",
		Fact:   "libvirt refuses to undefine a domain with snapshots and Nova passes no flag for them (guest.py delete_configuration)",
		find: func(s subject) []detail {
			return when(s.Snapshots, say("It has libvirt snapshots: Nova's first hard reboot powers it off, cannot undefine it and leaves it in ERROR.").
				do("virsh snapshot-list --tree %[1]s, then virsh snapshot-delete %[1]s SNAPSHOT for each, leaves first (merge external ones with virsh blockcommit)", s.virsh()))
		},
	},
	{
		Code: "K2O-104", Severity: Blocked,
		Title:  "libvirt checkpoints",
		Action: "End the backup chain and delete the checkpoints.",
		Fact:   "libvirt refuses to undefine a domain with checkpoints and Nova passes no flag for them (guest.py delete_configuration)",
		find: func(s subject) []detail {
			return when(s.Checkpoints, say("It has checkpoints of an incremental backup: Nova's first hard reboot cannot undefine it and leaves it off, in ERROR.").
				do("virsh checkpoint-list %[1]s, then virsh checkpoint-delete %[1]s CHECKPOINT for each, and take the next backup in full", s.virsh()))
		},
	},
	{
		Code: "K2O-105", Severity: Blocked,
		Title:  "Active block job",
		Action: "Wait for the job or abort it, then audit again.",
		Fact:   "live definition shows <mirror>; a hard link taken now may name the file that the job is about to leave",
		find: func(s subject) []detail {
			return when(s.BlockJob, say("A block job is copying one of its disks: which file is the disk changes when the job ends.").
				do("virsh blockjob %[1]s DISK --info for each of virsh domblklist %[1]s; wait for it, or add --abort", s.virsh()))
		},
	},
	{
		Code: "K2O-106", Severity: Attention,
		Title:  "Paused domain",
		Action: "Find out why it is paused; resume it if nobody wants it so.",
		Fact:   "nova/compute/manager.py _sync_instance_power_state: paused with power state paused stays as it is",
		find: func(s subject) []detail {
			return when(s.State == discover.StatePaused, say("It is paused, perhaps by a full or failing disk, and would be recorded as PAUSED.").
				do("virsh domstate --reason %[1]s; virsh domblkerror %[1]s; then virsh resume %[1]s, or leave it", s.virsh()))
		},
	},
	{
		Code: "K2O-107", Severity: Blocked,
		Title:  "Crashed domain",
		Action: "Save what you need of the crash, destroy the remains and start the domain.",
		Fact:   "nova/compute/manager.py _sync_instance_power_state calls the stop API for a crashed guest",
		find: func(s subject) []detail {
			return when(s.State == discover.StateCrashed, say("It has crashed: Nova would stop it at its next power sync and no one would know why.").
				do("virsh dump %[1]s FILE if the memory matters, then virsh destroy %[1]s (if it is still there) and virsh start %[1]s", s.virsh()))
		},
	},
	{
		Code: "K2O-108", Severity: Blocked,
		Title:  "Suspended by its own power management",
		Action: "Wake it.",
		Fact:   "nova/compute/manager.py _sync_instance_power_state: active with power state suspended is stopped",
		find: func(s subject) []detail {
			return when(s.State == discover.StatePMSuspended, say("The guest has put itself to sleep: Nova takes that for a failure and stops it at its next power sync.").
				do("virsh dompmwakeup %s, and switch sleeping off inside the guest", s.virsh()))
		},
	},
	{
		Code: "K2O-109", Severity: Attention,
		Title:  "Shutting down right now",
		Action: "Wait until it is off or up again, then audit again.",
		Fact:   "nova/virt/libvirt/guest.py LIBVIRT_POWER_STATE takes VIR_DOMAIN_SHUTDOWN for off",
		find: func(s subject) []detail {
			return when(s.State == discover.StateShutdown, say("It is shutting down at this moment, so what is recorded of it may be wrong a second later.").
				do("virsh domstate %s until it settles, then audit again", s.virsh()))
		},
	},
	{
		Code: "K2O-110", Severity: Blocked,
		Title:  "State that Nova has no word for",
		Action: "Find out what libvirt means, then audit again.",
		Fact:   "nova/virt/libvirt/guest.py LIBVIRT_POWER_STATE: no state stays no state, which only logs",
		find: func(s subject) []detail {
			known := s.State.Active() || s.State == discover.StateShutoff || s.State == discover.StateCrashed
			return when(!known, say("libvirt gives its state as %s, from which no power state can be recorded.", show(string(s.State))).
				do("virsh domstate --reason %s; read the domain's log in /var/log/libvirt/qemu", s.virsh()))
		},
	},
	{
		Code: "K2O-111", Severity: Info,
		Title:  "libvirt calls it tainted",
		Action: "Read the reasons in the domain's log in /var/log/libvirt/qemu.",
		Fact:   "libvirt virDomainGetMessages, qemuDomainObjTaint",
		find: func(s subject) []detail {
			return when(s.Tainted != "", say("libvirt says of the running domain: %s.", show(s.Tainted)))
		},
	},
}
