package openstack

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// sameSize refuses a flavor of another size: the instance would be shown, and
// at the next resize be made, as something that it is not.
func sameSize(has flavors.Flavor, want cloud.NewFlavor) error {
	a := sizeText(has.VCPUs, has.RAM, has.Disk, has.Ephemeral)
	if has.Swap != 0 {
		a += fmt.Sprintf(", %d MB swap", has.Swap)
	}
	b := sizeText(want.VCPUs, want.MemoryMB, want.RootGB, want.EphemeralGB)
	if a != b {
		return fmt.Errorf("there is a flavor of this name (%s) with another size: it has %s, the plan wants %s; name another one in the plan", has.ID, a, b)
	}
	return nil
}

func sizeText(vcpus, memoryMB, rootGB, ephemeralGB int) string {
	return fmt.Sprintf("%d vCPUs, %d MB memory, %d GB root, %d GB ephemeral", vcpus, memoryMB, rootGB, ephemeralGB)
}

// sameSpecs refuses a flavor with other extra specs: they are virtual
// hardware, and where the scheduler may put it.
func sameSpecs(has flavors.Flavor, want cloud.NewFlavor) error {
	if maps.Equal(has.ExtraSpecs, want.ExtraSpecs) {
		return nil
	}
	return fmt.Errorf("there is a flavor of this name (%s) with other extra specs: it has %s, the plan wants %s; name another one in the plan",
		has.ID, specsText(has.ExtraSpecs), specsText(want.ExtraSpecs))
}

func specsText(specs map[string]string) string {
	if len(specs) == 0 {
		return "none"
	}
	parts := make([]string, 0, len(specs))
	for _, k := range slices.Sorted(maps.Keys(specs)) {
		parts = append(parts, k+"="+specs[k])
	}
	return strings.Join(parts, " ")
}
