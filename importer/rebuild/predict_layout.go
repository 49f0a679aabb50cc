package rebuild

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// layout is what libvirt makes of the devices that are there by now.
func (p *prediction) layout() discover.Layout {
	b := &layoutBuilder{family: familyOf(p.Arch, p.MachineType)}
	b.virtio = pciDevice
	if b.family == q35 {
		b.virtio = pcieDevice
	}
	p.platform(b)
	b.nics(p)
	b.controllers(p)
	b.disks(p)
	b.rest(p)
	text := b.text()
	for i := range p.Interfaces {
		p.Interfaces[i].PCIAddress = strings.TrimPrefix(p.Interfaces[i].PCIAddress, "pci:")
	}
	return discover.NewLayout(text)
}

// A layoutBuilder has the lines of a layout; those of devices are in the order
// in which libvirt gives out addresses.
type layoutBuilder struct {
	family family
	virtio connection // what a virtio device is plugged into
	lines  []*layoutLine
	plugs  []plug
	video  *layoutLine
	ports  int // PCI Express root ports that Nova adds
}

type layoutLine struct{ text, at string }

func (b *layoutBuilder) line(format string, args ...any) *layoutLine {
	l := &layoutLine{text: fmt.Sprintf(format, args...)}
	b.lines = append(b.lines, l)
	return l
}

// plug adds a device that wants an address.
func (b *layoutBuilder) plug(c connection, format string, args ...any) {
	b.plugs = append(b.plugs, plug{c, &b.line(format, args...).at})
}

// text gives out the addresses, and has all lines.
func (b *layoutBuilder) text() string {
	if b.family != otherMachine {
		b.place()
	}
	var all []string
	for _, l := range b.lines {
		if l.at != "" {
			l.text += " at=" + l.at
		}
		all = append(all, l.text)
	}
	return strings.Join(all, "\n")
}

// platform is what is not a device. Only x86 has SMBIOS.
func (p *prediction) platform(b *layoutBuilder) {
	if p.x86() {
		b.line("smbios mode=sysinfo")
		for _, e := range [][2]string{
			{"manufacturer", "OpenStack Foundation"}, {"product", "OpenStack Nova"},
			{"serial", p.UUID}, {"uuid", p.UUID}, {"family", "Virtual Machine"},
		} {
			b.line("sysinfo system/%s value=%s", e[0], quoted(e[1]))
		}
	}
	b.line("feature apic")
	if p.config.since(24) {
		b.line("feature vmcoreinfo state=on")
	}
	if p.Firmware.SecureBoot {
		b.line("feature smm state=on")
	}
	if v := p.property("hw_pmu"); v != "" {
		b.line("feature pmu state=%s", map[bool]string{true: "on", false: "off"}[p.yes("hw_pmu")])
	}
	if p.yes("img_hide_hypervisor_id") {
		b.line("feature kvm/hidden state=on")
	}
	p.timers(b)
}

func quoted(s string) string {
	if strings.Contains(s, " ") {
		return strconv.Quote(s)
	}
	return s
}

func (p *prediction) timers(b *layoutBuilder) {
	if p.VirtType != "kvm" {
		return
	}
	b.line("timer pit tickpolicy=delay")
	b.line("timer rtc tickpolicy=catchup")
	if p.x86() {
		b.line("timer hpet present=%s", map[bool]string{true: "yes", false: "no"}[p.yes("hw_time_hpet")])
	}
	if p.windows() {
		b.line("timer hypervclock present=yes")
	}
}
