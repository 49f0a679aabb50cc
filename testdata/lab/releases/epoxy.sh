# shellcheck shell=bash
# OpenStack 2025.1, Nova 31: the packages of Debian 13, in a root file system of
# their own (root.sh), with Open vSwitch, for Neutron 26 has no linuxbridge.

# The names are for the scripts that source this file.
# shellcheck disable=SC2034

DEBIAN=13
SUITE=trixie
SWITCHES=(ovsdb-server ovs-vswitchd taps)
L2_DRIVER=openvswitch
L2_AGENT=neutron-openvswitch-agent
VIF_TYPE=ovs     # with which Neutron binds a port
FIREWALL=noop    # the one of Open vSwitch wants connection tracking of the kernel
HEAL_INTERVAL=-1 # Nova's default: an info cache is never refilled
COMPUTE_API=2.96
RELEASE_PACKAGES=(
	neutron-openvswitch-agent openvswitch-switch uwsgi-plugin-python3
	libvirt-daemon-driver-qemu libvirt-daemon-log procps
)

# What test.sh runs of itself: what depends on the release, on a guest of each
# firmware.
USUAL_TESTS='TestLab(Objects|Prove|Reach|Imported|Renamed|Onboard)$'
USUAL_SHAPES=web01,uefi01
USUAL_PACKAGES=(./cmd/kvm2openstack)

# connect_switch: the bridge of the physical network, with the uplink in it,
# and the one that guests are plugged into. The datapath netdev needs no kernel
# module, but leaves what a guest sends for this machine's kernel to see as well,
# which must not answer in the place of the legacy bridge.
connect_switch() {
	local bridge
	echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
	for bridge in br-phys br-int; do
		ovs-vsctl -t 60 --may-exist add-br "$bridge" -- set bridge "$bridge" datapath_type=netdev
	done
	ovs-vsctl -t 60 --may-exist add-port br-phys "$UPLINK"
}

# first_start: nova-compute refuses a host that it does not know and that has a
# domain, whether that runs or not. So it is shown an empty libvirt, that of its
# own user, until it has made its records.
first_start() {
	local conf=$LAB_STATE/first-start.conf
	done_once registered && return
	"$LAB_DIR/fleet.sh" leg-off01
	done_once refused || refused
	printf '[libvirt]\nconnection_uri = qemu:///session\n' >"$conf"
	launch nova-compute "$conf"
	registered
	stop nova-compute
	mark registered
	step "nova-compute has made its records"
}

# refused: nova-compute ends by itself, with the words for it.
refused() {
	local deadline=$((SECONDS + 300)) file=$LAB_LOG/nova-compute.log before
	before=$(stat -c %s "$file" 2>/dev/null || echo 0)
	launch nova-compute
	while alive nova-compute; do
		[ "$SECONDS" -lt "$deadline" ] || die "nova-compute was to refuse a host with a domain, and runs"
		sleep 0.25
	done
	tail -c "+$((before + 1))" "$file" | grep 'My hypervisor has existing instances' >/dev/null ||
		die "nova-compute ended, but not because its host has a domain, see $file"
	mark refused
	step "nova-compute has refused a host with a domain"
}

# registered: there is a compute node, and Placement knows what it has to give.
registered() {
	local deadline=$((SECONDS + 300))
	until sql "select 1 from nova_cell1.compute_nodes n join placement.resource_providers p on p.uuid = n.uuid
		join placement.inventories i on i.resource_provider_id = p.id where n.host = '$COMPUTE_HOST'" | grep -q .; do
		alive nova-compute || die "nova-compute ended by itself, see $LAB_LOG/nova-compute.log"
		[ "$SECONDS" -lt "$deadline" ] || die "nova-compute makes no records, see $LAB_LOG/nova-compute.log"
		sleep 0.25
	done
}
