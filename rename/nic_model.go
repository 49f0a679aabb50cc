package rename

import (
	"fmt"
	"strings"
)

// models are those that Nova has a word for (nova/objects/fields.py, VIFModel)
// and QEMU has a device for.
var models = []string{"virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "spapr-vlan", "igb"}

// isVirtio covers virtio-transitional and virtio-non-transitional too
// (domain_conf.c, virDomainNetIsVirtioModel).
func isVirtio(model string) bool { return model == "virtio" || strings.HasPrefix(model, "virtio-") }

// ModelFor is the adapter to give a guest instead of virtio: one that its
// Windows brings a driver for. It is "" for every other family, which has
// virtio's own.
//
// e1000e needs PCI Express, which pc-q35 has, and a Windows since 8 and 2012;
// e1000 has drivers in every Windows since Vista and 2008, and is also what to
// take when nothing is known. 32-bit XP and 2003 may have to be given a driver
// from Intel first.
//
// machine is the definition's <os><type machine>; family is windows, linux and
// so on; systems are whatever names the guest's system, the surest first: what
// its agent says ("Windows Server 2019 Standard"), libosinfo's id
// ("http://microsoft.com/win/2k19"), what an operator wrote ("win2k12r2"). The
// first that tells a version decides.
func ModelFor(machine, family string, systems ...string) string {
	if !strings.EqualFold(family, "windows") {
		return ""
	}
	for _, system := range systems {
		is, told := since8(system)
		if told && is && isQ35(machine) {
			return "e1000e"
		}
		if told {
			break
		}
	}
	return "e1000"
}

// isQ35 knows the alias q35, pc-q35-7.2 and distributions' own pc-q35-rhel9.2.0.
func isQ35(machine string) bool { return machine == "q35" || strings.HasPrefix(machine, "pc-q35") }

// versions since Windows 8 and Server 2012, as people, agents and libosinfo
// write them.
var versions = []string{
	"8", "8.1", "10", "11", "2012", "2016", "2019", "2022", "2025",
	"2k12", "2k16", "2k19", "2k22", "2k25",
}

// since8 looks at the first word that tells a version: "Windows Server 2008
// with an update of 2012" is a 2008.
func since8(system string) (is, told bool) {
	between := func(r rune) bool { return strings.ContainsRune(" /-_,()", r) }
	for _, word := range strings.FieldsFunc(strings.ToLower(system), between) {
		word = strings.TrimPrefix(strings.TrimPrefix(word, "windows"), "win")
		word = strings.TrimSuffix(word, "r2")
		switch {
		case known(word, versions):
			return true, true
		case word == "xp", word == "vista", word != "" && word[0] >= '0' && word[0] <= '9':
			return false, true
		}
	}
	return false, false
}

// setModel gives an interface another adapter.
func (e *editor) setModel(nic *element, want NIC) error {
	if want.Model == "" {
		return nil
	}
	model, err := nic.child("model")
	if err != nil {
		return err
	}
	var kind attribute
	if model != nil {
		var ok bool
		if kind, ok = model.attr("type"); !ok {
			return fmt.Errorf("its <model> has no type; remove the element with virsh edit")
		}
		if kind.value == want.Model {
			return nil
		}
	}
	if err := swappable(nic, want.Model); err != nil {
		return err
	}
	if model != nil {
		e.setValue(kind, want.Model)
	} else { // libvirt 9 fills the default in; in what older ones wrote it may be missing
		e.insertAfter(nic.all("mac")[0], "<model type='"+escape(want.Model, '\'')+"'/>")
	}
	return e.dropVirtio(nic, want.Model)
}

// emulated are the types of interfaces behind which any adapter works. The
// others are a device of the host, or speak virtio with another process.
var emulated = []string{"bridge", "network", "ethernet", "direct", "user"}

// swappable says why an interface has to keep its adapter.
func swappable(nic *element, model string) error {
	if kind := nic.value("type"); !known(kind, emulated) {
		return fmt.Errorf("it is of type %s, whose adapter cannot be another one; leave its model as it is", printable(kind))
	}
	if len(nic.all("teaming")) > 0 {
		return fmt.Errorf("it has <teaming>, which works with virtio alone; leave its model as it is, or end the teaming with virsh edit")
	}
	for _, rom := range nic.all("rom") {
		if file := rom.value("file"); file != "" {
			return fmt.Errorf("it boots with a ROM made for another adapter, %q; remove <rom> with virsh edit, or leave its model as it is", file)
		}
	}
	address, err := nic.child("address")
	if err != nil {
		return err
	}
	if address != nil && address.value("type") != "pci" && !isVirtio(model) {
		return fmt.Errorf("its address is of type %s, where there is virtio alone; leave its model as it is", printable(address.value("type")))
	}
	return nil
}

// dropVirtio takes away what belongs to a virtio adapter alone. libvirt 9
// refuses such a definition where <driver> has iommu, ats, packed or
// page_per_vq (virDomainCheckVirtioOptionsAreAbsent), and drops the rest of
// <driver> and the backend's vhost without a word. What the tap has stays: mtu,
// coalesce, tune, the backend's tap.
func (e *editor) dropVirtio(nic *element, model string) error {
	if isVirtio(model) {
		return nil
	}
	for _, driver := range nic.all("driver") {
		e.remove(driver)
	}
	backend, err := nic.child("backend")
	if backend == nil || err != nil {
		return err
	}
	vhost, ok := backend.attr("vhost")
	switch {
	case !ok:
	case len(backend.attrs) == 1 && len(backend.children) == 0:
		e.remove(backend)
	default:
		e.removeAttr(vhost)
	}
	return nil
}
