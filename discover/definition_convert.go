package discover

import (
	"errors"
	"fmt"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// convert makes the small record of libvirtxml's tree.
func convert(t *libvirtxml.Domain, seen noted) (Domain, error) {
	d := Domain{
		Name: seen.name, Title: t.Title, Description: t.Description,
		VirtType: t.Type, ClockOffset: "utc",
		OnPoweroff: orElse(t.OnPoweroff, "destroy"), OnReboot: orElse(t.OnReboot, "restart"), OnCrash: orElse(t.OnCrash, "destroy"),
		MetadataNova: seen.nova, LibosinfoID: seen.libosinfo,
		HyperV: list(seen.hyperv), UnknownXML: seen.unknown, Addresses: []Address{},
	}
	if err := checkName(seen); err != nil {
		return d, err
	}
	var err error
	if d.UUID, err = canonicalUUID(seen.uuid); err != nil {
		return d, err
	}
	for _, part := range []func(*libvirtxml.Domain) error{d.setVCPUs, d.setMemory} {
		if err := part(t); err != nil {
			return d, err
		}
	}
	d.setOS(t.OS)
	d.setCPU(t.CPU)
	d.setTuning(t)
	d.setClock(t.Clock)
	d.ACPI = t.Features != nil && t.Features.ACPI != nil
	d.QEMUCommandline = t.QEMUCommandline != nil || t.QEMUOverride != nil || t.QEMUCapabilities != nil
	d.SecurityLabel = explicitLabel(t.SecLabel)
	d.Others = []string{}
	if seen.launchGuard != "" {
		d.Others = append(d.Others, "launch security "+seen.launchGuard)
	}
	return d, d.setDevices(t.Devices, seen.types)
}

// checkName refuses what libvirt's qemu driver refuses: such a name is damage,
// and a path made of it would lead elsewhere.
func checkName(seen noted) error {
	switch {
	case strings.TrimSpace(seen.name) == "":
		return errors.New("it has no <name>")
	case seen.names > 1 || seen.uuids > 1:
		return errors.New("it has more than one <name> or <uuid>")
	case strings.ContainsAny(seen.name, "/\n"):
		return fmt.Errorf("the name %q has a slash or a line break, which libvirt refuses", seen.name)
	case seen.name == "." || seen.name == "..":
		return fmt.Errorf("the name %q is a folder", seen.name)
	}
	return nil
}

func (d *Domain) setVCPUs(t *libvirtxml.Domain) error {
	d.VCPUs, d.VCPUsMax = 1, 1 // libvirt's default without <vcpu>
	if t.VCPU == nil {
		return nil
	}
	n, now := t.VCPU.Value, orElse(t.VCPU.Current, t.VCPU.Value)
	if n == 0 || n > maxVCPUs || now > n {
		return fmt.Errorf("%d of %d vCPUs cannot be", now, n)
	}
	d.VCPUs, d.VCPUsMax = now, n
	return nil
}

func (d *Domain) setMemory(t *libvirtxml.Domain) error {
	var err error
	if t.Memory != nil {
		if d.MemMaxKiB, err = kibibytes(uint64(t.Memory.Value), t.Memory.Unit); err != nil {
			return fmt.Errorf("<memory>: %w", err)
		}
	}
	if d.MemMaxKiB == 0 { // libvirt takes the sum of the NUMA cells then
		if d.MemMaxKiB, err = cellMemory(t.CPU); err != nil {
			return err
		}
	}
	if d.MemMaxKiB == 0 {
		return errors.New("it has no <memory>")
	}
	d.MemoryKiB = d.MemMaxKiB
	if t.CurrentMemory != nil && t.CurrentMemory.Value > 0 {
		if d.MemoryKiB, err = kibibytes(uint64(t.CurrentMemory.Value), t.CurrentMemory.Unit); err != nil {
			return fmt.Errorf("<currentMemory>: %w", err)
		}
		d.MemoryKiB = min(d.MemoryKiB, d.MemMaxKiB)
	}
	if t.MaximumMemory != nil {
		if d.HotplugKiB, err = kibibytes(uint64(t.MaximumMemory.Value), t.MaximumMemory.Unit); err != nil {
			return fmt.Errorf("<maxMemory>: %w", err)
		}
	}
	return nil
}

func cellMemory(cpu *libvirtxml.DomainCPU) (sum uint64, err error) {
	if cpu == nil || cpu.Numa == nil {
		return 0, nil
	}
	for _, c := range cpu.Numa.Cell {
		kib, err := kibibytes(uint64(c.Memory), c.Unit)
		if err != nil {
			return 0, fmt.Errorf("<cell>: %w", err)
		}
		sum += kib
	}
	return min(sum, maxMemoryKiB), nil
}

func (d *Domain) setOS(o *libvirtxml.DomainOS) {
	d.BootDevices = []string{}
	if o == nil {
		return
	}
	if o.Type != nil {
		d.Arch, d.MachineType = o.Type.Arch, o.Type.Machine
	}
	for _, b := range o.BootDevices {
		d.BootDevices = append(d.BootDevices, b.Dev)
	}
	d.DirectKernel = strings.TrimSpace(o.Kernel)
	d.Firmware = firmware(o)
}

func firmware(o *libvirtxml.DomainOS) Firmware {
	f := Firmware{Auto: o.Firmware == "efi", UEFI: o.Firmware == "efi"}
	if l := o.Loader; l != nil {
		f.Loader = strings.TrimSpace(l.Path)
		f.UEFI = f.UEFI || l.Type == "pflash" || uefiImage(f.Loader)
		f.SecureBoot = l.Secure == "yes"
	}
	if o.FirmwareInfo != nil {
		for _, feature := range o.FirmwareInfo.Features {
			f.SecureBoot = f.SecureBoot || feature.Name == "secure-boot" && feature.Enabled == "yes"
		}
	}
	if o.NVRam != nil {
		f.NVRAM, f.NVRAMPattern = nvramPath(o.NVRam), o.NVRam.Template
	}
	if o.VarStore != nil { // the successor of nvram for images that hold code and variables in one
		f.NVRAM, f.NVRAMPattern = o.VarStore.Path, o.VarStore.Template
	}
	return f
}

// uefiImage tells UEFI from SeaBIOS where the loader is a rom: then nothing
// but the file's name says so, and there are no variables to lose.
func uefiImage(path string) bool {
	p := strings.ToLower(path)
	return strings.Contains(p, "ovmf") || strings.Contains(p, "aavmf") || strings.Contains(p, "edk2") || strings.Contains(p, "uefi")
}

func nvramPath(n *libvirtxml.DomainNVRam) string {
	if n.Source != nil {
		path, _ := sourcePath(n.Source)
		return path
	}
	return strings.TrimSpace(n.NVRam)
}

func (d *Domain) setCPU(c *libvirtxml.DomainCPU) {
	if c == nil {
		return
	}
	d.CPU = CPU{Mode: c.Mode, Features: len(c.Features)}
	if c.Model != nil {
		d.CPU.Model = strings.TrimSpace(c.Model.Value)
	}
	if d.CPU.Mode == "" && d.CPU.Model != "" {
		d.CPU.Mode = "custom" // as libvirt reads a model without a mode
	}
	if t := c.Topology; t != nil {
		d.CPU.Sockets, d.CPU.Dies, d.CPU.Cores, d.CPU.Threads = t.Sockets, t.Dies, t.Cores, t.Threads
	}
}

func (d *Domain) setTuning(t *libvirtxml.Domain) {
	u := &d.Tuning
	u.IOThreads = t.IOThreads
	u.NUMATune, u.BlkioTune, u.MemoryTune = t.NUMATune != nil, t.BlockIOTune != nil, t.MemoryTune != nil
	if t.CPU != nil && t.CPU.Numa != nil {
		u.NUMACells = len(t.CPU.Numa.Cell)
	}
	if v := t.VCPU; v != nil {
		u.Pinned = v.CPUSet != "" || v.Placement == "auto" // auto asks numad for a set
	}
	if c := t.CPUTune; c != nil {
		u.Pinned = u.Pinned || len(c.VCPUPin) > 0 || c.EmulatorPin != nil || len(c.IOThreadPin) > 0
		u.CPUQuota = c.Shares != nil || c.Period != nil || c.Quota != nil || c.GlobalPeriod != nil || c.GlobalQuota != nil ||
			c.EmulatorPeriod != nil || c.EmulatorQuota != nil || c.IOThreadPeriod != nil || c.IOThreadQuota != nil
	}
	if b := t.MemoryBacking; b != nil {
		u.Hugepages, u.Locked = b.MemoryHugePages != nil, b.MemoryLocked != nil
		u.SharedMem = b.MemoryAccess != nil && b.MemoryAccess.Mode == "shared"
	}
}

func (d *Domain) setClock(c *libvirtxml.DomainClock) {
	d.Timers = []string{}
	if c == nil {
		return
	}
	d.ClockOffset = orElse(c.Offset, "utc")
	for _, t := range c.Timer {
		if t.Present != "no" {
			d.Timers = append(d.Timers, t.Name)
		}
	}
}

// explicitLabel is the model of a label that an operator chose. The dynamic
// ones are libvirt's own, made anew at each start.
func explicitLabel(labels []libvirtxml.DomainSecLabel) string {
	for _, l := range labels {
		if l.Type != "dynamic" && l.Type != "" || l.BaseLabel != "" {
			return orElse(l.Model, l.Type)
		}
	}
	return ""
}

// orElse is v unless it is the zero value: absent from the definition.
func orElse[T comparable](v, absent T) T {
	var zero T
	if v == zero {
		return absent
	}
	return v
}

// list is s, but [] instead of null in JSON.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
