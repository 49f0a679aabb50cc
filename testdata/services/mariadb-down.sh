#!/bin/sh
# Ends the MariaDB that mariadb-up.sh started in a directory, and no other.
#
#   mariadb-down.sh DIR
#
# The data stays; remove DIR/mariadb to start afresh.
set -eu

if [ $# -ne 1 ]; then
	echo "usage: $0 DIR" >&2
	exit 64
fi
[ -d "$1" ] || exit 0
dir=$(cd "$1" && pwd)
base=$dir/mariadb
[ -s "$base/pid" ] || exit 0
pid=$(cat "$base/pid")

# ours: a number alone is not enough, it may have been given away since.
ours() {
	tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "--datadir=$base/data"
}

n=0
while ours; do
	[ "$n" -eq 0 ] && kill -TERM "$pid"
	[ "$n" -eq 300 ] && kill -KILL "$pid"
	n=$((n + 1))
	sleep 0.1
done
rm -f "$base/pid"
