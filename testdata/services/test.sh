#!/bin/sh
# Runs every test there is: those that need nothing, and those that need a
# real libvirtd, a real MariaDB and a real sshd. "make test" is this script;
# "make test PACKAGES=./nova" runs the tests of one package.
set -eu

cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/local/go/bin:/usr/sbin:/sbin
export PATH

# The wildcard leaves folders called testdata out, so their packages are named.
packages=${PACKAGES:-./... $(find testdata -name '*.go' -exec dirname '{}' ';' | sort -u | sed 's,^,./,')}

# tests NAME ARGUMENT... runs go test and prints one line a package, what was
# skipped, and everything about what failed.
tests() {
	name=$1
	shift
	echo "== $name: go test $*"
	log=$(mktemp)
	status=0
	# shellcheck disable=SC2086 # the packages are words
	go test -v "$@" $packages >"$log" 2>&1 || status=$?
	if [ $status -eq 0 ]; then
		grep -E '^ok|^[[:space:]]*--- SKIP' "$log" || true
	else
		# With -v, what passes is most of the text and hides the rest.
		grep -vE '^(=== |[[:space:]]*--- PASS|\?|PASS$)' "$log" || true
	fi
	line="$name: $(count '--- PASS') passed, $(count '--- SKIP') skipped, $(count '--- FAIL') failed"
	rm -f "$log"
	echo "$line"
	summary="$summary$line
"
	[ $status -eq 0 ] || failed=yes
}

count() { grep -cE "^[[:space:]]*$1" "$log" || true; }

summary=
failed=

if [ "${1:-}" != inside ]; then
	cat <<-TEXT
		make test does this:
		  1. installs packages that the tests need and this machine lacks (apt-get; nothing is upgraded, no daemon is started)
		  2. starts a MariaDB, libvirtd and an sshd of its own in a temporary folder, on loopback
		  3. runs go vet and all tests, unit and integration
		  4. stops what it started and removes the folder (with KEEP=1 the logs stay when a test fails)
	TEXT
	testdata/services/install.sh
	exec testdata/services/with.sh "$0" inside
fi

echo "== go vet"
# shellcheck disable=SC2086
go vet $packages
# shellcheck disable=SC2086
go vet -tags integration $packages
tests "unit and scripts" -count=1 -timeout 20m
# One package after the other: they share the daemons, and one would find what
# another has defined.
tests "integration" -count=1 -p 1 -timeout 45m -tags integration
echo "== summary"
printf %s "$summary"
[ -z "$failed" ]
