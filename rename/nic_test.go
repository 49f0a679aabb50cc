package rename

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestNIC is of one interface with whatever else it has. The want is the lines
// that differ.
func TestNIC(t *testing.T) {
	const (
		virtio = "      <model type='virtio'/>\n"
		ovs    = "      <virtualport type='openvswitch'>\n        <parameters interfaceid='ec842079-04cf-54b4-8531-f8d20533c857'/>\n      </virtualport>\n"
	)
	e1000 := NIC{Model: "e1000"}
	for _, c := range []struct {
		name, nic string
		change    NIC
		want      string
	}{
		{"nothing", nicOf(virtio), NIC{}, ""},
		{"the model it has", nicOf(virtio + "      <driver queues='4'/>\n"), NIC{Model: "virtio"}, ""},
		{"model", nicOf(virtio), e1000, "-      <model type='virtio'/>\n+      <model type='e1000'/>\n"},
		{"model back", nicOf("      <model type='e1000'/>\n"), NIC{Model: "virtio"}, "-      <model type='e1000'/>\n+      <model type='virtio'/>\n"},
		{"model of old virtio", nicOf("      <model type=\"virtio-transitional\"/>\n      <driver packed='on'/>\n"), NIC{Model: "e1000e"},
			"-      <model type=\"virtio-transitional\"/>\n-      <driver packed='on'/>\n+      <model type=\"e1000e\"/>\n"},
		{"what stays", nicOf(virtio + "      <bandwidth><inbound average='1'/></bandwidth>\n      <filterref filter='x'/>\n      <tune><sndbuf>0</sndbuf></tune>\n      <link state='down'/>\n      <mtu size='9000'/>\n" +
			"      <coalesce><rx><frames max='7'/></rx></coalesce>\n      <boot order='1'/>\n      <alias name='ua-1'/>\n      <rom bar='off'/>\n      <acpi index='4'/>\n      <address type='pci' domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>\n"),
			e1000, "-      <model type='virtio'/>\n+      <model type='e1000'/>\n"},
		{"driver with options", nicOf(virtio + "      <driver name='vhost' queues='4' iommu='on'>\n        <host csum='off'/>\n        <guest csum='off'/>\n      </driver>\n      <!-- kept -->\n      <link state='up'/>\n"), e1000,
			"-      <model type='virtio'/>\n-      <driver name='vhost' queues='4' iommu='on'>\n-        <host csum='off'/>\n-        <guest csum='off'/>\n-      </driver>\n+      <model type='e1000'/>\n"},
		{"driver of another namespace", nicOf(virtio + "      <driver xmlns='urn:x'/>\n"), e1000, "-      <model type='virtio'/>\n+      <model type='e1000'/>\n"},
		{"vhost alone", nicOf(virtio + "      <backend vhost='/dev/vhost-net'/>\n"), e1000,
			"-      <model type='virtio'/>\n-      <backend vhost='/dev/vhost-net'/>\n+      <model type='e1000'/>\n"},
		{"vhost beside the tap's device", nicOf(virtio + "      <backend tap='/dev/net/tun'  vhost = \"/dev/vhost-net\"/>\n"), e1000,
			"-      <model type='virtio'/>\n-      <backend tap='/dev/net/tun'  vhost = \"/dev/vhost-net\"/>\n+      <model type='e1000'/>\n+      <backend tap='/dev/net/tun'/>\n"},
		{"vhost before the tap's device", nicOf(virtio + "      <backend vhost='/dev/vhost-net' tap='/dev/net/tun'/>\n"), e1000,
			"-      <model type='virtio'/>\n-      <backend vhost='/dev/vhost-net' tap='/dev/net/tun'/>\n+      <model type='e1000'/>\n+      <backend tap='/dev/net/tun'/>\n"},
		{"no model", nicOf("      <driver name='vhost'/>\n"), e1000, "+      <model type='e1000'/>\n-      <driver name='vhost'/>\n"},
		{"no model, virtio wanted", nicOf(""), NIC{Model: "virtio"}, "+      <model type='virtio'/>\n"},
		{"letters of the address", strings.Replace(nicOf(virtio), mac1, strings.ToUpper(mac1), 1), e1000, "-      <model type='virtio'/>\n+      <model type='e1000'/>\n"},

		{"tap", nicOf("      <target dev='tap9'/>\n" + virtio), NIC{Target: "tap1"}, "-      <target dev='tap9'/>\n+      <target dev='tap1'/>\n"},
		{"tap put in", nicOf(ovs + virtio), NIC{Target: "tap1"}, "+      <target dev='tap1'/>\n"},
		{"tap and model put in", nicOf(""), NIC{Target: "tap1", Model: "e1000"}, "+      <model type='e1000'/>\n+      <target dev='tap1'/>\n"},

		{"bridge", nicOf(virtio), NIC{Bridge: "brq1"}, "-      <source bridge='br0'/>\n+      <source bridge='brq1'/>\n"},
		{"bridge instead of Open vSwitch", nicOf("      <vlan>\n        <tag id='120'/>\n      </vlan>\n" + ovs + virtio), NIC{Bridge: "brq1", Target: "tap1"},
			"-      <source bridge='br0'/>\n-      <vlan>\n-        <tag id='120'/>\n-      </vlan>\n-      <virtualport type='openvswitch'>\n" +
				"-        <parameters interfaceid='ec842079-04cf-54b4-8531-f8d20533c857'/>\n-      </virtualport>\n+      <source bridge='brq1'/>\n+      <target dev='tap1'/>\n"},
		{"Open vSwitch", nicOf(virtio), NIC{Bridge: "br-int", Target: "tap1", OVSPort: port},
			"-      <source bridge='br0'/>\n+      <source bridge='br-int'/>\n+      <virtualport type='openvswitch'>\n+        <parameters interfaceid='" + port + "'/>\n+      </virtualport>\n+      <target dev='tap1'/>\n"},
		{"another port on Open vSwitch", nicOf(ovs + virtio), NIC{Bridge: "br0", OVSPort: port},
			"-        <parameters interfaceid='ec842079-04cf-54b4-8531-f8d20533c857'/>\n+        <parameters interfaceid='" + port + "'/>\n"},
		{"port profile of Open vSwitch", nicOf("      <virtualport type='openvswitch'><parameters profileid='p' interfaceid='" + port + "'/></virtualport>\n" + virtio), NIC{Bridge: "br0", OVSPort: port},
			"-      <virtualport type='openvswitch'><parameters profileid='p' interfaceid='" + port + "'/></virtualport>\n+      <virtualport type='openvswitch'>\n+        <parameters interfaceid='" + port + "'/>\n+      </virtualport>\n"},
		{"more about a port of Open vSwitch", nicOf("      <virtualport type='openvswitch' future='yes'><parameters interfaceid='" + port + "'/></virtualport>\n" + virtio), NIC{Bridge: "br0", OVSPort: port},
			"-      <virtualport type='openvswitch' future='yes'><parameters interfaceid='" + port + "'/></virtualport>\n+      <virtualport type='openvswitch'>\n+        <parameters interfaceid='" + port + "'/>\n+      </virtualport>\n"},
		{"network of libvirt", typed("network", "      <source network='default' portgroup='p'/>\n"+virtio), NIC{Bridge: "brq1"},
			"-    <interface type='network'>\n+    <interface type='bridge'>\n-      <source network='default' portgroup='p'/>\n+      <source bridge='brq1'/>\n"},
		{"macvtap", typed("direct", "      <source dev='eth0' mode='vepa'/>\n      <virtualport type='802.1Qbh'><parameters profileid='x'/></virtualport>\n"+virtio), NIC{Bridge: "brq1"},
			"-    <interface type='direct'>\n+    <interface type='bridge'>\n-      <source dev='eth0' mode='vepa'/>\n-      <virtualport type='802.1Qbh'><parameters profileid='x'/></virtualport>\n+      <source bridge='brq1'/>\n"},
		{"tap alone", typed("ethernet", "      <target dev='t'/>\n"+virtio), NIC{Bridge: "brq1", Target: "tap1"},
			"-    <interface type='ethernet'>\n+    <interface type='bridge'>\n-      <target dev='t'/>\n+      <source bridge='brq1'/>\n+      <target dev='tap1'/>\n"},
		{"model of a network of libvirt", typed("network", "      <source network='default'/>\n"+virtio), e1000, "-      <model type='virtio'/>\n+      <model type='e1000'/>\n"},
		{"model of macvtap", typed("direct", virtio), e1000, "-      <model type='virtio'/>\n+      <model type='e1000'/>\n"},
		{"model of user networking", typed("user", virtio), e1000, "-      <model type='virtio'/>\n+      <model type='e1000'/>\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			definition := around("", strings.Replace(nicOf(virtio), mac1, mac2, 1)+c.nic)
			after, err := Apply(definition, Change{NICs: map[string]NIC{mac1: c.change}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(c.want, Diff(definition, after)); diff != "" {
				t.Errorf("lines that differ (-want +got):\n%s", diff)
			}
		})
	}
}

// typed is an interface of another type, without a source of its own.
func typed(kind, more string) string {
	return "    <interface type='" + kind + "'>\n      <mac address='" + mac1 + "'/>\n" + more + "    </interface>\n"
}

func TestNICRefuses(t *testing.T) {
	const virtio = "<model type='virtio'/>"
	e1000, linux, ovs := NIC{Model: "e1000"}, NIC{Bridge: "brq1"}, NIC{Bridge: "br-int", OVSPort: port}
	for _, c := range []struct {
		name, nic string
		change    NIC
		is        error
		says      string
	}{
		{"not there", "", e1000, ErrDevice, "no interface"},
		{"twice", nicOf(virtio) + nicOf(virtio), e1000, ErrDevice, "two interfaces"},
		{"two addresses", nicOf("<mac address='" + mac2 + "'/>" + virtio), e1000, ErrDevice, "more than one <mac>"},
		{"two models", nicOf(virtio + virtio), e1000, ErrRefused, "more than one <model>"},
		{"model without a type", nicOf("<model/>"), e1000, ErrRefused, "no type"},
		{"teaming", nicOf(virtio + "<teaming type='persistent'/>"), e1000, ErrRefused, "<teaming>"},
		{"teaming, plugged", nicOf(virtio + "<teaming type='persistent'/>"), linux, ErrRefused, "<teaming>"},
		{"vhost-user", typed("vhostuser", virtio), e1000, ErrRefused, "type vhostuser"},
		{"vdpa", typed("vdpa", virtio), e1000, ErrRefused, "type vdpa"},
		{"hostdev", typed("hostdev", ""), e1000, ErrRefused, "type hostdev"},
		{"type of the future", typed("quantum", virtio), e1000, ErrRefused, "type quantum"},
		{"type with a space", typed("a b", virtio), e1000, ErrRefused, `type "a b"`},
		{"no type", strings.Replace(nicOf(virtio), " type='bridge'", "", 1), e1000, ErrRefused, `type ""`},
		{"ROM", nicOf(virtio + "<rom file='/usr/share/efi-virtio.rom'/>"), e1000, ErrRefused, "efi-virtio.rom"},
		{"no PCI", nicOf(virtio + "<address type='virtio-mmio'/>"), e1000, ErrRefused, "virtio-mmio"},
		{"two backends", nicOf(virtio + "<backend vhost='/a'/><backend vhost='/b'/>"), e1000, ErrRefused, "more than one <backend>"},

		{"hostdev, plugged", typed("hostdev", ""), linux, ErrRefused, "type hostdev"},
		{"user networking, plugged", typed("user", virtio), linux, ErrRefused, "type user"},
		{"script", typed("ethernet", "<script path='/etc/qemu-ifup'/>"), linux, ErrRefused, "<script>"},
		{"addresses of the host", typed("ethernet", "<ip address='192.0.2.1'/>"), linux, ErrRefused, "<ip>"},
		{"content of the source", typed("ethernet", "<source><ip address='192.0.2.1'/></source>"), linux, ErrRefused, "<ip> in it"},
		{"two sources", nicOf("<source bridge='br1'/>"), linux, ErrRefused, "more than one <source>"},
		{"source without a bridge", typed("bridge", "<source/>"), linux, ErrRefused, "names no bridge"},
		{"two ports", nicOf("<virtualport/><virtualport/>"), linux, ErrRefused, "more than one <virtualport>"},
		{"guaranteed bandwidth", typed("network", "<source network='n'/><bandwidth><inbound average='2' floor='1'/></bandwidth>"), linux, ErrRefused, "floor"},
		{"isolated, on Open vSwitch", nicOf("<port isolated='yes'/>"), ovs, ErrRefused, "<port>"},
		{"filtered, on Open vSwitch", nicOf("<filterref filter='clean-traffic'/>"), ovs, ErrRefused, "<filterref>"},
		{"tap of others", typed("ethernet", "<target dev='t' managed='no'/>"), NIC{Target: "tap1"}, ErrRefused, "managed='no'"},
		{"tap of macvtap", typed("direct", ""), NIC{Target: "tap1"}, ErrRefused, "no tap"},
		{"target without a name", nicOf("<target/>"), NIC{Target: "tap1"}, ErrRefused, "no dev"},
		{"two targets", nicOf("<target dev='a'/><target dev='b'/>"), NIC{Target: "tap1"}, ErrRefused, "more than one <target>"},

		{"model of nobody", nicOf(virtio), NIC{Model: "e1001"}, ErrChange, `"e1001" is not one of virtio, e1000`},
		{"tap that libvirt drops", nicOf(virtio), NIC{Target: "vnet5"}, ErrChange, "drops"},
		{"tap with a long name", nicOf(virtio), NIC{Target: "tap1234567890123"}, ErrChange, "16 bytes"},
		{"tap with a slash", nicOf(virtio), NIC{Target: "a/b"}, ErrChange, "network device"},
		{"bridge with a space", nicOf(virtio), NIC{Bridge: "a b"}, ErrChange, "network device"},
		{"port without a bridge", nicOf(virtio), NIC{OVSPort: port}, ErrChange, "needs the name"},
		{"port that is no UUID", nicOf(virtio), NIC{Bridge: "br-int", OVSPort: "x"}, ErrChange, "no UUID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Apply(around("", c.nic), Change{NICs: map[string]NIC{mac1: c.change}})
			if !errors.Is(err, c.is) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Fatalf("Apply = %v, want %v that says %q", err, c.is, c.says)
			}
			if !strings.Contains(err.Error(), `"web-01": interface `+mac1+": ") {
				t.Errorf("Apply = %v, which does not name the interface", err)
			}
		})
	}
}

