package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// finding is the one finding of a code that a case gives.
func finding(t *testing.T, code string, of tweak) Finding {
	t.Helper()
	d, f := made(of)
	for _, found := range Assess(d, f).Findings {
		if found.Code == code {
			return found
		}
	}
	t.Fatalf("%s is not found", code)
	return Finding{}
}

// The commands are made to be copied: these are the ones that move data.
func TestCommands(t *testing.T) {
	off := func(d *discover.Domain, _ *Facts) { d.State = discover.StateShutoff }
	tests := []struct {
		name, code string
		of         tweak
		want       string
	}{
		{"convert raw", "K2O-221", both(both(disk(format("raw", "raw")), off), at("/srv/it's web.img")),
			`qemu-img convert -p -f raw -O qcow2 '/srv/it'\''s web.img' '/srv/it'\''s web.qcow2', then virsh edit web-1: <driver type='qcow2'/> and <source file> of vda to the new file`},
		{"convert never writes where it reads", "K2O-221", both(disk(format("", "raw")), at("/srv/web.qcow2")),
			`shut the guest down, then qemu-img convert -p -f raw -O qcow2 /srv/web.qcow2 /srv/web.qcow2.new, then virsh edit web-1: <driver type='qcow2'/> and <source file> of vda to the new file`},
		{"flatten running", "K2O-226", disk(func(d *discover.Disk) { d.Backing = []string{"/srv/base.qcow2"} }),
			"virsh blockpull web-1 vda --wait --verbose"},
		{"flatten off", "K2O-226", both(off, disk(func(d *discover.Disk) { d.Backing = []string{"/srv/base.qcow2"} })),
			"qemu-img rebase -p -f qcow2 -b '' " + cleanPath + ", then take <backingStore> of vda out by virsh edit web-1"},
		{"mapping", "K2O-321", nic(func(n *discover.Interface) { n.Bridge, n.VLAN = "br 9", 120 }),
			`add to networks: in the configuration: - {bridge: "br 9", vlan: 120, network: NAME}`},
		{"mapping by MAC", "K2O-321", nic(func(n *discover.Interface) { n.Type, n.Bridge = "ethernet", "" }),
			`add to networks: in the configuration: - {mac: "52:54:00:10:00:0b", network: NAME}`},
		{"eject", "K2O-256", drive("cdrom", "/iso/a.iso"), "virsh change-media web-1 hdc --eject --config --live"},
		{"Windows, swapped", "K2O-527", both(windows, func(_ *discover.Domain, f *Facts) { f.Settings.WindowsNIC = "e1000" }),
			"the plan swaps to e1000: save netsh -c interface dump inside the guest first, for static addresses stay on the old, then hidden adapter"},
		{"Windows, on q35", "K2O-527", both(windows, machine("pc-q35-7.2")),
			"update NetKVM from virtio-win, or set nic_model: e1000e in the plan; with a swap static addresses stay on the old, then hidden adapter: save netsh -c interface dump first"},
		{"lvrename", "K2O-231", both(imagesType("lvm"), disk(func(d *discover.Disk) { d.Type, d.Path, d.File = "block", "/dev/vg0/web", nil })),
			"shut the guest down, then lvrename /dev/vg0/web " + cleanUUID + "_disk in images_volume_group, with virsh edit web-1 to match"},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, finding(t, test.code, test.of).Action); diff != "" {
			t.Errorf("%s: action of %s (-want +got):\n%s", test.name, test.code, diff)
		}
	}
}

// libvirt's absent tag, 0 and 4095 are one to a rule that says 0.
func TestUntaggedIsMapped(t *testing.T) {
	untagged := 0
	rules := cloud.Mapping{{Bridge: "br0", VLAN: &untagged, Network: "public"}}
	for vlan, mapped := range map[int]bool{0: true, 120: false} {
		d, f := made(nic(func(n *discover.Interface) { n.VLAN = vlan }))
		f.Settings.Networks = rules
		if got := !slices.Contains(codes(Assess(d, f).Findings), "K2O-321"); got != mapped {
			t.Errorf("VLAN %d is mapped: %v, want %v", vlan, got, mapped)
		}
	}
}

