#!/bin/bash
# Installs the .deb from ./bin on a bare Debian 12, has its service run there,
# removes it again, and has onboard start a nova-compute there, which is a script:
# "make package-test" is this script. The .rpm is compared
# with it file by file. Debian 12 is made in a temporary folder from the
# machine's own package sources; nothing is installed on the machine but what
# is said, and nothing is started outside that folder.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

. .packaging/debian.sh
deb=$(ls bin/kvm2openstack_*.deb) || die "there is no package; run make package"
rpm=$(ls bin/kvm2openstack-*.rpm)
can_debian
testdata/services/install.sh rpm rpm

work=$(mktemp -d)
root=$work/debian
trap 'end_debian; rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' HUP INT TERM

# told METRICS: sync has run, and has seen every adopted domain.
told() {
	[ -s "$1" ] || die "the service left no metrics"
	awk '/^kvm2openstack_adopted_domains[{]/ {n += $2} END {exit n != 35}' "$1" || {
		cat "$1" >&2
		die "the service has not seen the 35 domains that were adopted"
	}
}

echo "== the same files in both"
modes_deb() {
	dpkg-deb -c "$deb" | awk '{split($2, o, "/"); print $1, o[1], o[2], substr($6, 2)}'
}
modes_rpm() { rpm -qp --qf '[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]' "$rpm"; }
# A .deb has the folders on the way as well, and two places differ by custom.
custom() { sed -E 's,/$,,; s,zsh/(vendor-completions|site-functions),zsh,; s,/usr/share/(doc/kvm2openstack/copyright|licenses/kvm2openstack/LICENSE),licence,' | sort; }
ours() { grep -E 'kvm2openstack|licence'; }
diff <(modes_deb | custom | grep -v '^d.*/\(doc\|share\)/kvm2openstack$' | ours) <(modes_rpm | custom | ours) || die "the .deb (<) and the .rpm (>) differ"
rpm -qp --scripts "$rpm" | grep -q 'useradd --system' || die "the .rpm makes no user"

echo "== a bare Debian 12"
make_debian "$work"
mkdir "$root/package"
cp "$deb" "$root/package/kvm2openstack.deb"
inside() { chroot "$root" "$@"; }
# What there is, but for the records of who installed what and which numbers
# were given away.
everything() {
	inside find / -xdev \( -path /var/lib/dpkg -o -path /var/log -o -path /proc -o -path /sys -o -path /dev \) -prune -o -printf '%M %u %g %p\n' |
		grep -vE ' /etc/(passwd|group|g?shadow|sub[ug]id)-?$' | sort
	inside grep -H kvm2openstack /etc/passwd /etc/group /etc/shadow || true
}
expect() {
	grep -qE -- "$1" "$work/out" || {
		cat "$work/out" >&2
		die "$2"
	}
}

echo "== installed, removed, purged, never used"
everything >"$work/before"
inside dpkg --install /package/kvm2openstack.deb >"$work/out"
everything >"$work/installed"
for line in '-rw-r----- root kvm2openstack /etc/kvm2openstack/config.yaml' 'drwxr-x--- root kvm2openstack /etc/kvm2openstack' \
	'drwxr-x--- kvm2openstack kvm2openstack /var/lib/kvm2openstack/state' '-rwxr-xr-x root root /usr/bin/kvm2openstack' \
	'-rw-r--r-- root root /usr/share/man/man8/kvm2openstack-audit.8.gz' '-rw-r--r-- root root /usr/share/kvm2openstack/grants-read.sql'; do
	grep -qxF -- "$line" "$work/installed" || die "not installed as expected: $line"
done
inside bash -n /usr/share/bash-completion/completions/kvm2openstack
inside dpkg --remove kvm2openstack >"$work/out"
[ -e "$root/etc/kvm2openstack/config.yaml" ] || die "a removal took the configuration"
inside dpkg --purge kvm2openstack >"$work/out"
everything | diff "$work/before" - || die "a purge leaves something (>), or took something (<)"

