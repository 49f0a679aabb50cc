package rename

import (
	"fmt"
	"strings"
)

// change does to the paths what Apply does to the text.
func (p *paths) change(c Change) error {
	c, err := c.normal()
	if err != nil {
		return err
	}
	if c.Name != "" {
		p.set("name", c.Name)
	}
	for _, target := range sorted(c.Disks) {
		source, err := p.device("devices/disk[target=" + inBrackets.Replace(target) + "]")
		if err != nil {
			return err
		}
		p.set(source+"/source/@file", c.Disks[target])
	}
	for _, mac := range sorted(c.NICs) {
		nic, err := p.device("devices/interface[mac=" + inBrackets.Replace(mac) + "]")
		if err != nil {
			return err
		}
		p.plug(nic, c.NICs[mac])
		p.model(nic, c.NICs[mac].Model)
	}
	p.nvram(c.NVRAM)
	return nil
}

// device is the path of a device, if there is exactly one.
func (p *paths) device(path string) (string, error) {
	if !p.has(path) || p.has(path+"[2]") {
		return "", fmt.Errorf("%w: %s", ErrDevice, path)
	}
	return path, nil
}

func (p *paths) plug(nic string, want NIC) {
	if want.Target != "" {
		p.set(nic+"/target", p.values[nic+"/target"])
		p.set(nic+"/target/@dev", want.Target)
	}
	if want.Bridge == "" {
		return
	}
	if p.values[nic+"/@type"] != "bridge" {
		p.set(nic+"/@type", "bridge")
		p.remove(nic + "/source")
	}
	p.set(nic+"/source", "")
	p.set(nic+"/source/@bridge", want.Bridge)
	p.removeAll(nic + "/vlan")
	p.remove(nic + "/virtualport")
	if want.OVSPort != "" {
		p.set(nic+"/virtualport", "")
		p.set(nic+"/virtualport/@type", "openvswitch")
		p.set(nic+"/virtualport/parameters", "")
		p.set(nic+"/virtualport/parameters/@interfaceid", want.OVSPort)
	}
}

func (p *paths) model(nic, model string) {
	if model == "" || p.values[nic+"/model/@type"] == model {
		return
	}
	p.set(nic+"/model", "")
	p.set(nic+"/model/@type", model)
	if isVirtio(model) {
		return
	}
	p.removeAll(nic + "/driver")
	p.remove(nic + "/backend/@vhost")
	if backend := nic + "/backend"; p.has(backend) && !p.hasInside(backend) {
		p.remove(backend)
	}
}

// removeAll takes out an element with all its like.
func (p *paths) removeAll(path string) {
	p.remove(path)
	for n := 2; p.has(fmt.Sprintf("%s[%d]", path, n)); n++ {
		p.remove(fmt.Sprintf("%s[%d]", path, n))
	}
}

func (p *paths) hasInside(path string) bool {
	for inside := range p.values {
		if strings.HasPrefix(inside, path+"/") {
			return true
		}
	}
	return false
}

func (p *paths) nvram(path string) {
	switch {
	case path == "":
	case p.has("os/nvram/source/@file"):
		p.set("os/nvram/source/@file", path)
	default:
		p.set("os/nvram", path)
	}
}
