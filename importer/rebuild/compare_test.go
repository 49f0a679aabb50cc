package rebuild

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
)

// parse reads a definition of which only the devices matter.
func parse(t *testing.T, devices string) discover.Domain {
	t.Helper()
	d, err := discover.Parse([]byte("<domain type='kvm'><name>d</name><uuid>"+someUUID+`</uuid><memory>1024</memory>
		<os><type arch='x86_64' machine='pc-i440fx-5.2'>hvm</type></os><features><acpi/></features><devices>`+devices+"</devices></domain>"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const (
	root     = `<controller type='pci' index='0' model='pci-root'/>`
	disk     = `<disk type='file' device='disk'><driver name='qemu' cache='none'/><target dev='vda' bus='virtio'/>%s</disk>`
	cdrom    = `<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><serial>x</serial></disk>`
	balloon  = `<memballoon model='virtio'>%s</memballoon>`
	slotFour = `<address type='pci' domain='0' bus='0' slot='0x04' function='0'/>`
	slotFive = `<address type='pci' domain='0' bus='0' slot='0x05' function='0'/>`
)

func TestCompare(t *testing.T) {
	here, there := fmt.Sprintf(disk, slotFour), fmt.Sprintf(disk, slotFive)
	for _, c := range []struct {
		name, now, then string
		want            []string // kind, field, device, now and then
	}{
		{"the same", root + here, root + here, nil},
		{"moved", root + here, root + there, []string{"changed disk.address vda: pci:0000:00:04.0 -> pci:0000:00:05.0"}},
		{"addresses of one who has none", fmt.Sprintf(disk, ""), root + there, nil},
		{"a device goes with all its details", root + here + cdrom, root + here, []string{"lost disk sda: cdrom -> "}},
		{"a device comes with all its details", root, root + here, []string{"added boot :  -> vda", "added disk vda:  -> disk"}},
		{"a detail goes", root + `<disk device='disk'><driver cache='none'/><target dev='vda' bus='virtio'/><serial>S1</serial></disk>`, root + fmt.Sprintf(disk, ""),
			[]string{"lost disk.serial vda: S1 -> "}},
		{"no balloon is none", root + `<memballoon model='none'/>`, root + fmt.Sprintf(balloon, slotFour), []string{"added balloon :  -> virtio"}},
		{"an unsaid balloon is one", root, root + fmt.Sprintf(balloon, ""), nil},
		{"ps2 is always there", root, root + "<input type='mouse' bus='ps2'/>", nil},
		{"first what is lost, then what the guest sees", root + here + cdrom + "<graphics type='spice'/><sound model='ich6'/>", root + there + "<graphics type='vnc'/><rng model='virtio'><backend model='random'/></rng>", []string{
			"lost disk sda: cdrom -> ", "lost device sound ich6: 1 -> ", "lost graphics spice: on -> ", "changed disk.address vda: pci:0000:00:04.0 -> pci:0000:00:05.0",
			"added rng 0:  -> virtio", "added graphics vnc:  -> on",
		}},
		{"two of a kind", root + "<sound model='ich6'/><sound model='ich6'/>", root + "<sound model='ich6'/>", []string{"changed device sound ich6: 2 -> 1"}},
		{"the serial port's other name", root + "<serial type='pty'/>", root + "<serial type='pty'><target type='isa-serial'/></serial><console type='pty'><target type='serial'/></console>", nil},
		{"a console of its own", root + "<console type='pty'><target type='virtio'/></console>", root, []string{"lost console 0: virtio -> "}},
		{"a USB 2 controller is one", root + "<controller type='usb' index='0' model='ich9-ehci1'/><controller type='usb' index='0' model='ich9-uhci1'/>", root + "<controller type='usb' index='0' model='piix3-uhci'/>",
			[]string{"changed controller usb/0: ich9-ehci1, ich9-uhci1 -> piix3-uhci"}},
	} {
		var got []string
		for _, d := range Compare(parse(t, c.now), parse(t, c.then)) {
			if d.Why == "" {
				t.Errorf("%s: %s is not explained", c.name, d.Field)
			}
			got = append(got, fmt.Sprintf("%s %s %s: %s -> %s", d.Kind, d.Field, d.Device, d.Now, d.Then))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestSilence: what a definition does not say is what libvirt and QEMU make of
// that.
func TestSilence(t *testing.T) {
	silent := parse(t, root)
	for _, c := range []struct{ name, said string }{
		{"topology", "<cpu><topology sockets='1' cores='1' threads='1'/></cpu>"},
		{"CPU", "<cpu mode='custom'><model>qemu64</model></cpu>"},
		{"clock", "<clock offset='utc'/>"},
		{"hpet", "<clock><timer name='hpet' present='yes'/></clock>"},
		{"SMBIOS", "<os><type arch='x86_64' machine='pc-i440fx-5.2'>hvm</type><smbios mode='emulate'/></os>"},
		{"boot", "<os><type arch='x86_64' machine='pc-i440fx-5.2'>hvm</type><boot dev='hd'/></os>"},
		{"life", "<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>"},
	} {
		os := "<os><type arch='x86_64' machine='pc-i440fx-5.2'>hvm</type></os>"
		if strings.Contains(c.said, "<os>") {
			os = ""
		}
		d, err := discover.Parse([]byte("<domain type='kvm'><name>d</name><uuid>"+someUUID+"</uuid><memory>1024</memory>"+
			os+c.said+"<features><acpi/></features><devices>"+root+"</devices></domain>"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := Compare(silent, d); len(diff) > 0 {
			t.Errorf("%s, said or not, is a difference: %+v", c.name, diff)
		}
	}
}

func TestVariables(t *testing.T) {
	d, i := guest()
	d.Firmware.UEFI, i.ImageProperties["hw_firmware_type"] = true, "uefi"
	for major, want := range map[int]string{
		22: "new ones at each rebuild after the first", 30: "new ones at each rebuild after the first",
		31: "new ones at each rebuild after the first, before 31.3.0", 32: "new ones at each rebuild after the first, before 32.2.1", 33: "",
	} {
		got := ""
		for _, one := range Differences(d, i, Config{Major: major}) {
			if one.Field == "firmware_variables" {
				got = one.Then
			}
		}
		if got != want {
			t.Errorf("release %d: variables become %q, want %q", major, got, want)
		}
	}
	d.Firmware.UEFI = false
	if _, ok := variables(d, Config{Major: 22}); ok {
		t.Error("a BIOS guest has no variables to lose")
	}
}

// TestFields: every trait is of a field that is explained, and every field is
// told apart somewhere.
func TestFields(t *testing.T) {
	for i, f := range Fields() {
		if f.Title == "" || f.Why == "" || !strings.HasSuffix(f.Why, ".") {
			t.Errorf("%s is not explained", f.Name)
		}
		if fieldNamed[f.Name] != i {
			t.Errorf("%s is there twice", f.Name)
		}
		if family, _, ok := strings.Cut(f.Name, "."); ok && !slices.ContainsFunc(fields, func(g Field) bool { return g.Name == family }) {
			t.Errorf("%s is a detail of nothing", f.Name)
		}
	}
	d := discover.Domain{
		VirtType: "kvm", Arch: "x86_64", MachineType: "pc", VCPUs: 1, MemoryKiB: 1, HotplugKiB: 1, DirectKernel: "k", OnPoweroff: "x", OnReboot: "x", OnCrash: "x",
		Autostart: true, QEMUCommandline: true, SecurityLabel: "x", CPU: discover.CPU{Features: 1}, TPM: "x", HyperV: []string{"x"},
		Tuning: discover.Tuning{NUMACells: 1, IOThreads: 1}, Hostdevs: []string{"x"}, Filesystems: []string{"x"}, UnknownXML: []string{"x"}, Others: []string{"x"},
		Disks:      []discover.Disk{{Target: "vda", Bus: "virtio", Device: "disk", Serial: "x", ReadOnly: true}, {Target: "vdb", Device: "disk"}},
		Interfaces: []discover.Interface{{MAC: "m", Model: "x", MTU: 1, Queues: 2, LinkDown: true, Filter: "x", Bandwidth: true, PCIAddress: "0000:00:03.0"}, {MAC: "n"}},
		Video:      []string{"vga"}, Graphics: []discover.Graphics{{Type: "vnc"}}, Inputs: []string{"tablet/usb"},
		Layout: discover.NewLayout("feature x\ntimer x\ndisk 0 at=pci:0000:00:04.0\nvideo 0 at=pci:0000:00:02.0\ncontroller usb/0 at=pci:0000:00:01.2\ncontroller pci/1 model=x\n" +
			"memballoon 0 model=virtio autodeflate=on at=pci:0000:00:05.0\nrng 0 at=pci:0000:00:06.0\nserial 0\nconsole 0 target=virtio\nchannel 0 name=x"),
	}
	seen := map[string]bool{"firmware_variables": true} // which no definition tells
	for _, one := range traitsOf(d) {
		seen[one.field] = true
	}
	for _, f := range Fields() {
		if !seen[f.Name] {
			t.Errorf("no trait is of the field %s", f.Name)
		}
		delete(seen, f.Name)
	}
	for name := range seen {
		if name != "firmware_variables" {
			t.Errorf("the field %s is not among Fields", name)
		}
	}
}
