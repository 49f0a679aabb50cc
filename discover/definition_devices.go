package discover

import (
	"fmt"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// agentName is the channel that qemu-guest-agent listens on by default.
const agentName = "org.qemu.guest_agent.0"

// setDevices converts everything below <devices>.
func (d *Domain) setDevices(in *libvirtxml.DomainDeviceList, types map[string][]string) (err error) {
	if in == nil {
		in = &libvirtxml.DomainDeviceList{}
	}
	d.Emulator = strings.TrimSpace(in.Emulator)
	d.Disks = disks(in.Disks, types["disk"])
	if d.Interfaces, err = interfaces(in.Interfaces, types["interface"]); err != nil {
		return err
	}
	d.Graphics = graphics(in.Graphics, types["graphics"])
	d.Video, d.Inputs = []string{}, []string{}
	for _, v := range in.Videos {
		d.Video = append(d.Video, v.Model.Type)
	}
	for _, i := range in.Inputs {
		d.Inputs = append(d.Inputs, joined("/", i.Type, i.Bus))
	}
	d.Consoles = []string{}
	for _, kind := range []string{"serial", "console"} {
		for _, typ := range types[kind] {
			d.Consoles = append(d.Consoles, kind+":"+orElse(typ, "pty"))
		}
	}
	d.Hostdevs = hostdevs(in.Hostdevs, types["hostdev"])
	d.Filesystems = filesystems(in.Filesystems)
	d.TPM = tpm(in.TPMs)
	d.RNG = len(in.RNGs) > 0
	d.Controllers = []Controller{}
	for _, c := range in.Controllers {
		if c.Type == "scsi" {
			d.Controllers = append(d.Controllers, Controller{Type: c.Type, Index: value(c.Index), Model: c.Model})
		}
	}
	for _, c := range in.Channels {
		d.AgentChannel = d.AgentChannel || channelName(c) == agentName
	}
	d.Others = append(d.Others, others(in, types)...)
	return nil
}

// graphics converts without the password: only whether there is one.
func graphics(in []libvirtxml.DomainGraphic, types []string) []Graphics {
	out := make([]Graphics, 0, len(in))
	for i, g := range in {
		o := Graphics{Type: nth(types, i)}
		switch {
		case g.VNC != nil:
			o.Port, o.AutoPort = g.VNC.Port, g.VNC.AutoPort == "yes"
			o.Listen = listen(g.VNC.Listen, g.VNC.Listeners, g.VNC.Socket)
			o.Password = g.VNC.Passwd != "" || g.VNC.PasswdValidTo != ""
		case g.Spice != nil:
			o.Port, o.AutoPort = g.Spice.Port, g.Spice.AutoPort == "yes"
			o.Listen = listen(g.Spice.Listen, g.Spice.Listeners, "")
			o.Password = g.Spice.Passwd != "" || g.Spice.PasswdValidTo != ""
		case g.RDP != nil:
			o.Port, o.AutoPort = g.RDP.Port, g.RDP.AutoPort == "yes"
			o.Listen = listen(g.RDP.Listen, g.RDP.Listeners, "")
			o.Password = g.RDP.Passwd != ""
		}
		out = append(out, o)
	}
	return out
}

// listen is the address, or the socket, or "network NAME".
func listen(address string, all []libvirtxml.DomainGraphicListener, socket string) string {
	for _, l := range all {
		switch {
		case l.Address != nil:
			address = orElse(address, l.Address.Address)
		case l.Socket != nil:
			socket = orElse(socket, l.Socket.Socket)
		case l.Network != nil:
			address = orElse(address, orElse(l.Network.Address, "network "+l.Network.Network))
		}
	}
	return orElse(address, socket)
}

func channelName(c libvirtxml.DomainChannel) string {
	if c.Target != nil && c.Target.VirtIO != nil {
		return c.Target.VirtIO.Name
	}
	return ""
}

func filesystems(in []libvirtxml.DomainFilesystem) []string {
	out := []string{}
	for _, f := range in {
		kind, from, to := "9p", "", ""
		if f.Driver != nil && (f.Driver.Type == "virtiofs" || f.Driver.Type == "mtp") {
			kind = f.Driver.Type
		}
		switch s := f.Source; {
		case s == nil:
		case s.Mount != nil:
			from = orElse(s.Mount.Dir, s.Mount.Socket)
		case s.Block != nil:
			from = s.Block.Dev
		case s.File != nil:
			from = s.File.File
		case s.Volume != nil:
			from = s.Volume.Pool + "/" + s.Volume.Volume
		}
		if f.Target != nil {
			to = f.Target.Dir
		}
		out = append(out, fmt.Sprintf("%s %s -> %s", kind, from, to))
	}
	return out
}

func tpm(in []libvirtxml.DomainTPM) string {
	if len(in) == 0 {
		return ""
	}
	t, backend, version := in[0], "", ""
	if b := t.Backend; b != nil {
		switch {
		case b.Passthrough != nil:
			backend = "passthrough"
		case b.Emulator != nil:
			backend, version = "emulator", b.Emulator.Version
		case b.External != nil:
			backend = "external"
		}
	}
	return joined(" ", orElse(t.Model, "tpm"), backend, version)
}

// others are the devices that Nova has no word for and would drop.
func others(in *libvirtxml.DomainDeviceList, types map[string][]string) []string {
	var out []string
	for _, s := range in.Sounds {
		out = append(out, joined(" ", "sound", s.Model))
	}
	for _, w := range in.Watchdogs {
		out = append(out, joined(" ", "watchdog", w.Model))
	}
	for _, r := range in.RedirDevs {
		out = append(out, joined(" ", "redirdev", r.Bus))
	}
	for _, typ := range types["parallel"] {
		out = append(out, "parallel "+orElse(typ, "pty"))
	}
	for _, m := range in.Memorydevs {
		out = append(out, joined(" ", "memory", m.Model))
	}
	for _, c := range in.Channels {
		if name := channelName(c); name != agentName && !strings.HasPrefix(name, "com.redhat.spice.") {
			out = append(out, joined(" ", "channel", name))
		}
	}
	for _, kind := range []string{"shmem", "vsock", "smartcard", "panic", "crypto", "iommu", "lease", "pstore"} {
		for range types[kind] {
			out = append(out, kind)
		}
	}
	return out
}

// joined joins what is there.
func joined(sep string, parts ...string) string {
	var have []string
	for _, p := range parts {
		if p != "" {
			have = append(have, p)
		}
	}
	return strings.Join(have, sep)
}
