#!/bin/bash
# The legacy domains of the lab: guests that run under plain libvirt and that
# the cloud knows nothing of. fleet/ has a definition of each; its README says
# what each is for.
#
#   fleet.sh [NAME...]           makes and starts what is not there, and waits
#                                until each guest has booted
#   fleet.sh --wait [NAME...]    waits until each one that runs answers
#   fleet.sh --remove [NAME...]  takes them away with their files, by UUID, so
#                                whatever they are called meanwhile
#
# Without names: all. What runs is left alone, and so is what has been renamed.
#
# $FLEET is another folder of definitions: domains of the same shapes, whose
# names have something else before the first hyphen, day-web01 like leg-web01.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
at_home "$@"

FLEET=${FLEET:-$LAB_DIR/fleet}
IMAGES=/var/lib/libvirt/images
TEMPLATE=$IMAGES/leg-template.qcow2
OTHER=/srv/k2o-lab               # where leg-otherfs01 has its disk
OTHER_FILE=$LAB_STATE/other.ext4 # the file system that is mounted there
AT_ONCE=3                        # guests that boot at a time: more would starve the cloud
BOOT_SECONDS=300                 # a guest needs ten on a free machine

virsh() { LC_ALL=C command virsh -q -c qemu:///system "$@"; }

xml() { echo "$FLEET/$1.xml"; }

# shape NAME: what a name says after its first hyphen.
shape() { echo "${1#*-}"; }

uuid() { sed -n 's,.*<uuid>\(.*\)</uuid>.*,\1,p' "$(xml "$1")"; }
state() { virsh domstate "$(uuid "$1")" 2>/dev/null; }

# address NAME: the last digits of the UUID are those of the address, and of
# the MAC in hexadecimal.
address() {
	local uuid
	uuid=$(uuid "$1")
	echo "10.66.0.$((10#${uuid##*-}))"
}

# disks NAME: "FORMAT FILE" of each disk, the root disk first.
disks() {
	awk -F"'" '
		/<disk .*device=.disk.>/ {disk = 1}
		/<\/disk>/ {disk = 0}
		disk && /<driver/ {format = $4}
		disk && /<source/ {print format, $2}' "$(xml "$1")"
}

nvram() { sed -n 's,.*<nvram.*>\(.*\)</nvram>.*,\1,p' "$(xml "$1")"; }

# has_answered NAME: its guest has booted and serves its state.
has_answered() { curl -fs -m 2 --noproxy '*' -o /dev/null "http://$(address "$1")/state"; }

# new_file FILE COMMAND...: makes FILE by a command that is given the name of a
# file to write. It is another file than one of that name that was there, which
# may be an instance's disk, too, by a hard link.
new_file() {
	local file=$1
	shift
	rm -f "$file"
	"$@" "$file.new"
	chmod 644 "$file.new"
	mv "$file.new" "$file"
}

# root_disk FORMAT FILE [MARK TEXT]: the guest's image, stand-alone. A mark is a
# file on it, see guest/root-disk.
root_disk() {
	local image=$GUEST_IMAGE
	if [ $# -gt 2 ]; then
		image=$work/marked
		qemu-img convert -O raw "$GUEST_IMAGE" "$image"
		MTOOLS_SKIP_CHECK=1 mcopy -i "$image@@1M" - "::/$3" <<<"$4"
	fi
	new_file "$2" qemu-img convert -O "$1" "$image"
}

# data_disk FORMAT FILE: a file system with the file "sentinel", which has the
# disk's own name in it. The guest shows it in its state.
data_disk() {
	local raw=$work/data
	rm -f "$raw"
	truncate -s 32M "$raw"
	mformat -i "$raw" -v DATA -T $((32 * 2048)) -h 64 -s 32 ::
	basename "${2%.*}" | mcopy -i "$raw" - ::/sentinel
	new_file "$2" qemu-img convert -O "$1" "$raw"
}

from_template() {
	[ -e "$TEMPLATE" ] || root_disk qcow2 "$TEMPLATE"
	new_file "$1" qemu-img create -q -f qcow2 -F qcow2 -b "$TEMPLATE"
}

mount_other() {
	! mountpoint -q "$OTHER" || return 0
	if [ ! -e "$OTHER_FILE" ]; then
		truncate -s 128M "$OTHER_FILE"
		mkfs.ext4 -q "$OTHER_FILE"
	fi
	mkdir -p "$OTHER"
	mount -o loop "$OTHER_FILE" "$OTHER"
}

unmount_other() {
	! mountpoint -q "$OTHER" || umount "$OTHER"
	rm -f "$OTHER_FILE"
	[ ! -d "$OTHER" ] || rmdir "$OTHER"
}

make_disks() {
	local root=yes format file mark=()
	[ "$(shape "$1")" != deaf01 ] || mark=(deaf "does not hear the power button")
	while read -r format file; do
		if [ $root = no ]; then
			data_disk "$format" "$file"
		elif [ "$(shape "$1")" = tpl01 ]; then
			from_template "$file"
		else
			root_disk "$format" "$file" "${mark[@]}"
		fi
		root=no
	done < <(disks "$1")
	file=$(nvram "$1")
	[ -z "$file" ] || rm -f "$file"
}

# define NAME: with what the shape has before it starts. A transient domain has
# no definition.
define() {
	make_disks "$1"
	[ "$(shape "$1")" != transient01 ] || return 0
	virsh define "$(xml "$1")"
	case $(shape "$1") in
	snap01) virsh snapshot-create-as "$1" before-upgrade >/dev/null ;;
	auto01) virsh autostart "$1" ;;
	esac
}

