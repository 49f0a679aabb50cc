# shellcheck shell=bash
# A bare Debian 12 in a folder, and started as a machine of its own: what the
# tests of the package share. To be sourced.

die() {
	echo "package: $*" >&2
	exit 1
}

booted= # the pid of what started it

can_debian() {
	[ "$(id -u)" -eq 0 ] || die "a Debian of its own needs root"
	testdata/services/install.sh mmdebstrap mmdebstrap systemd-nspawn systemd-container
}

# make_debian FOLDER: in FOLDER/debian, from this machine's own package sources.
make_debian() {
	local f sources=
	for f in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
		[ ! -s $f ] || sources=${sources:-$f}
	done
	# shellcheck disable=SC2086
	mmdebstrap --quiet --variant=essential --include=passwd,systemd,systemd-sysv,dbus bookworm "$1/debian" $sources 2>"$1/log" || {
		cat "$1/log" >&2
		die "Debian could not be made"
	}
}

# boot_debian FOLDER OPTION...: with systemd, which then takes commands by within.
# It has this machine's network.
boot_debian() {
	local work=$1
	shift
	[ ! -d /sys/fs/cgroup/systemd ] || export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=0
	systemd-nspawn --quiet --directory="$work/debian" --register=no --keep-unit --boot --console=pipe "$@" </dev/null >"$work/console" 2>&1 &
	booted=$!
	for _ in $(seq 60); do
		if within systemctl is-system-running >"$work/up" 2>&1; then return; fi
		sleep 1
	done
	cat "$work/up" "$work/console" >&2
	die "systemd did not come up"
}

within() { nsenter --target "$(pgrep --parent "$booted" systemd)" --all "$@"; }

end_debian() {
	if [ -n "$booted" ] && kill "$booted" 2>/dev/null; then
		wait "$booted" || true
	fi
}
