#!/bin/sh
# Stops what libvirt-up.sh started below a directory, and the guests of those
# daemons. It ends only processes whose numbers stand there.
#
#   libvirt-down.sh DIR
set -eu

if [ $# -ne 1 ]; then
	echo "usage: $0 DIR" >&2
	exit 64
fi
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
base=$1/libvirt
[ -d "$base" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
	exec sudo -- "$0" "$1"
fi
stop "$(pid_of "$base/sshd.pid")" "$base/a"
for d in a b; do
	stop "$(pid_of "$base/$d/run/libvirtd.pid")" "$base/$d"
	for pid in "$base/$d"/run/libvirt/qemu/*.pid; do
		[ -e "$pid" ] || continue
		stop "$(pid_of "$pid")" "$base/$d"
		rm -f "$pid"
	done
done
# With sudo the folder has files of root, which its owner could not remove.
rm -rf "$base" "$1/pki" "$1/pki-wrong"
