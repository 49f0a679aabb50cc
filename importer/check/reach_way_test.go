package check

import (
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
)

// userspace is the wiring under Open vSwitch's userspace datapath: nothing says
// what its ports are.
func (w *wiring) userspace() {
	for i := range w.devices {
		if w.devices[i].Master == discover.OpenVSwitch {
			w.devices[i].Master = ""
		}
		if w.devices[i].Name == discover.OpenVSwitch {
			w.devices[i].Name = discover.OpenVSwitchUserspace
		}
	}
}

// add gives the host more devices.
func (w *wiring) add(devices ...discover.NetDevice) { w.devices = append(w.devices, devices...) }

// besideVLAN has the legacy bridge on VLAN 200 of eth0, and joins that of another
// VLAN with Open vSwitch.
func (w *wiring) besideVLAN(tag int, under string) {
	w.tagged(200, "eth0.200")
	w.devices[2].Master = "br100"
	w.add(discover.NetDevice{Name: "br100", Bridge: true}, discover.NetDevice{Name: "vlan100", Master: "br100", VLAN: tag, Under: under})
}

// Which devices are a way from Open vSwitch to the legacy bridge, which may be
// one, and which lead nowhere.
func TestWays(t *testing.T) {
	const vSwitch = discover.OpenVSwitch
	for _, c := range []struct {
		name string
		of   func(w *wiring)
		want string // codes
	}{
		{"nothing", func(w *wiring) { w.unjoined() }, "K2O-336"},
		{"tunnels and taps", func(w *wiring) {
			w.unjoined(discover.NetDevice{Name: "vxlan_sys_4789"}, discover.NetDevice{Name: "genev_sys_6081"}, discover.NetDevice{Name: "tap0123"})
		}, "K2O-336"},
		{"the legacy bridge itself", func(w *wiring) { w.unjoined(); w.devices[0].Master = vSwitch }, ""},
		{"another bridge", func(w *wiring) { w.unjoined(discover.NetDevice{Name: "br1", Bridge: true}) }, "K2O-337"},
		{"a card", func(w *wiring) { w.unjoined(discover.NetDevice{Name: "eth1", Physical: true}) }, "K2O-337"},
		{"a bond", func(w *wiring) {
			w.unjoined(discover.NetDevice{Name: "bond0"})
			w.add(discover.NetDevice{Name: "eth1", Physical: true, Master: "bond0"})
		}, "K2O-337"},
		{"a VLAN's device", func(w *wiring) { w.unjoined(discover.NetDevice{Name: "eth1.7", VLAN: 7, Under: "eth1"}) }, "K2O-337"},
		{"a pair to another bridge", func(w *wiring) { w.devices[2].Master = "br1"; w.add(discover.NetDevice{Name: "br1", Bridge: true}) }, "K2O-337"},
		{"a pair to no bridge", func(w *wiring) { w.devices[2].Master = "" }, "K2O-337"},
		{"a pair to what nobody could read", func(w *wiring) { w.devices = append(w.devices[:2], w.devices[3:]...) }, "K2O-337"},
		{"a pair between two of its bridges", func(w *wiring) { w.devices[2].Master = vSwitch }, "K2O-336"},
		{"guests' bridges of Nova", func(w *wiring) {
			w.devices[2].Master = "qbr01234567-89"
			w.add(discover.NetDevice{Name: "qbr01234567-89", Bridge: true})
		}, "K2O-336"},
		{"joined, and a card", func(w *wiring) { w.add(discover.NetDevice{Name: "eth1", Physical: true, Master: vSwitch}) }, ""},
		{"the mapped bridge's own device", func(w *wiring) { w.unjoined(); w.add(discover.NetDevice{Name: "br-ex", Master: "br0"}) }, ""},
		{"another bridge's own device", func(w *wiring) { w.unjoined(); w.add(discover.NetDevice{Name: "br-7", Master: "br0"}) }, "K2O-336"},
		{"the mapped bridge's own device elsewhere", func(w *wiring) { w.unjoined(); w.add(discover.NetDevice{Name: "br-ex", Master: "br1"}) }, "K2O-337"},
		{"a pair to the bridge of another VLAN", func(w *wiring) { w.vlan(200); w.besideVLAN(100, "eth0") }, "K2O-336"},
		{"a pair to the bridge of another VLAN, and a card", func(w *wiring) {
			w.vlan(200)
			w.besideVLAN(100, "eth0")
			w.add(discover.NetDevice{Name: "eth1", Physical: true, Master: vSwitch})
		}, "K2O-337"},
		{"a pair to the bridge of the network's VLAN", func(w *wiring) { w.vlan(100); w.besideVLAN(100, "eth0") }, "K2O-335 K2O-337"},
		{"a pair to the bridge of another card's VLAN", func(w *wiring) { w.vlan(200); w.besideVLAN(100, "eth1") }, "K2O-337"},
		{"a pair to the bridge of the same VLAN", func(w *wiring) { w.vlan(300); w.besideVLAN(200, "eth0") }, "K2O-335 K2O-337"},
		{"a pair to the bridge of no VLAN", func(w *wiring) { w.vlan(200); w.besideVLAN(100, "eth0"); w.devices[len(w.devices)-1].Master = "" }, "K2O-337"},
		{"a pair to the bridge of a VLAN, flat", func(w *wiring) { w.besideVLAN(100, "eth0") }, "K2O-335 K2O-337"},
		{"another VLAN's device", func(w *wiring) {
			w.vlan(200)
			w.unjoined(discover.NetDevice{Name: "eth0.7", VLAN: 7, Under: "eth0"})
			w.tagged(200, "eth0.200")
		}, "K2O-336"},

		{"userspace, nothing", func(w *wiring) { w.unjoined(); w.userspace() }, "K2O-337"},
		{"userspace, a pair", (*wiring).userspace, "K2O-337"},
		{"userspace, the mapped bridge's own device", func(w *wiring) { w.unjoined(); w.add(discover.NetDevice{Name: "br-ex", Master: "br0"}); w.userspace() }, ""},
		{"userspace beside the kernel's, nothing", func(w *wiring) { w.unjoined(); w.add(discover.NetDevice{Name: discover.OpenVSwitchUserspace}) }, "K2O-337"},
		{"userspace beside the kernel's, a pair in that", func(w *wiring) { w.add(discover.NetDevice{Name: discover.OpenVSwitchUserspace}) }, "K2O-337"},
		{"userspace beside the kernel's, the bridge in that", func(w *wiring) {
			w.unjoined()
			w.devices[0].Master = vSwitch
			w.add(discover.NetDevice{Name: discover.OpenVSwitchUserspace})
		}, "K2O-337"},
		{"no Open vSwitch seen", func(w *wiring) { w.devices = w.devices[:2] }, "K2O-337"},
		{"no devices read", func(w *wiring) { w.devices = nil }, "K2O-337"},
	} {
		d, f := made(wired(c.of))
		if got := strings.Join(codes(Assess(d, f).Findings), " "); got != c.want {
			t.Errorf("%s: found %q, want %q", c.name, got, c.want)
		}
	}
}

