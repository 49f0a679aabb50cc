#!/bin/sh
# Starts two private libvirt daemons and an SSH server below a directory, for
# the integration tests.
#
#   libvirt-up.sh DIR
#
# Each daemon has mount and host name spaces of its own, in which DIR/libvirt/a
# or b lies over /etc/libvirt, /run and libvirt's folders below /var: nothing of
# the machine is touched, and a libvirt that runs here is not disturbed. Their
# sockets are reached from outside through DIR. They listen on 127.0.0.1 only:
# daemon a also on TCP without a login and on TLS with a CA made here. The SSH
# server shares a's /run, so that libvirt's own socket paths lead to a.
#
# Running it again while all is up changes nothing. The variables that the
# tests need stand in DIR/env.
set -eu

if [ $# -ne 1 ]; then
	echo "usage: $0 DIR" >&2
	exit 64
fi
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || die "name spaces need root or sudo"
	exec sudo -- "$0" "$1"
fi
for c in libvirtd certtool sshd ssh-keygen unshare setsid ss virsh; do
	command -v $c >/dev/null || die "$c is needed; $here/install.sh installs it"
done
mkdir -p "$1"
dir=$(cd "$1" && pwd)
base=$dir/libvirt
[ ${#base} -le 60 ] || die "paths of sockets may have 107 bytes, so $base is too long"
mkdir -p "$base"
chmod 755 "$base"

# port NAME: a free one, the same again on the next call.
port() {
	if [ ! -s "$base/port-$1" ]; then
		p=$(($(od -An -N2 -tu2 /dev/urandom) % 20000 + 20000))
		while ss -Hltn "sport = :$p" | grep -q . || grep -qx "$p" "$base"/port-* 2>/dev/null; do
			p=$((p + 1))
		done
		echo "$p" >"$base/port-$1"
	fi
	cat "$base/port-$1"
}
tcp=$(port tcp) tls=$(port tls) ssh=$(port ssh)

# authority FOLDER NAME: a CA, a client of it in the form libvirt's clients
# want, and in FOLDER/server a server for 127.0.0.1.
authority() {
	[ ! -s "$1/done" ] || return 0
	mkdir -p "$1/server"
	printf 'cn = %s\nca\ncert_signing_key\nexpiration_days = 3650\n' "$2" >"$1/ca.cfg"
	printf 'cn = localhost\nip_address = 127.0.0.1\ndns_name = localhost\ntls_www_server\nsigning_key\nencryption_key\nexpiration_days = 3650\n' >"$1/server.cfg"
	printf 'cn = client\ntls_www_client\nsigning_key\nencryption_key\nexpiration_days = 3650\n' >"$1/client.cfg"
	for k in cakey clientkey server/key; do
		certtool --generate-privkey --key-type rsa --bits 2048 --outfile "$1/$k.pem"
	done
	certtool --generate-self-signed --load-privkey "$1/cakey.pem" --template "$1/ca.cfg" --outfile "$1/cacert.pem"
	ca="--load-ca-certificate $1/cacert.pem --load-ca-privkey $1/cakey.pem"
	# shellcheck disable=SC2086 # the options are words
	certtool --generate-certificate --load-privkey "$1/clientkey.pem" $ca --template "$1/client.cfg" --outfile "$1/clientcert.pem"
	# shellcheck disable=SC2086
	certtool --generate-certificate --load-privkey "$1/server/key.pem" $ca --template "$1/server.cfg" --outfile "$1/server/cert.pem"
	echo yes >"$1/done"
}
if ! (authority "$dir/pki" "one CA" && authority "$dir/pki-wrong" "another CA") >"$base/certtool.log" 2>&1; then
	cat "$base/certtool.log" >&2
	die "certtool failed"
fi

# libvirt looks its own host name up each time it is asked for it, which
# without this line takes as long as the name servers like.
{
	cat /etc/hosts 2>/dev/null || true
	echo "127.0.0.1 k2o-a
127.0.0.2 k2o-b"
} >"$base/hosts"

# configure NAME LISTEN: what daemon NAME finds in its /etc/libvirt.
configure() {
	mkdir -p "$base/$1/etc" "$base/$1/run/libvirt" "$base/$1/run/sshd" "$base/$1/lib" "$base/$1/log" "$base/$1/cache"
	cat >"$base/$1/etc/libvirtd.conf" <<-END
		listen_tcp = $2
		listen_tls = $2
		listen_addr = "127.0.0.1"
		tcp_port = "$tcp"
		tls_port = "$tls"
		auth_tcp = "none"
		auth_tls = "none"
		auth_unix_ro = "none"
		auth_unix_rw = "none"
		unix_sock_ro_perms = "0777"
		unix_sock_rw_perms = "0777"
		key_file = "$dir/pki/server/key.pem"
		cert_file = "$dir/pki/server/cert.pem"
		ca_file = "$dir/pki/cacert.pem"
		host_uuid = "$(cat /proc/sys/kernel/random/uuid)"
		log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
	END
	# As root, without cgroups, security labels and a name space for each
	# guest: tests run where none of these can be had.
	cat >"$base/$1/etc/qemu.conf" <<-END
		user = "root"
		group = "root"
		dynamic_ownership = 0
		security_driver = "none"
		cgroup_controllers = []
		namespaces = []
		stdio_handler = "file"
		remember_owner = 0
	END
}

# inside NAME COMMAND...: becomes COMMAND with daemon NAME's folders in place.
inside() {
	name=$1
	shift
	# shellcheck disable=SC2016 # the inner shell expands it
	exec setsid unshare --mount --uts --propagation private sh -c '
		set -e
		base=$1 name=$2
		shift 2
		hostname "k2o-$name"
		for at in etc:/etc/libvirt lib:/var/lib/libvirt log:/var/log/libvirt cache:/var/cache/libvirt run:/run; do
			mount --bind "$base/$name/${at%%:*}" "${at#*:}"
		done
		mount --bind "$base/hosts" /etc/hosts
		exec "$@"' sh "$base" "$name" "$@"
}

# daemon NAME [OPTION]: starts libvirtd unless it runs.
daemon() {
	pid=$base/$1/run/libvirtd.pid
	is "$(pid_of "$pid")" "$base/$1" && return 0
	[ -s "$base/$1/etc/qemu.conf" ] || configure "$1" "$([ "$1" = a ] && echo 1 || echo 0)"
	rm -f "$pid" "$base/$1/run/libvirt/"*-sock*
	(inside "$1" "$here/reap" libvirtd --config /etc/libvirt/libvirtd.conf --pid-file /run/libvirtd.pid ${2:+"$2"}) \
		</dev/null >"$base/$1/stdout" 2>&1 &
}
daemon a --listen
daemon b

[ -s "$base/ssh_host" ] || ssh-keygen -q -t ed25519 -N '' -f "$base/ssh_host"
[ -s "$base/ssh_host2" ] || ssh-keygen -q -t ecdsa -N '' -f "$base/ssh_host2"
[ -s "$base/ssh_other" ] || ssh-keygen -q -t ed25519 -N '' -f "$base/ssh_other"
[ -s "$base/ssh_key" ] || ssh-keygen -q -t ed25519 -N '' -f "$base/ssh_key"
known() { printf '[127.0.0.1]:%s %s\n' "$ssh" "$(cut -d' ' -f1,2 "$1")"; }
known "$base/ssh_host.pub" >"$base/known_hosts"
known "$base/ssh_other.pub" >"$base/known_hosts_wrong"
# shellcheck disable=SC2012 # the names are known
sftp=$(ls /usr/lib/openssh/sftp-server /usr/libexec/openssh/sftp-server 2>/dev/null | head -n 1)
[ -n "$sftp" ] || die "sftp-server is needed; $here/install.sh installs it"
cat >"$base/sshd_config" <<END
Port $ssh
ListenAddress 127.0.0.1
HostKey $base/ssh_host2
HostKey $base/ssh_host
AuthorizedKeysFile $base/ssh_key.pub
PidFile $base/sshd.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
MaxStartups 100
MaxSessions 100
Subsystem sftp $sftp
END
if ! is "$(pid_of "$base/sshd.pid")" "$base/a"; then
	rm -f "$base/sshd.pid"
	(inside a "$(command -v sshd)" -D -f "$base/sshd_config" -E "$base/sshd.log") </dev/null >"$base/sshd.stdout" 2>&1 &
fi

listening() { ss -Hltn "sport = :$1" | grep -q .; }
answers() { virsh -q -c "qemu:///system?socket=$base/$1/run/libvirt/libvirt-sock" version; }
for d in a b; do
	wait_for "$base/$d/run/libvirtd.pid" "$base/$d" "$base/$d/log/libvirtd.log" answers "$d"
done
wait_for "$base/a/run/libvirtd.pid" "$base/a" "$base/a/log/libvirtd.log" listening "$tls"
wait_for "$base/sshd.pid" "$base/a" "$base/sshd.log" listening "$ssh"

ours='^K2O_TEST_\(LIBVIRT\|PKI\|SSH\|KNOWN_HOSTS\)'
touch "$dir/env"
{
	grep -v "$ours" "$dir/env" || true
	cat <<END
K2O_TEST_LIBVIRT_SOCKET=$base/a/run/libvirt/libvirt-sock
K2O_TEST_LIBVIRT_SOCKET2=$base/b/run/libvirt/libvirt-sock
K2O_TEST_LIBVIRT_TCP=127.0.0.1:$tcp
K2O_TEST_LIBVIRT_TLS=127.0.0.1:$tls
K2O_TEST_PKI=$dir/pki
K2O_TEST_PKI_WRONG=$dir/pki-wrong
K2O_TEST_SSH=127.0.0.1:$ssh
K2O_TEST_SSH_KEY=$base/ssh_key
K2O_TEST_SSH_SOCKET=$base/b/run/libvirt/libvirt-sock-ro
K2O_TEST_KNOWN_HOSTS=$base/known_hosts
K2O_TEST_KNOWN_HOSTS_WRONG=$base/known_hosts_wrong
END
} >"$dir/env.new"
mv "$dir/env.new" "$dir/env"
if [ -n "${SUDO_UID:-}" ]; then
	chown "$SUDO_UID" "$dir/env" "$base/ssh_key" "$dir/pki/clientkey.pem" "$dir/pki-wrong/clientkey.pem"
fi
