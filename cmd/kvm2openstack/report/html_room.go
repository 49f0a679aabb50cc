package report

import (
	"fmt"
	"strconv"

	"github.com/dustin/go-humanize"

	"github.com/lightcloud/kvm2openstack/importer/audit"
)

// What a host may hold where nobody could be asked: Nova's own defaults for
// new hosts since 27.0.0.
const (
	assumedCPURatio   = 4
	assumedReservedMB = 512
)

// A roomView is one resource of one host.
type roomView struct {
	What     string
	Bar      bar
	Physical string // "" = not known, here and below
	Guests   string // what its domains have been given, running or not
	Limit    string // what Nova's instances may have
	Ratio    string
	Used     string // by what Nova has
	After    string // once all that can be adopted is
	Left     string
	Short    bool // less than nothing is left
}

// forget leaves only what does not need Nova.
func (v *roomView) forget() {
	v.Limit, v.Ratio, v.Used, v.After, v.Left, v.Short = "", "", "", "", "", false
	v.Bar.Marks = nil
}

// room says how full the host is and will be, and where the limits are from.
func (h *hostTally) room() ([]roomView, string) {
	capacity, source := h.limits()
	vcpu := resource{what: "vCPUs", physical: h.host.CPUs, class: capacity.VCPUs, show: inCount,
		managed: h.managed.vcpus, adoptable: h.adoptable.vcpus, outside: h.outside.vcpus}
	memory := resource{what: "Memory", physical: int(h.host.MemoryKiB >> 10), class: capacity.MemoryMB, show: inMB,
		managed: h.managed.memoryMB, adoptable: h.adoptable.memoryMB, outside: h.outside.memoryMB}
	disk := resource{what: "Disk", physical: capacity.DiskGB.Total, class: capacity.DiskGB, show: inGB,
		managed: h.managed.diskGB, adoptable: h.adoptable.diskGB, outside: h.outside.diskGB}
	return []roomView{vcpu.view(), memory.view(), disk.view()}, source
}

func (h *hostTally) limits() (audit.Capacity, string) {
	switch c := h.host.Capacity; {
	case c != nil && c.Placement:
		return *c, "limits: Placement"
	case c != nil:
		return *c, "limits: Nova's databases"
	case h.host.CPUs == 0:
		return audit.Capacity{}, "its size is not known"
	}
	// Whatever Nova has of this host is not known either: all guests count.
	memory := int(h.host.MemoryKiB >> 10)
	return audit.Capacity{
		VCPUs:    audit.Class{Total: h.host.CPUs, Ratio: assumedCPURatio, Limit: h.host.CPUs * assumedCPURatio, Used: h.managed.vcpus},
		MemoryMB: audit.Class{Total: memory, Ratio: 1, Limit: max(memory-assumedReservedMB, 0), Used: h.managed.memoryMB},
	}, "limits: Nova's defaults, for Nova was not asked"
}

// A resource is one class of a host in numbers.
type resource struct {
	what                        string
	physical                    int // 0 = not known
	class                       audit.Class
	managed, adoptable, outside int
	show                        func(int) string
}

func (r resource) view() roomView {
	v := roomView{What: r.what, Bar: r.bar(), Guests: r.show(r.managed + r.adoptable + r.outside)}
	if r.physical > 0 {
		v.Physical = r.show(r.physical)
	}
	if r.class.Total == 0 {
		return v
	}
	after := r.class.Used + r.adoptable
	v.Limit, v.Used, v.After = r.show(r.class.Limit), r.show(r.class.Used), r.show(after)
	if r.class.Ratio > 0 {
		v.Ratio = "ratio " + strconv.FormatFloat(r.class.Ratio, 'f', -1, 64)
	}
	if left := r.class.Limit - after; left < 0 {
		v.Left, v.Short = r.show(-left)+" short", true
	} else {
		v.Left = r.show(left)
	}
	return v
}

// bar puts one behind the other: what Nova has, what can be adopted (and, in
// another colour, what of it is too much), and what stays outside.
func (r resource) bar() bar {
	used := r.class.Used
	if r.class.Total == 0 {
		used = r.managed
	}
	full := max(r.physical, used+r.adoptable+r.outside)
	if limit := r.class.Limit; limit > full && limit < 2*full {
		full = limit // farther away it would make all else a thin line
	}
	fits := r.adoptable
	if r.class.Total > 0 {
		fits = min(r.adoptable, max(r.class.Limit-used, 0))
	}
	b := bar{of: float64(full)}
	b.add("managed", float64(used))
	b.add("adopt", float64(fits))
	b.add("over", float64(r.adoptable-fits))
	b.add("outside", float64(r.outside))
	b.mark("physical", float64(r.physical))
	if r.class.Total > 0 && r.class.Limit <= full {
		b.mark("limit", float64(r.class.Limit))
	}
	return b
}

func inCount(n int) string { return humanize.Comma(int64(n)) }

// inMB and inGB print sizes as an operator says them, in powers of two.
func inMB(mib int) string {
	if mib < 1024 {
		return fmt.Sprintf("%d MB", mib)
	}
	return inUnits(float64(mib)/1024, "GB")
}

func inGB(gib int) string { return inUnits(float64(gib), "GB") }

func inUnits(n float64, unit string) string {
	if n >= 10240 {
		n, unit = n/1024, "TB"
	}
	return humanize.CommafWithDigits(n, 1) + " " + unit
}
