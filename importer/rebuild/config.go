package rebuild

import (
	"cmp"
	"slices"
	"strings"
)

// A Config is what nova.conf says on the host, as far as a guest can tell. The
// zero value has Nova's own defaults and the newest release there is.
//
// Beyond this, defaults are assumed: a VNC display and no SPICE, no serial
// proxy, statistics of the balloon, sysinfo_serial unique.
type Config struct {
	Major     int    // of nova-compute; 0 counts as the newest
	VirtType  string // [libvirt] virt_type; "" is what the domain has now
	CPUMode   string // [libvirt] cpu_mode; "" is host-model, none is QEMU's default
	CPUModel  string // the first of [libvirt] cpu_models, for the mode custom
	FileCache string // of [libvirt] disk_cachemodes for files; "" is none
	PCIePorts int    // [libvirt] num_pcie_ports
}

// newest is the release that is assumed where none is known.
const newest = 34

// since says whether nova-compute is of that release or a later one.
func (c Config) since(major int) bool { return cmp.Or(c.Major, newest) >= major }

// A family is what libvirt knows of a machine type: where its devices go.
type family int

const (
	otherMachine family = iota // nothing of addresses is foretold
	i440fx
	q35
)

// familyOf tells machines apart as libvirt does (qemuDomainMachineIsI440FX and
// its like), which knows no more than their names.
func familyOf(arch, machine string) family {
	begins := func(prefix string) bool { return strings.HasPrefix(machine, prefix) }
	switch {
	case !slices.Contains([]string{"x86_64", "i686"}, arch):
		return otherMachine
	case machine == "q35" || begins("pc-q35"):
		return q35
	case slices.Contains([]string{"", "pc"}, machine) || slices.ContainsFunc([]string{"pc-0.", "pc-1.", "pc-i440", "rhel"}, begins):
		return i440fx
	}
	return otherMachine
}
