package rebuild

import (
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A layout is discover.Layout taken apart.
type layout struct {
	family  family
	smbios  string
	sysinfo []discover.LayoutFact
	places  map[string]string // "disk 0" -> pci:0000:00:05.0
	options map[string]string // "video 0 vram" -> 16384

	features, timers, controllers, serials, consoles, channels, rngs []discover.LayoutFact
	balloon                                                          *discover.LayoutFact
}

func readLayout(d discover.Domain) layout {
	l := layout{family: familyOf(d.Arch, d.MachineType), places: map[string]string{}}
	lists := map[string]*[]discover.LayoutFact{
		"sysinfo": &l.sysinfo, "feature": &l.features, "timer": &l.timers, "controller": &l.controllers,
		"serial": &l.serials, "console": &l.consoles, "channel": &l.channels, "rng": &l.rngs,
	}
	l.options = map[string]string{}
	for f := range d.Layout.Facts() {
		if list := lists[f.Kind]; list != nil {
			*list = append(*list, f)
		}
		switch f.Kind {
		case "smbios":
			l.smbios = f.Get("mode")
		case "memballoon":
			l.balloon = &f
		case "video":
			l.options["vram "+f.Name] = f.Get("vram")
		}
		l.places[f.Kind+" "+f.Name] = f.Get("at")
	}
	return l
}

// at is where a device is, as far as libvirt's way of placing it is known.
func (l layout) at(device string) string {
	if l.family == otherMachine {
		return ""
	}
	return strings.Replace(l.places[device], "drive:", "drive ", 1)
}
