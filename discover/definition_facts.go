package discover

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Facts lists what d's definition says, one readable line each, in a fixed
// order. A plan keeps them to say what changed since it was made; so nothing
// is here that a start or a stop changes by itself, such as ports, tap names
// or sizes. Every line is printable: hostile values are quoted.
func (d Domain) Facts() []string {
	var f facts
	f.say("name", d.Name)
	f.say("type", d.VirtType, d.Arch)
	f.say("vcpus", of(d.VCPUs, d.VCPUsMax))
	f.say("memory", memory(d.MemoryKiB, d.MemMaxKiB))
	f.sayIf(d.HotplugKiB > 0, "memory hotplug", mebibytes(d.HotplugKiB))
	f.say("machine", d.MachineType)
	f.firmware(d)
	f.cpu(d)
	f.tuning(d.Tuning)
	f.sayIf(!d.ACPI, "no acpi")
	f.sayIf(len(d.HyperV) > 0, "hyperv", d.HyperV...)
	f.say("clock", d.ClockOffset)
	f.sayIf(len(d.Timers) > 0, "timers", d.Timers...)
	f.say("on_poweroff", d.OnPoweroff)
	f.say("on_reboot", d.OnReboot)
	f.say("on_crash", d.OnCrash)
	for _, k := range d.Disks {
		f.disk(k)
	}
	for _, c := range d.Controllers {
		f.say("controller", c.Type, strconv.FormatUint(uint64(c.Index), 10), c.Model)
	}
	for _, n := range d.Interfaces {
		f.nic(n)
	}
	for _, g := range d.Graphics {
		f.say("graphics", g.Type)
	}
	f.each("video", d.Video...)
	f.each("console", d.Consoles...)
	f.each("input", d.Inputs...)
	f.each("hostdev", d.Hostdevs...)
	f.each("filesystem", d.Filesystems...)
	f.each("device", d.Others...)
	f.sayIf(d.RNG, "rng")
	f.sayIf(d.AgentChannel, "agent channel")
	f.sayIf(d.QEMUCommandline, "qemu command line")
	f.sayIf(d.SecurityLabel != "", "security label", d.SecurityLabel)
	f.each("unknown element", d.UnknownXML...)
	return f
}

type facts []string

// say adds one line of the words that are not empty.
func (f *facts) say(what string, words ...string) {
	line := []string{printable(what)} // a disk begins with its device, which the definition names
	for _, w := range words {
		if w != "" {
			line = append(line, printable(w))
		}
	}
	*f = append(*f, strings.Join(line, " "))
}

func (f *facts) sayIf(so bool, what string, words ...string) {
	if so {
		f.say(what, words...)
	}
}

func (f *facts) each(what string, all ...string) {
	for _, one := range all {
		f.say(what, one)
	}
}

func (f *facts) firmware(d Domain) {
	w := d.Firmware
	switch {
	case w.Auto:
		f.say("firmware", "uefi", "auto", w.Loader)
	case w.UEFI:
		f.say("firmware", "uefi", w.Loader)
	default:
		f.say("firmware", "bios", w.Loader)
	}
	f.sayIf(w.SecureBoot, "secure boot")
	f.sayIf(w.NVRAM != "", "nvram", w.NVRAM)
	f.sayIf(d.TPM != "", "tpm", d.TPM)
	f.sayIf(len(d.BootDevices) > 0, "boot", d.BootDevices...)
	f.sayIf(d.DirectKernel != "", "kernel", d.DirectKernel)
}

func (f *facts) cpu(d Domain) {
	c := d.CPU
	f.say("cpu", orElse(c.Mode, "default"), c.Model)
	f.sayIf(c.Sockets > 0, "topology", fmt.Sprintf("%d sockets %d dies %d cores %d threads", c.Sockets, orElse(c.Dies, 1), c.Cores, c.Threads))
	f.sayIf(c.Features > 0, "cpu features", strconv.Itoa(c.Features))
}

func (f *facts) tuning(t Tuning) {
	f.sayIf(t.NUMACells > 0, "numa cells", strconv.Itoa(t.NUMACells))
	f.sayIf(t.IOThreads > 0, "iothreads", strconv.FormatUint(uint64(t.IOThreads), 10))
	for _, flag := range []struct {
		on   bool
		name string
	}{
		{t.Pinned, "pinned"}, {t.NUMATune, "numatune"}, {t.Hugepages, "hugepages"}, {t.Locked, "locked memory"},
		{t.SharedMem, "shared memory"}, {t.CPUQuota, "cpu quota"}, {t.BlkioTune, "blkiotune"}, {t.MemoryTune, "memtune"},
	} {
		f.sayIf(flag.on, flag.name)
	}
}

func (f *facts) disk(k Disk) {
	what := "disk"
	if k.Device != "disk" {
		what = k.Device
	}
	f.say(what, k.Target, k.Bus, orElse(k.Format, "no format"), joined(":", k.Protocol, k.Path), when(k.Cache != "", "cache "+k.Cache),
		when(k.Shareable, "shareable"), when(k.ReadOnly && what == "disk", "readonly"), when(k.Transient, "transient"),
		when(k.Encrypted, "encrypted"), when(k.Throttled, "throttled"), when(k.Serial != "", "serial "+k.Serial), order(k.BootOrder))
}

func (f *facts) nic(n Interface) {
	to := joined(" ", n.Type, n.Bridge, n.Network, n.PortGroup, n.SourceDev, n.SourceMode)
	vlan := "vlan " + strconv.Itoa(n.VLAN)
	if n.Trunk {
		vlan = "trunk native " + strconv.Itoa(n.VLAN)
	}
	f.say("nic", orElse(n.MAC, "no mac"), orElse(n.Model, "default model"), to, vlan, n.VirtualPort, n.InterfaceID,
		when(n.Filter != "", "filter "+n.Filter), when(n.Teaming != "", "teaming "+n.Teaming), when(n.LinkDown, "link down"),
		when(n.Bandwidth, "bandwidth"), when(n.MTU > 0, fmt.Sprintf("mtu %d", n.MTU)), when(n.Queues > 0, fmt.Sprintf("queues %d", n.Queues)),
		strings.Join(n.DriverOpts, " "), when(n.PCIAddress != "", "at "+n.PCIAddress), order(n.BootOrder))
}

func order(n uint) string { return when(n > 0, fmt.Sprintf("boot %d", n)) }

func when(so bool, s string) string {
	if so {
		return s
	}
	return ""
}

func of(now, most uint) string {
	if now == most {
		return strconv.FormatUint(uint64(now), 10)
	}
	return fmt.Sprintf("%d of %d", now, most)
}

func memory(now, most uint64) string {
	if now == most {
		return mebibytes(now)
	}
	return mebibytes(now) + " of " + mebibytes(most)
}

func mebibytes(kib uint64) string {
	if kib%1024 != 0 {
		return fmt.Sprintf("%d KiB", kib)
	}
	return fmt.Sprintf("%d MiB", kib/1024)
}

// printable is s, quoted where it holds what a terminal or a diff would not
// show: control characters, line breaks, marks that turn the direction of
// text, bytes outside of UTF-8.
func printable(s string) string {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.QuoteToGraphic(s)
	}
	return s
}
