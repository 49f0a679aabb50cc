#!/bin/bash
# Does what nova-compute 31 does when it starts, as far as hosts and their
# records go (nova/compute/manager.py, init_host; nova/virt/node.py): refuses
# what that refuses, with its words, and makes the rows that it makes.
#
#   nova-compute.sh STATE-FOLDER start|stop|running [--config-file FILE]...
#
# STATE-FOLDER has cell.cnf, options of mariadb for the cell's database, and
# gets compute_id, log and pid. start leaves it running in the background. While
# there is a file "late", Placement has no inventories but those of a first start.
set -u

state=$1 verb=$2
shift 2
log=$state/log
placement=$(cat "$state/placement") # the database that stands for Placement

# sql STATEMENT: its result alone.
sql() { mariadb --defaults-file="$state/cell.cnf" --batch --skip-column-names -e "$1"; }

# option NAME: its value in the last file that has it.
option() { cat "${files[@]}" | sed -n "s/^$1 *= *//p" | tail -n 1; }

files=()
while [ $# -gt 0 ]; do
	case $1 in
	--config-file) files+=("$2") && shift 2 ;;
	*) echo "unknown argument $1" >&2 && exit 2 ;;
	esac
done

alive() { [ -s "$state/pid" ] && kill -0 "$(cat "$state/pid")" 2>/dev/null; }

case $verb in
running) alive && ! grep -q session "$state/uri" ; exit ;;
stop)
	! alive || kill "$(cat "$state/pid")"
	for _ in {1..100}; do
		alive || break
		sleep 0.05
	done
	rm -f "$state/pid"
	exit
	;;
start) ;;
*) exit 2 ;;
esac

if alive; then
	echo "nova-compute runs already" >&2
	exit 1
fi
host=$(option host)
uri=$(option connection_uri)
uri=${uri:-qemu:///system}
echo "$uri" >"$state/uri"
row=$(sql "select version from services where host = '$host' and \`binary\` = 'nova-compute' and deleted = 0")
if [ -z "$row" ]; then
	domains=0
	[ "$uri" = qemu:///session ] || domains=$(virsh -q -c "$uri" list --all --name | grep -c .)
	if [ "$domains" -gt 0 ]; then
		echo "My hypervisor has existing instances, but I appear to be a new service in this database." >>"$log"
		exit 0
	fi
elif [ ! -s "$state/compute_id" ]; then
	echo "No local node identity found, but this is not our first startup on this host." >>"$log"
	exit 0
fi

late() { [ -e "$state/late" ] && [ "$uri" != qemu:///session ]; }
inventories() { sql "update $placement.providers set inventories = $1 where uuid = '$id'"; }

# run: what goes on in the background, a little at a time, as in a real one.
run() {
	local id node
	[ -s "$state/compute_id" ] || cat /proc/sys/kernel/random/uuid >"$state/compute_id"
	id=$(cat "$state/compute_id")
	sql "insert into services (created_at, uuid, host, \`binary\`, topic, report_count, disabled, deleted, forced_down, version)
		select utc_timestamp(), uuid(), '$host', 'nova-compute', 'compute', 0, 0, 0, 0, (select version from services c where c.\`binary\` = 'nova-conductor' limit 1)
		from dual where not exists (select 1 from services s where s.host = '$host' and s.\`binary\` = 'nova-compute' and s.deleted = 0)"
	! late || inventories 0
	node=$(virsh -q -c qemu:///system hostname)
	while :; do
		sleep 0.2
		sql "update services set report_count = report_count + 1, last_seen_up = utc_timestamp() where host = '$host' and \`binary\` = 'nova-compute' and deleted = 0;
			insert into compute_nodes (created_at, uuid, host, hypervisor_hostname, deleted, mapped, vcpus, memory_mb, local_gb, vcpus_used, memory_mb_used, local_gb_used, hypervisor_type, hypervisor_version, cpu_info)
			select utc_timestamp(), '$id', '$host', '$node', 0, 0, 4, 8192, 100, 0, 512, 0, 'QEMU', 11003000, '{}'
			from dual where not exists (select 1 from compute_nodes n where n.host = '$host' and n.deleted = 0);
			insert into $placement.providers (uuid, name, inventories)
			select '$id', '$node', 0 from dual where not exists (select 1 from $placement.providers p where p.name = '$node');" >>"$log" 2>&1
		sleep 0.2
		if late; then inventories 0; else inventories 1; fi >>"$log" 2>&1
	done
}

run </dev/null >>"$log" 2>&1 &
echo $! >"$state/pid"
