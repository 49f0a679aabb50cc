#!/bin/sh
# A journal is the only way back for what was adopted, and what hosts saved of
# renamed domains (/var/lib/kvm2openstack/UUID) is another: not even a purge
# takes them, nor the user who owns them.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
[ "$1" = purge ] || exit 0

rm -rf /run/kvm2openstack
rm -f /var/lib/systemd/timers/stamp-kvm2openstack-sync.timer
state=/var/lib/kvm2openstack/state
rm -f $state/*.lock $state/sync.prom
[ ! -d $state ] || rmdir --ignore-fail-on-non-empty $state
[ ! -d ${state%/state} ] || rmdir --ignore-fail-on-non-empty ${state%/state}
if [ -d $state ]; then
	echo "kvm2openstack: $state is kept, for a journal in it is the way back of what was adopted"
elif getent passwd kvm2openstack >/dev/null; then
	userdel kvm2openstack
fi