# boot NAME: unless it runs, is saved, or is meant to be off.
boot() {
	case $(shape "$1"):$(state "$1") in
	off01:*) ;;
	transient01:) virsh create "$(xml "$1")" && booting[$1]=$SECONDS ;;
	*:"shut off")
		[[ ! $(virsh dominfo "$1") =~ "Managed save:"\ +yes ]] || return 0
		virsh start "$1" && booting[$1]=$SECONDS
		;;
	esac
}

# booted NAME: its guest has answered; now for the shapes that stop.
booted() {
	case $(shape "$1") in
	saved01) virsh managedsave "$1" ;;
	paused01) virsh suspend "$1" ;;
	esac
	log "$1 has booted after $((SECONDS - booting[$1])) s"
	unset "booting[$1]"
}

# settle COUNT: waits until no more than that many are booting.
settle() {
	local name
	while [ ${#booting[@]} -gt "$1" ]; do
		for name in "${!booting[@]}"; do
			if has_answered "$name"; then
				booted "$name"
			elif [ $((SECONDS - booting[$name])) -gt $BOOT_SECONDS ]; then
				die "$name does not answer at $(address "$name") $BOOT_SECONDS s after its start: virsh console $name"
			fi
		done
		sleep 0.2
	done
}

up() {
	local name now
	declare -A booting=() # when each was started
	for name in "$@"; do
		[ "$(shape "$name")" != otherfs01 ] || mount_other
		now=$(virsh domname "$(uuid "$name")" 2>/dev/null) || define "$name"
		if [ -n "$now" ] && [ "$now" != "$name" ]; then
			log "$name is called $now now, and left alone"
			continue
		fi
		boot "$name"
		settle $((AT_ONCE - 1))
	done
	settle 0
	log "the fleet is up after $SECONDS s: $# domains"
}

wait_all() {
	local name silent=("$@") left
	while :; do
		left=()
		for name in "${silent[@]}"; do
			[ "$(state "$name")" != running ] || has_answered "$name" || left+=("$name")
		done
		silent=("${left[@]}")
		[ ${#silent[@]} -gt 0 ] || return 0
		[ $SECONDS -lt $BOOT_SECONDS ] || die "running, but without an answer at http://ADDRESS/state for $SECONDS s: ${silent[*]}"
		sleep 0.5
	done
}

# remove NAME: the domain, under whatever name, the files of its own
# definition, and the directory that Nova has or had for it.
remove() {
	local uuid _ file
	uuid=$(uuid "$1")
	case $(state "$1") in
	running | paused | "in shutdown" | pmsuspended) virsh destroy "$uuid" ;;
	esac
	if [ -n "$(state "$1")" ]; then
		virsh undefine "$uuid" --managed-save --snapshots-metadata --checkpoints-metadata --nvram
	fi
	while read -r _ file; do rm -f "$file"; done < <(disks "$1")
	file=$(nvram "$1")
	[ -z "$file" ] || rm -f "$file"
	rm -rf "/var/lib/nova/instances/${uuid:?}"
	case $(shape "$1") in
	tpl01) rm -f "$TEMPLATE" ;;
	otherfs01) unmount_other ;;
	esac
}

do=up
case ${1:-} in
--wait) do=wait_all ;;
--remove) do=remove ;;
-*) die "usage: $0 [--wait|--remove] [NAME...]" ;;
esac
[ $do = up ] || shift
[ "$(id -u)" -eq 0 ] || die "the fleet is made by root"
if [ $# -eq 0 ]; then
	set -- "$FLEET"/*.xml
	set -- "${@##*/}"
	set -- "${@%.xml}"
fi
for name in "$@"; do
	[ -e "$(xml "$name")" ] || die "there is no $name in $FLEET"
done
virsh version >/dev/null 2>&1 || die "the lab's libvirtd does not answer: up.sh first"
exec 9>"$LAB_RUN/fleet.lock"
flock 9
case $do in
wait_all) wait_all "$@" ;;
remove)
	for name in "$@"; do remove "$name"; done
	log "taken away: $*"
	;;
up)
	[ -s "$GUEST_IMAGE" ] || die "the guest's image is not there: guest-image.sh first"
	work=$(mktemp -d "$LAB_STATE/fleet.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	up "$@"
	;;
esac
