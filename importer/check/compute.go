package check

// computeRules: Nova as a whole, and the host as Nova sees it.
var computeRules = []Rule{
	{
		Code: "K2O-601", Severity: Blocked,
		Title:  "Nova may not be written to",
		Action: "Finish the upgrade, or use a version of this tool that knows the release.",
		Fact:   "alembic_version, migrate_version and services.version of the databases",
		find: func(s subject) []detail {
			return when(s.Nova != nil && s.Nova.Release.ReadOnly != "", say("Nova's databases are only read: %s.", show(s.release())))
		},
	},
	{
		Code: "K2O-602", Severity: Blocked,
		Title:  "Host is unknown to Nova",
		Action: "Look at it with kvm2openstack onboard, which has Nova take a host with guests.",
		Fact:   "no host_mappings or services row; nova-compute from 29.0.0 refuses its first start on a host with domains, but not with connection_uri = qemu:///session (tried on 31.0.0)",
		find: func(s subject) []detail {
			return when(s.Nova != nil && s.Nova.Compute == nil, say("Nova knows no compute host for %s.", show(s.Domain.Host)).
				do("kvm2openstack onboard %s says what nova-compute will do there, and with --apply has Nova take it, its service disabled until the guests are adopted; or correct compute_host: in the configuration", sh(s.Domain.Host)))
		},
	},
	{
		Code: "K2O-603", Severity: Blocked,
		Title:  "Host cannot take instances",
		Action: "Put the host's records in order first.",
		Fact:   "services, compute_nodes, host_mappings and cell_mappings of the host",
		find: func(s subject) []detail {
			c := s.compute()
			return when(c.Problem != "", say("Nova's records of host %s are not in order: %s.", show(c.Host), show(c.Problem)).
				do("openstack compute service list --host %s; openstack hypervisor list", sh(c.Host)))
		},
	},
	{
		Code: "K2O-604", Severity: Attention,
		Title:  "nova-compute is down",
		Action: "Start nova-compute again soon after the import.",
		Fact:   "services.last_seen_up older than service_down_time; a delete while it is down leaves a row that makes it destroy the guest later (manager.py _cleanup_running_deleted_instances)",
		find: func(s subject) []detail {
			c := s.compute()
			return when(s.known() && c.Problem == "" && !c.Up, say("nova-compute on %s does not report: nothing that Nova is asked to do with the guest happens.", show(c.Host)).
				do("systemctl status nova-compute on %s", show(c.Host)))
		},
	},
	{
		Code: "K2O-605", Severity: Info,
		Title:  "nova-compute is disabled",
		Action: "Leave it so until all domains of the host are adopted, then enable it.",
		Fact:   "services.disabled; domains that are not adopted are not counted, and the scheduler overfills the host (resource_tracker.py)",
		find: func(s subject) []detail {
			c := s.compute()
			return when(s.known() && c.Disabled, say("The scheduler leaves %s alone, which is right while its guests are being adopted.", show(c.Host)).
				do("when all are adopted: openstack compute service set --enable %s nova-compute", sh(c.Host)))
		},
	},
	{
		Code: "K2O-606", Severity: Blocked,
		Title:  "Compute host of another hypervisor",
		Action: "Correct compute_host: in the configuration.",
		Fact:   "compute_nodes.hypervisor_type is QEMU for the libvirt driver with QEMU and KVM",
		find: func(s subject) []detail {
			t := s.compute().HypervisorType
			return when(t != "" && t != "QEMU" && t != "KVM", say("Nova has %s down as a host of %s.", show(s.compute().Host), show(t)))
		},
	},
	{
		Code: "K2O-607", Severity: Attention,
		Title:  "Compute node has another name than the host",
		Action: "See that both are the same machine; correct compute_host: in the configuration if not.",
		Fact:   "compute_nodes.hypervisor_hostname is what libvirt reports (nova/virt/libvirt/host.py get_hostname)",
		find: func(s subject) []detail {
			c := s.compute()
			return when(c.Node != "" && s.Facts.Host.Hostname != "" && c.Node != s.Facts.Host.Hostname,
				say("Nova's node is called %s, but libvirt on %s calls itself %s: they may be two machines.", show(c.Node), show(s.Domain.Host), show(s.Facts.Host.Hostname)).
					do("virsh hostname on %s; openstack hypervisor list", show(s.Domain.Host)))
		},
	},
	{
		Code: "K2O-608", Severity: Blocked,
		Title:  "Project or user not resolved",
		Action: "Correct project and user under defaults: or rules: in the configuration.",
		Fact:   "instances.project_id and user_id are Keystone's ids; ports are found by project",
		find: func(s subject) []detail {
			return when(s.OwnerProblem != "", say("Whom it is to belong to is not clear: %s.", show(s.OwnerProblem)))
		},
	},
	{
		Code: "K2O-609", Severity: Blocked,
		Title:  "Host without a resource provider",
		Action: "Start nova-compute on the host, which makes its provider.",
		Fact:   "the provider of a libvirt host has the UUID of compute_nodes.uuid (nova/compute/resource_tracker.py _update_to_placement); an allocation needs it",
		find: func(s subject) []detail {
			c := s.compute()
			return when(s.providerless(), say("Placement has no resource provider %s, which is that of %s: nothing can be allocated for its instances.", show(c.UUID), show(c.Host)).
				do("openstack resource provider list --name %s; look into nova-compute's log on %s", sh(c.Node), show(c.Host)))
		},
	},
}
