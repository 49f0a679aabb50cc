# shellcheck shell=bash
# The daemons of the lab: in which order they start, how each is started, and
# how to tell that it is up. Sourced after lib.sh.

SERVICES=(
	mariadb memcached epmd rabbitmq
	keystone placement glance-api neutron-server
	nova-api nova-conductor nova-scheduler nova-novncproxy
	virtlogd libvirtd
	"${SWITCHES[@]}" "$L2_AGENT" nova-compute
)

# Erlang's port mapper is one for a whole machine; ours is another.
EPMD_PORT=24369

# port_of NAME: where it listens, if it does on TCP.
port_of() {
	case $1 in
	mariadb) echo "$DB_PORT" ;;
	memcached) echo 11211 ;;
	epmd) echo $EPMD_PORT ;;
	rabbitmq) echo 5672 ;;
	keystone) echo 5000 ;;
	placement) echo 8778 ;;
	glance-api) echo 9292 ;;
	neutron-server) echo 9696 ;;
	nova-api) echo 8774 ;;
	nova-novncproxy) echo 6080 ;;
	esac
}

# launch NAME [FILE]: starts it unless it runs, and does not wait. nova-compute
# may get one more configuration file.
launch() {
	case $1 in
	mariadb) mariadb_server ;;
	memcached) start memcached memcache /usr/bin/memcached -l 127.0.0.1 -p 11211 -m 64 ;;
	epmd) start epmd rabbitmq /usr/bin/epmd -address 127.0.0.1 -port $EPMD_PORT ;;
	rabbitmq) rabbitmq_server ;;
	keystone) wsgi keystone keystone /usr/bin/keystone-wsgi-public 2 4 ;;
	placement) wsgi placement placement /usr/bin/placement-api 1 4 ;;
	nova-api) wsgi nova-api nova /usr/bin/nova-api-wsgi 2 1 ;;
	glance-api) start glance-api glance /usr/bin/glance-api --config-file /etc/glance/glance-api.conf ;;
	neutron-server) neutron neutron-server ml2_conf.ini ;;
	neutron-linuxbridge-agent) neutron neutron-linuxbridge-agent linuxbridge_agent.ini ;;
	nova-novncproxy) start nova-novncproxy nova /usr/bin/nova-novncproxy --config-file /etc/nova/nova.conf --web /usr/share/novnc ;;
	neutron-openvswitch-agent) neutron neutron-openvswitch-agent openvswitch_agent.ini ;;
	nova-compute) start nova-compute nova /usr/bin/nova-compute --config-file "$LAB_STATE/nova-compute.conf" ${2:+--config-file "$2"} ;;
	nova-*) start "$1" nova "/usr/bin/$1" --config-file /etc/nova/nova.conf ;;
	virtlogd | libvirtd) install -d -m 755 /run/libvirt && start "$1" root "/usr/sbin/$1" ;;
	ovsdb-server) switch_database ;;
	ovs-vswitchd) start ovs-vswitchd root /usr/sbin/ovs-vswitchd unix:/run/openvswitch/db.sock ;;
	taps) start taps root "$LAB_DIR/taps.sh" ;;
	*) die "there is no service $1, but: ${SERVICES[*]}" ;;
	esac
}

# ready NAME: it answers, or has reported itself since it was started.
ready() {
	local port
	port=$(port_of "$1")
	[ -z "$port" ] || listening "$port" || return
	case $1 in
	mariadb) sql 'select 1' ;;
	libvirtd) virsh -q -c qemu:///system version ;;
	# uWSGI listens long before the application is loaded. And Neutron answers
	# "list ports" as its very first question with 500; any other makes it load
	# its models.
	keystone | placement | glance-api | nova-api | neutron-server) curl -fs -m 10 "http://127.0.0.1:$port/" ;;
	nova-conductor | nova-scheduler | nova-compute) reported "$1" nova_cell1.services last_seen_up ;;
	ovsdb-server) ovs-vsctl -t 10 --no-wait show ;;
	neutron-*-agent) reported "$1" neutron.agents heartbeat_timestamp ;;
	*) alive "$1" ;;
	esac
}

