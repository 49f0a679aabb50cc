# Common to libvirt-up.sh and libvirt-down.sh; not to be run by itself.

PATH=$PATH:/usr/sbin:/sbin

say() { echo "libvirt: $*" >&2; }
die() {
	say "$@"
	exit 1
}

# is PID TEXT: the process exists and has TEXT in its command line, so that it
# is not a stranger that was given the same number after a reboot.
is() {
	[ -n "$1" ] && tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qF -- "$2"
}

pid_of() { cat "$1" 2>/dev/null || true; }

# stop PID TEXT: ask, wait five seconds, then insist. A stopped process gets
# no signal but SIGKILL until it is continued.
stop() {
	is "$1" "$2" || return 0
	kill -CONT "$1" 2>/dev/null || true
	kill -TERM "$1" 2>/dev/null || true
	n=0
	while is "$1" "$2"; do
		n=$((n + 1))
		[ "$n" -ne 50 ] || kill -KILL "$1" 2>/dev/null || true
		[ "$n" -lt 100 ] || die "process $1 ($2) does not end"
		sleep 0.1
	done
}

# wait_for PID TEXT LOG CONDITION...: until CONDITION holds, or the process is
# gone, or half a minute has passed.
wait_for() {
	pid=$1 text=$2 log=$3
	shift 3
	n=0
	until "$@" >/dev/null 2>&1; do
		n=$((n + 1))
		if [ "$n" -gt 300 ] || { [ "$n" -gt 20 ] && ! is "$(pid_of "$pid")" "$text"; }; then
			tail -n 20 "$log" >&2 || true
			die "$text did not come up, see $log"
		fi
		sleep 0.1
	done
}
