package rebuild

import (
	"cmp"
	"strings"
)

func (w *writer) disks() {
	for i, k := range w.d.Disks {
		w.device("<disk type='file' device='disk'", "disk", nth(w.l.disks, i).Get("at"),
			with("<driver name='qemu' type='%s' cache='%s'/>", k.Format, k.Cache),
			with("<target dev='%s' bus='%s'/>", k.Target, k.Bus))
	}
}

func (w *writer) controllers() {
	for _, f := range w.l.controllers {
		kind, index, _ := strings.Cut(f.Name, "/")
		tag := with("<controller type='%s' index='%s'", kind, index)
		if m := f.Get("model"); m != "" {
			tag += with(" model='%s'", m)
		}
		w.device(tag, "controller", f.Get("at"))
	}
}

func (w *writer) interfaces() {
	for _, n := range w.d.Interfaces {
		inside := []string{with("<mac address='%s'/>", n.MAC), with("<model type='%s'/>", n.Model)}
		if n.Queues > 0 {
			inside = append(inside, with("<driver name='vhost' queues='%d'/>", n.Queues))
		}
		if n.MTU > 0 {
			inside = append(inside, with("<mtu size='%d'/>", n.MTU))
		}
		at := ""
		if n.PCIAddress != "" {
			at = "pci:" + n.PCIAddress
		}
		w.device("<interface type='bridge'", "interface", at, inside...)
	}
}

func (w *writer) console() {
	w.device("<serial type='pty'", "serial", "", "<target type='isa-serial' port='0'/>")
	w.device("<console type='pty'", "console", "", "<target type='serial' port='0'/>")
	if w.d.AgentChannel {
		w.device("<channel type='unix'", "channel", "", "<target type='virtio' name='org.qemu.guest_agent.0'/>")
	}
	for _, i := range w.d.Inputs {
		kind, bus, _ := strings.Cut(i, "/")
		w.line("<input type='%s' bus='%s'/>", kind, bus)
	}
}

func (w *writer) display() {
	for _, g := range w.d.Graphics {
		w.line("<graphics type='%s' port='-1' autoport='yes' listen='%s'/>", g.Type, g.Listen)
	}
	for i, model := range w.d.Video {
		memory := ""
		if kib := nth(w.l.videos, i).Get("vram"); cmp.Or(kib, "0") != "0" {
			memory = with(" vram='%s'", kib)
		}
		w.device("<video", "video", nth(w.l.videos, i).Get("at"), with("<model type='%s'", model)+memory+"/>")
	}
}

func (w *writer) rest() {
	for _, o := range w.d.Others {
		if model, ok := strings.CutPrefix(o, "watchdog "); ok {
			w.line("<watchdog model='%s'/>", model)
		}
	}
	if b := w.l.balloon; b != nil {
		tag := with("<memballoon model='%s'", b.Get("model"))
		for _, o := range []string{"autodeflate", "freePageReporting"} {
			if b.Get(o) != "" {
				tag += " " + o + "='on'"
			}
		}
		w.device(tag, "memballoon", b.Get("at"), "<stats period='10'/>")
	}
	for _, f := range w.l.rngs {
		w.device("<rng model='virtio'", "rng", f.Get("at"), "<backend model='random'>/dev/urandom</backend>")
	}
}
