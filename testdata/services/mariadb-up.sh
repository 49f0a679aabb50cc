#!/bin/sh
# Starts a private MariaDB below a directory, for the integration tests.
#
#   mariadb-up.sh DIR [PORT]
#
# Everything it has lies in DIR/mariadb: data, socket, pid, log and the
# generated root password (mode 0600). It listens on 127.0.0.1 only. Running it
# again while the server is up changes nothing; after a crash or a reboot it
# starts on the data that is there. The line K2O_TEST_MYSQL=... that the tests
# need stands in DIR/env: env $(cat DIR/env) go test -tags integration ./nova/
set -eu

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
	echo "usage: $0 DIR [PORT]" >&2
	exit 64
fi
mkdir -p "$1"
dir=$(cd "$1" && pwd)
base=$dir/mariadb
port=${2:-}

server=$(command -v mariadbd || command -v mysqld || true)
install=$(command -v mariadb-install-db || command -v mysql_install_db || true)
client=$(command -v mariadb || command -v mysql || true)
if [ -z "$server" ] || [ -z "$install" ] || [ -z "$client" ]; then
	echo "$0: mariadbd, mariadb-install-db and mariadb are needed (apt-get install mariadb-server)" >&2
	exit 1
fi

# alive: the recorded process exists and is a database server on our data, not
# a stranger that was given the same number after a reboot.
alive() {
	[ -s "$base/pid" ] || return 1
	pid=$(cat "$base/pid")
	tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "--datadir=$base/data"
}

# answers: the server takes statements from root with the password of the file.
answers() {
	"$client" --defaults-extra-file="$base/client.cnf" -e 'select 1' >/dev/null 2>&1
}

# ended: the process that was to become the server is gone.
ended() { ! kill -0 "$(cat "$base/pid")" 2>/dev/null; }

# wait_for CONDITION: two minutes are ample for recovery after a kill -9, on a
# busy machine too.
wait_for() {
	n=0
	until "$1"; do
		n=$((n + 1))
		if [ "$n" -gt 1200 ] || ended; then
			echo "$0: the server did not come up, see $base/error.log:" >&2
			tail -n 20 "$base/error.log" >&2
			exit 1
		fi
		sleep 0.1
	done
}

umask 077
mkdir -p "$base"

if [ ! -f "$base/password" ]; then
	od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$base/password.new"
	mv "$base/password.new" "$base/password"
fi
password=$(cat "$base/password")

cat >"$base/client.cnf" <<CNF
[client]
user=root
password=$password
socket=$base/sock
CNF

# A server running as root refuses to start without being told a user.
as=$(id -un)
if [ ! -f "$base/data/ready" ]; then
	rm -rf "$base/data"
	"$install" --no-defaults --user="$as" --datadir="$base/data" \
		--auth-root-authentication-method=normal --skip-test-db >"$base/install.log" 2>&1 || {
		cat "$base/install.log" >&2
		exit 1
	}
	# The passwords are set before the server ever listens: bootstrap has no
	# port. The installation makes a root without password for each address.
	"$server" --no-defaults --user="$as" --datadir="$base/data" --bootstrap >>"$base/install.log" 2>&1 <<SQL || {
flush privileges;
delete from mysql.global_priv where User = 'root' and Host <> 'localhost';
flush privileges;
alter user root@localhost identified by '$password';
create user root@'127.0.0.1' identified by '$password';
grant all on *.* to root@'127.0.0.1' with grant option;
SQL
		cat "$base/install.log" >&2
		exit 1
	}
	touch "$base/data/ready"
fi

if ! alive; then
	if [ -z "$port" ] && [ -s "$base/port" ]; then
		port=$(cat "$base/port") # the same as before, so that DIR/env stays true
	fi
	if [ -z "$port" ]; then
		# Somewhere, for several may look for one at the same moment.
		port=$(($(od -An -N2 -tu2 /dev/urandom) % 10000 + 13306))
		while ss -Hltn "sport = :$port" 2>/dev/null | grep -q . || grep -qi ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp; do
			port=$((port + 1))
		done
	fi
	echo "$port" >"$base/port"
	rm -f "$base/pid"
	# Durable at every commit, as a cloud's database is: speed measured without
	# it would be no speed. skip-name-resolve: loopback only, no resolver needed.
	setsid "$server" --no-defaults --user="$as" \
		--datadir="$base/data" --socket="$base/sock" --pid-file="$base/server.pid" \
		--bind-address=127.0.0.1 --port="$port" --skip-name-resolve \
		--innodb-flush-log-at-trx-commit=1 --innodb-buffer-pool-size=256M \
		--innodb-log-file-size=256M --max-connections=200 --performance-schema=ON \
		--character-set-server=utf8mb4 --log-error="$base/error.log" \
		</dev/null >/dev/null 2>&1 &
	echo $! >"$base/pid" # not the server's own file, which is empty while it is written
fi
wait_for answers

port=$(cat "$base/port")
touch "$dir/env"
grep -v '^K2O_TEST_MYSQL=' "$dir/env" >"$dir/env.new" || true
echo "K2O_TEST_MYSQL=root:$password@tcp(127.0.0.1:$port)/" >>"$dir/env.new"
mv "$dir/env.new" "$dir/env"
echo "MariaDB runs on 127.0.0.1:$port; K2O_TEST_MYSQL is in $dir/env"