func TestKnownModel(t *testing.T) {
	tests := []struct {
		model string
		major int
		want  bool
	}{
		{"virtio", 26, true}, {"", 26, true}, {"virtio-non-transitional", 26, true}, {"rtl8139", 22, true},
		{"igb", 30, false}, {"igb", 31, true}, {"igb", 0, false},
		{"vmxnet3", 33, false}, {"i82551", 33, false},
	}
	for _, test := range tests {
		s := subject{Facts: Facts{Nova: &NovaFacts{Release: nova.Release{Major: test.major}}}}
		if got := s.knownModel(test.model); got != test.want {
			t.Errorf("knownModel(%q) of %d = %v, want %v", test.model, test.major, got, test.want)
		}
	}
}

func TestElderly(t *testing.T) {
	tests := []struct {
		name, id     string
		old, perhaps bool
	}{
		{"CentOS 5.5", "", true, false},
		{"CentOS release 5.5 (Final)", "", true, false},
		{"CentOS 5.11", "", false, false},
		{"CentOS 4", "", true, false},
		{"Red Hat Enterprise Linux Server release 5.3 (Tikanga)", "", true, false},
		{"RHEL 5 Update 4", "", true, false},
		{"RHEL 5u6", "", false, false},
		{"CentOS 5", "", false, true},
		{"CentOS Linux 7 (Core)", "", false, false},
		{"CentOS Stream 9", "", false, false},
		{"", "http://centos.org/centos/5.5", true, false},
		{"", "http://redhat.com/rhel/5", false, true},
		{"Debian 5.0", "", false, false},
		{"Windows Server 2003", "", false, false},
	}
	for _, test := range tests {
		s := subject{Domain: discover.Domain{Guest: discover.Guest{Name: test.name}, LibosinfoID: test.id}}
		if _, old, perhaps := s.elderly(); old != test.old || perhaps != test.perhaps {
			t.Errorf("elderly(%q, %q) = %v, %v, want %v, %v", test.name, test.id, old, perhaps, test.old, test.perhaps)
		}
	}
}

func TestFromTemplate(t *testing.T) {
	tests := []struct {
		template, name string
		want           bool
	}{
		{"", "instance-0000002a", true},
		{"", "instance-1000002a0", true},
		{"", "instance-2a", false},
		{"", "instance-0000002A", false},
		{"", "my-instance-0000002a", false},
		{"vm-%d", "vm-17", true},
		{"vm-%d", "vm-x", false},
		{"i-%(id)05x.%(uuid)s", "i-0002a.1e6ac700-0000-4000-8000-00000000000b", true},
		{"%(hostname)s-%(id)d", "web-1", true},
		{"a[%d", "a[1", true},
	}
	for _, test := range tests {
		if got := fromTemplate(test.template, test.name); got != test.want {
			t.Errorf("fromTemplate(%q, %q) = %v, want %v", test.template, test.name, got, test.want)
		}
	}
}

func TestBootsFrom(t *testing.T) {
	tests := []struct {
		name string
		of   tweak
		want string
	}{
		{"no order", func(*discover.Domain, *Facts) {}, ""},
		{"first disk", disk(func(d *discover.Disk) { d.BootOrder = 1 }), ""},
		{"second disk", second(func(d *discover.Disk) { d.BootOrder = 1 }), "vdb"},
		{"empty drive before", both(drive("cdrom", ""), func(d *discover.Domain, _ *Facts) { d.Disks[1].BootOrder, d.Disks[0].BootOrder = 1, 2 }), ""},
		{"medium before", both(drive("cdrom", "/iso/a.iso"), func(d *discover.Domain, _ *Facts) { d.Disks[1].BootOrder, d.Disks[0].BootOrder = 1, 2 }), "hdc"},
		{"medium after", both(drive("cdrom", "/iso/a.iso"), func(d *discover.Domain, _ *Facts) { d.BootDevices = []string{"hd", "cdrom"} }), ""},
		{"floppy by dev", both(drive("floppy", "/img/dos.img"), func(d *discover.Domain, _ *Facts) { d.BootDevices = []string{"fd", "hd"} }), "fd"},
		{"empty floppy by dev", both(drive("floppy", ""), func(d *discover.Domain, _ *Facts) { d.BootDevices = []string{"fd", "hd"} }), ""},
		{"network by dev", func(d *discover.Domain, _ *Facts) { d.BootDevices = []string{"network", "hd"} }, "the network"},
	}
	for _, test := range tests {
		d, f := made(test.of)
		if got := (subject{Domain: d, Facts: f}).bootsFrom(); got != test.want {
			t.Errorf("%s: bootsFrom = %q, want %q", test.name, got, test.want)
		}
	}
}

