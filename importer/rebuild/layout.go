package rebuild

import (
	"github.com/lightcloud/kvm2openstack/discover"
)

// A layout is discover.Layout taken apart.
type layout struct {
	family  family
	smbios  string
	balloon *discover.LayoutFact

	sysinfo, features, timers, controllers, serials, consoles, channels, rngs, disks, videos []discover.LayoutFact
}

func readLayout(d discover.Domain) layout {
	l := layout{family: familyOf(d.Arch, d.MachineType)}
	for f := range d.Layout.Facts() {
		switch f.Kind {
		case "smbios":
			l.smbios = f.Get("mode")
		case "memballoon":
			l.balloon = &f
		default:
			if list := l.list(f.Kind); list != nil {
				*list = append(*list, f)
			}
		}
	}
	return l
}

func (l *layout) list(kind string) *[]discover.LayoutFact {
	switch kind {
	case "sysinfo":
		return &l.sysinfo
	case "feature":
		return &l.features
	case "timer":
		return &l.timers
	case "controller":
		return &l.controllers
	case "serial":
		return &l.serials
	case "console":
		return &l.consoles
	case "channel":
		return &l.channels
	case "rng":
		return &l.rngs
	case "disk":
		return &l.disks
	case "video":
		return &l.videos
	}
	return nil
}

// nth is what the layout says of one of several devices, nothing where it says
// nothing.
func nth(facts []discover.LayoutFact, i int) discover.LayoutFact {
	if i < len(facts) {
		return facts[i]
	}
	return discover.LayoutFact{}
}

// at is where a device is, as far as libvirt's way of placing it is known.
func (l layout) at(f discover.LayoutFact) string {
	if l.family == otherMachine {
		return ""
	}
	return f.Get("at")
}
