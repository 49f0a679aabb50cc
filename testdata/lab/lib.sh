# shellcheck shell=bash
# What every script of the lab shares: names, places, and how a daemon is
# started and ended where there is no systemd. Sourced, not run.
#
# The password is a constant on purpose. Everything listens on loopback or on
# the lab's own bridge, and a lab must come up the same way every time.

# The names are for the scripts that source this file.
# shellcheck disable=SC2034

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
INSIDE=/etc/k2o-lab-release # says in the root of a release which one it is, see root.sh
LAB_RUN=/run/k2o-lab        # pid files and sockets
LAB_LOG=/var/log/k2o-lab    # one file for each daemon and each long step
LAB_STATE=/var/lib/k2o-lab  # databases, the guest's image, what was made once
PW=labpass                  # of everything that wants one

BR=br-legacy               # the Linux bridge that the legacy domains are on
BR_IP=10.66.0.1/24         # the host's own address on it, to reach the guests
NET_CIDR=10.66.0.0/24
PHYSNET=physlegacy         # Neutron's name for that segment
COMPUTE_HOST=k2o-lab       # [DEFAULT]/host of nova-compute and the L2 agent
UPLINK=k2o-up              # the end of the veth pair that Neutron gets, see net.sh
DB_PORT=23306              # not 3306: a MariaDB of the machine may have that
GUEST_IMAGE=$LAB_STATE/guest.qcow2

PATH=$PATH:/usr/sbin:/sbin

log() { printf '%(%H:%M:%S)T lab: %s\n' -1 "$*"; }

# die TEXT: one line that says what is wrong, then the end of the script.
die() {
	printf 'lab: %s\n' "$*" >&2
	exit 1
}

# birth PID: when the process started, in clock ticks since the boot. A number
# alone says nothing: it may have been given to a stranger since. Fails for a
# process that is gone, or dead and not yet fetched by its parent.
birth() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	# The name in parentheses may hold spaces; fields are counted after it.
	read -ra stat <<<"${stat##*) }"
	[ "${stat[0]}" != Z ] && echo "${stat[19]}"
}

# pid_of NAME: the process recorded for the service, if it is the one that runs.
pid_of() {
	local pid born
	read -r pid born 2>/dev/null <"$LAB_RUN/$1.pid" || return 1
	[ "$(birth "$pid")" = "$born" ] || return 1
	echo "$pid"
}

# alive NAME: the service that start started still runs.
alive() { pid_of "$1" >/dev/null; }

# start NAME USER COMMAND...: runs a daemon in the background unless it runs.
# Its output goes to LAB_LOG/NAME.log. Every step down to the daemon is an
# exec, so that the recorded process is the daemon itself, the leader of a
# session of its own. The environment is empty, lest proxies, locales or
# Python paths of whoever calls make one lab differ from the next; and no file
# of the caller stays open, for a lock on it would be held as long as the daemon
# runs.
start() {
	local name=$1 user=$2 home fd
	shift 2
	alive "$name" && return 0
	home=$(getent passwd "$user" | cut -d: -f6)
	(
		for fd in "/proc/$BASHPID/fd"/*; do
			[ "${fd##*/}" -le 2 ] || eval "exec ${fd##*/}>&-"
		done
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$home" LANG=C.UTF-8 \
			setsid setpriv --reuid "$user" --regid "$(id -gn "$user")" --init-groups -- "$@"
	) >>"$LAB_LOG/$name.log" 2>&1 </dev/null &
	echo "$! $(birth $!)" >"$LAB_RUN/$name.pid"
}

# stop NAME: asks the daemon to end, waits ten seconds, then insists. What it
# leaves behind in its process group goes with it.
stop() {
	local pid _
	if pid=$(pid_of "$1"); then
		kill -TERM "$pid" 2>/dev/null || true
		for _ in {1..100}; do
			alive "$1" || break
			sleep 0.1
		done
		kill -KILL -- "-$pid" 2>/dev/null || true
	fi
	rm -f "$LAB_RUN/$1.pid"
}

# listening PORT: something answers on loopback.
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_port PORT [SECONDS]: until something listens there.
wait_port() {
	local deadline=$((SECONDS + ${2:-60}))
	until listening "$1"; do
		[ "$SECONDS" -lt "$deadline" ] || die "nothing listens on port $1, see $LAB_LOG"
		sleep 0.25
	done
}

# as USER COMMAND...: runs a command as one of the services' users.
as() {
	local user=$1 home
	shift
	home=$(getent passwd "$user" | cut -d: -f6)
	HOME=$home setpriv --reuid "$user" --regid "$(id -gn "$user")" --init-groups -- "$@"
}

[ ! -e "$INSIDE" ] || RELEASE=$(cat "$INSIDE")
RELEASE=${RELEASE:-zed}
[ -e "$LAB_DIR/releases/$RELEASE.sh" ] || die "there is no release $RELEASE, see $LAB_DIR/releases"
# shellcheck source=/dev/null
. "$LAB_DIR/releases/$RELEASE.sh"

# away: the release has a root of its own, and this is the machine.
away() { [ -n "$SUITE" ] && [ ! -e "$INSIDE" ]; }

# at_home ARGUMENT...: leaves this script for the same one where the lab is.
at_home() {
	if away; then
		exec "$LAB_DIR/root.sh" "$LAB_DIR/${0##*/}" "$@"
	fi
}

if away; then
	LAB_RUN+=-$RELEASE LAB_LOG+=-$RELEASE LAB_STATE+=-$RELEASE
fi
[ "$(id -u)" -ne 0 ] || mkdir -p "$LAB_RUN" "$LAB_LOG" "$LAB_STATE"