func TestNICAddresses(t *testing.T) {
	definition := around("", nicOf("<model type='virtio'/>"))
	for _, c := range []struct {
		nics map[string]NIC
		says string
	}{
		{map[string]NIC{"": {}}, "no MAC address"},
		{map[string]NIC{"52:54:00:a1:00": {}}, "no MAC address"},
		{map[string]NIC{"52:54:00:a1:00:01:02:03": {}}, "no MAC address"},
		{map[string]NIC{mac1: {}, strings.ToUpper(mac1): {}}, "twice"},
		{map[string]NIC{strings.ReplaceAll(mac1, ":", "-"): {}, strings.ToUpper(mac1): {}}, "twice"},
	} {
		if _, err := Apply(definition, Change{NICs: c.nics}); !errors.Is(err, ErrChange) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Apply(%v) = %v, want one that says %q", c.nics, err, c.says)
		}
	}
}

func TestModelFor(t *testing.T) {
	const i440, q35 = "pc-i440fx-7.2", "pc-q35-7.2"
	for _, c := range []struct {
		machine, family string
		systems         []string
		want            string
	}{
		{q35, "linux", []string{"Debian GNU/Linux 12"}, ""},
		{q35, "", []string{"Windows Server 2019"}, ""},
		{q35, "unknown", nil, ""},
		{i440, "windows", []string{"Windows Server 2019 Standard"}, "e1000"},
		{q35, "windows", []string{"Windows Server 2019 Standard"}, "e1000e"},
		{"q35", "Windows", []string{"Microsoft Windows 10 Pro"}, "e1000e"},
		{"pc-q35-rhel9.2.0", "windows", []string{"Windows Server 2012 R2"}, "e1000e"},
		{"pc-i440fx-q35", "windows", []string{"Windows Server 2012"}, "e1000"},
		{q35, "windows", []string{"http://microsoft.com/win/2k12r2"}, "e1000e"},
		{q35, "windows", []string{"http://microsoft.com/win/8.1"}, "e1000e"},
		{q35, "windows", []string{"http://microsoft.com/win/11"}, "e1000e"},
		{q35, "windows", []string{"win2k22"}, "e1000e"},
		{q35, "windows", []string{"Win10"}, "e1000e"},
		{q35, "windows", []string{"WINDOWS11"}, "e1000e"},
		{q35, "windows", []string{"http://microsoft.com/win/2k8r2"}, "e1000"},
		{q35, "windows", []string{"Windows Server 2008 R2"}, "e1000"},
		{q35, "windows", []string{"Windows 7"}, "e1000"},
		{q35, "windows", []string{"win7"}, "e1000"},
		{q35, "windows", []string{"Windows XP"}, "e1000"},
		{q35, "windows", []string{"Windows Server 2008, service pack of 2012"}, "e1000"},
		{q35, "windows", nil, "e1000"},
		{q35, "windows", []string{"", "Windows"}, "e1000"},
		{"", "windows", []string{"Windows Server 2019"}, "e1000"},
		{q35, "windows", []string{"", "Windows", "http://microsoft.com/win/2k19"}, "e1000e"},
		// The surest first: libosinfo's id may be of what was installed before.
		{q35, "windows", []string{"Windows Server 2008 R2", "http://microsoft.com/win/2k19"}, "e1000"},
		{q35, "windows", []string{"Windows Vista", "http://microsoft.com/win/2k19"}, "e1000"},
	} {
		if got := ModelFor(c.machine, c.family, c.systems...); got != c.want {
			t.Errorf("ModelFor(%q, %q, %q) = %q, want %q", c.machine, c.family, c.systems, got, c.want)
		}
	}
}