func TestAssessChangesNothing(t *testing.T) {
	for code, fx := range fixtures {
		d, f := made(fx.yes)
		before, facts := made(fx.yes)
		Assess(d, f)
		if !cmp.Equal(before, d, cmp.Comparer(sameAddress)) || !cmp.Equal(facts.Fleet, f.Fleet, cmp.AllowUnexported(Users{})) {
			t.Errorf("%s: Assess changed its arguments", code)
		}
	}
}

func sameAddress(a, b discover.Address) bool { return a == b }

// Each condition of a rule counts: these cases lack one that their fixtures
// share with the case that is found.
func TestRulesSpare(t *testing.T) {
	tests := map[string]struct {
		code string
		of   tweak
	}{
		"firmware image that is not UEFI": {"K2O-405", func(d *discover.Domain, _ *Facts) { d.Firmware.Loader = "/usr/share/seabios/bios.bin" }},
		"Hyper-V features of a Linux":     {"K2O-525", func(d *discover.Domain, _ *Facts) { d.HyperV = []string{"relaxed", "stimer"} }},
	}
	for name, test := range tests {
		if found := codes(assessMade(rules, test.of).Findings); slices.Contains(found, test.code) {
			t.Errorf("%s: %s is found, among %v", name, test.code, found)
		}
	}
}

// What an interface is a port of is said where its definition does not: libvirt's
// network has the bridge, and the host's devices tell what that is.
func TestVSwitchOfLibvirtsNetwork(t *testing.T) {
	on := func(devices ...discover.NetDevice) tweak {
		return both(libvirtNetwork("bridge"), func(d *discover.Domain, f *Facts) {
			d.Interfaces[0].NetworkBridge, f.Host.Devices = "ovsbr0", devices
		})
	}
	want := "Interface 52:54:00:10:00:0b is an OVS port of ovsbr0, and moves to br-int under another id."
	if got := finding(t, "K2O-328", on(discover.NetDevice{Name: "ovsbr0"})); got.Text != want || !strings.Contains(got.Action, "dump-flows ovsbr0 on") {
		t.Errorf("says %q, %q, want %q", got.Text, got.Action, want)
	}
	for name, of := range map[string]tweak{
		"a Linux bridge": on(discover.NetDevice{Name: "ovsbr0", Bridge: true}),
		"not seen":       on(discover.NetDevice{Name: "eth0"}),
		"NAT":            both(on(discover.NetDevice{Name: "ovsbr0"}), nic(func(n *discover.Interface) { n.NetworkForward = "nat" })),
		"802.1Qbg":       both(on(discover.NetDevice{Name: "ovsbr0"}), nic(func(n *discover.Interface) { n.VirtualPort = "802.1Qbg" })),
	} {
		if slices.Contains(codes(assessMade(rules, of).Findings), "K2O-328") {
			t.Errorf("%s is taken for Open vSwitch", name)
		}
	}
}

// One network is one, by whatever name two rules of the mapping call it.
func TestSharedNetwork(t *testing.T) {
	d, f := made(both(inCloud(nil), another(func(*discover.Interface) {})))
	for network, want := range map[string]string{"n1": "public", "private": "", "nowhere": ""} {
		f.Settings.Networks[1].Network = network
		if got := (subject{Domain: d, Facts: f}).sharedNetwork(); got != want {
			t.Errorf("public and %s share %q, want %q", network, got, want)
		}
	}
}
