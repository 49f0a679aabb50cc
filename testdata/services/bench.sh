#!/bin/sh
# Measures what README claims about speed and memory, as ratios within one run
# on one machine: absolute figures say more about the machine than the program.
set -eu

cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/local/go/bin:/usr/sbin:/sbin
export PATH

if [ "${1:-}" != inside ]; then
	testdata/services/install.sh
	exec testdata/services/with.sh "$0" inside
fi

make build
# Tables printed by tests: what they compare is stated in their output, and a
# ratio worse than promised fails them.
go test -tags bench -count=1 -timeout 30m -v -run '^TestSpeed' ./discover ./nova ./importer/... 2>&1 |
	grep -vE '^(=== |\?|ok .*no tests to run|testing: warning)'
go run ./testdata/bench/memory
