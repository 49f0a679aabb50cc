package rebuild

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

func (t *traits) disks(d discover.Domain, l layout) {
	var order []string
	for i, k := range d.Disks {
		t.say("disk", k.Target, k.Device)
		t.say("disk.bus", k.Target, k.Bus)
		t.say("disk.address", k.Target, l.at("disk "+strconv.Itoa(i)))
		t.say("disk.serial", k.Target, k.Serial)
		t.say("disk.cache", k.Target, cmp.Or(k.Cache, "default"))
		t.say("disk.options", k.Target, strings.Join(diskOptions(k), ", "))
		if k.Device == "disk" || k.Device == "lun" {
			order = append(order, k.Target)
		}
	}
	if len(order) > 1 {
		t.say("disk_order", "", strings.Join(order, ", "))
	}
}

func diskOptions(k discover.Disk) []string {
	out := slices.Clone(k.Options)
	for _, flag := range []struct {
		on   bool
		name string
	}{
		{k.Device != "cdrom" && k.ReadOnly, "readonly"}, {k.Shareable, "shareable"}, {k.Transient, "transient"},
		{k.Encrypted, "encrypted"}, {k.Throttled, "throttled"},
	} {
		if flag.on {
			out = append(out, flag.name)
		}
	}
	return out
}

func (t *traits) nics(d discover.Domain) {
	var order []string
	for _, n := range d.Interfaces {
		kind := "emulated"
		if n.Type == "hostdev" {
			kind = "passed through"
		}
		t.say("nic", n.MAC, kind)
		if n.Type != "hostdev" {
			t.say("nic.model", n.MAC, cmp.Or(n.Model, "rtl8139"))
		}
		if familyOf(d.Arch, d.MachineType) != otherMachine && n.PCIAddress != "" {
			t.say("nic.address", n.MAC, "pci:"+n.PCIAddress)
		}
		if n.MTU > 0 {
			t.say("nic.mtu", n.MAC, fmt.Sprint(n.MTU))
		}
		if n.Queues > 1 {
			t.say("nic.queues", n.MAC, fmt.Sprint(n.Queues))
		}
		t.say("nic.options", n.MAC, strings.Join(nicOptions(n), ", "))
		t.say("nic.filter", n.MAC, n.Filter)
		t.sayIf(n.Bandwidth, "nic.bandwidth", n.MAC)
		order = append(order, n.MAC)
	}
	if len(order) > 1 {
		t.say("nic_order", "", strings.Join(order, ", "))
	}
}

func nicOptions(n discover.Interface) []string {
	out := slices.Clone(n.DriverOpts)
	if n.LinkDown {
		out = append(out, "link down")
	}
	if n.Teaming != "" {
		out = append(out, "teaming "+n.Teaming)
	}
	return out
}

// vram is what libvirt gives an adapter where nobody asks for more, in KiB
// (virDomainVideoDefaultRAM).
var vram = map[string]string{"vga": "16384", "cirrus": "16384", "vmvga": "16384", "bochs": "16384", "qxl": "65536"}

func (t *traits) displays(d discover.Domain, l layout) {
	for i, model := range d.Video {
		if model == "none" {
			continue
		}
		name := strconv.Itoa(i)
		t.say("video", name, model)
		if usual := vram[model]; usual != "" {
			t.say("video.memory", name, cmp.Or(l.options["vram "+name], usual)+" KiB")
		}
		t.say("video.address", name, l.at("video "+name))
	}
	for _, g := range d.Graphics {
		value := "on"
		if g.Password {
			value = "with a password"
		}
		t.say("graphics", g.Type, value)
	}
	inputs := map[string]int{}
	for _, i := range d.Inputs {
		if !strings.HasSuffix(i, "/ps2") { // every PC has those, listed or not
			inputs[i]++
		}
	}
	t.counts("input", inputs)
}

// counts says how many there are of each, in the order of the names.
func (t *traits) counts(field string, counted map[string]int) {
	var names []string
	for name := range counted {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t.say(field, name, strconv.Itoa(counted[name]))
	}
}

// ports are those for characters.
func (t *traits) ports(d discover.Domain, l layout) {
	for _, f := range l.serials {
		t.say("serial", f.Name, cmp.Or(f.Get("target"), "isa-serial"))
	}
	for _, f := range l.consoles {
		if target := cmp.Or(f.Get("target"), "serial"); target != "serial" { // the serial port by another name
			t.say("console", f.Name, target)
		}
	}
	for _, f := range l.channels {
		t.say("channel", cmp.Or(f.Get("name"), "com.redhat.spice.0"), cmp.Or(f.Get("target"), "virtio"))
	}
}

// controllers are those that do not follow from the machine type.
func (t *traits) controllers(l layout) {
	if l.family == otherMachine {
		return
	}
	bridges, usb := map[string]int{}, map[string][]string{}
	for _, f := range l.controllers {
		kind, index, _ := strings.Cut(f.Name, "/")
		model := f.Get("model")
		switch {
		case kind == "pci" && index != "0":
			bridges[model]++
		case kind == "usb" && model != "none":
			if usb[f.Name] == nil {
				t.say("controller", f.Name, usbModels(l, f.Name))
				t.say("controller.address", f.Name, l.at("controller "+f.Name))
			}
			usb[f.Name] = append(usb[f.Name], model)
		case kind == "scsi", kind == "virtio-serial", kind == "sata" && (l.family != q35 || index != "0"), kind == "ide" && index != "0":
			t.say("controller", f.Name, cmp.Or(model, kind))
			t.say("controller.address", f.Name, l.at("controller "+f.Name))
		}
	}
	t.counts("pci_bridge", bridges)
}

// usbModels: a USB 2 controller is several with one index.
func usbModels(l layout, name string) string {
	var models []string
	for _, f := range l.controllers {
		if f.Name == name {
			models = append(models, cmp.Or(f.Get("model"), "piix3-uhci"))
		}
	}
	return strings.Join(models, ", ")
}

// others are devices that a guest has besides.
func (t *traits) others(d discover.Domain, l layout) {
	model, options := "virtio", []string{}
	if l.balloon != nil {
		model = cmp.Or(l.balloon.Get("model"), "virtio")
		for _, o := range []string{"autodeflate", "freePageReporting"} {
			if l.balloon.Get(o) == "on" {
				options = append(options, o)
			}
		}
	}
	if model != "none" {
		t.say("balloon", "", model)
		t.say("balloon.options", "", strings.Join(options, ", "))
		t.say("balloon.address", "", l.at("memballoon 0"))
	}
	for _, f := range l.rngs {
		t.say("rng", f.Name, cmp.Or(f.Get("model"), "virtio"))
		t.say("rng.address", f.Name, l.at("rng "+f.Name))
	}
	t.say("tpm", "", d.TPM)
	counted := map[string]int{}
	for _, o := range d.Others {
		// Channels are told with their ports; the watchdog is a part of every q35.
		if !strings.HasPrefix(o, "channel ") && o != "watchdog itco" {
			counted[o]++
		}
	}
	t.counts("device", counted)
	for field, names := range map[string][]string{"hostdev": d.Hostdevs, "filesystem": d.Filesystems, "unknown": d.UnknownXML} {
		counted := map[string]int{}
		for _, name := range names {
			counted[name]++
		}
		t.counts(field, counted)
	}
}
