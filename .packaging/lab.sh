#!/bin/bash
# Installs the .deb from ./bin on a bare Debian 12 beside the lab, has its service
# look at the lab's hypervisor and cloud once, and removes it again:
#   .packaging/lab.sh CONFIGURATION JOURNAL
# with the variables of testdata/lab/env.sh. Prints what the service said, and
# its metrics. A lab test calls it, with what it has adopted there.
set -euo pipefail
config=$(realpath "$1") journal=$(realpath "$2")
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
. .packaging/debian.sh
deb=$(ls bin/kvm2openstack_*.deb) || die "there is no package; run make package"
can_debian

work=$(mktemp -d)
root=$work/debian
trap 'end_debian; rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM
make_debian "$work" >&2

# What a hypervisor has, and its guests' disks: the service only looks.
boot_debian "$work" --bind=/run/libvirt --bind-ro=/var/lib/libvirt --bind-ro=/var/lib/nova --bind-ro=/srv
install -m 644 "$deb" "$root/kvm2openstack.deb"
within dpkg --install /kvm2openstack.deb >&2
etc=$root/etc/kvm2openstack
cat "$config" >"$etc/config.yaml"
sed -i "s,^journal: .*,journal: /var/lib/kvm2openstack/state/kvm2openstack.db," "$etc/config.yaml"
install -m 600 "$OS_CLIENT_CONFIG_FILE" "$etc/clouds.yaml"
(umask 077 && printf 'NOVA_DB_PASSWORD=%s\nOS_CLIENT_CONFIG_FILE=/etc/kvm2openstack/clouds.yaml\n' "$NOVA_DB_PASSWORD" >"$etc/environment")
install -m 600 "$journal" "$root/var/lib/kvm2openstack/state/kvm2openstack.db"

within kvm2openstack install-timer --local --every 1h --into /etc/systemd/system >&2
within systemctl daemon-reload
within systemctl enable --quiet --now kvm2openstack-sync.timer
status=0
within systemctl start kvm2openstack-sync.service || status=$?
within journalctl --no-pager --output=cat -u kvm2openstack-sync.service
[ $status -eq 0 ] || die "the service failed"
cat "/proc/$(pgrep --parent "$booted" systemd)/root/run/kvm2openstack/sync.prom"
within systemctl disable --quiet --now kvm2openstack-sync.timer
within rm /etc/systemd/system/kvm2openstack-sync.service /etc/systemd/system/kvm2openstack-sync.timer
within dpkg --remove kvm2openstack >&2
[ -z "$(within sh -c 'command -v kvm2openstack || true')" ] || die "a removal leaves the program"
