package discover

import (
	"fmt"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// disks converts the <disk> elements; types are their type attributes, which
// libvirtxml keeps only for those it knows.
func disks(in []libvirtxml.DomainDisk, types []string) []Disk {
	out := make([]Disk, 0, len(in))
	for i := range in {
		out = append(out, disk(&in[i], nth(types, i)))
	}
	return out
}

func disk(in *libvirtxml.DomainDisk, typ string) Disk {
	d := Disk{
		Device: orElse(in.Device, "disk"), Type: orElse(typ, "file"), Serial: in.Serial,
		Shareable: in.Shareable != nil, ReadOnly: in.ReadOnly != nil, Transient: in.Transient != nil,
		Encrypted: in.Encryption != nil, Throttled: in.IOTune != nil || in.ThrottleFilters != nil,
		Backing: backingChain(in.BackingStore), Options: diskOptions(in),
	}
	if in.Target != nil {
		d.Target, d.Bus = in.Target.Dev, orElse(in.Target.Bus, busOf(in.Target.Dev))
	}
	if in.Driver != nil {
		d.Format, d.Cache = in.Driver.Type, in.Driver.Cache
	}
	if in.Boot != nil {
		d.BootOrder = in.Boot.Order
	}
	if in.Source != nil {
		d.Path, d.Protocol = sourcePath(in.Source)
		d.Encrypted = d.Encrypted || in.Source.Encryption != nil
	}
	return d
}

// diskOptions are those that a guest can notice, or that tell how its data are
// treated, and that nothing else of Disk says.
func diskOptions(in *libvirtxml.DomainDisk) (out []string) {
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+" "+value)
		}
	}
	if d := in.Driver; d != nil {
		add("discard", d.Discard)
		add("detect zeroes", d.DetectZeros)
		add("io", d.IO)
		if d.Queues != nil {
			add("queues", fmt.Sprint(*d.Queues))
		}
	}
	add("model", in.Model)
	add("wwn", in.WWN)
	add("vendor", in.Vendor)
	add("product", in.Product)
	if b := in.BlockIO; b != nil && (b.LogicalBlockSize > 0 || b.PhysicalBlockSize > 0) {
		add("block size", fmt.Sprintf("%d/%d", b.LogicalBlockSize, b.PhysicalBlockSize))
	}
	return out
}

// busOf is what libvirt takes from the target's name when there is no bus.
func busOf(target string) string {
	for prefix, bus := range map[string]string{"vd": "virtio", "sd": "scsi", "hd": "ide", "fd": "fdc", "xvd": "xen"} {
		if strings.HasPrefix(target, prefix) {
			return bus
		}
	}
	return ""
}

// sourcePath is where a disk's bytes are, in the words of its kind, and the
// protocol of a network disk.
func sourcePath(s *libvirtxml.DomainDiskSource) (path, protocol string) {
	switch {
	case s.File != nil:
		return s.File.File, ""
	case s.Block != nil:
		return s.Block.Dev, ""
	case s.Dir != nil:
		return s.Dir.Dir, ""
	case s.Network != nil:
		return s.Network.Name, s.Network.Protocol
	case s.Volume != nil:
		return s.Volume.Pool + "/" + s.Volume.Volume, ""
	case s.NVME != nil && s.NVME.PCI != nil:
		return pciAddress(s.NVME.PCI.Address), ""
	case s.VHostUser != nil:
		return chardevPath((*libvirtxml.DomainChardevSource)(s.VHostUser)), ""
	case s.VHostVDPA != nil:
		return s.VHostVDPA.Dev, ""
	}
	return "", ""
}

// backingChain lists what lies below an image, nearest first. An empty
// <backingStore/> says that nothing does.
func backingChain(b *libvirtxml.DomainDiskBackingStore) []string {
	chain := []string{}
	for ; b != nil && b.Source != nil; b = b.BackingStore {
		path, protocol := sourcePath(b.Source)
		if path == "" {
			break
		}
		if protocol != "" {
			path = protocol + ":" + path
		}
		chain = append(chain, path)
	}
	return chain
}

func chardevPath(s *libvirtxml.DomainChardevSource) string {
	switch {
	case s == nil:
	case s.UNIX != nil:
		return s.UNIX.Path
	case s.Dev != nil:
		return s.Dev.Path
	case s.File != nil:
		return s.File.Path
	}
	return ""
}

// pciAddress is 0000:3b:00.0, and "" of no address or one without a slot.
func pciAddress(a *libvirtxml.DomainAddressPCI) string {
	if a == nil || a.Slot == nil {
		return ""
	}
	return fmt.Sprintf("%04x:%02x:%02x.%x", value(a.Domain), value(a.Bus), value(a.Slot), value(a.Function))
}

func value(p *uint) uint {
	if p == nil {
		return 0
	}
	return *p
}

// nth is element i of what the token pass noted, "" past its end.
func nth(s []string, i int) string {
	if i < len(s) {
		return s[i]
	}
	return ""
}
