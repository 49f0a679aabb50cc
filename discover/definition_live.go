package discover

import (
	"net"

	"libvirt.org/go/libvirtxml"
)

// addLive adds to d what only exists while it runs. What the live definition
// says of anything else is not taken: it may differ from the inactive one
// until the next start, and the inactive one is what a start will use.
func (d *Domain) addLive(t *libvirtxml.Domain, types map[string][]string) {
	if t.OS != nil && t.OS.NVRam != nil {
		d.Firmware.NVRAMLive = nvramPath(t.OS.NVRam)
	}
	var live Domain
	if t.VCPU != nil && live.setVCPUs(t) == nil && live.VCPUs != d.VCPUs {
		d.VCPUsLive = live.VCPUs
	}
	if t.Devices == nil {
		return
	}
	for i := range t.Devices.Disks {
		d.addLiveDisk(&t.Devices.Disks[i])
	}
	for i := range t.Devices.Interfaces {
		d.addLiveInterface(&t.Devices.Interfaces[i])
	}
	for _, c := range t.Devices.Channels {
		if channelName(c) == agentName && c.Target.VirtIO.State == "connected" {
			d.AgentConnected = true
		}
	}
	d.addLiveGraphics(graphics(t.Devices.Graphics, types["graphics"]))
}

func (d *Domain) addLiveDisk(in *libvirtxml.DomainDisk) {
	d.BlockJob = d.BlockJob || in.Mirror != nil
	if in.Target == nil {
		return
	}
	for i := range d.Disks {
		if d.Disks[i].Target != in.Target.Dev {
			continue
		}
		if chain := backingChain(in.BackingStore); len(chain) > 0 {
			d.Disks[i].Backing = chain
		}
	}
}

func (d *Domain) addLiveInterface(in *libvirtxml.DomainInterface) {
	if in.MAC == nil {
		return
	}
	mac, err := net.ParseMAC(in.MAC.Address)
	if err != nil {
		return // no interface of d has such an address: nic refuses it
	}
	for i := range d.Interfaces {
		n := &d.Interfaces[i]
		if n.MAC != mac.String() {
			continue
		}
		if in.Target != nil {
			n.Target = in.Target.Dev
		}
		if in.Source != nil && in.Source.Network != nil && in.Source.Network.Bridge != "" {
			n.NetworkBridge = in.Source.Network.Bridge
		}
	}
}

// addLiveGraphics takes the port and address in use. Devices cannot be told
// apart but by their kind and order.
func (d *Domain) addLiveGraphics(live []Graphics) {
	for i, g := range live {
		if i >= len(d.Graphics) || d.Graphics[i].Type != g.Type {
			return
		}
		if g.Port > 0 {
			d.Graphics[i].Port = g.Port
		}
		d.Graphics[i].Listen = orElse(g.Listen, d.Graphics[i].Listen)
		d.Graphics[i].Password = d.Graphics[i].Password || g.Password
	}
}
