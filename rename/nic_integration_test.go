//go:build integration

package rename

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// guestWith is a small domain that boots so and has these devices. It is never
// run, only started and left paused.
func guestWith(name, boot, devices string) (definition string) {
	return fmt.Sprintf(`<domain type='qemu'><name>%s</name><uuid>%s</uuid><memory unit='MiB'>32</memory><vcpu>1</vcpu>
%s<features><acpi/></features>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/><memballoon model='none'/>%s</devices></domain>`,
		name, uuid.NewString(), boot, devices)
}

func machine(kind string) string {
	return "<os><type arch='x86_64' machine='" + kind + "'>hvm</type></os>"
}

func withNIC(kind, inside string) (definition string) {
	return guestWith("nic-"+uuid.NewString()[:8], machine("pc"), "<interface type='"+kind+"'><mac address='"+mac1+"'/>"+inside+"</interface>")
}

// What libvirt makes of an interface edited alone by its model: the reason for
// dropping <driver>, and for refusing teaming.
func TestLibvirtOfVirtioOptions(t *testing.T) {
	r := openRealLibvirt(t)
	for _, c := range []struct {
		inside string
		says   string // of libvirt, "" where it takes it
		lost   string // path that it drops without a word
	}{
		{"<driver iommu='on'/>", "only supported for virtio devices", ""},
		{"<driver ats='on'/>", "only supported for virtio devices", ""},
		{"<driver packed='on'/>", "only supported for virtio devices", ""},
		{"<driver page_per_vq='on'/>", "only supported for virtio devices", ""},
		{"<teaming type='persistent'/>", "must be <model type='virtio'/>", ""},
		{"<driver name='vhost' queues='4'><host csum='off'/></driver>", "", "driver"},
		{"<backend vhost='/dev/vhost-net'/>", "", "backend"},
		{"<backend tap='/dev/net/tun' vhost='/dev/vhost-net'/>", "", "backend/@vhost"},
		{"<mtu size='9000'/><coalesce><rx><frames max='7'/></rx></coalesce><tune><sndbuf>0</sndbuf></tune><rom bar='off'/><acpi index='4'/>", "", ""},
	} {
		t.Run(c.inside, func(t *testing.T) {
			r := realLibvirt{t, r.socket}
			text := withNIC("bridge", "<source bridge='br0'/><model type='virtio'/>"+c.inside)
			_, before, err := r.defineFirst(text)
			if err != nil {
				t.Fatal(err)
			}
			careless := strings.Replace(before, "<model type='virtio'/>", "<model type='e1000'/>", 1)
			defined, err := r.define(careless)
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("libvirt says %v, want %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			found, err := Compare(careless, defined)
			if err != nil {
				t.Fatal(err)
			}
			lost := ""
			for _, d := range found {
				lost += strings.TrimPrefix(d.Path, "devices/interface[mac="+mac1+"]/")
			}
			if lost != c.lost {
				t.Errorf("libvirt changes %v, want %q", found, c.lost)
			}
		})
	}
}

// TestNICsThroughLibvirt takes interfaces of every kind through an edit and
// back, all by libvirt.
func TestNICsThroughLibvirt(t *testing.T) {
	r := openRealLibvirt(t)
	const all = "<bandwidth><inbound average='1000'/></bandwidth><mtu size='1400'/><coalesce><rx><frames max='7'/></rx></coalesce><rom bar='off'/><tune><sndbuf>1600</sndbuf></tune>" +
		"<link state='down'/><boot order='1'/><alias name='ua-x'/><address type='pci' domain='0x0000' bus='0x00' slot='0x08' function='0x0'/>"
	virtio := "<model type='virtio'/>"
	linux, ovs := NIC{Bridge: "brq0123456789a", Target: "tap01234567-89"}, NIC{Bridge: "br-int", Target: "tap01234567-89", OVSPort: port}
	e1000 := func(n NIC) NIC { n.Model = "e1000"; return n }
	for _, c := range []struct {
		name, kind, inside string
		change             NIC
	}{
		{"everything, onto a Linux bridge", "bridge", "<source bridge='br0'/>" + virtio + all, e1000(linux)},
		{"everything, onto Open vSwitch", "bridge", "<source bridge='br0'/>" + virtio + all, e1000(ovs)},
		{"filter and isolation", "bridge", "<source bridge='br0'/>" + virtio + all + "<filterref filter='clean-traffic'/><port isolated='yes'/>", e1000(linux)},
		{"virtio options", "bridge", "<source bridge='br0'/>" + virtio + "<driver name='vhost' queues='4' iommu='on' packed='on'><host csum='off'/><guest csum='off'/></driver><backend tap='/dev/net/tun' vhost='/dev/vhost-net'/>", NIC{Model: "e1000e"}},
		{"transitional", "bridge", "<source bridge='br0'/><model type='virtio-transitional'/><driver ats='on'/><backend vhost='/dev/vhost-net'/>", e1000(NIC{})},
		{"default model", "bridge", "<source bridge='br0'/>", NIC{Model: "virtio"}}, // rtl8139, by libvirt
		{"back to virtio", "bridge", "<source bridge='br0'/><model type='e1000'/>" + all, NIC{Model: "virtio"}},
		{"another port on Open vSwitch", "bridge", "<source bridge='ovsbr0'/><vlan><tag id='120'/></vlan><virtualport type='openvswitch'><parameters interfaceid='" + uuid.NewString() + "' profileid='p'/></virtualport>" + virtio, ovs},
		{"off Open vSwitch", "bridge", "<source bridge='ovsbr0'/><vlan trunk='yes'><tag id='1'/><tag id='2' nativeMode='tagged'/></vlan><virtualport type='openvswitch'/><target dev='web-a'/>" + virtio, linux},
		{"name in the guest", "bridge", "<source bridge='br0'/><guest dev='eth5'/>" + virtio, linux},
		{"off a network", "network", "<source network='default' portgroup='p'/>" + virtio, e1000(linux)},
		{"on a network", "network", "<source network='default'/>" + virtio, e1000(NIC{})},
		{"off macvtap", "direct", "<source dev='eth0' mode='vepa'/><virtualport type='802.1Qbh'><parameters profileid='x'/></virtualport>" + virtio, linux},
		{"on macvtap", "direct", "<source dev='eth0' mode='bridge'/>" + virtio, e1000(NIC{})},
		{"named tap", "ethernet", "<target dev='mytap'/>" + virtio, ovs},
		{"tap without a name", "ethernet", virtio, e1000(linux)},
		{"user networking", "user", virtio, NIC{Model: "e1000e"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := realLibvirt{t, r.socket}
			text := withNIC(c.kind, c.inside)
			id, before, err := r.defineFirst(text)
			if err != nil {
				t.Fatal(err)
			}
			libvirtWrites, back := thereAndBack(r, id, before, Change{Name: nameOf(t, before) + "-new", NICs: map[string]NIC{mac1: c.change}})
			if libvirtWrites != "" || back != "" {
				t.Errorf("libvirt writes it otherwise than it was edited:\n%s\nand back:\n%s", libvirtWrites, back)
			}
		})
	}
}

// What is refused here because libvirt would not start with it, or not define
// it, is so.
func TestLibvirtOfPlugs(t *testing.T) {
	r := openRealLibvirt(t)
	const onOVS = "<source bridge='br-int'/><virtualport type='openvswitch'><parameters interfaceid='" + port + "'/></virtualport><model type='virtio'/>"
	for _, c := range []struct {
		inside, says string
		atStart      bool
	}{
		{onOVS + "<port isolated='yes'/>", "is not supported for network interfaces with virtualport type='openvswitch'", false},
		{onOVS + "<filterref filter='no-mac-spoofing'/>", "filterref is not supported for network interfaces with virtualport type openvswitch", true},
		{"<source bridge='lo'/><vlan><tag id='5'/></vlan><model type='virtio'/>", "vlan", true},
		{"<source bridge='lo'/><bandwidth><inbound average='2' floor='1'/></bandwidth><model type='virtio'/>", "floor", false},
	} {
		t.Run(c.inside, func(t *testing.T) {
			r := realLibvirt{t, r.socket}
			text := withNIC("bridge", c.inside)
			id, _, err := r.defineFirst(text)
			if !c.atStart {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("define: %v, want %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			out, err := r.try("start", "--paused", id)
			if err == nil {
				r.must("destroy", id)
			}
			if err == nil || !strings.Contains(out, c.says) {
				t.Errorf("start: %v %s, want %q", err, out, c.says)
			}
		})
	}
}

// TestNICsStart starts domains with the adapter swapped: QEMU has to take it in
// the very slot of the one before.
func TestNICsStart(t *testing.T) {
	r := openRealLibvirt(t)
	for _, c := range []struct{ machine, model string }{{"pc", "e1000"}, {"pc", "e1000e"}, {"q35", "e1000e"}, {"q35", "e1000"}} {
		t.Run(c.machine+" "+c.model, func(t *testing.T) {
			r := realLibvirt{t, r.socket}
			text := guestWith("nic-start", machine(c.machine), "<interface type='user'><mac address='"+mac1+"'/><model type='virtio'/><driver packed='on'/><boot order='1'/></interface>")
			id, before, err := r.defineFirst(text)
			if err != nil {
				t.Fatal(err)
			}
			after, err := Apply(before, Change{NICs: map[string]NIC{mac1: {Model: c.model}}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.define(after); err != nil {
				t.Fatal(err)
			}
			r.must("start", "--paused", id)
			live := r.must("dumpxml", id)
			r.must("destroy", id)
			was, is := addressOf(t, before), addressOf(t, live)
			if was != is || !strings.Contains(live, "<model type='"+c.model+"'/>") {
				t.Errorf("the interface was at %s and is at %s:\n%s", was, is, live)
			}
		})
	}
}

// addressOf is the PCI address of the interface.
func addressOf(t *testing.T, definition string) string {
	t.Helper()
	doc, err := parse(definition)
	if err != nil {
		t.Fatal(err)
	}
	p, nic := flatten(doc), "devices/interface[mac="+mac1+"]/address/@"
	address := p.values[nic+"bus"] + " " + p.values[nic+"slot"] + " " + p.values[nic+"function"]
	if strings.Contains(address, "  ") {
		t.Fatalf("no address in\n%s", definition)
	}
	return address
}
