#!/bin/bash
# Does what Open vSwitch's kernel datapath does by itself: a tap that is made
# anew under the name of a port, because its guest was stopped and started, is
# that port again. The userspace datapath goes on listening to the tap that is
# gone. It also reads the flags of a tap and writes them back with one more, and
# what libvirt has set in between, up, is lost. Runs as long as the switch does.
set -euo pipefail

# plug TAP: takes the port away and makes it again, with what Neutron's agent
# knows it by. In two steps, for in one nothing would be opened anew.
plug() {
	local bridge ids
	bridge=$(ovs-vsctl -t 60 port-to-br "$1" 2>/dev/null) || return 0
	ids=$(ovs-vsctl -t 60 get Interface "$1" external_ids)
	ovs-vsctl -t 60 del-port "$bridge" "$1"
	ovs-vsctl -t 60 add-port "$bridge" "$1" -- set Interface "$1" "external_ids=$ids"
	echo "$1 is plugged anew"
}

# "NUMBER: NAME: <FLAGS> ..." is a device that is there or has changed. Another
# number under the same name is another device.
declare -A seen=()
while read -r number name flags _; do
	name=${name%:}
	[[ $number == *: && $name == tap* ]] || continue
	[[ $flags == *UP* ]] || ! ip link set "$name" up 2>/dev/null || echo "$name is up"
	[ -z "${seen[$name]:-}" ] || [ "${seen[$name]}" = "$number" ] || plug "$name" || echo "$name cannot be plugged anew"
	seen[$name]=$number
done < <(ip -o link && exec ip -o monitor link)
exit 1 # the kernel tells no more
