package rename

import (
	"fmt"
	"strings"
)

// plugged are the types of interfaces that can be plugged into a bridge
// instead: what they lose by it is named in unplugged.
var plugged = []string{"bridge", "network", "direct", "ethernet"}

// unplugged are elements that would be lost, or that libvirt would not start
// the domain with, once the interface is on a bridge.
var unplugged = map[string]string{
	"teaming":     "a pair of teaming is left as it is",
	"script":      "scripts are for the type ethernet alone",
	"downscript":  "scripts are for the type ethernet alone",
	"ip":          "the host's address would be lost",
	"route":       "the host's route would be lost",
	"portForward": "the forwarded ports would be lost",
}

// unswitched are elements that Open vSwitch does not take: libvirt 9 refuses to
// define the first, and to start with the second.
var unswitched = map[string]string{
	"port":      "an isolated port is for Linux bridges alone",
	"filterref": "libvirt's filters are for Linux bridges alone",
}

// plug puts an interface into a bridge as Nova does
// (nova/virt/libvirt/designer.py, set_vif_host_backend_bridge_config and
// set_vif_host_backend_ovs_config): the bridge, and on Open vSwitch the port's
// id. A VLAN of the definition goes, for Neutron's agent knows it by the port:
// on a Linux bridge libvirt would refuse to start with it, and on Open vSwitch
// it would fight with the agent's own.
func (e *editor) plug(nic *element, want NIC) error {
	if want.Bridge == "" {
		return nil
	}
	if err := pluggable(nic, want); err != nil {
		return err
	}
	if err := e.setSource(nic, want.Bridge); err != nil {
		return err
	}
	for _, vlan := range nic.all("vlan") {
		e.remove(vlan)
	}
	return e.setVirtualPort(nic, want.OVSPort)
}

func pluggable(nic *element, want NIC) error {
	if kind := nic.value("type"); !known(kind, plugged) {
		return fmt.Errorf("it is of type %s, which cannot be plugged into a bridge instead", printable(kind))
	}
	bad := func(elements map[string]string) error {
		for _, name := range sorted(elements) {
			if len(nic.all(name)) > 0 {
				return fmt.Errorf("it has <%s>: %s; remove that with virsh edit, or leave this interface where it is", name, elements[name])
			}
		}
		return nil
	}
	if err := bad(unplugged); err != nil {
		return err
	}
	if inbound, _ := nic.deep("bandwidth", "inbound"); inbound != nil && inbound.value("floor") != "" {
		return fmt.Errorf("its <bandwidth> has a floor, which libvirt's own networks alone can keep; remove that with virsh edit, or leave this interface where it is")
	}
	if want.OVSPort == "" {
		return nil
	}
	return bad(unswitched)
}

// setSource names the bridge, and makes an interface of another type one of
// type bridge.
func (e *editor) setSource(nic *element, bridge string) error {
	source, err := nic.child("source")
	if err != nil {
		return err
	}
	if source != nil && len(source.children) > 0 {
		return fmt.Errorf("its <source> has <%s> in it, which would be lost", source.children[0].name.Local)
	}
	kind, _ := nic.attr("type")
	name := "<source bridge='" + escape(bridge, '\'') + "'/>"
	switch {
	case source == nil:
		e.insertAfter(nic.all("mac")[0], name)
	case kind.value == "bridge":
		old, ok := source.attr("bridge")
		if !ok {
			return fmt.Errorf("its <source> names no bridge; correct that with virsh edit")
		}
		e.setValue(old, bridge)
	default:
		e.splice(source.start, source.end, name)
	}
	e.setValue(kind, "bridge")
	return nil
}

// setVirtualPort says on Open vSwitch which port this is, and takes that away
// elsewhere.
func (e *editor) setVirtualPort(nic *element, port string) error {
	present, err := nic.child("virtualport")
	switch {
	case err != nil:
		return err
	case port == "" && present != nil:
		e.remove(present)
	case port == "":
	case present == nil:
		e.insertAfter(place(nic, "source"), e.virtualPort(nic, port))
	default:
		if id, ok := onlyInterfaceID(present); ok {
			e.setValue(id, port)
			return nil
		}
		e.splice(present.start, present.end, e.virtualPort(nic, port))
	}
	return nil
}

// onlyInterfaceID finds the id in a <virtualport> that says nothing else.
func onlyInterfaceID(p *element) (attribute, bool) {
	if p.value("type") != "openvswitch" || len(p.attrs) != 1 || len(p.children) != 1 {
		return attribute{}, false
	}
	parameters := p.children[0]
	id, ok := parameters.attr("interfaceid")
	return id, ok && parameters.name.Local == "parameters" && len(parameters.attrs) == 1 && len(parameters.children) == 0
}

// virtualPort is written over three lines where the definition has lines.
func (e *editor) virtualPort(nic *element, port string) string {
	line, inner := e.indent(nic.all("mac")[0]), ""
	if strings.Contains(line, "\n") {
		inner = line + "  "
	} else {
		line = ""
	}
	return "<virtualport type='openvswitch'>" + inner + "<parameters interfaceid='" + escape(port, '\'') + "'/>" + line + "</virtualport>"
}
