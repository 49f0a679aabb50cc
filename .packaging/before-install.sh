#!/bin/sh
# The user of the timer's service, who also owns the journal. It is never logged
# in as, but "sudo -u kvm2openstack kvm2openstack ..." is how commands are run
# by hand with the same journal.
set -e
getent group kvm2openstack >/dev/null || groupadd --system kvm2openstack
getent passwd kvm2openstack >/dev/null || useradd --system --gid kvm2openstack --no-create-home \
	--home-dir /var/lib/kvm2openstack/state --shell /usr/sbin/nologin --comment "kvm2openstack" kvm2openstack
