package rebuild

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
)

// A trait is one thing about a definition that is compared. A field with a dot
// in it is a detail of the device that the part before the dot is.
type trait struct{ field, device, value string }

// traits collects them; what has no value is not there.
type traits []trait

func (t *traits) say(field, device, value string) {
	if value != "" {
		*t = append(*t, trait{field, device, value})
	}
}

func (t *traits) sayIf(so bool, field, device string) {
	if so {
		t.say(field, device, "yes")
	}
}

// traitsOf is all of d that is compared. Where a definition is silent its
// value is what libvirt and QEMU make of that: a guest sees no difference.
func traitsOf(d discover.Domain) traits {
	t := make(traits, 0, 64)
	l := readLayout(d)
	t.machine(d)
	t.cpu(d)
	t.tuning(d)
	t.firmware(d, l)
	t.features(d, l)
	t.disks(d, l)
	t.nics(d)
	t.displays(d, l)
	t.ports(d, l)
	t.controllers(l)
	t.others(d, l)
	return t
}

func (t *traits) machine(d discover.Domain) {
	t.say("virt_type", "", d.VirtType)
	t.say("arch", "", d.Arch)
	t.say("machine", "", d.MachineType)
	t.say("vcpus", "", of(uint64(d.VCPUs), uint64(d.VCPUsMax), ""))
	t.say("memory", "", of(d.MemoryKiB, d.MemMaxKiB, " KiB"))
	t.sayIf(d.HotplugKiB > 0, "memory.hotplug", "")
	t.say("boot", "", strings.Join(bootOrder(d), ", "))
	t.say("kernel", "", d.DirectKernel)
	t.say("on_poweroff", "", d.OnPoweroff)
	t.say("on_reboot", "", d.OnReboot)
	t.say("on_crash", "", d.OnCrash)
	t.sayIf(d.Autostart, "autostart", "")
	t.sayIf(d.QEMUCommandline, "qemu_commandline", "")
	t.say("security_label", "", d.SecurityLabel)
}

func of(now, most uint64, unit string) string {
	if now == most || most == 0 {
		return fmt.Sprintf("%d%s", now, unit)
	}
	return fmt.Sprintf("%d of %d%s", now, most, unit)
}

// bootOrder is what the firmware tries, by device.
func bootOrder(d discover.Domain) []string {
	type entry struct {
		order uint
		name  string
	}
	var by []entry
	for _, k := range d.Disks {
		by = append(by, entry{k.BootOrder, k.Target})
	}
	for _, n := range d.Interfaces {
		by = append(by, entry{n.BootOrder, n.MAC})
	}
	by = slices.DeleteFunc(by, func(e entry) bool { return e.order == 0 })
	slices.SortStableFunc(by, func(a, b entry) int { return int(a.order) - int(b.order) })
	var names []string
	for _, e := range by {
		names = append(names, e.name)
	}
	if len(names) > 0 {
		return names
	}
	kinds := d.BootDevices
	if len(kinds) == 0 {
		kinds = []string{"hd"}
	}
	for _, kind := range kinds {
		names = append(names, bootDevice(d, kind))
	}
	return slices.DeleteFunc(names, func(n string) bool { return n == "" })
}

// bootDevice is the one that libvirt takes for a kind: the first.
func bootDevice(d discover.Domain, kind string) string {
	if kind == "network" {
		if len(d.Interfaces) > 0 {
			return d.Interfaces[0].MAC
		}
		return ""
	}
	device := map[string]string{"hd": "disk", "cdrom": "cdrom", "fd": "floppy"}[kind]
	for _, k := range d.Disks {
		if k.Device == device || k.Device == "lun" && device == "disk" {
			return k.Target
		}
	}
	return ""
}

// hypervisorCPU is what QEMU gives where nobody asks for anything.
const hypervisorCPU = "qemu64"

func (t *traits) cpu(d discover.Domain) {
	c := d.CPU
	model := c.Mode
	switch c.Mode {
	case "":
		model = hypervisorCPU
	case "custom":
		model = c.Model
	}
	t.say("cpu", "", model)
	if c.Features > 0 {
		t.say("cpu.features", "", fmt.Sprint(c.Features))
	}
	sockets, dies, cores, threads := c.Sockets, max(c.Dies, 1), c.Cores, c.Threads
	if sockets == 0 {
		sockets, cores, threads = int(max(d.VCPUsMax, d.VCPUs)), 1, 1
	}
	topology := fmt.Sprintf("%d sockets, %d cores, %d threads", sockets, cores, threads)
	if dies > 1 {
		topology = fmt.Sprintf("%d sockets, %d dies, %d cores, %d threads", sockets, dies, cores, threads)
	}
	t.say("cpu.topology", "", topology)
	if d.Tuning.NUMACells > 0 {
		t.say("cpu.numa", "", fmt.Sprint(d.Tuning.NUMACells))
	}
}

// tuning is the host's own business.
func (t *traits) tuning(d discover.Domain) {
	u := d.Tuning
	t.sayIf(u.Pinned, "tuning", "pinning")
	t.sayIf(u.NUMATune, "tuning", "numatune")
	t.sayIf(u.Hugepages, "tuning", "huge pages")
	t.sayIf(u.Locked, "tuning", "locked memory")
	t.sayIf(u.SharedMem, "tuning", "shared memory")
	t.sayIf(u.CPUQuota, "tuning", "cputune")
	t.sayIf(u.BlkioTune, "tuning", "blkiotune")
	t.sayIf(u.MemoryTune, "tuning", "memtune")
	if u.IOThreads > 0 {
		t.say("tuning", "iothreads", fmt.Sprint(u.IOThreads))
	}
}
