package plan

import (
	"regexp"
	"strconv"
)

// The resource classes that every instance takes of its compute node.
const (
	classVCPU   = "VCPU"
	classMemory = "MEMORY_MB"
	classDisk   = "DISK_GB"
)

// resourceSpec is an extra spec that names an amount itself: resources:CLASS,
// or resourcesGROUP:CLASS (nova/scheduler/utils.py, ResourceRequest.XS_RES_PATTERN).
var resourceSpec = regexp.MustCompile(`^resources[A-Za-z0-9_-]{0,64}:([A-Z0-9_]+)$`)

// Resources is what the instance takes of its compute node, by Placement's
// resource classes: VCPU, MEMORY_MB in MiB, DISK_GB in GiB for all its local
// disks. It follows nova/scheduler/utils.py, resources_from_flavor, by which
// nova-manage placement heal_allocations judges an allocation: what the
// flavor's extra specs ask for goes before its size, and nothing is allocated
// of a class whose amount is 0.
func Resources(d Domain) map[string]int {
	all := map[string]int{}
	for name, value := range d.Flavor.ExtraSpecs {
		m := resourceSpec.FindStringSubmatch(name)
		if n, err := strconv.Atoi(value); m != nil && err == nil {
			all[m[1]] += n
		}
	}
	_, dedicated := all["PCPU"]
	sizes := map[string]int{classVCPU: d.Flavor.VCPUs, classMemory: d.Flavor.MemoryMB, classDisk: d.Flavor.RootGB + d.Flavor.EphemeralGB}
	for class, n := range sizes {
		if _, asked := all[class]; !asked && (class != classVCPU || !dedicated) {
			all[class] = n
		}
	}
	for class, n := range all {
		if n == 0 {
			delete(all, class)
		}
	}
	return all
}