# reported NAME TABLE COLUMN: the last sign of life there is of this process,
# not of the one before it.
reported() {
	local since
	since=$(date -u -r "$LAB_RUN/$1.pid" '+%F %T')
	sql "select $3 from $2 where \`binary\` = '$1' and $3 >= '$since'" | grep -q .
}

# await NAME: until it is ready: a quarter of a minute at most on two free
# cores, minutes on busy ones, where libvirtd asks each emulator what it can.
await() {
	local deadline=$((SECONDS + 300))
	until ready "$1" >/dev/null 2>&1; do
		alive "$1" || die "$1 ended by itself, see $LAB_LOG/$1.log"
		[ "$SECONDS" -lt "$deadline" ] || die "$1 runs but does not answer, see $LAB_LOG/$1.log"
		sleep 0.25
	done
}

# sql STATEMENT: as root of the lab's MariaDB, through its socket.
sql() { mariadb --no-defaults --socket="$LAB_RUN/mysql/sock" -e "$1"; }

# Nothing is flushed to the disk at once: the schemas of Nova and Neutron are
# thousands of small commits, and a lab's data may be lost with the machine.
mariadb_server() {
	start mariadb mysql /usr/sbin/mariadbd --no-defaults --datadir="$LAB_STATE/mysql" \
		--socket="$LAB_RUN/mysql/sock" --pid-file="$LAB_RUN/mysql/pid" \
		--bind-address=127.0.0.1 --port="$DB_PORT" --skip-name-resolve --skip-log-bin \
		--innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --innodb-buffer-pool-size=256M \
		--max-connections=400 --character-set-server=utf8mb3
}

# The node's name is rabbit@localhost, for the machine's own may not resolve.
# "+sbwt none": its schedulers would spin while they wait, on a machine with
# two cores. It logs to the output, like the others.
rabbitmq_server() {
	start rabbitmq rabbitmq env RABBITMQ_NODENAME=rabbit@localhost RABBITMQ_DIST_PORT=25672 \
		RABBITMQ_MNESIA_BASE="$LAB_STATE/rabbitmq" RABBITMQ_LOG_BASE="$LAB_STATE/rabbitmq" RABBITMQ_LOGS=- \
		ERL_EPMD_PORT=$EPMD_PORT ERL_EPMD_ADDRESS=127.0.0.1 \
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}" \
		/usr/lib/rabbitmq/bin/rabbitmq-server
}

# Open vSwitch as its own scripts would start it, but for its kernel module. The
# guests' TCP comes with unfinished checksums; the userspace datapath passes them
# on like that unless it is told to do segmentation.
switch_database() {
	local db=$LAB_STATE/openvswitch.db
	[ -e "$db" ] || ovsdb-tool create "$db" /usr/share/openvswitch/vswitch.ovsschema
	install -d /run/openvswitch
	start ovsdb-server root /usr/sbin/ovsdb-server "$db" --remote=punix:/run/openvswitch/db.sock --remote=ptcp:6640:127.0.0.1
	ovs-vsctl -t 60 --retry --no-wait init -- set Open_vSwitch . other_config:userspace-tso-enable=true
}

# wsgi NAME USER FILE PROCESSES THREADS: an API under uWSGI. With lazy-apps
# each process makes its own connections to databases and queue. uWSGI keeps no
# connection open for a second request but does not say so; a client that
# relies on it would have its next request reset.
wsgi() {
	start "$1" "$2" /usr/bin/uwsgi_python3 --http-socket "127.0.0.1:$(port_of "$1")" --wsgi-file "$3" \
		--processes "$4" --threads "$5" --master --lazy-apps --enable-threads --thunder-lock --need-app \
		--die-on-term --buffer-size 65535 --listen 100 --add-header 'Connection: close'
}

# neutron NAME FILE: the server is the classic one, API and RPC in one process
# tree, which is lighter than Debian's two.
neutron() {
	start "$1" neutron "/usr/bin/$1" --config-file /etc/neutron/neutron.conf --config-file "/etc/neutron/plugins/ml2/$2"
}
