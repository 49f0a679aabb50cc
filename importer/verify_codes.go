package importer

// A Code is one kind of thing that Verify looks for. Its number never changes
// its meaning.
type Code struct {
	Code   string
	Holds  string // what has to hold, in one phrase
	Action string // what to do where it does not
}

// Codes are all that Verify can find, in the order of their numbers. Those that
// are missing are of invariants that others answer: V17 and V18 are V37, and
// V23 and V24 are not about one instance. VERIFY.md is made of them.
var Codes = []Code{
	{"V1", "One live row in instances, none marked deleted, none archived",
		"see who else knows this UUID; a row marked as deleted goes with nova-manage db archive_deleted_rows before it destroys the domain"},
	{"V2", "No other cell knows the UUID",
		"find out which cell is right; release takes an adopted instance out of its own"},
	{"V3", "Instance mapping: one, to the cell of the row, project and user as the row, not queued for deletion",
		"release the domain and import it again; the rows of the API database are written anew"},
	{"V4", "No build request",
		"wait for the build to end, or delete what it left"},
	{"V5", "Request spec: one that this release can load, with the instance's owner, flavor and image properties",
		"release the domain and import it again, before anybody resizes it"},
	{"V6", "instance_extra: one row, whose flavor and other objects Nova can load, with the instance's sizes",
		"release the domain and import it again at once: one such row stops the API's lists"},
	{"V7", "Info cache: one row, a list, each port once, bound, with its MAC address, kept on delete",
		"release the domain and import it again, before anybody reboots it: without a cached interface it comes up with none"},
	{"V8", "Host, node and compute_id are those of one compute host of the cell, as planned",
		"if the instance was moved, that is Nova's to know; else release the domain and import it again"},
	{"V9", "States that Nova's power sync leaves alone, no task, the lock as planned",
		"let the operation end; a state that stays wrong is set right by openstack server set --state, a missing lock by openstack server lock"},
	{"V10", "Created and launched, not in the future, not terminated",
		"release the domain and import it again"},
	{"V11", "Block device mappings: one root disk, legal sources, the planned disks on their buses",
		"release the domain and import it again, before anybody reboots it"},
	{"V12", "Ids of block devices and virtual interfaces, one interface row for each cached port",
		"release the domain and import it again"},
	{"V13", "Image properties: the seven that Nova would fill in, legal values, each once, as planned",
		"set it right before the next hard reboot makes another machine of it: nova-manage image_property set UUID --property KEY=VALUE, after a rescue for instance, which overwrites the machine type; or release the domain and import it again"},
	{"V14", "Windows in column and property alike, NIC model as planned, or as a restart recorded it",
		"release the domain and import it again, before anybody reboots it"},
	{"V15", "What must be empty or off: config drive, kernel, ramdisk, shutdown_terminate, disable_terminate",
		"release the domain and import it again"},
	{"V16", "Names: present, as planned, and unique where Nova is told so",
		"rename one of the two: openstack server set --name"},
	{"V19", "The flavor is there, and is what the instance has of it",
		"make the flavor again as it was, or resize the instance to another"},
	{"V20", "No unfinished migration, no evacuation, no fault",
		"look at openstack server migration list and openstack server show"},
	{"V21", "No other domain of the host has the instance's name",
		"rename the other domain before anybody hard-reboots this instance: Nova would undefine it and then fail to define it"},
	{"V22", "No rows without a live instance",
		"import again to complete it, or release to remove it"},
	{"V25", "The disks at instances_path are the domain's own, in the planned format, and so are the EFI variables under its instance's name",
		"make the two one file again, before anybody hard-reboots the instance: release and import link them anew"},
	{"V30", "The host could be read",
		"find out why the host does not answer, then verify again"},
	{"V31", "The domain is on its host",
		"define it from the definition in the journal, or let a hard reboot by Nova make it anew"},
	{"V32", "libvirt's state is the one that Nova records",
		"wait for Nova's next power sync, then verify again; if it stays: kvm2openstack release and import record the state anew"},
	{"V33", "The adoption is complete",
		"run the import again, which completes it, or release it"},
	{"V34", "No managed save, snapshot or checkpoint",
		"remove it before anybody hard-reboots the instance: Nova cannot undefine the domain with it, or drops it"},
	{"V35", "Each interface has its port in Neutron",
		"make the port again with the interface's MAC address and address, and attach it; or release the domain and import it again"},
	{"V36", "Each port has the interface's MAC address and is bound to the instance's host",
		"openstack port set --host HOST PORT binds it anew; one that was left behind goes with openstack port delete"},
	{"V37", "Placement's allocation is the planned one, on the instance's host and on no other",
		"nova-manage placement heal_allocations makes a missing one; one that was left behind goes with openstack resource provider allocation delete UUID"},
	{"V38", "The placeholder image is there, active and protected",
		"openstack image set --protected IMAGE; one that is gone: release the domains and import them again, or resize and cold migrate will fail"},
	{"V39", "Ports, allocations and images could be looked at",
		"name the cloud in the configuration, see that its APIs answer, and verify again"},
	{"V40", "The info cache has of each port what Neutron has: addresses, floating IPs, routes, IPv6 address modes, profile",
		"kvm2openstack sync --apply writes it anew; a Nova before 29.0.0 (2024.1) does so itself in a while"},
}

// actions are what to do about a finding of Verify, by its code.
var actions = func() map[string]string {
	m := make(map[string]string, len(Codes))
	for _, c := range Codes {
		m[c.Code] = c.Action
	}
	return m
}()
