package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/nova"
)

// flavors are those of the cloud, and what is to be created.
type flavors struct {
	known  bool
	all    []nova.Flavor     // in order of preference
	byName map[string]int    // name and flavorid -> index in all
	made   map[string]string // name of a flavor to be created -> its project
}

func newFlavors(in []nova.Flavor) *flavors {
	f := &flavors{known: in != nil, all: slices.Clone(in), byName: map[string]int{}, made: map[string]string{}}
	// Of two that fit, the plainest wins: no extra specs, then public, then
	// by name so that the same cloud always gives the same plan.
	slices.SortStableFunc(f.all, func(x, y nova.Flavor) int {
		return cmp.Or(cmp.Compare(len(x.ExtraSpecs), len(y.ExtraSpecs)), boolRank(y.Public)-boolRank(x.Public), cmp.Compare(x.Name, y.Name))
	})
	for n, flavor := range f.all {
		f.byName[flavor.FlavorID] = n
	}
	for n, flavor := range f.all { // a name goes before an id, as for Nova's own clients
		f.byName[flavor.Name] = n
	}
	return f
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// chooseFlavor takes the flavor that is exactly the domain's size, else the
// rule's, else one that is to be created.
func (b *builder) chooseFlavor(d *draft) {
	want := d.size()
	if f, ok := b.flavors.exact(want, d.ProjectID); ok {
		d.Flavor = flavorOf(f)
		return
	}
	if d.rule.Flavor != "" {
		d.Flavor = b.flavors.byRule(d, want)
		return
	}
	want.Name, want.Create = b.flavors.newName(want, d.ProjectID), true
	d.Flavor = want
	if b.live() {
		d.find(infoNew, "Nova has no flavor of %s: the import makes %s, private to its project.", want.size(), want.Name)
		return
	}
	d.findDo(attentionNew, createCommand(want, d.ProjectID), "Nova has no flavor of %s: %s has to be there before the import.", want.size(), want.Name)
}

// size is what the guest needs of a flavor: the vCPUs it has now, the memory
// it may have (without it a ballooned guest could not grow back), its root
// disk, and its data disks, which are ephemeral to Nova.
func (d *draft) size() Flavor {
	f := Flavor{VCPUs: int(d.found.VCPUs), MemoryMB: megabytes(max(d.found.MemMaxKiB, d.found.MemoryKiB))}
	for _, disk := range d.Disks {
		if disk.Becomes == rootName {
			f.RootGB = disk.SizeGB
		} else {
			f.EphemeralGB += disk.SizeGB
		}
	}
	return f
}

// exact returns the first flavor of that very size which the project may use
// and which changes nothing else about the machine.
func (f *flavors) exact(want Flavor, project string) (nova.Flavor, bool) {
	for _, flavor := range f.all {
		if flavorOf(flavor).sameSize(want) && flavor.SwapMB == 0 && !flavor.Disabled && visible(flavor, project) && harmless(flavor.ExtraSpecs) {
			return flavor, true
		}
	}
	return nova.Flavor{}, false
}

func (f Flavor) sameSize(g Flavor) bool {
	return f.VCPUs == g.VCPUs && f.MemoryMB == g.MemoryMB && f.RootGB == g.RootGB && f.EphemeralGB == g.EphemeralGB
}

func visible(f nova.Flavor, project string) bool {
	return f.Public || project != "" && slices.Contains(f.Projects, project)
}

// harmless reports whether the extra specs only say where an instance may
// run. All others change the machine or what it may use: hw:, quota:,
// resources:, pci_passthrough:.
func harmless(specs map[string]string) bool {
	for name := range specs {
		scope, _, scoped := strings.Cut(name, ":")
		if scoped && !slices.Contains([]string{"aggregate_instance_extra_specs", "capabilities", "trait"}, scope) {
			return false
		}
	}
	return true
}

// byRule takes the flavor that a rule names, as it is.
func (f *flavors) byRule(d *draft, want Flavor) Flavor {
	n, ok := f.byName[d.rule.Flavor]
	if !ok {
		want.Name = d.rule.Flavor
		if f.known {
			d.find(blockedFlavor, "Its rule names the flavor %s, which Nova does not have.", quoted(d.rule.Flavor))
		}
		return want
	}
	chosen := flavorOf(f.all[n])
	switch {
	case chosen.RootGB < want.RootGB || chosen.EphemeralGB < want.EphemeralGB:
		d.find(blockedFlavor, "Its rule names flavor %s (%s), which is smaller than its disks (%s).", quoted(chosen.Name), chosen.size(), want.size())
	case !chosen.sameSize(want):
		d.find(attentionFlavor, "Its rule names flavor %s (%s), and it has %s: its first hard reboot changes that.", quoted(chosen.Name), chosen.size(), want.size())
	case !harmless(chosen.ExtraSpecs):
		d.find(attentionFlavor, "Its rule names flavor %s, whose extra specs change the machine at its first hard reboot.", quoted(chosen.Name))
	}
	return chosen
}

// newName names a flavor to be created after its size, the memory in MiB. A
// name is unique in Nova, so where it is taken the project's id joins it, and
// where that is taken too (by one that is disabled, say) a number.
func (f *flavors) newName(want Flavor, project string) string {
	name := fmt.Sprintf("legacy.%dc%dm%dd", want.VCPUs, want.MemoryMB, want.RootGB)
	if want.EphemeralGB > 0 {
		name += fmt.Sprintf("%de", want.EphemeralGB)
	}
	own := name + "-" + project[:min(8, len(project))]
	for n := 1; f.taken(name, project); n++ {
		if name = own; n > 1 {
			name = fmt.Sprintf("%s-%d", own, n)
		}
	}
	f.made[name] = project
	return name
}

// taken reports whether a flavor of the project cannot have the name.
func (f *flavors) taken(name, project string) bool {
	_, exists := f.byName[name]
	owner, made := f.made[name]
	return exists || made && owner != project
}

func createCommand(f Flavor, project string) string {
	return fmt.Sprintf("openstack flavor create --private --project %s --vcpus %d --ram %d --disk %d --ephemeral %d %s",
		cmp.Or(project, "PROJECT"), f.VCPUs, f.MemoryMB, f.RootGB, f.EphemeralGB, f.Name)
}

func flavorOf(f nova.Flavor) Flavor {
	out := Flavor{Name: f.Name, VCPUs: f.VCPUs, MemoryMB: f.MemoryMB, RootGB: f.RootGB, EphemeralGB: f.EphemeralGB}
	if len(f.ExtraSpecs) > 0 {
		out.ExtraSpecs = f.ExtraSpecs
	}
	return out
}

// specs are a flavor's extra specs on one line.
func specs(f Flavor) string {
	var list []string
	for name, value := range sorted(f.ExtraSpecs) {
		list = append(list, name+"="+value)
	}
	return "{" + strings.Join(list, ", ") + "}"
}
