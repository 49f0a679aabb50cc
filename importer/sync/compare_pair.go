package sync

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// clockSkew is how far the clocks of those who write into Nova's databases may
// be apart.
const clockSkew = time.Hour

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }

// A pair is an adopted domain with Nova's record of it, both there.
type pair struct {
	*comparison
	k       Known
	rec     Record
	now     discover.Domain
	subject Drift
}

func (p pair) say(code Code, heal Remedy, format string, args ...any) {
	p.add(code, p.subject, heal, format, args...)
}

func (p pair) compare() {
	p.name()
	p.power()
	p.definition()
	p.sizes()
	p.lock()
	p.inCloud()
}

// regenerated: the domain has the name that Nova gives it, so that its
// definition is Nova's, or was edited to be like Nova's.
func (p pair) regenerated() bool {
	return p.rec.InstanceName != "" && p.now.Name == p.rec.InstanceName
}

func (p pair) renamed() bool {
	return p.k.State == journal.StateRenamed || p.k.State == journal.StateFinalized
}

func (p pair) name() {
	switch {
	case p.regenerated():
	case p.now.Name == p.k.legacyName():
		if p.renamed() {
			p.say(Named, "", "it was renamed to %s, and is %q again", p.rec.InstanceName, p.now.Name)
		}
	default:
		p.say(Mismatched, "", "it is called %q, and neither %q nor %s", p.now.Name, p.k.legacyName(), p.rec.InstanceName)
	}
	for _, d := range p.Inventory.Domains {
		if p.rec.InstanceName != "" && d.Name == p.rec.InstanceName && !strings.EqualFold(d.UUID, p.now.UUID) {
			p.say(Mismatched, "", "domain %s has its name %s: Nova would undefine this one and then fail to define it", d.UUID, d.Name)
		}
	}
}

// power compares the states. Nova leaves an instance with a task alone.
func (p pair) power() {
	if p.rec.TaskState != "" || importer.PowerOf(p.now.State) == p.rec.PowerState && importer.Agree(p.rec.VMState, p.now.State) {
		return
	}
	text := fmt.Sprintf("libvirt says %s, Nova says vm_state %s and power state %s", p.now.State, p.rec.VMState, p.rec.PowerText())
	if harm := importer.Harm(p.rec.VMState, p.now.State); harm != "" {
		p.say(PowerDiffers, by(importer.CurePower), "%s: its power sync %s", text, harm)
		return
	}
	p.say(PowerDiffers, "", "%s", text)
}

// definition compares what is defined with what was planned, or with Nova's own
// records where Nova has made it anew.
func (p pair) definition() {
	if p.regenerated() {
		p.devices()
		return
	}
	texts := map[Code][]string{}
	for _, change := range plan.Changed(p.k.Recalled.Domain, p.now) {
		if code := codeOf(change); code != "" {
			texts[code] = append(texts[code], change)
		}
	}
	for _, code := range []Code{DiskDiffers, SizeDiffers, InterfaceDiffers, Redefined} {
		if len(texts[code]) == 0 {
			continue
		}
		var heal Remedy
		if code == SizeDiffers && p.grew() {
			heal = by(importer.CureSizes)
		}
		p.say(code, heal, "%s", strings.Join(texts[code], "; "))
	}
}

// codeOf sorts what plan.Changed says. The name is a matter of its own.
func codeOf(change string) Code {
	word, _, _ := strings.Cut(change, " ")
	switch word {
	case "name":
		return ""
	case "disk", "lun":
		return DiskDiffers
	case "vcpus", "memory":
		return SizeDiffers
	case "nic":
		return InterfaceDiffers
	}
	return Redefined
}

// memoryMB is what a guest may have.
func memoryMB(d discover.Domain) int {
	return int((max(d.MemMaxKiB, d.MemoryKiB) + 1<<10 - 1) >> 10)
}

// grew: nothing of it is smaller than Nova has it, and something is larger.
func (p pair) grew() bool {
	cpus, memory := int(p.now.VCPUs)-p.rec.VCPUs, memoryMB(p.now)-p.rec.MemoryMB
	return !p.resized() && cpus >= 0 && memory >= 0 && cpus+memory > 0
}

// resized: Nova has given it another flavor since the import.
func (p pair) resized() bool {
	f := p.k.Recalled.Domain.Flavor
	return p.rec.VCPUs != f.VCPUs || p.rec.MemoryMB != f.MemoryMB || p.rec.RootGB != f.RootGB || p.rec.EphemeralGB != f.EphemeralGB
}

// sizes compares how large the disks are. A resize through Nova has made the
// root disk as large as its flavor says.
func (p pair) sizes() {
	var texts []string
	heal := by(importer.CureSizes)
	for _, k := range p.k.Recalled.Domain.Disks {
		n := slices.IndexFunc(p.now.Disks, func(d discover.Disk) bool { return d.Target == k.Target })
		if n < 0 || p.now.Disks[n].CapacityBytes == 0 {
			continue
		}
		has, want := int((p.now.Disks[n].CapacityBytes+1<<30-1)>>30), k.SizeGB
		if p.resized() && k.Becomes == "disk" {
			want = max(want, p.rec.RootGB)
		}
		switch {
		case has < want:
			heal = ""
			texts = append(texts, fmt.Sprintf("disk %s has %d GB, recorded are %d: it was replaced or cut off", k.Target, has, want))
		case has > want:
			texts = append(texts, fmt.Sprintf("disk %s has grown to %d GB, recorded are %d", k.Target, has, want))
		}
	}
	if p.resized() || int(p.now.VCPUs) < p.rec.VCPUs || memoryMB(p.now) < p.rec.MemoryMB {
		heal = ""
	}
	if len(texts) > 0 {
		p.say(DiskDiffers, heal, "%s", strings.Join(texts, "; "))
	}
}

// lock compares with what the plan keeps locked, and until when.
func (p pair) lock() {
	lock := p.k.Recalled.Domain.Lock
	if lock == plan.None || lock == plan.UntilRenamed && (p.regenerated() || p.renamed()) {
		return // Its owner may do as they like.
	}
	switch {
	case !p.rec.Locked:
		p.say(LockDiffers, "", "the administrator's lock is gone, and its plan says %s", lock)
	case p.rec.LockedBy != "" && p.rec.LockedBy != "admin":
		p.say(LockDiffers, "", "it is locked by %s and not by the administrator any more", p.rec.LockedBy)
	}
}
