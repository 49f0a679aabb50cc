package check

import "github.com/lightcloud/kvm2openstack/nova"

// recordRules: what Nova's databases already say of the domain's UUID.
var recordRules = []Rule{
	{
		Code: "K2O-611", Severity: Info,
		Title:  "Managed by Nova",
		Action: "Nothing.",
		Fact:   "instances row with deleted = 0 and a host",
		find: func(s subject) []detail {
			p := s.presence()
			return when(s.managed(), say("Nova has it as %s on host %s, cell %s.", show(p.Name), show(p.Host), show(p.Cell)))
		},
		alsoManaged: true,
	},
	{
		Code: "K2O-612", Severity: Attention,
		Title:  "Half-written by an earlier run",
		Action: "Run the same import again; it completes what is there.",
		Fact:   "instances row with deleted = 0 and host NULL, as the import leaves it between its two transactions",
		find: func(s subject) []detail {
			p := s.presence()
			return when(p.Live && p.Host == "", say("Nova has a row of it without a host (task %s), as an import leaves that did not get to its end.", show(p.TaskState)).
				do("kvm2openstack import with the plan of that run, or kvm2openstack release with it"))
		},
	},
	{
		Code: "K2O-613", Severity: Blocked,
		Title:  "Managed by Nova on another host",
		Action: "Find out which of the two is the real one, and remove the stale definition.",
		Fact:   "instances.host names the one host that may run it",
		find: func(s subject) []detail {
			p := s.presence()
			return when(p.Live && p.Host != "" && !s.managed(), say("Nova has it on host %s, and here is a definition with the same UUID.", show(p.Host)).
				do("openstack server show %s; keep virsh dumpxml --inactive --security-info %s before anything is undefined", sh(s.UUID), s.virsh()))
		},
	},
	{
		Code: "K2O-614", Severity: Blocked,
		Title:  "UUID of a deleted instance",
		Action: "Archive Nova's deleted rows at once, before nova-compute runs on this host.",
		Fact:   "nova/compute/manager.py _cleanup_running_deleted_instances destroys any domain whose UUID has a deleted row (tried on Zed and 31.0.0)",
		find: func(s subject) []detail {
			return when(s.presence().Deleted, say("Nova has a deleted instance of this UUID, and nova-compute destroys the guest as soon as it sees it.").
				do("nova-manage db archive_deleted_rows --until-complete --all-cells, then audit again"))
		},
	},
	{
		Code: "K2O-615", Severity: Attention,
		Title:  "UUID of an archived instance",
		Action: "Find out why it was deleted once; the archive itself does no harm.",
		Fact:   "shadow_instances row; such a UUID can be adopted again (tried on 31.0.0)",
		find: func(s subject) []detail {
			return when(s.presence().Shadow, say("Nova's archive has a deleted instance of this UUID: somebody deleted it through Nova before."))
		},
	},
	{
		Code: "K2O-616", Severity: Blocked,
		Title:  "UUID is being built",
		Action: "Wait for the build to end, or delete what it left.",
		Fact:   "build_requests row: the API shows that instead of the instance",
		find: func(s subject) []detail {
			return when(s.presence().BuildRequest, say("Nova has a build request of this UUID, as if it were still to be scheduled.").
				do("openstack server show %s", sh(s.UUID)))
		},
	},
	{
		Code: "K2O-617", Severity: Blocked,
		Title:  "UUID in migrations",
		Action: "Finish or clear the migration.",
		Fact:   "nova/compute/manager.py _destroy_evacuated_instances, _cleanup_incomplete_migrations destroy what a migrations row says has left",
		find: func(s subject) []detail {
			m := s.presence().Migration
			return when(m != "", say("Nova has a migration of this UUID (%s), and nova-compute may destroy the guest as what an evacuation left behind.", show(m)).
				do("openstack server migration list --server %s", sh(s.UUID)))
		},
	},
	{
		Code: "K2O-618", Severity: Blocked,
		Title:  "Mapping without an instance",
		Action: "Release the run that left it, or archive Nova's deleted rows.",
		Fact:   "instance_mappings.instance_uuid is unique; the mapping names a cell that has no such instance",
		find: func(s subject) []detail {
			p := s.presence()
			return when(p.Mapping && !p.Live && !p.Deleted, say("Nova maps this UUID to a cell that has no instance of it.").
				do("nova-manage cell_v2 verify_instance --uuid %s; nova-manage db archive_deleted_rows --until-complete --all-cells", sh(s.UUID)))
		},
	},
	{
		Code: "K2O-619", Severity: Attention,
		Title:  "Request spec without an instance",
		Action: "Nothing; an API delete leaves it until the rows are archived, and the import replaces it.",
		Fact:   "request_specs.instance_uuid is unique; the row stays after an API delete (tried on Zed)",
		find: func(s subject) []detail {
			p := s.presence()
			return when(p.RequestSpec && !p.Live && !p.Deleted && !p.Mapping, say("Nova has a request spec of this UUID and no instance.").
				do("nova-manage db archive_deleted_rows --until-complete --all-cells"))
		},
	},
	{
		Code: "K2O-620", Severity: Attention,
		Title:  "Carries Nova's metadata, but this Nova does not know it",
		Action: "Make sure that no other Nova manages it.",
		Fact:   "<nova:instance> is written by nova/virt/libvirt/driver.py _get_guest_config_meta",
		find: func(s subject) []detail {
			return when(s.Nova != nil && s.MetadataNova && !s.presence().Live, say("Some Nova made or adopted it, and these databases have no instance of it.").
				do("virsh metadata %s --uri http://openstack.org/xmlns/libvirt/nova/1.1 (or 1.0)", s.virsh()))
		},
	},
}

// presence is what Nova says of the UUID; empty when Nova was not asked.
func (s subject) presence() nova.Presence {
	if s.Nova == nil {
		return nova.Presence{}
	}
	return s.Nova.Presence
}

// compute is the host in Nova's words; zero when not known.
func (s subject) compute() nova.Compute {
	if !s.known() {
		return nova.Compute{}
	}
	return *s.Nova.Compute
}

// known reports whether Nova was asked and knows the host.
func (s subject) known() bool { return s.Nova != nil && s.Nova.Compute != nil }

// major is Nova's version, 0 when not known.
func (s subject) major() int {
	if s.Nova == nil {
		return 0
	}
	return s.Nova.Release.Major
}

// release says which Nova it is and why it is only read.
func (s subject) release() string {
	if s.Nova == nil {
		return ""
	}
	r := s.Nova.Release
	if r.Name == "" {
		return r.ReadOnly
	}
	return r.Name + ": " + r.ReadOnly
}
