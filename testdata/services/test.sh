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

# Files that are built for the real services alone, the tests in them, and their
# packages: those that need the daemons, of which the command line takes as long
# as all others, and those that do not.
real=$(grep -rl --include='*_test.go' '^//go:build integration' . | sort)
# shellcheck disable=SC2046,SC2086 # the files are words
{
	real_tests=$(sed -n 's/^func \(Test[A-Z][A-Za-z0-9_]*\)(.*/\1/p' $real | sort -u | tr '\n' '|')
	with_daemons=$(dirname $(grep -lE 'K2O_TEST_(LIBVIRT|SSH)' $real) | sort -u)
	without=$(dirname $real | sort -u | grep -vxF "$with_daemons")
	commands=$(echo "$with_daemons" | grep '^\./cmd/')
	hosts=$(echo "$with_daemons" | grep -v '^\./cmd/')
}
if [ -n "${PACKAGES:-}" ]; then
	commands=$PACKAGES hosts='' without=''
fi

# tests NAME ARGUMENT... runs go test and prints one line a package, what was
# skipped, and everything about what failed.
tests() {
	name=$1
	shift
	echo "== $name"
	log=$(mktemp)
	status=0
	# GOTMPDIR is the compiler's; tests have their folders in TMPDIR.
	go test -v -exec 'env GOTMPDIR=' "$@" >"$log" 2>&1 || status=$?
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

# memory has temporary files in memory, where there is enough and programs may
# be run from there. Databases and journals wait for their disk at each of their
# steps; here a process is killed at every one of them, and a power cut is not
# tried. What the compiler writes is large, and stays where it was.
memory() {
	[ -z "${TMPDIR:-}" ] || return 0
	free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
	left=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
	[ "${free:-0}" -gt 2000000 ] && [ "${left:-0}" -gt 4000000 ] || return 0
	! findmnt -nT /dev/shm -o OPTIONS | grep -qw noexec || return 0
	TMPDIR=$(mktemp -d /dev/shm/kXXXXXX) # short, for paths of sockets
	trap 'rm -rf "$TMPDIR"' EXIT         # and what killed tests have left there
	trap 'exit 130' HUP INT TERM
	export TMPDIR GOTMPDIR="${GOTMPDIR:-/tmp}"
}

summary=
failed=

if [ $# -eq 0 ]; then
	cat <<-TEXT
		make test does this:
		  1. installs packages that the tests need and this machine lacks (apt-get; nothing is upgraded, no daemon is started)
		  2. starts a MariaDB, libvirtd and an sshd of its own in a temporary folder, on loopback
		  3. runs go vet and all tests: those that need nothing, then those that need the services
		  4. stops what it started and removes the folder (with KEEP=1 the logs stay when a test fails)
	TEXT
	testdata/services/install.sh
	memory
	testdata/services/with.sh "$0" inside && exit
	exit 1
fi

# real NAME PACKAGE...: one package after the other, for they share services, and
# one would find what another has made.
real() {
	name=$1
	shift
	tests "$name" -count=1 -p 1 -timeout 45m -tags integration -run "^(${real_tests%|})\$" "$@"
}

# lane NAME SERVICES PACKAGE...: beside everything else, with services of its own.
lanes=
lane() {
	[ $# -gt 2 ] || return 0
	said=$(mktemp) name=$1 services=$2
	shift 2
	SERVICES=$services setsid testdata/services/with.sh "$0" lane "$name" "$@" >"$said" 2>&1 &
	lanes="$lanes$! $said $name
"
}

# ended: waits for the lanes, and says what they said.
ended() {
	while read -r pid said name; do
		[ -n "$pid" ] || continue
		wait "$pid" || failed=yes
		cat "$said"
		summary="$summary$(grep "^$name: " "$said" || echo "$name: did not run")
"
		rm -f "$said"
	done <<-TEXT
		$lanes
	TEXT
	lanes=
}

# shellcheck disable=SC2317 # the trap comes here
end() {
	echo "$lanes" | while read -r pid _; do
		[ -z "$pid" ] || kill -TERM -- "-$pid" 2>/dev/null || true
	done
}

if [ "$1" = lane ]; then
	shift
	real "$@"
	[ -z "$failed" ]
	exit
fi

echo "== go vet"
# shellcheck disable=SC2086
go vet $packages
# shellcheck disable=SC2086
go vet -tags integration $packages
# shellcheck disable=SC2086
tests "unit and scripts" -count=1 -timeout 20m $packages

# Restarts wait for guests, databases for nobody: side by side, one has the
# processors while another waits.
trap end EXIT
trap 'exit 130' HUP INT TERM
# shellcheck disable=SC2086
lane "integration without libvirt" mariadb $without
# shellcheck disable=SC2086
lane "integration of hosts" "mariadb libvirt" $hosts
# shellcheck disable=SC2086
real "integration" $commands
ended
echo "== summary"
printf %s "$summary"
[ -z "$failed" ]
