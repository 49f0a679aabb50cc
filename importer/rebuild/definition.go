package rebuild

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// Definition writes a domain that Predict made as libvirt would. It is for
// people to read and not for a host: what is not foretold is missing.
func Definition(d discover.Domain) string {
	w := &writer{d: d, l: readLayout(d)}
	w.open("<domain type='%s'>", d.VirtType)
	w.leaf("name", d.Name)
	w.leaf("uuid", d.UUID)
	w.line("<memory unit='KiB'>%d</memory>", d.MemMaxKiB)
	w.line("<currentMemory unit='KiB'>%d</currentMemory>", d.MemoryKiB)
	w.line("<vcpu placement='static'>%d</vcpu>", d.VCPUs)
	if d.Tuning.IOThreads > 0 {
		w.line("<iothreads>%d</iothreads>", d.Tuning.IOThreads)
	}
	w.sysinfo()
	w.os()
	w.features()
	w.cpu()
	w.clock()
	w.leaf("on_poweroff", d.OnPoweroff)
	w.leaf("on_reboot", d.OnReboot)
	w.leaf("on_crash", d.OnCrash)
	w.open("<devices>")
	w.disks()
	w.controllers()
	w.interfaces()
	w.console()
	w.display()
	w.rest()
	w.close("devices")
	w.close("domain")
	return w.String()
}

// A writer indents.
type writer struct {
	strings.Builder
	d     discover.Domain
	l     layout
	depth int
}

func (w *writer) line(format string, args ...any) {
	w.WriteString(strings.Repeat("  ", w.depth))
	fmt.Fprintf(w, format+"\n", escaped(args)...)
}

func (w *writer) open(format string, args ...any) {
	w.line(format, args...)
	w.depth++
}

func (w *writer) close(name string) {
	w.depth--
	w.line("</" + name + ">")
}

func (w *writer) leaf(name, text string) { w.line("<"+name+">%s</"+name+">", text) }

func escaped(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		if s, ok := a.(string); ok {
			var b strings.Builder
			xml.EscapeText(&b, []byte(s)) // a Builder takes everything
			a = b.String()
		}
		out[i] = a
	}
	return out
}

// device writes an element with what is in it, the address last.
func (w *writer) device(tag, name, at string, inside ...string) {
	if len(inside) == 0 && at == "" {
		w.line("%s/>", xmlText(tag))
		return
	}
	w.open("%s>", xmlText(tag))
	for _, one := range inside {
		w.line("%s", xmlText(one))
	}
	w.address(at)
	w.close(name)
}

// An xmlText is written as it is.
type xmlText string

func (w *writer) address(at string) {
	var a, b, c, d int
	if n, _ := fmt.Sscanf(at, "pci:%x:%x:%x.%x", &a, &b, &c, &d); n == 4 {
		w.line("<address type='pci' domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/>", a, b, c, d)
	}
	if n, _ := fmt.Sscanf(at, "drive:%d:%d:%d:%d", &a, &b, &c, &d); n == 4 {
		w.line("<address type='drive' controller='%d' bus='%d' target='%d' unit='%d'/>", a, b, c, d)
	}
}

// with is a tag or an element with values, escaped.
func with(format string, args ...any) string { return fmt.Sprintf(format, escaped(args)...) }

func (w *writer) sysinfo() {
	if len(w.l.sysinfo) == 0 {
		return
	}
	w.open("<sysinfo type='smbios'>")
	w.open("<system>")
	for _, f := range w.l.sysinfo {
		w.line("<entry name='%s'>%s</entry>", strings.TrimPrefix(f.Name, "system/"), f.Get("value"))
	}
	w.close("system")
	w.close("sysinfo")
}

func (w *writer) os() {
	firmware := ""
	if w.d.Firmware.UEFI {
		firmware = " firmware='efi'"
	}
	w.open("<os%s>", xmlText(firmware))
	w.line("<type arch='%s' machine='%s'>hvm</type>", w.d.Arch, w.d.MachineType)
	if w.d.Firmware.SecureBoot {
		w.line("<loader secure='yes'/>")
	}
	for _, b := range w.d.BootDevices {
		w.line("<boot dev='%s'/>", b)
	}
	if w.l.smbios != "" {
		w.line("<smbios mode='%s'/>", w.l.smbios)
	}
	w.close("os")
}

func (w *writer) features() {
	w.open("<features>")
	w.line("<acpi/>")
	for _, f := range w.l.features {
		state := ""
		if s := f.Get("state"); s != "" {
			state = with(" state='%s'", s)
		}
		if inner, ok := strings.CutPrefix(f.Name, "kvm/"); ok {
			w.line("<kvm><%s%s/></kvm>", xmlText(inner), xmlText(state))
			continue
		}
		w.line("<%s%s/>", xmlText(f.Name), xmlText(state))
	}
	if len(w.d.HyperV) > 0 {
		w.open("<hyperv mode='custom'>")
		for _, name := range w.d.HyperV {
			w.line("<%s state='on'/>", xmlText(name))
		}
		w.close("hyperv")
	}
	w.close("features")
}

func (w *writer) cpu() {
	c := w.d.CPU
	w.open("<cpu mode='%s'>", c.Mode)
	if c.Model != "" {
		w.leaf("model", c.Model)
	}
	w.line("<topology sockets='%d' dies='%d' cores='%d' threads='%d'/>", c.Sockets, c.Dies, c.Cores, c.Threads)
	w.close("cpu")
}

func (w *writer) clock() {
	var timers []string
	for _, f := range w.l.timers {
		timer := with("<timer name='%s'", f.Name)
		for _, a := range []string{"present", "tickpolicy"} {
			if v := f.Get(a); v != "" {
				timer += with(" "+a+"='%s'", v)
			}
		}
		timers = append(timers, timer+"/>")
	}
	w.device(with("<clock offset='%s'", w.d.ClockOffset), "clock", "", timers...)
}
