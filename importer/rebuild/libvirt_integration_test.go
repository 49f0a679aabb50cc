//go:build integration

package rebuild

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

// What Nova leaves to libvirt: addresses, controllers, the model of the USB
// controller.
var leftToLibvirt = []struct{ find, put string }{
	{`(?m)^\s*<address [^>]*/>\n`, ""},
	{`(?ms)^\s*<controller type='(?:pci|sata|ide|virtio-serial)'[^>]*/>\n`, ""},
	{`(?ms)^\s*<controller type='(?:pci|sata|ide|virtio-serial)'[^>]*>\s*</controller>\n`, ""},
	{`(<controller type='usb' index='0') model='(?:piix3-uhci|qemu-xhci)'`, "$1"},
	{`(?m)^\s*<input [^>]*bus='ps2'/>\n`, ""},
	{`(?m)^\s*<console .*\n(?:.*\n)?\s*</console>\n`, ""},
	{`(<model type='[a-z]+') vram='[0-9]+'`, "$1"},
	{`(<mac [^>]*>)`, "$1<source bridge='br-int'/>"},
	{`(?s)<disk .*</disk>\n`, "DISKS\n"},
}

// TestLibvirtAgrees has a real libvirt complete what Nova would hand it, and
// compares with what was foretold: addresses, order, controllers, defaults.
func TestLibvirtAgrees(t *testing.T) {
	socket := os.Getenv("K2O_TEST_LIBVIRT_SOCKET")
	if socket == "" {
		t.Fatal("K2O_TEST_LIBVIRT_SOCKET is not set; run testdata/services/with.sh go test -tags integration ./importer/rebuild/")
	}
	n := 0
	for _, machine := range []string{"pc-i440fx-5.2", "pc-q35-5.2"} {
		all := shapes(machine)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			in := all[name]
			n++
			t.Run(machine+" "+name, func(t *testing.T) {
				now := discover.Domain{
					Name: "rebuild", UUID: fmt.Sprintf("6c656700-0000-4000-8000-%012d", n), VirtType: "qemu", Arch: "x86_64", MachineType: machine,
				}
				in.UUID = now.UUID
				for _, c := range []Config{{Major: 22}, {Major: 26}, {Major: 31}, {Major: newest}, {Major: 26, PCIePorts: 6}} {
					c.CPUMode = "none"
					then := Predict(now, in, c)
					got, err := discover.Parse(completedByLibvirt(t, socket, then, in, c), nil)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(told(then), told(got)); diff != "" {
						t.Errorf("%+v (-foretold +libvirt):\n%s", c, diff)
					}
				}
			})
		}
	}
}

// told are the traits in words, for a diff that can be read.
func told(d discover.Domain) (lines []string) {
	for _, t := range traitsOf(d) {
		lines = append(lines, strings.Join([]string{t.field, t.device, t.value}, " | "))
	}
	return lines
}

