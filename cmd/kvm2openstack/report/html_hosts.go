package report

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
)

// roomRule is what the rules say of a domain that its host has no room for.
const roomRule = "K2O-652"

// A hostTally is what one host's domains add up to.
type hostTally struct {
	host     audit.Host
	verdicts map[check.Verdict]int

	managed, adoptable, outside load // outside stays beside Nova: what blocks it is not settled
	noRoom                      int  // adoptable, but for its host's room
}

// A load is what domains have been given.
type load struct{ vcpus, memoryMB, diskGB int }

func (l *load) add(m load) {
	l.vcpus += m.vcpus
	l.memoryMB += m.memoryMB
	l.diskGB += m.diskGB
}

func (h *hostTally) count(v check.Verdict) {
	if h.verdicts == nil {
		h.verdicts = map[check.Verdict]int{}
	}
	h.verdicts[v]++
}

func (h *hostTally) add(d audit.Domain) {
	h.count(d.Verdict)
	l := load{int(d.VCPUs), int(d.MemMaxKiB >> 10), int(diskGB(d))}
	switch d.Verdict {
	case check.VerdictManaged:
		h.managed.add(l)
	case check.VerdictReady, check.VerdictAttention:
		h.adoptable.add(l)
		for _, f := range d.Findings {
			if f.Code == roomRule {
				h.noRoom++
				break
			}
		}
	default:
		h.outside.add(l)
	}
}

// diskGB is the virtual size of all disks, each rounded up as a flavor counts it.
func diskGB(d audit.Domain) (gib uint64) {
	for _, k := range d.Disks {
		if k.Device == "disk" || k.Device == "lun" {
			gib += (k.CapacityBytes + 1<<30 - 1) >> 30
		}
	}
	return gib
}

// A hostView is one host's lines in the page's tables.
type hostView struct {
	Name    string
	Remarks []string // what went wrong
	Found   int
	Domains []verdictView
	Bar     bar

	Software string // what runs there
	Source   string // where the limits come from
	Fits     string
	Tight    bool // not all of it fits
	Room     []roomView
}

func (t *tally) hostViews() []hostView {
	views := make([]hostView, 0, len(t.hosts))
	for _, h := range t.hosts {
		v := h.view(Line(h.host.Host.Name))
		v.Remarks = remarks(h.host)
		v.Software = software(h.host)
		views = append(views, v)
	}
	return views
}

// view has what a host and all hosts together have in common.
func (h *hostTally) view(name string) hostView {
	v := hostView{Name: name, Found: h.host.Found}
	counted := audit.Totals{
		Ready: h.verdicts[check.VerdictReady], Attention: h.verdicts[check.VerdictAttention], Blocked: h.verdicts[check.VerdictBlocked],
		Managed: h.verdicts[check.VerdictManaged], Unreadable: h.verdicts[check.VerdictUnreadable],
	}
	counted.Found = counted.Sum()
	v.Domains, v.Bar = verdictViews(counted)
	v.Room, v.Source = h.room()
	adoptable := counted.Ready + counted.Attention
	switch {
	case h.host.Capacity == nil || adoptable == 0:
	case h.noRoom > 0:
		v.Tight = true
		v.Fits = fmt.Sprintf("room for %s of %s that can be adopted", humanize.Comma(int64(adoptable-h.noRoom)), humanize.Comma(int64(adoptable)))
	default:
		v.Fits = fmt.Sprintf("room for all %s that can be adopted", humanize.Comma(int64(adoptable)))
	}
	return v
}

func software(h audit.Host) string {
	switch {
	case h.LibvirtVersion == "":
		return ""
	case h.QEMUVersion == "":
		return "libvirt " + Line(h.LibvirtVersion)
	}
	return "libvirt " + Line(h.LibvirtVersion) + ", QEMU " + Line(h.QEMUVersion)
}

// remarks are what an operator must know before believing a host's figures.
func remarks(h audit.Host) (out []string) {
	switch {
	case h.Err != nil && h.Found > 0:
		out = append(out, "Read in part: "+Line(h.Err.Error()))
	case h.Err != nil:
		out = append(out, "Not read: "+Line(h.Err.Error()))
	case h.FilesErr != "":
		out = append(out, "Its files were not looked at: "+Line(h.FilesErr))
	}
	for _, q := range h.Silent {
		out = append(out, fmt.Sprintf("Domain %s runs, but its QEMU did not answer: %s", Line(q.Name), Line(q.Err.Error())))
	}
	return out
}

// fleet is all hosts together.
func (t *tally) fleet() hostView {
	all := hostTally{verdicts: map[check.Verdict]int{}}
	known := 0
	for _, h := range t.hosts {
		for v, n := range h.verdicts {
			all.verdicts[v] += n
		}
		all.managed.add(h.managed)
		all.adoptable.add(h.adoptable)
		all.outside.add(h.outside)
		all.noRoom += h.noRoom
		all.host.Found += h.host.Found
		all.host.CPUs += h.host.CPUs
		all.host.MemoryKiB += h.host.MemoryKiB
		if h.host.Capacity != nil {
			known++
			all.host.Capacity = together(all.host.Capacity, *h.host.Capacity)
		}
	}
	if known < len(t.hosts) {
		all.host.Capacity = nil // a sum over some of them would pass for all
	}
	v := all.view("All hosts")
	if known > 0 && known < len(t.hosts) {
		v.Source = fmt.Sprintf("Nova knows %d of %d hosts", known, len(t.hosts))
		for i := range v.Room {
			v.Room[i].forget()
		}
	}
	return v
}

func together(sum *audit.Capacity, c audit.Capacity) *audit.Capacity {
	if sum == nil {
		return &c
	}
	return &audit.Capacity{
		VCPUs: classes(sum.VCPUs, c.VCPUs), MemoryMB: classes(sum.MemoryMB, c.MemoryMB), DiskGB: classes(sum.DiskGB, c.DiskGB),
		Placement: sum.Placement && c.Placement,
	}
}

// classes adds up two hosts' parts. The ratio stays where both have the same.
func classes(a, b audit.Class) audit.Class {
	sum := audit.Class{Total: a.Total + b.Total, Limit: a.Limit + b.Limit, Used: a.Used + b.Used}
	if a.Ratio == b.Ratio {
		sum.Ratio = a.Ratio
	}
	return sum
}
