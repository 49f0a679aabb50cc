package rebuild

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
)

// Predict is the domain as it will be once Nova has made its definition anew
// from the records of i (nova/virt/libvirt/driver.py, _get_guest_config) and
// libvirt has completed that. It says no more than what Fields has; the name
// stays, for Nova has yet to give it.
func Predict(now discover.Domain, i nova.Instance, c Config) discover.Domain {
	p := prediction{now: now, records: i, config: c}
	p.Name, p.UUID, p.Host = now.Name, now.UUID, now.Host
	p.machine()
	p.disks()
	p.nics()
	p.devices()
	p.Layout = p.layout()
	if p.config.since(25) && p.Arch != hostArch(p.now.Arch) {
		p.VirtType = "qemu" // Nova emulates another architecture than the host's, 32 bits too
	}
	return p.Domain
}

// A prediction is the domain while it is made.
type prediction struct {
	discover.Domain
	now     discover.Domain
	records nova.Instance
	config  Config
}

// property is a recorded image property.
func (p *prediction) property(name string) string { return p.records.ImageProperties[name] }

func (p *prediction) yes(name string) bool {
	return slices.Contains([]string{"yes", "true", "on", "1", "y", "t"}, strings.ToLower(p.property(name)))
}

func (p *prediction) spec(name string) string { return p.records.Flavor.ExtraSpecs[name] }

func (p *prediction) windows() bool { return p.records.OSType == "windows" }

func (p *prediction) machine() {
	p.Persistent = true
	p.VirtType = cmp.Or(p.config.VirtType, p.now.VirtType)
	p.Arch = cmp.Or(p.property("hw_architecture"), hostArch(p.now.Arch))
	p.MachineType = cmp.Or(p.property("hw_machine_type"), p.now.MachineType)
	p.VCPUs, p.VCPUsMax = uint(p.records.Flavor.VCPUs), uint(p.records.Flavor.VCPUs)
	p.MemoryKiB = uint64(p.records.Flavor.MemoryMB) << 10
	p.MemMaxKiB = p.MemoryKiB
	p.Firmware.UEFI = p.property("hw_firmware_type") == "uefi"
	p.Firmware.SecureBoot = p.Firmware.UEFI && p.property("os_secure_boot") == "required"
	p.ACPI = true
	p.BootDevices = []string{"hd"}
	p.OnPoweroff, p.OnReboot, p.OnCrash = "destroy", "restart", "destroy"
	p.ClockOffset = "utc"
	if p.windows() {
		p.ClockOffset = "localtime"
		p.HyperV = p.hyperv()
	}
	for name := range p.records.Flavor.ExtraSpecs {
		p.Tuning.CPUQuota = p.Tuning.CPUQuota || slices.Contains([]string{"quota:cpu_shares", "quota:cpu_period", "quota:cpu_quota"}, name)
	}
	if p.config.since(33) {
		p.Tuning.IOThreads = 1
	}
	p.cpu()
}

// hostArch is that of the host that runs such a guest.
func hostArch(guest string) string {
	if guest == "i686" || guest == "" {
		return "x86_64"
	}
	return guest
}

func (p *prediction) x86() bool { return p.Arch == "x86_64" || p.Arch == "i686" }

func (p *prediction) hyperv() []string {
	on := []string{"relaxed", "vapic", "spinlocks"}
	if p.config.since(26) {
		on = append(on, "vpindex", "runtime", "synic", "reset", "frequencies", "tlbflush", "ipi")
	}
	if p.yes("img_hide_hypervisor_id") {
		on = append(on, "vendor_id")
	}
	return on
}

func (p *prediction) cpu() {
	c := &p.CPU
	switch mode := cmp.Or(p.config.CPUMode, "host-model"); mode {
	case "none":
		c.Mode, c.Model = "custom", hypervisorCPU
	case "custom":
		c.Mode, c.Model = mode, p.config.CPUModel
	default:
		c.Mode = mode
	}
	number := func(name string) int {
		n, _ := strconv.Atoi(cmp.Or(p.spec(strings.Replace(name, "hw_", "hw:", 1)), p.property(name)))
		return n
	}
	c.Sockets, c.Dies, c.Cores, c.Threads = number("hw_cpu_sockets"), 1, number("hw_cpu_cores"), number("hw_cpu_threads")
	if c.Sockets*c.Cores*c.Threads != p.records.Flavor.VCPUs {
		c.Sockets, c.Cores, c.Threads = p.records.Flavor.VCPUs, 1, 1
	}
}

