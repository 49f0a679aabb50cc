package rename

import (
	"fmt"
	"net"
	"slices"
)

// A NIC is what shall be different in one interface. Its MAC address, PCI
// address, boot order, link state, bandwidth and alias stay, and what is left
// empty here.
type NIC struct {
	Model  string // virtio, e1000, e1000e, ...; see ModelFor
	Target string // name of the tap device on the host, as Neutron's agent expects it
	Bridge string // plugs the interface into this bridge

	// OVSPort is the interface id by which Open vSwitch knows the port. Bridge
	// is then a bridge of Open vSwitch, br-int, and without it a Linux bridge.
	OVSPort string
}

// setNICs edits the interfaces that are named by their MAC address.
func (e *editor) setNICs(c Change) error {
	if len(c.NICs) == 0 {
		return nil
	}
	devices, err := e.devices()
	if err != nil {
		return err
	}
	for _, mac := range sorted(c.NICs) {
		nic, err := findNIC(devices, mac)
		if err != nil {
			return refused("interface "+mac, ErrDevice, "%w", err)
		}
		for _, edit := range []func(*element, NIC) error{e.plug, e.setTarget, e.setModel} {
			if err := edit(nic, c.NICs[mac]); err != nil {
				return refused("interface "+mac, ErrRefused, "%w", err)
			}
		}
	}
	return nil
}

// findNIC finds an interface by its MAC address, whatever the case of its
// letters. Two with one address are a pair of teaming, or a mistake.
func findNIC(devices *element, mac string) (*element, error) {
	var found *element
	for _, nic := range devicesOf(devices, "interface") {
		address, err := nic.child("mac")
		if err != nil {
			return nil, err
		}
		if address == nil || canonicalMAC(address.value("address")) != mac {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("two interfaces have this MAC address; a pair of teaming is left as it is, so take the domain's interfaces out of the plan")
		}
		found = nic
	}
	if found == nil {
		return nil, fmt.Errorf("no interface has this MAC address any more; plan this domain anew")
	}
	return found, nil
}

// canonicalMAC writes an address as libvirt does; what is none stays itself.
func canonicalMAC(address string) string {
	if mac, err := net.ParseMAC(address); err == nil {
		return mac.String()
	}
	return address
}

func known(word string, words []string) bool { return slices.Contains(words, word) }

// place is the element of an interface behind which new ones are put: the one
// that is named, else its MAC address, which was found before.
func place(nic *element, name string) *element {
	if found := nic.all(name); len(found) == 1 {
		return found[0]
	}
	return nic.all("mac")[0]
}

// setTarget names the tap device.
func (e *editor) setTarget(nic *element, want NIC) error {
	if want.Target == "" {
		return nil
	}
	if kind := nic.value("type"); want.Bridge == "" && !known(kind, taps) {
		return fmt.Errorf("it is of type %s, which has no tap to be named", printable(kind))
	}
	target, err := nic.child("target")
	if err != nil {
		return err
	}
	if target == nil {
		e.insertTarget(nic, "<target dev='"+escape(want.Target, '\'')+"'/>")
		return nil
	}
	if target.value("managed") == "no" {
		return fmt.Errorf("its tap is made outside of libvirt (managed='no'); remove that with virsh edit")
	}
	dev, ok := target.attr("dev")
	if !ok {
		return fmt.Errorf("its <target> has no dev; remove the element with virsh edit")
	}
	e.setValue(dev, want.Target)
	return nil
}

// insertTarget puts it where libvirt writes it, so that what libvirt gives back
// is what was handed in.
func (e *editor) insertTarget(nic *element, text string) {
	for _, next := range []string{"guest", "model"} {
		if found := nic.all(next); len(found) > 0 {
			e.insertBefore(found[0], text)
			return
		}
	}
	e.insertAfter(place(nic, "source"), text)
}

// taps are the types of interfaces whose tap libvirt makes or takes by name.
var taps = []string{"bridge", "network", "ethernet"}