func completedByLibvirt(t *testing.T, socket string, d discover.Domain, in nova.Instance, c Config) []byte {
	t.Helper()
	text := Definition(d)
	for _, r := range leftToLibvirt {
		text = regexp.MustCompile(r.find).ReplaceAllString(text, r.put)
	}
	text = strings.Replace(text, "DISKS", recordedDisks(in), 1)
	if c.PCIePorts > 0 && strings.Contains(d.MachineType, "q35") {
		ports := "<controller type='pci' model='pcie-root'/>" + strings.Repeat("<controller type='pci' model='pcie-root-port'/>", c.PCIePorts)
		text = strings.Replace(text, "</devices>", ports+"</devices>", 1)
	}
	if c.Major < 23 {
		text = regexp.MustCompile(`(?m)^\s*<controller type='usb'.*/>\n`).ReplaceAllString(text, "")
		text = regexp.MustCompile(`(?m)^\s*<controller type='usb'.*>\n\s*</controller>\n`).ReplaceAllString(text, "")
	}
	file := filepath.Join(t.TempDir(), "domain.xml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	uri := "qemu:///system?socket=" + socket
	virsh(t, uri, text, "define", file)
	defer virsh(t, uri, text, "undefine", "--nvram", d.UUID)
	return virsh(t, uri, text, "dumpxml", "--inactive", d.UUID)
}

// recordedDisks are as Nova writes them, in its own order and with the units
// that it gives to disks on virtio-scsi.
func recordedDisks(in nova.Instance) string {
	var b strings.Builder
	unit := 0
	for _, d := range in.Disks {
		fmt.Fprintf(&b, "<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='/none%s'/><target bus='%s' dev='%s'/>",
			d.Device, d.Bus, strings.TrimPrefix(d.Device, "/dev/"))
		if d.Bus == "scsi" && in.ImageProperties["hw_scsi_model"] == "virtio-scsi" {
			fmt.Fprintf(&b, "<address type='drive' controller='0' unit='%d'/>", unit)
			unit++
		}
		b.WriteString("</disk>\n")
	}
	return b.String()
}

func virsh(t *testing.T, uri, text string, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("virsh", append([]string{"-q", "-c", uri}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("virsh %v: %v\n%s\n%s", args, err, &stderr, text)
	}
	return out
}

// shapes are records of all kinds of hardware.
func shapes(machine string) map[string]nova.Instance {
	isQ35 := strings.Contains(machine, "q35")
	disk := func(device, bus string) nova.BlockDevice { return nova.BlockDevice{Device: "/dev/" + device, Bus: bus} }
	all := map[string]nova.Instance{}
	add := func(name, nic string, nics int, properties map[string]string, disks ...nova.BlockDevice) {
		i := nova.Instance{Flavor: nova.Flavor{VCPUs: 4, MemoryMB: 512}, Disks: disks, ImageProperties: map[string]string{
			"hw_machine_type": machine, "hw_vif_model": nic, "hw_video_model": "vga", "hw_input_bus": "usb",
		}}
		for name, value := range properties {
			i.ImageProperties[name] = value
		}
		for n := range nics {
			i.Ports = append(i.Ports, nova.Port{MAC: fmt.Sprintf("52:54:00:00:00:%02x", n+1), MTU: 1500})
		}
		all[name] = i
	}
	add("one virtio disk", "virtio", 1, nil, disk("vda", "virtio"))
	add("no interface", "virtio", 0, nil, disk("vda", "virtio"))
	add("e1000", "e1000", 2, nil, disk("vda", "virtio"))
	add("e1000e", "e1000e", 2, nil, disk("vda", "virtio"))
	add("rtl8139 and sata", "rtl8139", 1, nil, disk("sda", "sata"), disk("sdb", "sata"))
	add("many sata", "virtio", 1, nil, disk("sda", "sata"), disk("sdf", "sata"), disk("sdg", "sata"), disk("sdh", "sata"))
	add("agent", "virtio", 1, map[string]string{"hw_qemu_guest_agent": "yes"}, disk("vda", "virtio"))
	add("names against the order", "virtio", 1, nil, disk("vdc", "virtio"), disk("vda", "virtio"), disk("vdb", "virtio"), disk("vdaa", "virtio"))
	add("buses mixed", "virtio", 1, nil, disk("vdb", "virtio"), disk("sda", "sata"), disk("vda", "virtio"), disk("sdb", "sata"))
	add("virtio-scsi", "virtio", 1, map[string]string{"hw_scsi_model": "virtio-scsi"}, disk("sdb", "scsi"), disk("sda", "scsi"), disk("sdc", "scsi"))
	add("lsilogic", "virtio", 1, map[string]string{"hw_scsi_model": "lsilogic"}, disk("sda", "scsi"), disk("sdb", "scsi"))
	add("no video", "virtio", 1, map[string]string{"hw_video_model": "none"}, disk("vda", "virtio"))
	add("virtio input", "virtio", 1, map[string]string{"hw_input_bus": "virtio"}, disk("vda", "virtio"))
	add("watchdog", "virtio", 1, map[string]string{"hw_watchdog_action": "reset"}, disk("vda", "virtio"))
	add("usb disk", "virtio", 1, map[string]string{"hw_input_bus": "virtio"}, disk("vda", "virtio"), disk("sda", "usb"))
	add("topology", "virtio", 1, map[string]string{"hw_cpu_sockets": "1", "hw_cpu_cores": "2", "hw_cpu_threads": "2"}, disk("vda", "virtio"))
	add("eight interfaces", "virtio", 8, nil, disk("vda", "virtio"), disk("vdb", "virtio"))
	for _, model := range []string{"cirrus", "qxl", "virtio", "vmvga", "bochs"} {
		add("video "+model, "virtio", 1, map[string]string{"hw_video_model": model}, disk("vda", "virtio"))
	}
	var many []nova.BlockDevice
	for c := 'a'; c <= 'z'; c++ {
		many = append(many, disk("vd"+string(c), "virtio"))
	}
	add("a slot left on the bus", "virtio", 1, nil, many[:25]...)
	add("no slot left on the bus", "virtio", 1, nil, many...)
	add("more than a bus holds", "virtio", 4, nil, many...)
	add("many conventional", "e1000", 5, map[string]string{"hw_qemu_guest_agent": "yes"}, many...)
	if !isQ35 {
		add("ide", "rtl8139", 1, nil, disk("hda", "ide"), disk("hdc", "ide"), disk("hdb", "ide"))
		add("ide and virtio", "pcnet", 1, nil, disk("hda", "ide"), disk("vda", "virtio"))
	}
	return all
}
