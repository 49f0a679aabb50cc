package discover

import (
	"fmt"
	"net"
	"strings"

	"libvirt.org/go/libvirtxml"
)

// interfaces converts the <interface> elements.
func interfaces(in []libvirtxml.DomainInterface, types []string) ([]Interface, error) {
	out := make([]Interface, 0, len(in))
	for i := range in {
		n, err := nic(&in[i], nth(types, i))
		if err != nil {
			return nil, fmt.Errorf("interface %d: %w", i+1, err)
		}
		out = append(out, n)
	}
	return out, nil
}

func nic(in *libvirtxml.DomainInterface, typ string) (Interface, error) {
	n := Interface{Type: typ, Bandwidth: in.Bandwidth != nil, DriverOpts: driverOpts(in.Driver)}
	if in.MAC != nil {
		mac, err := net.ParseMAC(in.MAC.Address)
		if err != nil || len(mac) != 6 {
			return n, fmt.Errorf("%q is no MAC address", in.MAC.Address)
		}
		n.MAC = mac.String()
	}
	n.setSource(in.Source)
	n.setVirtualPort(in.VirtualPort)
	if in.VLan != nil {
		n.VLAN, n.Trunk = vlan(in.VLan)
	}
	if in.Model != nil {
		n.Model = in.Model.Type
	}
	if in.Boot != nil {
		n.BootOrder = in.Boot.Order
	}
	if in.MTU != nil {
		n.MTU = in.MTU.Size
	}
	if in.Driver != nil {
		n.Queues = in.Driver.Queues
	}
	if in.FilterRef != nil {
		n.Filter = in.FilterRef.Filter
	}
	if in.Teaming != nil {
		n.Teaming = in.Teaming.Type
	}
	n.LinkDown = in.Link != nil && in.Link.State == "down"
	if in.Address != nil {
		n.PCIAddress = pciAddress(in.Address.PCI)
	}
	return n, nil
}

func (n *Interface) setSource(s *libvirtxml.DomainInterfaceSource) {
	switch {
	case s == nil:
	case s.Bridge != nil:
		n.Bridge = s.Bridge.Bridge
	case s.Network != nil:
		n.Network, n.PortGroup = s.Network.Network, s.Network.PortGroup
		n.NetworkBridge, n.NetworkForward = s.Network.Bridge, "unknown" // until the host's networks are read
	case s.Direct != nil:
		n.SourceDev, n.SourceMode = s.Direct.Dev, s.Direct.Mode
	case s.Hostdev != nil && s.Hostdev.PCI != nil:
		n.SourceDev = pciAddress(s.Hostdev.PCI.Address)
	case s.VDPA != nil:
		n.SourceDev = s.VDPA.Device
	case s.VHostUser != nil:
		n.SourceDev = orElse(s.VHostUser.Dev, chardevPath(s.VHostUser.Chardev))
		if c := s.VHostUser.Chardev; c != nil && c.UNIX != nil {
			n.SourceMode = c.UNIX.Mode
		}
	case s.User != nil:
		n.SourceDev = s.User.Dev
	}
}

func (n *Interface) setVirtualPort(v *libvirtxml.DomainInterfaceVirtualPort) {
	if v == nil || v.Params == nil {
		return
	}
	switch p := v.Params; {
	case p.OpenVSwitch != nil:
		n.VirtualPort, n.InterfaceID = "openvswitch", p.OpenVSwitch.InterfaceID
	case p.MidoNet != nil:
		n.VirtualPort, n.InterfaceID = "midonet", p.MidoNet.InterfaceID
	case p.VEPA8021QBG != nil:
		n.VirtualPort = "802.1Qbg"
	case p.VNTag8011QBH != nil:
		n.VirtualPort = "802.1Qbh"
	case p.Any != nil:
		n.VirtualPort, n.InterfaceID = "any", p.Any.InterfaceID
	default:
		n.VirtualPort = "unknown"
	}
}

// vlan is the tag a guest's untagged frames get. 0 and 4095 mean the same as
// no tag: 802.1Q reserves both. Of a trunk it is the native one.
func vlan(v *libvirtxml.DomainInterfaceVLan) (tag int, trunk bool) {
	trunk = v.Trunk == "yes" || len(v.Tags) > 1
	for _, t := range v.Tags {
		if (!trunk || t.NativeMode != "") && t.ID > 0 && t.ID < 4095 {
			return int(t.ID), trunk
		}
	}
	return 0, trunk
}

// driverOpts are the virtio options that libvirt refuses for other models.
func driverOpts(d *libvirtxml.DomainInterfaceDriver) []string {
	on := []string{}
	if d == nil {
		return on
	}
	for _, o := range []struct{ name, state string }{
		{"iommu", d.IOMMU}, {"ats", d.ATS}, {"packed", d.Packed}, {"page_per_vq", d.PagePerVQ},
	} {
		if strings.EqualFold(o.state, "on") {
			on = append(on, o.name)
		}
	}
	return on
}
