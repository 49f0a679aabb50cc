#!/bin/bash
# The place of a release that needs another Debian than this machine's: a root
# file system of its own, with its own network, mounts and processes. Nothing of
# it is seen outside, and all of it ends with its first process. The lab's
# scripts go there by themselves.
#
#   RELEASE=epoxy root.sh make          the root file system and its packages
#   RELEASE=epoxy root.sh COMMAND...    runs a command there: root.sh bash
#   RELEASE=epoxy root.sh end           ends all processes there
#   RELEASE=epoxy root.sh remove        and takes it away with everything in it
set -euo pipefail
. "$(dirname "$0")/lib.sh"
[ -n "$SUITE" ] || die "the lab of $RELEASE is on the machine itself"

ROOT=$LAB_STATE/root
TREE=$(cd "$LAB_DIR/../.." && pwd)

# mirror: where this machine has its own Debian from.
mirror() { LC_ALL=C apt-cache policy | awk '$2 ~ /^https?:.*\/debian\/?$/ && !n++ {print $2}'; }

make_root() {
	[ ! -e "$LAB_STATE/root.done" ] || return 0
	command -v debootstrap >/dev/null || apt-get -q -y -o DPkg::Lock::Timeout=900 install debootstrap >>"$LAB_LOG/root.log" 2>&1 ||
		die "debootstrap, which makes a root of Debian $DEBIAN, cannot be installed, see $LAB_LOG/root.log"
	log "making a root of Debian $DEBIAN, see $LAB_LOG/root.log"
	rm -rf "$ROOT"
	debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$ROOT" "$(mirror)" >>"$LAB_LOG/root.log" 2>&1 ||
		die "there is no root of Debian $DEBIAN, see $LAB_LOG/root.log"
	printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$(uname -n)" >>"$ROOT/etc/hosts" # sudo looks the machine's name up
	echo force-unsafe-io >"$ROOT/etc/dpkg/dpkg.cfg.d/k2o-lab" # what is half there is made anew
	echo "$RELEASE" >"$ROOT$INSIDE"
	touch "$LAB_STATE/root.done"
	log "the root is made after $SECONDS s"
}

# first_process: the one child of the holder, which is number 1 inside.
first_process() {
	local holder
	holder=$(pid_of holder) && tr -d ' ' <"/proc/$holder/task/$holder/children"
}

entered() { [ "$(readlink "/proc/$(first_process)/root")" = "$ROOT" ]; }

# hold: starts the first process.
hold() {
	local _
	[ -e "$LAB_STATE/root.done" ] || die "there is no root of $RELEASE: up.sh makes it"
	alive holder || start holder root unshare --net --mount --pid --fork --propagation private -- \
		env RELEASE="$RELEASE" "$LAB_DIR/root.sh" first
	for _ in {1..200}; do
		! entered 2>/dev/null || return 0
		sleep 0.1
	done
	die "the root of $RELEASE cannot be entered, see $LAB_LOG/holder.log"
}

# first: becomes that process. It fetches its dead children, and every orphan
# becomes its child.
first() {
	devices "$ROOT/dev"
	mount -t proc proc "$ROOT/proc"
	mount -t sysfs sysfs "$ROOT/sys"
	mount -t tmpfs -o mode=755 tmpfs "$ROOT/run"
	mkdir "$ROOT/run/lock"
	chmod 1777 "$ROOT/run/lock"
	ip link set lo up
	exec chroot "$ROOT" bash -c 'trap : CHLD; while :; do sleep 86400 & wait; done'
}

# devices DIR: without /dev/kvm, which would belong to another group inside.
devices() {
	local name
	mount -t tmpfs -o mode=755 tmpfs "$1"
	mkdir "$1/net" "$1/pts" "$1/shm"
	for name in null zero full random urandom tty loop-control; do cp -a "/dev/$name" "$1/$name"; done
	for name in {0..63}; do mknod -m 660 "$1/loop$name" b 7 "$name"; done
	mknod -m 666 "$1/net/tun" c 10 200
	mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$1/pts"
	mount -t tmpfs -o mode=1777 tmpfs "$1/shm"
	ln -s pts/ptmx "$1/ptmx"
	for name in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do ln -s "/proc/self/${name#*:}" "$1/${name%:*}"; done
}

# folders: the tree, and Go with what it has downloaded and compiled.
folders() {
	echo "$TREE"
	! command -v go >/dev/null || go env GOROOT GOCACHE GOMODCACHE
}

# share PID: puts the folders at their places inside.
share() {
	local folder
	while read -r folder; do
		mkdir -p "$folder" "$ROOT$folder"
		nsenter -t "$1" -m mountpoint -q "$ROOT$folder" || nsenter -t "$1" -m mount --rbind "$folder" "$ROOT$folder"
	done < <(folders)
}

# inside NETWORK COMMAND...: in the root, with the environment of a login and
# what tests are told by. The network is its own, or that of the machine.
inside() {
	local first name network=() variables=()
	hold
	first=$(first_process)
	share "$first"
	[ "$1" != own ] || network=(-n)
	shift
	for name in RUN PACKAGES LAB_FULL LAB_SHAPES LAB_OPERATIONS LAB_RECORD GOFLAGS GOCACHE GOMODCACHE; do
		[ -z "${!name:-}" ] || variables+=("$name=${!name}")
	done
	nsenter -t "$first" -m -p "${network[@]}" -r -w -- env -i -C "$TREE" HOME="$HOME" TERM="${TERM:-dumb}" LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${variables[@]}" "$@"
}

case ${1:?what is to be done there} in
first) first ;;
make)
	make_root
	cp /etc/resolv.conf "$ROOT/etc/resolv.conf"
	inside machine "$LAB_DIR/install.sh"
	;;
end)
	! alive holder || kill -KILL -- "-$(pid_of holder)"
	stop holder
	;;
remove)
	"$0" end
	rm -rf --one-file-system "$LAB_STATE" "$LAB_LOG" "$LAB_RUN"
	;;
*) inside own "$@" ;;
esac
