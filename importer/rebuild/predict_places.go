package rebuild

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
)

// pcieModels are the interfaces that are PCI Express devices.
var pcieModels = []string{"e1000e", "igb"}

// nics come first.
func (b *layoutBuilder) nics(p *prediction) {
	for i := range p.Interfaces {
		n := &p.Interfaces[i]
		c := pciDevice
		if n.Model == "virtio" || slices.Contains(pcieModels, n.Model) {
			c = b.virtio
		}
		b.plugs = append(b.plugs, plug{c, &n.PCIAddress})
	}
}

// controllers are those that Nova's definition names, then those that libvirt
// adds for what is plugged into them.
func (b *layoutBuilder) controllers(p *prediction) {
	if model := p.property("hw_scsi_model"); model != "" {
		c := pciDevice
		if model == "virtio-scsi" {
			c = b.virtio
		}
		b.plug(c, "controller scsi/0 model=%s", model)
	}
	b.usb(p)
	if b.family == q35 {
		b.line("controller sata/0").at = slot{slot: 0x1f, function: 2}.String()
	}
	for i := range controllersOf(p.Disks, "sata", 6) {
		if b.family != q35 || i > 0 {
			b.plug(pciDevice, "controller sata/%d", i)
		}
	}
	for i := range controllersOf(p.Disks, "ide", 4) {
		b.line("controller ide/%d", i).at = slot{slot: 1, function: 1}.String()
	}
	if p.AgentChannel {
		b.plug(b.virtio, "controller virtio-serial/0")
	}
}

// usb: since Wallaby Nova leaves the model to libvirt, which takes piix3-uhci,
// or has no controller at all. Before, libvirt added the machine's own.
func (b *layoutBuilder) usb(p *prediction) {
	on := func(bus string) bool {
		return slices.ContainsFunc(p.Disks, func(d discover.Disk) bool { return d.Bus == bus }) ||
			slices.ContainsFunc(p.Inputs, func(i string) bool { return i == "tablet/"+bus || i == "keyboard/"+bus })
	}
	switch {
	case p.config.since(23) && !on("usb"):
		b.line("controller usb/0 model=none")
	case b.family == q35 && !p.config.since(23):
		b.plug(pcieDevice, "controller usb/0 model=qemu-xhci")
	case b.family == q35:
		b.plug(pciDevice, "controller usb/0 model=piix3-uhci")
	default:
		b.line("controller usb/0 model=piix3-uhci").at = slot{slot: 1, function: 2}.String()
	}
}

// controllersOf counts how many controllers the disks of a bus need.
func controllersOf(disks []discover.Disk, bus string, each int) int {
	n := 0
	for _, d := range disks {
		if d.Bus == bus {
			n = max(n, diskIndex(d.Target)/each+1)
		}
	}
	return n
}

func (b *layoutBuilder) disks(p *prediction) {
	for i, d := range p.Disks {
		if d.Bus == "virtio" {
			b.plug(b.virtio, "disk %d", i)
		} else {
			b.line("disk %d", i).at = driveOf(p, d)
		}
	}
}

// driveOf is where a disk is on its controller: by its name, but on
// virtio-scsi, where Nova counts them as they are recorded.
func driveOf(p *prediction, d discover.Disk) string {
	n := diskIndex(d.Target)
	if n < 0 {
		return ""
	}
	switch d.Bus {
	case "ide":
		return fmt.Sprintf("drive:%d:%d:0:%d", n/4, n%4/2, n%2)
	case "sata":
		return fmt.Sprintf("drive:%d:0:0:%d", n/6, n%6)
	case "fdc":
		return fmt.Sprintf("drive:%d:0:0:%d", n/2, n%2)
	case "scsi":
		if p.property("hw_scsi_model") == "virtio-scsi" {
			return fmt.Sprintf("drive:0:0:0:%d", unitOf(p, d))
		}
		unit := n % 15
		if unit >= 7 { // where the controller itself is
			unit++
		}
		return fmt.Sprintf("drive:%d:0:0:%d", n/15, unit)
	}
	return ""
}

func unitOf(p *prediction, d discover.Disk) int {
	unit := 0
	for _, r := range p.records.Disks {
		if r.Device == "/dev/"+d.Target {
			break
		}
		if r.Bus == "scsi" {
			unit++
		}
	}
	return unit
}

// rest are the devices that come after the disks.
func (b *layoutBuilder) rest(p *prediction) {
	options := ""
	if p.config.since(32) {
		options = " autodeflate=on freePageReporting=on"
	}
	b.plug(b.virtio, "memballoon 0 model=virtio%s", options)
	if p.RNG {
		b.plug(b.virtio, "rng 0 model=virtio")
	}
	if slices.Contains(p.Others, "watchdog i6300esb") {
		b.plugs = append(b.plugs, plug{pciDevice, new(string)})
	}
	if model := p.Video[0]; model != "none" {
		b.video = b.line("video 0 type=%s vram=%s", model, cmp.Or(vram[model], "0"))
	}
	for _, i := range p.Inputs {
		if i == "tablet/virtio" || i == "keyboard/virtio" {
			b.plugs = append(b.plugs, plug{b.virtio, new(string)})
		}
	}
	b.line("serial 0 target=isa-serial")
	b.line("console 0 target=serial")
	if p.AgentChannel {
		b.line("channel 0 target=virtio name=org.qemu.guest_agent.0")
	}
	b.ports = p.config.PCIePorts
}

// place gives out the addresses.
func (b *layoutBuilder) place() {
	var video *string
	if b.video != nil {
		video = &b.video.at
	}
	ports := 0
	if b.family == q35 {
		ports = b.ports
	}
	for i, one := range layOut(b.family, ports, video, b.plugs) {
		b.line("controller pci/%d model=%s", i, one.model)
	}
}
