#!/bin/bash
# Installs OpenStack, what it runs on, and what builds the guest's disk, from
# the package mirrors of Debian. Starts and configures nothing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
at_home "$@"

PACKAGES=(
	# what the cloud runs on
	mariadb-server rabbitmq-server memcached sudo iproute2 iptables ipset ebtables
	# the cloud
	keystone glance-api placement-api neutron-server
	nova-api nova-conductor nova-scheduler nova-compute nova-compute-qemu nova-consoleproxy novnc
	# the hypervisor
	libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils ovmf genisoimage
	# the clients
	python3-openstackclient python3-osc-placement python3-libvirt curl iputils-ping
	# the guest's disk
	busybox-static cpio kmod xz-utils dosfstools mtools fdisk syslinux syslinux-common syslinux-efi
	"${RELEASE_PACKAGES[@]}"
)

# missing: the packages that are not installed.
missing() {
	comm -23 <(printf '%s\n' "${PACKAGES[@]}" | sort) \
		<(dpkg-query -W -f '${Package} ${db:Status-Status}\n' | awk '$2 == "installed" {print $1}' | sort)
}

# apt ARGUMENT...: quiet, without questions. The OpenStack packages ask whether
# to create databases, users and endpoints themselves; unasked they do not.
# Changed configuration files stay as they are.
apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold \
		-o DPkg::Lock::Timeout=900 "$@" >>"$LAB_LOG/install.log" 2>&1
}

# without_starting COMMAND...: package scripts would start their daemons,
# unconfigured; this answer of policy-rc.d forbids it.
without_starting() {
	local policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
	fi
	"$@"
}

# install PACKAGE...: the lists of a machine may be fresh, stale or not there;
# only a failure tells.
install() {
	apt install --no-install-recommends "$@" && return
	{ apt update && apt install --no-install-recommends "$@"; } ||
		die "packages cannot be installed (no package mirror?), see $LAB_LOG/install.log"
}

# kernel: Debian's, unpacked for the guest, not installed: that would build an
# initramfs for this machine. Not the cloud flavour, which has no e1000, IDE
# and AHCI, the devices that old guests have.
kernel() {
	local root=$LAB_STATE/kernel package
	[ ! -d "$root/root" ] || return 0
	rm -rf "$root" && mkdir -p "$root" && cd "$root"
	package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image-/ {print $2; exit}')
	# apt-get drops root's rights for a download, and cannot write here then.
	apt -o APT::Sandbox::User=root download "$package" ||
		die "the guest's kernel cannot be downloaded, see $LAB_LOG/install.log"
	dpkg-deb -x "$package"_*.deb unpacked
	rm -f "$package"_*.deb
	[ -e unpacked/lib ] || ln -s usr/lib unpacked/lib # since Debian 13 modules are below /usr alone
	mv unpacked root # whole, or not there
}

mapfile -t packages < <(missing)
if [ ${#packages[@]} -gt 0 ]; then
	log "installing ${#packages[@]} packages, see $LAB_LOG/install.log"
	without_starting install "${packages[@]}"
	log "installed after $SECONDS s"
fi
kernel
