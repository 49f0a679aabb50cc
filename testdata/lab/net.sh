#!/bin/bash
# The lab's network: the bridge that the legacy domains are on, and a veth pair
# from it to Neutron. Neutron's agent puts its end into a bridge of its own, so
# that legacy and adopted guests share one segment and the legacy bridge is
# left alone. The host has an address on the bridge and reaches all guests.
#
#   net.sh up|down
set -euo pipefail
. "$(dirname "$0")/lib.sh"
at_home "$@"

exists() { ip link show "$1" >/dev/null 2>&1; }

up() {
	exists "$BR" || ip link add "$BR" type bridge forward_delay 0 stp_state 0
	ip addr replace "$BR_IP" dev "$BR"
	ip link set "$BR" up
	exists "$UPLINK" || ip link add "$UPLINK" type veth peer name "$UPLINK-br"
	ip link set "$UPLINK-br" master "$BR" up
	ip link set "$UPLINK" up
}

# down: Neutron's bridge and its rules go, too. Its agent makes them anew.
down() {
	local bridge
	for bridge in $(ip -o link show type bridge | awk -F': ' '{print $2}' | grep '^brq'); do
		ip link del "$bridge"
	done
	! exists "$UPLINK" || ip link del "$UPLINK"
	! exists "$BR" || ip link del "$BR"
	without_neutron iptables
	without_neutron ip6tables
}

# without_neutron COMMAND: the rules of everybody else stay as they are.
without_neutron() {
	if "$1-save" 2>/dev/null | grep -q neutron-; then
		"$1-save" | sed /neutron-/d | "$1-restore"
	fi
}

case ${1:-} in
up | down) "$1" ;;
*) die "usage: $0 up|down" ;;
esac
