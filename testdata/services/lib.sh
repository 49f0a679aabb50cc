# shellcheck shell=dash
# Common to libvirt-up.sh and libvirt-down.sh; not to be run by itself.

PATH=$PATH:/usr/sbin:/sbin

say() { echo "libvirt: $*" >&2; }
die() {
	say "$@"
	exit 1
}

# is PID FOLDER: the process runs, and has FOLDER/run in place of /run. A number
# alone says nothing: it may have been given to a stranger since, or to a daemon
# of another folder.
is() {
	[ -n "$1" ] && [ "/proc/$1/root/run/libvirt" -ef "$2/run/libvirt" ]
}

pid_of() { cat "$1" 2>/dev/null || true; }

# stop PID FOLDER: ask, wait five seconds, then insist. A stopped process gets
# no signal but SIGKILL until it is continued.
stop() {
	is "$1" "$2" || return 0
	kill -CONT "$1" 2>/dev/null || true
	kill -TERM "$1" 2>/dev/null || true
	n=0
	while is "$1" "$2"; do
		n=$((n + 1))
		[ "$n" -ne 50 ] || kill -KILL "$1" 2>/dev/null || true
		[ "$n" -lt 100 ] || die "process $1 of $2 does not end"
		sleep 0.1
	done
}

# wait_for PIDFILE FOLDER LOG CONDITION...: until CONDITION holds, or the
# process is gone, or two minutes have passed. On a busy machine the process may
# not be there yet for its first seconds.
wait_for() {
	pid=$1 folder=$2 log=$3
	shift 3
	n=0
	until "$@" >/dev/null 2>&1; do
		n=$((n + 1))
		if [ "$n" -gt 1200 ] || { [ "$n" -gt 200 ] && ! is "$(pid_of "$pid")" "$folder"; }; then
			tail -n 20 "$log" >&2 || true
			die "the daemon did not come up, see $log"
		fi
		sleep 0.1
	done
}
