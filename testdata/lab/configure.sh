#!/bin/bash
# Writes the configuration: every file below etc/ goes to the same place below
# /etc, whole, with the names of lib.sh put in for @NAME@. What the packages
# brought is kept once as FILE.dist. And the files with which a client, our
# tool and its tests find the lab.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
at_home "$@"

# fill: stdin with the settings put in.
fill() {
	local name script=
	for name in PW DB_PORT COMPUTE_HOST PHYSNET UPLINK BR LAB_STATE LAB_LOG \
		L2_DRIVER FIREWALL HEAL_INTERVAL COMPUTE_API; do
		script+="s|@$name@|${!name}|g;"
	done
	sed "$script"
}

# put SOURCE TARGET GROUP: readable for root and the group, for there are
# passwords in it.
put() {
	if [ -e "$2" ] && [ ! -e "$2.dist" ]; then
		cp -p "$2" "$2.dist"
	fi
	fill <"$1" >"$2.new"
	chown "root:$3" "$2.new"
	chmod 640 "$2.new"
	mv "$2.new" "$2"
}

# The folder says whose file it is; libvirt's daemons run as root.
services() {
	local file group
	while read -r file; do
		group=${file%%/*}
		[ "$group" != libvirt ] || group=root
		put "$LAB_DIR/etc/$file" "/etc/$file" "$group"
	done < <(cd "$LAB_DIR/etc" && find . -type f -printf '%P\n')
}

# compute: nova.conf as a compute host has it. With the databases' addresses in
# it nova-compute would try them, and complain that it must not.
compute() {
	awk '/^\[/ {skip = ($0 ~ /^\[(api_)?database\]$/)} !skip' /etc/nova/nova.conf >"$LAB_STATE/nova-compute.conf"
	chown root:nova "$LAB_STATE/nova-compute.conf"
	chmod 640 "$LAB_STATE/nova-compute.conf"
}

# folders USER...: what the packages' service files would make.
folders() {
	local user
	for user in "$@"; do
		install -d -o "$user" -g "$user" "/var/lib/$user/tmp"
	done
	install -d -o glance -g glance "$LAB_STATE/images"
	install -d -o rabbitmq -g rabbitmq "$LAB_STATE/rabbitmq"
	install -d -o mysql -g mysql "$LAB_RUN/mysql"
}

# client FILE: one of client/, for root alone.
client() {
	(umask 077 && fill <"$LAB_DIR/client/$1" >"$LAB_STATE/$1.new")
	mv "$LAB_STATE/$1.new" "$LAB_STATE/$1"
}

services
compute
folders glance neutron nova
for file in clouds.yaml nova.env kvm2openstack.yaml; do
	client $file
done
# sudo, through which Neutron's agent runs ebtables, looks there first.
install -D -m 755 "$LAB_DIR/ebtables-wrapper" /usr/local/sbin/ebtables
