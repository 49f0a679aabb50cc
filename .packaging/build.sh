#!/bin/bash
# Makes the .deb and the .rpm in ./bin from the binary that "make build" left
# there: "make package" is this script. The same commit gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")"
PATH=$PATH:/usr/local/go/bin

binary=../bin/kvm2openstack
rm -rf stage
mkdir -p stage/man
cp "$binary" stage/

# A tag v1.2.3 is the version; five commits later it is 1.2.3+5.g<commit>. Without
# a tag the number of commits makes a later package the newer one.
version() {
	local said dirty=
	said=$(git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null || true)
	if [ -n "$said" ]; then
		said=${said#v}
		echo "${said/-/+}" | tr - .
		return
	fi
	git diff --quiet HEAD 2>/dev/null || dirty=.dirty
	echo "0.0.0+$(git rev-list --count HEAD 2>/dev/null || echo 0).g$(git rev-parse --short HEAD 2>/dev/null || echo unknown)$dirty"
}
VERSION=$(version)
ARCH=$(go env GOARCH)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export VERSION ARCH SOURCE_DATE_EPOCH

stage/kvm2openstack man stage/man
gzip -9n stage/man/*.8
for shell in bash zsh fish; do
	stage/kvm2openstack completion $shell >stage/completion.$shell
done
stage/kvm2openstack install-timer --config /etc/kvm2openstack/config.yaml --program /usr/bin/kvm2openstack --into stage >/dev/null

rm -f ../bin/kvm2openstack*.deb ../bin/kvm2openstack*.rpm
for format in deb rpm; do
	# "go tool" ends with 0 where what it runs is killed: only this line tells.
	go tool -modfile=tools.mod nfpm package --config nfpm.yaml --packager $format --target ../bin/ >stage/nfpm.log || true
	grep -q '^created package' stage/nfpm.log || {
		cat stage/nfpm.log >&2
		exit 1
	}
done
rm -rf stage
# shellcheck disable=SC2012 # the names are ours
ls ../bin/kvm2openstack*.deb ../bin/kvm2openstack*.rpm | sed 's,^\.\./,,'
