package discover

import (
	"fmt"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// hostdevs names each passed-through device by its kind and its address on
// the host, as an operator would find it there.
func hostdevs(in []libvirtxml.DomainHostdev, types []string) []string {
	out := []string{}
	for i := range in {
		out = append(out, joined(" ", nth(types, i), hostdevSource(&in[i])))
	}
	return out
}

func hostdevSource(h *libvirtxml.DomainHostdev) string {
	switch {
	case h.SubsysPCI != nil && h.SubsysPCI.Source != nil:
		return pciAddress(h.SubsysPCI.Source.Address)
	case h.SubsysUSB != nil && h.SubsysUSB.Source != nil:
		return usbSource(h.SubsysUSB.Source)
	case h.SubsysMDev != nil && h.SubsysMDev.Source != nil && h.SubsysMDev.Source.Address != nil:
		return h.SubsysMDev.Source.Address.UUID
	case h.SubsysSCSI != nil && h.SubsysSCSI.Source != nil:
		return scsiSource(h.SubsysSCSI.Source)
	case h.SubsysSCSIHost != nil && h.SubsysSCSIHost.Source != nil:
		return h.SubsysSCSIHost.Source.WWPN
	case h.CapsStorage != nil && h.CapsStorage.Source != nil:
		return h.CapsStorage.Source.Block
	case h.CapsMisc != nil && h.CapsMisc.Source != nil:
		return h.CapsMisc.Source.Char
	case h.CapsNet != nil && h.CapsNet.Source != nil:
		return h.CapsNet.Source.Interface
	}
	return ""
}

// usbSource is vendor:product, or the bus and device where only those are set.
func usbSource(s *libvirtxml.DomainHostdevSubsysUSBSource) string {
	if s.Vendor != nil && s.Product != nil {
		return strings.TrimPrefix(s.Vendor.ID, "0x") + ":" + strings.TrimPrefix(s.Product.ID, "0x")
	}
	if s.Address != nil {
		return fmt.Sprintf("bus %d device %d", value(s.Address.Bus), value(s.Address.Device))
	}
	return ""
}

func scsiSource(s *libvirtxml.DomainHostdevSubsysSCSISource) string {
	if s.ISCSI != nil {
		return s.ISCSI.Name
	}
	if s.Host == nil || s.Host.Adapter == nil {
		return ""
	}
	if a := s.Host.Address; a != nil {
		return fmt.Sprintf("%s %d:%d:%d", s.Host.Adapter.Name, value(a.Bus), value(a.Target), value(a.Unit))
	}
	return s.Host.Adapter.Name
}