echo "== the service's command, without systemd"
inside dpkg --install /package/kvm2openstack.deb >"$work/out"
state=/var/lib/kvm2openstack/state
# as COMMAND...: as the service's user, in the service's folder.
as() { inside setpriv --reuid kvm2openstack --regid kvm2openstack --clear-groups sh -c "cd $state && exec \"\$@\"" sh "$@"; }
as kvm2openstack demo --dir demo >"$work/out" 2>&1
# A warning is for attention: a guest that never ran has no EFI variables.
as kvm2openstack import demo/plan.yaml --yes --config demo/config.yaml >"$work/out" 2>&1 || [ $? -eq 1 ]
expect '35 imported' "the demonstration's domains are not imported"
# What a person would do: the demonstration's options, with the packaged journal.
sed "s,^cloud_file: .*,cloud_file: $state/demo/cloud.json,; s,^journal: .*,journal: $state/kvm2openstack.db," "$root$state/demo/config.yaml" >"$work/config.yaml"
cat "$work/config.yaml" >"$root/etc/kvm2openstack/config.yaml"
as cp demo/kvm2openstack.db .
unit=$root/usr/lib/systemd/system/kvm2openstack-sync.service
command=$(sed -n 's/^ExecStart=//p' "$unit")
case $command in
*" sync "*" --metrics-file /run/kvm2openstack/sync.prom"*) ;;
*) die "the service runs no sync: $command" ;;
esac
install -d -o "$(stat -c %u "$root$state")" "$root/run/kvm2openstack"
status=0
# shellcheck disable=SC2086
as $command >"$work/out" 2>&1 || status=$?
[ $status -le 1 ] || {
	cat "$work/out" >&2
	die "$command ended with status $status"
}
told "$root/run/kvm2openstack/sync.prom"
rm -r "$root/run/kvm2openstack"

echo "== the service, under systemd"
boot_debian "$work"
within systemctl enable --quiet --now kvm2openstack-sync.timer
within systemctl list-timers --no-pager >"$work/out"
expect kvm2openstack-sync.timer "the timer is not waiting"
within systemctl start kvm2openstack-sync.service || {
	within journalctl --no-pager -u kvm2openstack-sync.service >&2
	die "the service failed"
}
told "/proc/$(pgrep --parent "$booted" systemd)/root/run/kvm2openstack/sync.prom"
[ "$(within stat -c '%a %U' /run/kvm2openstack/sync.prom)" = "644 kvm2openstack" ] || die "node_exporter cannot read the metrics"
within systemd-analyze security --no-pager --threshold=15 kvm2openstack-sync.service >"$work/out" || die "$(tail -n 1 "$work/out")"
within dpkg --install /package/kvm2openstack.deb >"$work/out" 2>&1
within systemctl is-active --quiet kvm2openstack-sync.timer || die "a new version stopped the timer"

echo "== removed and purged, with a journal"
within dpkg --remove kvm2openstack >"$work/out"
[ "$(within systemctl is-active kvm2openstack-sync.timer || true)" = inactive ] || die "the timer outlives the package"
within dpkg --purge kvm2openstack >"$work/out" 2>&1
expect "$state is kept" "a purge does not say what it keeps"
[ -s "$root$state/kvm2openstack.db" ] || die "a purge took the journal"
everything | grep -E ' /(usr|etc|run)/.*kvm2openstack' && die "a purge leaves what is named above"
echo "== onboard's first start of nova-compute, under systemd"
CGO_ENABLED=0 go test -tags systemd -c -o "$root/onboard.test" ./importer/onboard
within env PATH="$PATH" HOME=/root TMPDIR=/tmp /onboard.test -test.run TestRealSystemd >"$work/out" 2>&1 || {
	cat "$work/out" >&2
	die "systemd does not run a first start as expected"
}
echo "package: $deb and $rpm are good"
