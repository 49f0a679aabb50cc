#!/bin/bash
# One or several daemons of a lab that is up, as tests need it:
#
#   service.sh start|stop|restart|kill|status NAME...
#
# start waits until the daemon answers. kill is SIGKILL, for its whole process
# group, without a chance to tidy up. status fails when one does not run, and
# without a name it looks at all.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
! away || alive holder || die "the lab of $RELEASE is not up"
at_home "$@"
. "$LAB_DIR/services.sh"

restart() {
	stop "$1"
	launch "$1"
	await "$1"
}

kill_service() {
	local pid
	pid=$(pid_of "$1") || die "$1 does not run"
	kill -KILL -- "-$pid"
	stop "$1"
}

status() {
	local pid
	pid=$(pid_of "$1") && echo "$1 runs, process $pid" && return
	echo "$1 does not run"
	return 1
}

verb=${1:-}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || [ "$verb" != status ] || set -- "${SERVICES[@]}"
[ $# -gt 0 ] || die "usage: $0 start|stop|restart|kill|status NAME..., of ${SERVICES[*]}"
failed=
for name in "$@"; do
	[[ " ${SERVICES[*]} " == *" $name "* ]] || die "there is no service $name, but: ${SERVICES[*]}"
	case $verb in
	start) launch "$name" && await "$name" ;;
	stop) stop "$name" ;;
	restart) restart "$name" ;;
	kill) kill_service "$name" ;;
	status) status "$name" || failed=yes ;;
	*) die "usage: $0 start|stop|restart|kill|status NAME..." ;;
	esac
done
[ -z "$failed" ]
