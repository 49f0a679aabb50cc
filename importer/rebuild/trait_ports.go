package rebuild

import (
	"cmp"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

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
	bridges, usb := map[string]int{}, map[string]bool{}
	for _, f := range l.controllers {
		kind, index, _ := strings.Cut(f.Name, "/")
		model := f.Get("model")
		switch {
		case kind == "pci" && index != "0":
			bridges[model]++
		case kind == "usb" && model != "none":
			if !usb[f.Name] {
				t.say("controller", f.Name, usbModels(l, f.Name))
				t.say("controller.address", f.Name, l.at(f))
			}
			usb[f.Name] = true
		case kind == "scsi", kind == "virtio-serial", kind == "sata" && (l.family != q35 || index != "0"), kind == "ide" && index != "0":
			t.say("controller", f.Name, cmp.Or(model, kind))
			t.say("controller.address", f.Name, l.at(f))
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
		if l.balloon != nil {
			t.say("balloon.address", "", l.at(*l.balloon))
		}
	}
	for _, f := range l.rngs {
		t.say("rng", f.Name, cmp.Or(f.Get("model"), "virtio"))
		t.say("rng.address", f.Name, l.at(f))
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
	t.each("hostdev", d.Hostdevs)
	t.each("filesystem", d.Filesystems)
	t.each("unknown", d.UnknownXML)
}
