package importer

import (
	"context"
	"fmt"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// allocationCure tells Placement what the instance takes of its host, as Nova
// has it by now: a resize through Nova has changed it with the records.
type allocationCure struct{ *Importer }

func (allocationCure) name() string { return curePrefix + string(CureAllocations) }

func (s allocationCure) done(ctx context.Context, b batch) (map[string]bool, error) {
	rows, err := s.rows(ctx, b)
	if err != nil {
		return nil, err
	}
	found, err := allocationsOf(ctx, s.Cloud, b)
	if err != nil {
		return nil, errAsk{err}
	}
	done := map[string]bool{}
	for _, it := range b {
		have, ok := found[it.uuid()]
		done[it.uuid()] = ok && sameAllocation(have, it.takes(rows[it.uuid()]))
	}
	return done, nil
}

// takes is what the instance takes by its row.
func (it *item) takes(row nova.Server) cloud.Allocation {
	d := it.planned
	d.Flavor.VCPUs, d.Flavor.MemoryMB, d.Flavor.RootGB, d.Flavor.EphemeralGB = row.VCPUs, row.MemoryMB, row.RootGB, row.EphemeralGB
	return allocationOf(d, it.compute)
}

func (s allocationCure) do(ctx context.Context, b batch) error {
	rows, err := s.rows(ctx, b)
	if err != nil {
		return err
	}
	found, err := allocationsOf(ctx, s.Cloud, b)
	if err != nil {
		return err
	}
	return b.each(ctx, func(ctx context.Context, it *item) error {
		ctx, cancel := context.WithTimeout(ctx, sideTimeout)
		defer cancel()
		row, there := rows[it.uuid()]
		if err := it.idle(row, there); err != nil {
			return err
		}
		have, ok := found[it.uuid()]
		if ok && have.Provider != it.compute.UUID {
			return fmt.Errorf("%w: its allocation is on resource provider %s, so somebody has moved it, or begun to", ErrNotMine, have.Provider)
		}
		if err := s.Cloud.Allocate(ctx, it.takes(row)); err != nil {
			return fmt.Errorf("compute host %s: %w", it.compute.Host, err)
		}
		return it.keep(map[string]any{"had": have.Resources, "has": it.takes(row).Resources})
	})
}

// undo does nothing: the allocation goes with the instance.
func (allocationCure) undo(context.Context, batch) error { return nil }
