#!/bin/sh
# dpkg says remove, rpm says how many are left. An upgrade lets the timer be.
set -e
case "$1" in
remove | 0) ;;
*) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	# A run under way ends after the step it is in.
	systemctl stop kvm2openstack-sync.timer kvm2openstack-sync.service
fi
if command -v systemctl >/dev/null; then
	systemctl --quiet disable kvm2openstack-sync.timer
fi
