package onboard

import "regexp"

// disturbances leave nova-compute running.
var disturbances = []LogLine{
	{
		Title: "Placement has not made the host's resource provider",
		Meaning: "nova-compute runs, without an inventory, so nothing can be scheduled to the host or adopted on it. With 409 and \"Conflicting resource provider name\" " +
			"in the line of nova.scheduler.client.report, Placement has a provider of the host's name with another UUID than the compute node's: one left over " +
			"from an earlier node. With another status the fault is Placement's, or in nova.conf's [placement].",
		Fact: "nova/scheduler/client/report.py, _create_resource_provider; 409 tried on 2025.1",
		Remedy: "If the leftover provider has no allocations, delete it; nova-compute makes its own within a minute. Allocations of servers that Nova does not " +
			"have any more are deleted first, one by one. Where Nova has the servers, and on this host, the provider is the true one and the node is not: " +
			"stop nova-compute, and leave both as they are until it is clear which node the servers belong to." + whatNode,
		Commands: []string{
			"openstack resource provider list --name NODE",
			"openstack resource provider show --allocations UUID",
			"openstack resource provider allocation delete SERVER",
			"openstack resource provider delete UUID",
		},
		says: regexp.MustCompile("Failed to create resource provider"),
	},
	{
		Title: "An empty drive disturbs the list of mounts",
		Meaning: "A domain, running or not, has a CD or floppy drive without a medium. nova-compute takes the path of nothing while it looks who uses volumes " +
			"on NFS and the like; that is caught, and the service runs on.",
		Fact: "nova/virt/libvirt/volume/mount.py, host_up; tried on 2025.1",
		Remedy: "Nothing. Where Nova's volumes are on NFS, Quobyte and the like: remove the empty drive, or adopt the domain and let Nova start it once, which " +
			"leaves the drive out; then restart nova-compute.",
		says: regexp.MustCompile(`(nova\.virt\.libvirt\.host|connection event).*expected str, bytes or os\.PathLike object, not NoneType`),
	},
	{
		Title:   "The inventory was written a moment too late",
		Meaning: "Somebody changed the provider or made an allocation, as an import does, between nova-compute's reading of it and its writing of the inventory.",
		Fact:    "nova/scheduler/client/report.py, set_inventory_for_provider; seen on 2025.1",
		Remedy:  "Nothing: the next period writes it again. If every period says so, something else writes to the provider all the time.",
		says:    regexp.MustCompile(`Failed to update inventory .*placement\.concurrent_update`),
	},
	{
		Title: "libvirt and Nova count differently",
		Meaning: "libvirt has another number of domains than Nova has instances of this host. More on the hypervisor: some are not adopted, or are none of Nova's; " +
			"Nova leaves those alone. More in the database: instances that have no domain, as one that was never started or was undefined behind Nova's back.",
		Fact:   "nova/compute/manager.py, _sync_power_states; more on the hypervisor seen on Zed and 2025.1",
		Remedy: "Nothing while hosts are being adopted: kvm2openstack audit says which domains they are, kvm2openstack verify which adopted instance has none.",
		says:   regexp.MustCompile("While synchronizing instance power states, found"),
	},
	{
		Title: "An allocation of an instance that is not tracked yet",
		Meaning: "Placement has an allocation of an instance on this host, and nova-compute had not read the instance when it looked, " +
			"as with one that was adopted at that moment.",
		Fact:   "nova/compute/resource_tracker.py, _remove_deleted_instances_allocations; seen on 2025.1",
		Remedy: "Nothing if it is said once. If every period says so of the same instance: kvm2openstack verify.",
		says:   regexp.MustCompile("is not being actively managed by this compute host but has allocations"),
	},
}
