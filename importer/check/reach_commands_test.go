package check

import (
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
)

// own gives the interface a VLAN of its own, which libvirt 11 has on a Linux bridge.
func own(vlan int) tweak { return nic(func(n *discover.Interface) { n.VLAN = vlan }) }

// What joins the bridges is made to be copied.
func TestReachCommands(t *testing.T) {
	const join = "on kvm01, if ovs-vsctl list-ports br-ex has no other way there, for two ways are a loop: m=$(cat /sys/class/net/br0/mtu) && " +
		"ip link add l-br0 mtu $m type veth peer name n-br0 mtu $m && ip link set br0 address $(cat /sys/class/net/br0/address) && ip link set l-br0 master br0 up && "
	const ends = "ip link set n-br0 up && ovs-vsctl add-port br-ex n-br0"
	const after = "; no guest is cut off by it; then the same in the host's own network configuration"
	long := both(wired(func(w *wiring) { w.devices = nil }), func(d *discover.Domain, f *Facts) {
		d.Interfaces[0].Bridge, f.Settings.Networks[0].Bridge = "br-0123456789a", "br-0123456789a"
	})
	for _, c := range []struct {
		code string
		of   tweak
		want string
	}{
		{"K2O-336", wired(func(w *wiring) { w.unjoined() }), join + ends + " trunks=0" + after},
		{"K2O-337", wired(func(w *wiring) { w.vlan(100); w.tagged(100, "eth0.100"); w.devices = w.devices[:2] }), join + ends + " tag=100" + after},
		{"K2O-336", both(wired(func(w *wiring) { w.unjoined(); w.vlan(100) }), own(100)), join + "bridge vlan add dev l-br0 vid 100 && " + ends + after},
		{"K2O-336", both(wired(func(w *wiring) { w.unjoined(); w.vlan(200) }), own(100)), join + "bridge vlan add dev l-br0 vid 100 pvid untagged && " + ends + " tag=200" + after},
		{"K2O-336", both(wired(func(w *wiring) { w.unjoined() }), own(100)), join + "bridge vlan add dev l-br0 vid 100 pvid untagged && " + ends + " trunks=0" + after},
		{"K2O-337", long, "ip link add l-br-0123456789 mtu $m type veth peer name n-br-0123456789 mtu $m && ip link set br-0123456789a address $(cat /sys/class/net/br-0123456789a/address) && ip link set l-br-0123456789 master br-0123456789a up"},
		{"K2O-340", wired(func(w *wiring) { w.taken("eth0") }), "on kvm01, if ovs-vsctl port-to-br eth0 says br-ex, have br0 lead out by it, with a moment's silence: m=$(cat /sys/class/net/br0/mtu) && " +
			"ip link add l-br0 mtu $m type veth peer name n-br0 mtu $m && ip link set br0 address $(cat /sys/class/net/br0/address) && ip link set l-br0 master br0 up && ip link set n-br0 up && ip link del eth0.100 && ovs-vsctl add-port br-ex n-br0 tag=100; " +
			"then the same in the host's own network configuration"},
		{"K2O-340", wired(func(w *wiring) { w.taken("eth0"); w.devices[1].Master = "" }),
			"on kvm01, if ovs-vsctl port-to-br eth0 says br-ex: give what eth0.100 is there for an internal port of br-ex with tag 100, and take eth0.100 away; then"},
		{"K2O-351", wired(func(w *wiring) { w.vlan(100); w.tagged(100, "vlan100"); w.bridged("eth0") }), "ip link add link l-eth0 name l-eth0.100 type vlan id 100"},
		{"K2O-351", wired(func(w *wiring) { w.vlan(100); w.tagged(100, "vlan100"); w.devices[1].Master = ""; w.bridged("eth0") }), "Map one end of a veth pair"},
		{"K2O-352", wired(func(w *wiring) { w.paired(100, "br0"); w.vlan(200) }),
			"on kvm01: ip link add link l-eth0 name l-eth0.200 type vlan id 200 && ip link set br0 address $(cat /sys/class/net/br0/address) && ip link set l-eth0.200 master br0 up; then the same in the host's own network configuration"},
		{"K2O-352", wired(func(w *wiring) { w.paired(100, "") }), "on kvm01: ip link set br0 address $(cat /sys/class/net/br0/address) && ip link set l-eth0.100 master br0 up; then"},
		{"K2O-352", wired(func(w *wiring) { w.bridged("n-br0"); w.devices[2].Master = "" }), "on kvm01: ip link set br0 address $(cat /sys/class/net/br0/address) && ip link set l-br0 master br0 up; then"},
		{"K2O-339", wired(func(w *wiring) { w.vlan(100) }), "on kvm01: ovs-vsctl port-to-br n-br0 has to say br-ex, and ovs-vsctl get port n-br0 tag has to say 100"},
		{"K2O-339", wired(func(w *wiring) { w.tagged(100, "eth0.100") }), "on kvm01: ovs-vsctl port-to-br n-br0 has to say br-ex, and ovs-vsctl get port n-br0 tag has to say []"},
		{"K2O-339", both(wired(func(w *wiring) { w.vlan(100) }), own(100)), "get port n-br0 tag has to say []; bridge vlan show has to list 100 for its other end in br0"},
		{"K2O-335", wired(func(w *wiring) { w.vlan(200); w.tagged(100, "eth0.100") }),
			"openstack network show n1; ip -d link show master br0 on kvm01; with tag 200 (ovs-vsctl get port n-br0 tag) the guest stays where it is"},
		{"K2O-333", wired(func(w *wiring) { w.Agents[0].Mappings = nil }),
			"add physnet1:BRIDGE to [ovs] bridge_mappings of openvswitch_agent.ini and restart neutron-openvswitch-agent, on kvm01"},
		{"K2O-333", wired(func(w *wiring) { w.ovn(); w.Agents[0].Mappings = nil }),
			"add physnet1:BRIDGE to what ovs-vsctl get open . external_ids:ovn-bridge-mappings says, by ovs-vsctl set on kvm01"},
		{"K2O-338", wired(func(w *wiring) { w.bridged("eth0") }),
			"on kvm01: m=$(cat /sys/class/net/eth0/mtu) && ip link add l-eth0 mtu $m type veth peer name n-eth0 mtu $m && ip link set br0 address $(cat /sys/class/net/br0/address) && ip link set l-eth0 master br0 up && ip link set n-eth0 up; then map physnet1:n-eth0 instead of eth0"},
		{"K2O-338", wired(func(w *wiring) { w.vlan(100); w.tagged(100, "eth0.100"); w.bridged("eth0") }),
			"on kvm01: m=$(cat /sys/class/net/eth0/mtu) && { [ -e /sys/class/net/l-eth0 ] || ip link add l-eth0 mtu $m type veth peer name n-eth0 mtu $m; } && " +
				"ip link set l-eth0 up && ip link add link l-eth0 name l-eth0.100 type vlan id 100 && ip link set br0 address $(cat /sys/class/net/br0/address) && ip link set l-eth0.100 master br0 up && ip link set n-eth0 up; when all bridges of physnet1 are in it, map physnet1:n-eth0 instead of eth0"},
	} {
		if got := finding(t, c.code, c.of).Action; !strings.Contains(got, c.want) {
			t.Errorf("%s says\n%s\nwant\n%s", c.code, got, c.want)
		}
	}
}
