#!/bin/bash
# Measures what README claims about speed and memory, as ratios within one run
# on one machine: absolute figures say more about the machine than the program.
set -euo pipefail

cd "$(dirname "$0")/../.."
export PATH=$PATH:/usr/local/go/bin:/usr/sbin:/sbin

if [ "${1:-}" != inside ]; then
	testdata/services/install.sh
	exec testdata/services/with.sh "$0" inside
fi

make build
failed=
# Every part prints its table; a ratio worse than promised makes it fail, and
# the others still run.
echo "== discovery"
go test -tags bench -count=1 -timeout 30m -v -run '^TestSpeed' ./discover 2>&1 | grep -v '^=== ' || failed=yes
echo "== reports"
go test -tags bench -count=1 -timeout 30m -v -run '^TestSpeed' ./cmd/kvm2openstack/report 2>&1 | grep -v '^=== ' || failed=yes
echo "== import"
go run ./testdata/bench/insert || failed=yes
echo "== sync"
# Three minutes on two busy processors; make bench HOSTS=2000 has taken forty.
go run ./testdata/bench/sync -hosts "${HOSTS:-400}" || failed=yes
echo "== page"
go test -tags bench -count=1 -timeout 30m -v -run '^TestSpeedPage' ./cmd/kvm2openstack/report 2>&1 | grep -v '^=== ' || failed=yes
echo "== memory"
go run ./testdata/bench/memory || failed=yes
[ -z "$failed" ]
