package rebuild

import "fmt"

// Where libvirt puts devices that have no address, and in Nova's definitions
// none has. This follows src/qemu/qemu_domain_address.c and
// src/conf/domain_addr.c; before libvirt 4.3 a q35 machine had other bridges.

// A connection is what a device needs of the bus it goes to.
type connection uint8

const (
	pciDevice connection = 1 << iota
	pcieDevice
	pciBridge
	pcieRootPort
	pcieToPCIBridge
)

// A bus is a PCI controller that others are plugged into.
type bus struct {
	model    string
	accepts  connection
	min, max int
	used     [32]uint8 // functions, by slot
}

func newBus(model string) bus {
	switch model {
	case "pci-root", "pci-bridge", "pcie-to-pci-bridge":
		return bus{model: model, accepts: pciDevice | pciBridge, min: 1, max: 31}
	case "pcie-root": // for root ports alone, as long as nobody names a slot
		return bus{model: model, accepts: pcieRootPort, min: 1, max: 31}
	}
	return bus{model: "pcie-root-port", accepts: pcieDevice | pcieToPCIBridge}
}

// needs is what a PCI controller itself is plugged into.
func needs(model string) connection {
	switch model {
	case "pcie-root-port":
		return pcieRootPort
	case "pcie-to-pci-bridge":
		return pcieToPCIBridge
	}
	return pciBridge
}

// A slot is a place on a bus.
type slot struct{ bus, slot, function int }

func (s slot) String() string { return fmt.Sprintf("pci:0000:%02x:%02x.%x", s.bus, s.slot, s.function) }

// buses are those of one domain.
type buses struct {
	list []bus
	grow bool // a first pass only finds out how many there must be
}

// take marks a place that is a device's by its nature.
func (b *buses) take(s slot) { b.list[s.bus].used[s.slot] |= 1 << s.function }

func (b *buses) isFree(s slot) bool { return b.list[s.bus].used[s.slot] == 0 }

// next finds the first free place for a device, and adds a bus for it where
// that is allowed. Root ports share slots, eight to each.
func (b *buses) next(c connection) (slot, bool) {
	for i := range b.list {
		if b.list[i].accepts&c == 0 {
			continue
		}
		for s := b.list[i].min; s <= b.list[i].max; s++ {
			used := b.list[i].used[s]
			if used != 0 && c != pcieRootPort {
				continue
			}
			for f := range 8 {
				if used&(1<<f) == 0 {
					at := slot{i, s, f}
					b.take(at)
					return at, true
				}
			}
		}
	}
	if !b.grow || !b.add(c) {
		return slot{}, false
	}
	at := slot{bus: len(b.list) - 1}
	at.slot = b.list[at.bus].min
	b.take(at)
	return at, true
}

// add makes the bus that a device needs, and what that needs itself.
func (b *buses) add(c connection) bool {
	switch {
	case c&pcieDevice != 0:
		b.list = append(b.list, newBus("pcie-root-port"))
	case c&pciDevice != 0 && b.list[0].model == "pci-root":
		b.list = append(b.list, newBus("pci-bridge"))
	case c&pciDevice != 0:
		for _, have := range b.list {
			if have.model == "pcie-to-pci-bridge" {
				b.list = append(b.list, newBus("pci-bridge"))
				return true
			}
		}
		port := newBus("pcie-root-port")
		port.accepts = pcieToPCIBridge // kept from the device that comes next
		b.list = append(b.list, port, newBus("pcie-to-pci-bridge"))
	default:
		return false
	}
	return true
}

// A plug is a device that wants a place.
type plug struct {
	needs connection
	at    *string // where the answer goes
}

// layOut gives every device its place. Plugs are in libvirt's own order; video,
// where there is any, is the first adapter, which has a place of its own.
// Ports are the root ports that the definition itself has.
func layOut(f family, ports int, video *string, plugs []plug) []bus {
	b := &buses{grow: true}
	b.reset(f, ports)
	b.chipset(f, video)
	if f == i440fx {
		b.next(pciDevice) // room for a bridge, should there be need of one later
	}
	for _, p := range plugs {
		b.next(p.needs)
	}
	if f == q35 && ports == 0 && len(b.list) > 1 {
		b.next(pcieDevice) // one port stays free, for a device that is plugged in later
	}
	for i := ports + 1; i < len(b.list); i++ {
		b.next(needs(b.list[i].model))
	}
	var models []string
	for _, one := range b.list[1:] {
		models = append(models, one.model)
	}
	return b.settle(f, models, video, plugs)
}

// reset leaves the root and the ports that the definition has.
func (b *buses) reset(f family, ports int) {
	root := "pci-root"
	if f == q35 {
		root = "pcie-root"
	}
	b.list = []bus{newBus(root)}
	for range ports {
		b.list = append(b.list, newBus("pcie-root-port"))
	}
}

// chipset takes what is soldered on, and the place of the video adapter.
func (b *buses) chipset(f family, video *string) {
	first := slot{slot: 2}
	if f == q35 {
		for _, function := range []int{0, 2, 3} { // ISA bridge, SATA, SMBus
			b.take(slot{slot: 0x1f, function: function})
		}
		first.slot = 1
	} else {
		b.take(slot{slot: 1}) // ISA bridge, and the functions of PIIX3 with it
	}
	if video != nil && b.isFree(first) {
		b.take(first)
		*video = first.String()
	}
}

// settle gives out the places, now that all buses are known: they themselves
// come first.
func (b *buses) settle(f family, models []string, video *string, plugs []plug) []bus {
	b.grow = false
	b.reset(f, 0)
	for _, m := range models {
		b.list = append(b.list, newBus(m))
	}
	b.chipset(f, video)
	for _, m := range models {
		b.next(needs(m))
	}
	for _, p := range plugs {
		if at, ok := b.next(p.needs); ok {
			*p.at = at.String()
		}
	}
	return b.list
}
