#!/bin/sh
# Installs what the integration tests need and this machine lacks; with
# arguments, pairs of a command and its package, what those name instead.
#
# Nothing is upgraded, nothing that is there is touched, and no daemon of the
# machine is started or enabled: the tests start their own.
set -eu

PATH=$PATH:/usr/sbin:/sbin

# What is looked for, and the Debian package that has it.
needed='
mariadbd                mariadb-server-core
mariadb-install-db      mariadb-server-core
mariadb                 mariadb-client-core
libvirtd                libvirt-daemon-system
libvirt_driver_qemu.so  libvirt-daemon-driver-qemu
virsh                   libvirt-clients
qemu-system-x86_64      qemu-system-x86
qemu-img                qemu-utils
OVMF_CODE_4M.fd         ovmf
sshd                    openssh-server
sftp-server             openssh-sftp-server
ssh-keygen              openssh-client
certtool                gnutls-bin
ss                      iproute2
setsid                  util-linux
chromium                chromium
python3-libvirt         python3-libvirt
promtool                prometheus
'
if [ $# -gt 0 ]; then
	needed=$(printf '%s %s\n' "$@")
fi

# present: a command, a plug-in, a firmware or a Python module is there.
present() {
	case $1 in
	*.so) set -- /usr/lib/*/libvirt/connection-driver/"$1" && [ -e "$1" ] ;;
	*.fd) [ -e "/usr/share/OVMF/$1" ] ;;
	sftp-server) [ -x /usr/lib/openssh/sftp-server ] || [ -x /usr/libexec/openssh/sftp-server ] ;;
	python3-libvirt) /usr/bin/python3 -c 'import libvirt' 2>/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

packages=$(echo "$needed" | while read -r what package; do
	[ -z "$what" ] || present "$what" || echo "$package"
done | sort -u)
# shellcheck disable=SC2086,SC2116 # several lines become one
packages=$(echo $packages)
if [ -z "$packages" ]; then
	echo "install: nothing is missing"
	exit 0
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
	as_root=sudo
fi
if ! command -v apt-get >/dev/null || { [ -n "$as_root" ] && ! command -v sudo >/dev/null; }; then
	echo "install: this needs Debian and root or sudo; install what these packages of Debian 12 have, then run it again: $packages" >&2
	exit 1
fi

echo "install: apt-get installs $packages (without recommended packages)"

# A package's scripts would start its daemon; this answer forbids it.
policy=/usr/sbin/policy-rc.d
ours=
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	$as_root chmod 755 $policy
	ours=yes
fi
cleanup() {
	if [ -n "$ours" ]; then
		$as_root rm -f $policy
	fi
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

apt() {
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=900 "$@"
}
# A machine's lists may be fresh, stale or not there; only a failure tells.
log=$(mktemp)
# shellcheck disable=SC2086 # the packages are words
install_packages() { apt install --no-install-recommends $packages >"$log" 2>&1; }
if ! install_packages && ! { apt update >"$log" 2>&1 && install_packages; }; then
	cat "$log" >&2
	echo "install: apt-get failed, see above" >&2
	rm -f "$log"
	exit 1
fi
rm -f "$log"
echo "install: done"