// disks are the recorded ones. libvirt puts those of one bus into the order of
// their names, wherever the first of them stands (virDomainDiskInsert).
func (p *prediction) disks() {
	for _, r := range p.records.Disks {
		d := discover.Disk{
			Device: "disk", Type: "file", Target: strings.TrimPrefix(r.Device, "/dev/"), Bus: r.Bus,
			Format: "qcow2", Cache: cmp.Or(p.config.FileCache, "none"),
		}
		p.Disks = slices.Insert(p.Disks, place(p.Disks, d), d)
	}
}

func place(among []discover.Disk, d discover.Disk) int {
	at := -1
	for i := len(among) - 1; i >= 0; i-- {
		switch {
		case among[i].Bus != d.Bus:
		case diskIndex(among[i].Target) > diskIndex(d.Target):
			at = i
		case at < 0:
			at = i + 1
		}
	}
	if at < 0 {
		return len(among)
	}
	return at
}

// diskIndex counts disks by their names: sda is 0, sdaa is 26.
func diskIndex(target string) int {
	for _, prefix := range []string{"xvd", "ubd", "vd", "sd", "hd", "fd"} {
		if rest, ok := strings.CutPrefix(target, prefix); ok {
			n := 0
			for _, c := range strings.TrimRight(rest, "0123456789") {
				n = n*26 + int(c-'a') + 1
			}
			return n - 1
		}
	}
	return -1
}

// nics are the recorded ports. An MTU that is not known yet is taken to stay.
func (p *prediction) nics() {
	model := cmp.Or(p.property("hw_vif_model"), "virtio")
	for _, port := range p.records.Ports {
		n := discover.Interface{Type: "bridge", MAC: strings.ToLower(port.MAC), Model: model, MTU: uint(port.MTU)}
		if port.MTU == 0 {
			for _, was := range p.now.Interfaces {
				if was.MAC == n.MAC {
					n.MTU = was.MTU
				}
			}
		}
		if model == "virtio" && p.VirtType == "kvm" && p.yes("hw_vif_multiqueue_enabled") {
			n.Queues = p.VCPUs
		}
		p.Interfaces = append(p.Interfaces, n)
	}
}

// devices are those that Nova adds by itself.
func (p *prediction) devices() {
	p.Graphics = []discover.Graphics{{Type: "vnc", Listen: "127.0.0.1", AutoPort: true, Port: -1}}
	p.Consoles = []string{"serial:pty", "console:pty"}
	p.Video = []string{cmp.Or(p.property("hw_video_model"), p.usualVideo())}
	p.Inputs = p.inputs()
	p.AgentChannel = p.yes("hw_qemu_guest_agent")
	p.RNG = !slices.Contains([]string{"false", "no", "off", "0", "n", "f"}, strings.ToLower(p.spec("hw_rng:allowed")))
	if action := cmp.Or(p.property("hw_watchdog_action"), p.spec("hw:watchdog_action"), "disabled"); action != "disabled" {
		p.Others = append(p.Others, "watchdog i6300esb")
	}
}

func (p *prediction) usualVideo() string {
	if p.config.since(25) {
		return "virtio"
	}
	return "cirrus"
}

// inputs: before Wallaby Nova did not know hw_input_bus.
func (p *prediction) inputs() []string {
	if !p.config.since(23) {
		return []string{"tablet/usb", "mouse/ps2", "keyboard/ps2"}
	}
	bus := p.property("hw_input_bus")
	list := []string{"tablet/" + cmp.Or(bus, "usb")}
	if bus != "" {
		list = append(list, "keyboard/"+bus)
	}
	return append(list, "mouse/ps2", "keyboard/ps2")
}
