#!/bin/sh
# Runs a command while private services are up, and stops them whatever
# happens:
#
#   testdata/services/with.sh go test -tags integration ./nova/
#
# The services keep everything in a temporary folder and listen on loopback
# only. The command finds them through the variables K2O_TEST_*. SERVICES says
# which there are to be; all are "mariadb libvirt".
set -eu

if [ $# -eq 0 ]; then
	echo "usage: $0 COMMAND [ARGUMENT]..." >&2
	exit 64
fi
services=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin

# Paths of sockets may have 107 bytes, so a deep TMPDIR cannot hold them.
base=${TMPDIR:-/tmp}
if [ ${#base} -gt 40 ]; then
	base=/tmp
fi
work=$(mktemp -d "$base/k2o.XXXXXX")

stop() {
	status=$?
	trap '' HUP INT TERM
	# Stopping removes the logs of some.
	if [ "$status" -ne 0 ] && [ -n "${KEEP:-}" ]; then
		kept=$(mktemp -d "$base/k2o-logs.XXXXXX")
		(cd "$work" && find . \( -name '*.log' -o -name stdout \) -exec cp --parents '{}' "$kept" ';')
		echo "services: their logs are kept in $kept" >&2
	fi
	running=
	for service in libvirt mariadb; do
		"$services/$service-down.sh" "$work" >"$work/$service-down.log" 2>&1 || {
			cat "$work/$service-down.log" >&2
			running="$running $service"
		}
	done
	if [ -n "$running" ]; then
		echo "services: could not stop$running, see above; the folder is $work" >&2
		exit 1
	fi
	rm -rf "$work"
	exit "$status"
}
trap stop EXIT
trap 'exit 130' HUP INT TERM

for service in ${SERVICES:-mariadb libvirt}; do
	"$services/$service-up.sh" "$work"
done

while IFS= read -r line; do
	export "${line?}"
done <"$work/env"

"$@"
