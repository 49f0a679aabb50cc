#!/bin/bash
# Runs the tests that need a whole OpenStack: brings the lab up with its fleet,
# and takes it down again if it was not up before. "make lab-test" is this
# script; "make lab-test RUN=TestFleetRename PACKAGES=./cmd/kvm2openstack" restarts the
# whole fleet under its new names, and back.
#
# LAB_FULL=1 tries every operation on every shape of guest, which takes hours on
# two cores; LAB_SHAPES=web01,sata01 and LAB_OPERATIONS=REGEXP are parts of that.
# LAB_RECORD=1 notes the results for README.md's table.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$LAB_DIR/../.."
PATH=$PATH:/usr/local/go/bin

was_up=
"$LAB_DIR/service.sh" status >/dev/null 2>&1 && was_up=yes

# Whatever happens, what was started for these tests is ended after them.
# shellcheck disable=SC2317 # the trap comes here
tidy() {
	[ -n "$was_up" ] || "$LAB_DIR/down.sh" >/dev/null || true
}

# tests: where the lab is.
tests() {
	local status=0 results timeout=60m usual=$USUAL_TESTS packages=${PACKAGES:-${USUAL_PACKAGES[*]}}
	if [ -n "${LAB_FULL:-}" ]; then
		timeout=6h usual='Lab|Full'
	elif [ -z "${RUN:-}" ]; then
		export LAB_SHAPES=${LAB_SHAPES:-$USUAL_SHAPES}
	fi
	# shellcheck source=/dev/null
	. "$LAB_DIR/env.sh"
	echo "== lab: go test -tags lab ${RUN:+-run $RUN }$packages"
	results=$(mktemp)
	# One package after the other: they share the cloud. Three guests at a time: they
	# wait for each other's services and for the clock more than they compute.
	# shellcheck disable=SC2086
	go vet -tags lab $packages
	# shellcheck disable=SC2086
	go test -v -count=1 -p 1 -parallel 3 -timeout $timeout -tags lab -run "${RUN:-$usual}" $packages >"$results" 2>&1 || status=$?
	grep -vE '^(=== |\?|PASS$)' "$results" || true
	echo "lab: $(grep -cE '^ *--- PASS' "$results") passed, $(grep -cE '^ *--- SKIP' "$results") skipped, $(grep -cE '^ *--- FAIL' "$results") failed"
	if ! grep -qE '^ *--- PASS' "$results"; then
		echo "lab: no test ran" >&2
		status=1
	fi
	rm -f "$results"
	return $status
}

if [ "${1:-}" = --tests ]; then
	tests
	exit
fi
trap tidy EXIT
"$LAB_DIR/up.sh"
"$LAB_DIR/fleet.sh"
"$LAB_DIR/fleet.sh" --wait
if away; then
	go mod download # the root's network ends at the root
	"$LAB_DIR/root.sh" "$LAB_DIR/test.sh" --tests
else
	tests
fi
