#!/bin/bash
# Ends what the lab started and nothing else: its guests, its daemons by their
# recorded processes, its bridges. All data stays for the next up.sh.
#
#   down.sh [--wipe]    with --wipe the data goes, too, and the packages'
#                       configuration comes back
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$LAB_DIR/services.sh"

[ "$(id -u)" -eq 0 ] || die "the lab was started by root, and only root can end it"

if away; then
	if alive holder; then
		"$LAB_DIR/root.sh" "$LAB_DIR/down.sh" "$@"
	elif [ "${1:-}" = --wipe ]; then
		die "there is nothing to forget with: up.sh first"
	fi
	"$LAB_DIR/root.sh" end
	exit
fi

# virsh: of the lab's libvirtd, whose guests are all the lab's own.
virsh() { command virsh -q -c qemu:///system "$@"; }

destroy_guests() {
	local uuid
	for uuid in $(virsh list --uuid); do
		virsh destroy "$uuid" || log "domain $uuid cannot be ended"
	done
}

undefine_guests() {
	local uuid
	for uuid in $(virsh list --all --uuid); do
		virsh undefine --managed-save --snapshots-metadata --nvram "$uuid" || log "domain $uuid cannot be undefined"
	done
}

# forget: databases, images, instances, keys, and our configuration.
forget() {
	local file
	rm -rf "$LAB_STATE/mysql" "$LAB_STATE/rabbitmq" "$LAB_STATE/images" "$LAB_STATE"/*.done
	rm -f "$LAB_STATE/openvswitch.db" /var/lib/nova/compute_id
	rm -rf /etc/keystone/fernet-keys /etc/keystone/credential-keys
	find /var/lib/nova/instances -mindepth 1 -delete
	while read -r file; do
		rm -f "/etc/$file"
		[ ! -e "/etc/$file.dist" ] || mv "/etc/$file.dist" "/etc/$file"
	done < <(cd "$LAB_DIR/etc" && find . -type f -printf '%P\n')
	rm -f /usr/local/sbin/ebtables "$LAB_STATE"/{clouds.yaml,nova.env,kvm2openstack.yaml,nova-compute.conf}
}

if [ "${1:-}" = --wipe ] && ! alive libvirtd; then
	die "domains are forgotten through the lab's libvirtd, which does not run: up.sh first"
fi
# Nova first: it would take the end of a guest for its owner's wish.
for name in nova-compute "$L2_AGENT"; do stop "$name"; done
if alive libvirtd; then
	destroy_guests
	[ "${1:-}" != --wipe ] || undefine_guests
fi
for ((i = ${#SERVICES[@]} - 1; i >= 0; i--)); do stop "${SERVICES[i]}"; done
"$LAB_DIR/net.sh" down
[ "${1:-}" != --wipe ] || forget
log "the lab is down${1:+ and forgotten}"
