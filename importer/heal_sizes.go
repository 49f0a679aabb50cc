package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// sizesCure records what has grown: a flavor of the new size, which is made
// where there is none, and the sizes of the disks. Without it the next hard
// reboot gives the guest its old memory back.
type sizesCure struct{ *Importer }

func (sizesCure) name() string { return curePrefix + string(CureSizes) }

func (s sizesCure) done(ctx context.Context, b batch) (map[string]bool, error) {
	rows, err := s.rows(ctx, b)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for _, it := range b {
		row, there := rows[it.uuid()]
		done[it.uuid()] = there && it.grown != nil && sizeOf(row) == flavorSize(it.grown.Flavor) && sizesText(it.planned) == sizesText(*it.grown)
	}
	return done, nil
}

// sizeOf and flavorSize are vCPUs, memory, root and ephemeral disk.
func sizeOf(row nova.Server) [4]int {
	return [4]int{row.VCPUs, row.MemoryMB, row.RootGB, row.EphemeralGB}
}
func flavorSize(f plan.Flavor) [4]int {
	return [4]int{f.VCPUs, f.MemoryMB, f.RootGB, f.EphemeralGB}
}

// sizesText is what a plan says of sizes.
func sizesText(d plan.Domain) string {
	text := fmt.Sprint(flavorSize(d.Flavor))
	for _, k := range d.Disks {
		text += fmt.Sprintf(" %s %d", k.Becomes, k.SizeGB)
	}
	return text
}

func (s sizesCure) do(ctx context.Context, b batch) error {
	rows, err := s.rows(ctx, b)
	if err != nil {
		return err
	}
	failed := perDomain{}
	var domains []plan.Domain
	for _, it := range b {
		row, there := rows[it.uuid()]
		if err := errors.Join(it.idle(row, there), it.refuseShrunk(row)); err != nil {
			failed[it.uuid()] = err
			continue
		}
		domains = append(domains, *it.grown)
	}
	made, known, err := s.flavors(ctx, domains)
	if err != nil {
		return err
	}
	for _, it := range b.without(failed.set()) {
		err := made.failed[flavorKey(*it.grown)]
		if err == nil {
			err = s.record(ctx, it, known.flavors[it.grown.Flavor.Name], rows[it.uuid()])
		}
		if errors.Is(err, nova.ErrLockLost) {
			return err
		}
		if err != nil {
			failed[it.uuid()] = err
		}
	}
	return failed.orNil()
}

// flavors makes those that are missing, as an import does.
func (s sizesCure) flavors(ctx context.Context, domains []plan.Domain) (shares, known, error) {
	fresh := *s.Importer
	fresh.Earlier = nil // A complete adoption asks for nothing.
	for n := range domains {
		domains[n].Placeholder = false
	}
	made, err := fresh.makeShares(ctx, domains)
	if err != nil {
		return made, known{}, err
	}
	k, err := fresh.knownWith(ctx, made)
	return made, k, err
}

// refuseShrunk: a disk that has become smaller was replaced or cut off, and a
// smaller guest is one that somebody has made so. Neither is for a program to
// follow.
func (it *item) refuseShrunk(row nova.Server) error {
	if it.grown == nil {
		return fmt.Errorf("%w: its present size is not known", ErrNotPlanned)
	}
	was, is := sizeOf(row), flavorSize(it.grown.Flavor)
	for n, what := range []string{"vCPUs", "memory in MB", "root disk in GB", "other disks in GB"} {
		if is[n] < was[n] {
			return fmt.Errorf("%w: %s were %d, are %d", ErrShrunk, what, was[n], is[n])
		}
	}
	for _, k := range it.planned.Disks {
		for _, now := range it.grown.Disks {
			if now.Device == k.Device && now.SizeGB < k.SizeGB {
				return fmt.Errorf("%w: disk %s had %d GB, has %d", ErrShrunk, k.Target, k.SizeGB, now.SizeGB)
			}
		}
	}
	return nil
}

func (s sizesCure) record(ctx context.Context, it *item, f nova.Flavor, row nova.Server) error {
	if f.ID == 0 {
		return fmt.Errorf("%w: there is no flavor %q", ErrNotPlanned, it.grown.Flavor.Name)
	}
	d := it.regrown()
	var disks []nova.BlockDevice
	for _, k := range d.Disks {
		disks = append(disks, nova.BlockDevice{Device: k.Device, SizeGB: k.SizeGB, Root: k.Becomes == rootDisk})
	}
	if err := s.Writer.SetFlavor(ctx, it.compute, it.uuid(), f, disks); err != nil {
		return err
	}
	it.planned, it.side.learned = d, true // for the journal: what later runs compare with
	return it.keep(map[string]any{"was": sizeOf(row), "is": flavorSize(d.Flavor)})
}

// regrown is the plan with its new sizes, and made from the present definition
// where that is still the legacy one and nothing else of it has changed: a
// restart under the new name refuses a guest that is not as planned.
func (it *item) regrown() plan.Domain {
	d := it.planned
	d.Flavor = it.grown.Flavor
	d.Disks = nil
	for _, k := range it.planned.Disks {
		for _, now := range it.grown.Disks {
			if now.Device == k.Device {
				k.SizeGB = now.SizeGB
			}
		}
		d.Disks = append(d.Disks, k)
	}
	other := func(change string) bool {
		return !strings.HasPrefix(change, "vcpus ") && !strings.HasPrefix(change, "memory ")
	}
	if changes := plan.Changed(it.planned, it.now); it.now.Name == it.planned.Domain && !slices.ContainsFunc(changes, other) {
		d.MadeFrom = it.grown.MadeFrom
	}
	return d
}

// undo does nothing: the old sizes were wrong.
func (sizesCure) undo(context.Context, batch) error { return nil }
