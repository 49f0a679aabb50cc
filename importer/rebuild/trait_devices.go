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
		t.say("disk.address", k.Target, l.at(nth(l.disks, i)))
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
			t.say("video.memory", name, cmp.Or(nth(l.videos, i).Get("vram"), usual)+" KiB")
		}
		t.say("video.address", name, l.at(nth(l.videos, i)))
	}
	for _, g := range d.Graphics {
		t.say("graphics", g.Type, "on")
	}
	inputs := map[string]int{}
	for _, i := range d.Inputs {
		if !strings.HasSuffix(i, "/ps2") { // every PC has those, listed or not
			inputs[i]++
		}
	}
	t.counts("input", inputs)
}

func (t *traits) each(field string, names []string) {
	if len(names) == 0 {
		return
	}
	counted := map[string]int{}
	for _, name := range names {
		counted[name]++
	}
	t.counts(field, counted)
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
