package discover

import intern "unique" // a function here has the name

// share has d use the same text as others for what most domains say alike:
// parsing makes one of its own of every "virtio", and a hundred thousand
// domains are held at once.
func (d *Domain) share() {
	common(&d.VirtType, &d.Arch, &d.MachineType, &d.Emulator, &d.ClockOffset, &d.OnPoweroff, &d.OnReboot, &d.OnCrash,
		&d.LibosinfoID, &d.SecurityLabel, &d.CPU.Mode, &d.CPU.Model,
		&d.Firmware.Loader, &d.Firmware.NVRAMPattern, &d.Guest.Name)
	for i := range d.Disks {
		k := &d.Disks[i]
		common(&k.Target, &k.Bus, &k.Device, &k.Type, &k.Format, &k.Protocol, &k.Cache)
	}
	for i := range d.Interfaces {
		n := &d.Interfaces[i]
		common(&n.Type, &n.Model, &n.Bridge, &n.Network, &n.PortGroup, &n.NetworkBridge, &n.SourceDev, &n.SourceMode, &n.VirtualPort, &n.Filter, &n.PCIAddress)
	}
	for i := range d.Graphics {
		common(&d.Graphics[i].Type, &d.Graphics[i].Listen)
	}
	for _, list := range [][]string{d.HyperV, d.Timers, d.Video, d.Consoles, d.Inputs, d.BootDevices, d.Others, d.Guest.Evidence} {
		for i := range list {
			common(&list[i])
		}
	}
}

// common puts one text in the place of all that are equal.
func common(texts ...*string) {
	for _, s := range texts {
		if *s != "" {
			*s = intern.Make(*s).Value()
		}
	}
}