// Where something leads out of Open vSwitch already, joining is a second way: no
// command for it is there to be copied.
func TestNoLoopIsAdvised(t *testing.T) {
	const vSwitch = discover.OpenVSwitch
	card := discover.NetDevice{Name: "eth1", Physical: true}
	for _, c := range []struct {
		name string
		of   func(w *wiring)
		want string // of the action; "" where it is the command
	}{
		{"nothing seen", func(w *wiring) { w.devices = nil }, ""},
		{"userspace", func(w *wiring) { w.unjoined(); w.userspace() }, ""},
		{"userspace, a pair", (*wiring).userspace, "where n-br0 is among them it has to reach the segment of bridge br0 (eth0), and"},
		{"a card", func(w *wiring) { w.unjoined(card) },
			"on kvm01: ovs-vsctl list-ports br-ex; where eth1 is among them it has to reach the segment of bridge br0 (eth0), and to join the two bridges besides would be a loop; only where none is, join them as kvm2openstack explain K2O-336 shows"},
		{"cards, and no uplink", func(w *wiring) {
			w.unjoined(card, discover.NetDevice{Name: "eth2", Physical: true})
			w.devices[1].Master = ""
		}, "where one of eth1, eth2 is among them it has to reach the segment of bridge br0, and"},
		{"another bridge", func(w *wiring) { w.unjoined(discover.NetDevice{Name: "br1", Bridge: true}) }, "where br1 is among them"},
		{"a pair to another bridge", func(w *wiring) { w.devices[2].Master = "br1" }, "where n-br0 is among them"},
		{"userspace beside the kernel's, and a card", func(w *wiring) {
			w.unjoined(card)
			w.add(discover.NetDevice{Name: discover.OpenVSwitchUserspace})
		}, "where eth1 is among them"},
		{"a card beside what joins them in the kernel's", func(w *wiring) {
			w.devices[0].Master = vSwitch
			w.add(discover.NetDevice{Name: discover.OpenVSwitchUserspace})
		}, "where one of br0, n-br0 is among them"},
	} {
		got := finding(t, "K2O-337", wired(c.of)).Action
		if c.want != "" && (!strings.Contains(got, c.want) || strings.Contains(got, "ip link add")) {
			t.Errorf("%s: says\n%s\nwant\n%s", c.name, got, c.want)
		}
		if c.want == "" && !strings.Contains(got, "has no other way there, for two ways are a loop: m=$(") {
			t.Errorf("%s: has no command: %s", c.name, got)
		}
	}
}
