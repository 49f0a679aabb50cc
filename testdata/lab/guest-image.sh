#!/bin/bash
# Builds the disk that the lab's guests boot from, GUEST_IMAGE: one FAT
# partition with syslinux (BIOS and UEFI alike), Debian's kernel, and busybox
# as an initramfs with what is in guest/. Needs no loop device and no mount.
# An image that is newer than its parts is left alone.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
at_home "$@"

KERNEL=$LAB_STATE/kernel/root # unpacked by install.sh
SIZE_MIB=48
START=2048 # first sector of the partition

# Whatever a hypervisor may give a guest. What they need comes along.
MODULES=(
	button evdev vfat nls_cp437 nls_ascii efivarfs
	virtio_pci virtio_blk virtio_scsi virtio_balloon ata_piix ahci sym53c8xx sd_mod
	virtio_net e1000 e1000e 8139cp
)

up_to_date() {
	[ -s "$GUEST_IMAGE" ] && [ -z "$(find "$0" "$LAB_DIR/guest" "$KERNEL/boot" -newer "$GUEST_IMAGE" -print -quit)" ]
}

# modules ROOT: Debian's modules for the kernel, and what modprobe looks up.
modules() {
	local file
	[ -e "$KERNEL/lib/modules/$version/modules.dep" ] || depmod -b "$KERNEL" "$version"
	modprobe -d "$KERNEL" -S "$version" -a --show-depends "${MODULES[@]}" | awk '$1 == "insmod" {print $2}' | sort -u |
		while read -r file; do
			install -D -m 644 "$file" "$1${file#"$KERNEL"}"
		done
	find "$1/lib/modules" -name '*.ko.xz' -exec unxz {} + # busybox and depmod then need not know how
	cp "$KERNEL/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} "$1/lib/modules/$version/"
	depmod -b "$1" "$version"
}

# initramfs FILE: the guest's whole system, which lives in its memory.
initramfs() {
	local root=$work/root command
	mkdir -p "$root/bin" "$root/etc/acpi/PWRF" "$root/www/cgi-bin"
	cp "$(command -v busybox)" "$root/bin/busybox"
	for command in $("$root/bin/busybox" --list); do
		[ -e "$root/bin/$command" ] || ln -s busybox "$root/bin/$command"
	done
	ln -s bin/init "$root/init"
	ln -s bin "$root/sbin"
	cp "$LAB_DIR"/guest/* "$root/etc/"
	ln -s /etc/power-button "$root/etc/acpi/PWRF/00000080"
	ln -s /etc/slow "$root/www/cgi-bin/slow"
	modules "$root"
	(cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) | gzip -9 >"$1"
}

# disk FILE: the bootable disk, in raw format. The partition is of the type
# that UEFI looks for, 0xEF; a BIOS does not mind.
disk() {
	local partition=$1@@$((START * 512))
	truncate -s ${SIZE_MIB}M "$1"
	sfdisk -q "$1" <<<"$START,,ef,*"
	dd if=/usr/lib/SYSLINUX/mbr.bin of="$1" conv=notrunc bs=440 count=1 status=none
	export MTOOLS_SKIP_CHECK=1
	mformat -i "$partition" -T $((SIZE_MIB * 2048 - START)) -h 255 -s 63 -H $START -v LABGUEST ::
	mmd -i "$partition" ::/EFI ::/EFI/BOOT
	mcopy -i "$partition" "$KERNEL/boot/vmlinuz-$version" ::/vmlinuz
	mcopy -i "$partition" "$work/initrd" "$LAB_DIR/guest/syslinux.cfg" ::/
	mcopy -i "$partition" - ::/lab-guest <<<"the lab's guest"
	mcopy -i "$partition" /usr/lib/SYSLINUX.EFI/efi64/syslinux.efi ::/EFI/BOOT/BOOTX64.EFI
	mcopy -i "$partition" /usr/lib/syslinux/modules/efi64/ldlinux.e64 "$LAB_DIR/guest/syslinux.cfg" ::/EFI/BOOT/
	syslinux --install --offset $((START * 512)) "$1"
}

if up_to_date; then
	log "the guest's image is up to date"
	exit 0
fi
[ -d "$KERNEL/boot" ] || die "the guest's kernel is not in $KERNEL: run install.sh first"
version=$(basename "$KERNEL"/lib/modules/*)
work=$(mktemp -d "$LAB_STATE/guest.XXXXXX")
trap 'rm -rf "$work"' EXIT
initramfs "$work/initrd"
disk "$work/disk"
qemu-img convert -O qcow2 "$work/disk" "$GUEST_IMAGE.new"
chmod 644 "$GUEST_IMAGE.new"
mv "$GUEST_IMAGE.new" "$GUEST_IMAGE"
log "the guest's image is made, $(stat -c %s "$GUEST_IMAGE") bytes"
