#!/bin/bash
# Brings the lab up, from a bare machine or from whatever is there of it: what
# runs is left alone, what exists is kept. Ends with a cloud that answers.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$LAB_DIR/services.sh"

# done_once NAME: this was done, by this run or an earlier one.
done_once() { [ -e "$LAB_STATE/$1.done" ]; }
mark() { touch "$LAB_STATE/$1.done"; }

step() { log "$* ($SECONDS s)"; }

# suited: or a line that says why this machine cannot be a lab.
suited() {
	# shellcheck source=/dev/null
	away || [ "$(. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_ID:-}")" = "debian $DEBIAN" ] ||
		die "the lab of $RELEASE is made of the packages of Debian $DEBIAN, and this is another system"
	[ "$(id -u)" -eq 0 ] || die "the lab needs root: it has daemons with users of their own, bridges and guests"
}

# vacant: nothing that the lab did not start is in its place.
vacant() {
	local name port
	for name in "${SERVICES[@]}"; do
		port=$(port_of "$name")
		if [ -n "$port" ] && ! alive "$name" && listening "$port"; then
			die "port $port, which $name of the lab needs, is taken by a program that the lab did not start"
		fi
	done
	if ! alive libvirtd && virsh -q -c qemu:///system version >/dev/null 2>&1; then
		die "a libvirtd that the lab did not start owns /run/libvirt; end it, for Nova needs to have that place to itself"
	fi
}

# kvm_group: what udev does where it runs. With a /dev/kvm that libvirtd may use
# and its guests' user may not, libvirtd takes what it knows of QEMU for
# outdated, and asks QEMU again at every definition: half a minute each.
kvm_group() {
	[ ! -c /dev/kvm ] || [ "$(stat -c %G /dev/kvm)" = kvm ] || chgrp kvm /dev/kvm
}

# together NAME...: starts them all, then waits for each.
together() {
	local name
	for name in "$@"; do launch "$name"; done
	for name in "$@"; do await "$name"; done
}

# The system tables. root comes in through the socket without a password, and
# over TCP, for tests, with one.
mariadb_data() {
	done_once mariadb && return
	rm -rf "$LAB_STATE/mysql"
	install -d -o mysql -g mysql "$LAB_STATE/mysql"
	mariadb-install-db --no-defaults --user=mysql --datadir="$LAB_STATE/mysql" --skip-test-db \
		--auth-root-authentication-method=socket >"$LAB_LOG/mariadb-install.log" 2>&1 ||
		die "MariaDB cannot make its data, see $LAB_LOG/mariadb-install.log"
	mark mariadb
}

# databases: each service's, and its user's right to it. No user may be left
# without a name: MariaDB would take it for everybody on localhost.
databases() {
	local pair
	done_once databases && return
	sql "delete from mysql.global_priv where User = ''; flush privileges;
		create or replace user root@'127.0.0.1' identified by '$PW';
		grant all on *.* to root@'127.0.0.1' with grant option"
	for pair in keystone:keystone glance:glance placement:placement neutron:neutron nova:nova_api nova:nova_cell0 nova:nova_cell1; do
		sql "create database if not exists ${pair#*:};
			create user if not exists ${pair%:*}@'127.0.0.1' identified by '$PW';
			grant all on ${pair#*:}.* to ${pair%:*}@'127.0.0.1'"
	done
	mark databases
}

# schemas: Neutron's beside the others', for there are two cores.
schemas() {
	local neutron
	done_once schemas && return
	as neutron neutron-db-manage --config-file /etc/neutron/neutron.conf \
		--config-file /etc/neutron/plugins/ml2/ml2_conf.ini upgrade heads >"$LAB_LOG/schema-neutron.log" 2>&1 &
	neutron=$!
	keystone_schema >"$LAB_LOG/schema-keystone.log" 2>&1 || die "no schema of Keystone, see $LAB_LOG/schema-keystone.log"
	{ as glance glance-manage db_sync && as placement placement-manage db sync; } >"$LAB_LOG/schema-glance-placement.log" 2>&1 ||
		die "no schema of Glance or Placement, see $LAB_LOG/schema-glance-placement.log"
	nova_schema >"$LAB_LOG/schema-nova.log" 2>&1 || die "no schema of Nova, see $LAB_LOG/schema-nova.log"
	wait "$neutron" || die "no schema of Neutron, see $LAB_LOG/schema-neutron.log"
	mark schemas
}

keystone_schema() {
	as keystone keystone-manage db_sync &&
		as keystone keystone-manage fernet_setup --keystone-user keystone --keystone-group keystone &&
		as keystone keystone-manage credential_setup --keystone-user keystone --keystone-group keystone &&
		as keystone keystone-manage bootstrap --bootstrap-password "$PW" --bootstrap-region-id RegionOne \
			--bootstrap-admin-url http://127.0.0.1:5000/v3/ --bootstrap-internal-url http://127.0.0.1:5000/v3/ \
			--bootstrap-public-url http://127.0.0.1:5000/v3/
}

# Cell 0 has what no host took, cell 1 what runs.
nova_schema() {
	as nova nova-manage api_db sync &&
		as nova nova-manage cell_v2 map_cell0 --database_connection \
			"mysql+pymysql://nova:$PW@127.0.0.1:$DB_PORT/nova_cell0?charset=utf8" &&
		{ as nova nova-manage cell_v2 list_cells | grep -q ' cell1 ' || as nova nova-manage cell_v2 create_cell --name cell1; } &&
		as nova nova-manage db sync
}

# cloud: what is in it, through its own APIs.
cloud() {
	OS_CLIENT_CONFIG_FILE=$LAB_STATE/clouds.yaml /usr/bin/python3 "$LAB_DIR/cloud.py" "$@" 2>>"$LAB_LOG/cloud.log" ||
		die "the cloud cannot be furnished, see $LAB_LOG/cloud.log"
}

suited
# Two at a time would install and start everything twice. flock closes the
# file for us, lest a daemon hold the lock for ever.
if [ -z "${K2O_LAB_LOCKED:-}" ]; then
	K2O_LAB_LOCKED=yes exec flock -o "$LAB_RUN/lock" "$0" "$@"
fi
if away; then
	"$LAB_DIR/root.sh" make
fi
at_home "$@"

"$LAB_DIR/install.sh"
vacant
"$LAB_DIR/configure.sh"
"$LAB_DIR/net.sh" up
"$LAB_DIR/guest-image.sh" >"$LAB_LOG/guest-image.log" 2>&1 &
guest_image=$!

mariadb_data
launch epmd
launch rabbitmq
together mariadb memcached
databases
step "databases are up"
schemas
step "schemas are there"
together keystone
cloud identity
step "Keystone answers"
await rabbitmq
kvm_group
together placement glance-api neutron-server nova-api nova-conductor nova-scheduler nova-novncproxy virtlogd libvirtd
together "${SWITCHES[@]}"
connect_switch
wait $guest_image || die "there is no guest image, see $LAB_LOG/guest-image.log"
first_start
together "$L2_AGENT" nova-compute
step "all daemons are up"
cloud compute "$GUEST_IMAGE"
step "the cloud is up; how to use it: . $LAB_DIR/env.sh"
