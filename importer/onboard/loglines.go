package onboard

import "regexp"

// LogLines are those that Recognise knows: the refusals, which end
// nova-compute, and what it says beside guests that are not Nova's.
var LogLines = append(refusals, disturbances...)

const whatNode = " NODE is what virsh hostname says on the host."

var refusals = []LogLine{
	{
		Title: "First start refused: the host has domains",
		Meaning: "Nova has no service of this host, and libvirt has a domain, running or not. nova-compute has ended and written nothing: " +
			"no service, no compute node, no compute_id. Its exit status is 0: a unit with Restart=on-failure stays down.",
		Fact: "nova/compute/manager.py, _sanity_check_new_host, since 2024.1; tried on 2025.1",
		Remedy: "Make sure that [DEFAULT] host and transport_url are this cloud's: a host that Nova should know is refused like this under another name, " +
			"or in another cell. If it is the first start on a host with guests, let it be on an empty libvirt, that of nova's own user, with one file " +
			"after those that the service has (systemctl cat nova-compute shows them): Nova makes its records itself, and no guest is touched. " +
			"Once the provider and its inventory are listed, end it with Ctrl-C, and go on. The service stays disabled until the guests are adopted, " +
			"for Placement does not count them before. kvm2openstack onboard does all of it, and can take it back. HOST is [DEFAULT] host, the host's name where that is not set." + whatNode,
		Commands: []string{
			`printf '[libvirt]\nconnection_uri = qemu:///session\n' >/etc/nova/first-start.conf`,
			"env -u XDG_RUNTIME_DIR runuser -u nova -- nova-compute --config-file /etc/nova/nova.conf --config-file /etc/nova/first-start.conf",
			"openstack resource provider list --name NODE",
			"openstack --os-compute-api-version 2.53 compute service set --disable --disable-reason 'guests are not adopted yet' HOST nova-compute",
			"nova-manage cell_v2 discover_hosts",
			"systemctl start nova-compute",
		},
		says: regexp.MustCompile("My hypervisor has existing instances, but I appear to be a new service"),
	},
	{
		Title: "Start refused: the host has lost its compute_id",
		Meaning: "Nova knows this host's service, and the file that says which compute node the host is, compute_id, is neither in the state path nor " +
			"beside the configuration files. nova-compute has ended; with another identity it would have made a second node.",
		Fact: "nova/compute/manager.py, _ensure_existing_node_identity, since 2023.1; tried on 2025.1",
		Remedy: "Put the UUID of the host's compute node into the file again, readable for nova. The list has it under ID. " +
			"Where it has no such node there is none to lose: then a new UUID will do (uuidgen)." + whatNode,
		Commands: []string{
			"openstack --os-compute-api-version 2.53 hypervisor list --matching NODE",
			"install -o nova -g nova -m 644 /dev/stdin /var/lib/nova/compute_id <<<UUID",
		},
		says: regexp.MustCompile("No local node identity found, but this is not our first startup"),
	},
	{
		Title: "Start refused: compute_id cannot be used",
		Meaning: "The line ends with the reason: compute_id holds no UUID, or there are several such files, in the state path and beside the configuration " +
			"files, that differ, or nova's user cannot write one.",
		Fact:     "nova/virt/node.py, since 2023.1; not tried",
		Remedy:   "Leave one file, with the UUID of the host's compute node, readable for nova." + whatNode,
		Commands: []string{"head /var/lib/nova/compute_id /etc/nova/compute_id", "openstack --os-compute-api-version 2.53 hypervisor list --matching NODE"},
		says:     regexp.MustCompile("Invalid node identity configuration:"),
	},
	{
		Title: "Start refused: an older service without exactly one node",
		Meaning: "Nova's record of this host's service is from before 2023.1 and the host has no compute_id. nova-compute would have taken the UUID of the " +
			"host's compute node, and Nova has none of it, or several.",
		Fact: "nova/compute/manager.py, _ensure_existing_node_identity, since 2023.1; no node: tried on 2025.1",
		Remedy: "With several, put the UUID of the one that the list shows as up, and that has the servers, into compute_id. With none, look whether [DEFAULT] host " +
			"is what it was before the upgrade.",
		Commands: []string{
			"openstack --os-compute-api-version 2.53 hypervisor list",
			"install -o nova -g nova -m 644 /dev/stdin /var/lib/nova/compute_id <<<UUID",
		},
		says: regexp.MustCompile("found no nodes in the database for host|Multiple nodes found in (the )?database|Error starting thread.*ComputeHostNotFound"),
	},
	{
		Title: "Start refused: the host was renamed",
		Meaning: "The compute node that compute_id names has another host, or another hypervisor_hostname, in Nova's records than nova-compute finds: " +
			"the host was renamed, or the file was copied from another one, as with an image of its disk.",
		Fact: "nova/compute/manager.py, _get_nodes and _check_for_host_rename, since 2023.1; not tried",
		Remedy: "Give a renamed host its old name again: [DEFAULT] host, or the system's name and a restart of libvirt. In place of another host's compute_id put " +
			"the UUID of the host's own node; where Nova has no service of it yet, remove the file.",
		Commands: []string{"cat /var/lib/nova/compute_id", "virsh hostname", "openstack --os-compute-api-version 2.53 hypervisor list"},
		says:     regexp.MustCompile("Possible rename detected, refusing to start"),
	},
	{
		Title: "Start refused: the host's node has another UUID",
		Meaning: "Nova has a compute node of this host and this name, and compute_id has another UUID: the file was lost and made anew, " +
			"or copied from a host that Nova does not know.",
		Fact:   "nova/compute/resource_tracker.py, _init_compute_node, since 2023.1; not tried",
		Remedy: "Put the UUID of the host's compute node into compute_id." + whatNode,
		Commands: []string{
			"openstack --os-compute-api-version 2.53 hypervisor list --matching NODE",
			"install -o nova -g nova -m 644 /dev/stdin /var/lib/nova/compute_id <<<UUID",
		},
		says: regexp.MustCompile("Duplicate compute node record found for host"),
	},
}
