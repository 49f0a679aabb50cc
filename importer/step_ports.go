package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
)

// sideTimeout bounds what one step asks of the cloud's APIs for one domain. Each
// call has a deadline of its own; this is also for its turn to come, which with
// a slow cloud is one call at a time for perHostParallel domains.
const sideTimeout = 10 * time.Minute

// errAsk marks what leaves it open how far a step has come: the cloud's APIs
// do not answer. Nothing is taken back then, for that would ask them too.
type errAsk struct{ error }

func (e errAsk) Unwrap() error { return e.error }

// portsStep gives every planned interface its port, unbound: one that is made,
// or one that was there and unused.
type portsStep struct{ *Importer }

func (portsStep) name() string { return stepPorts }

func (s portsStep) done(ctx context.Context, b batch) (map[string]bool, error) {
	done := b.set()
	asked := b.inCloud().wantingPorts()
	found, err := portsOf(ctx, s.Cloud, asked)
	if err != nil {
		return nil, errAsk{err}
	}
	for _, it := range asked {
		all, err := it.equip(found[it.uuid()])
		done[it.uuid()] = all && err == nil // do says what is wrong with one.
	}
	return done, nil
}

func (s portsStep) do(ctx context.Context, b batch) error {
	return b.each(ctx, func(ctx context.Context, it *item) error {
		ctx, cancel := context.WithTimeout(ctx, sideTimeout)
		defer cancel()
		ports, err := s.obtain(ctx, it)
		made := make([]madePort, len(ports))
		for n, p := range ports {
			made[n] = madePort{ID: p.ID, MAC: p.MAC, Network: p.NetworkID, Made: p.Ours()}
		}
		if err := errors.Join(err, it.keep(made)); err != nil {
			return err
		}
		return it.equipAll(ports)
	})
}

// A madePort is what the journal keeps of one port.
type madePort struct {
	ID      string `json:"id"`
	MAC     string `json:"mac"`
	Network string `json:"network"`
	Made    bool   `json:"made"` // false: it was there, and unused or the instance's already
}

// obtain makes or takes the ports that the item lacks. With an error come
// those that it has.
func (s portsStep) obtain(ctx context.Context, it *item) ([]cloud.Port, error) {
	ports := slices.Clone(it.side.ports)
	for _, nic := range it.planned.NICs {
		if _, has := portFor(nic, ports); has || !wantsPort(nic) {
			continue
		}
		p, err := s.obtainOne(ctx, it, nic)
		if err != nil {
			return ports, fmt.Errorf("interface %s: %w", nic.MAC, err)
		}
		ports = append(ports, p)
	}
	return ports, nil
}

func (s portsStep) obtainOne(ctx context.Context, it *item, nic plan.NIC) (cloud.Port, error) {
	if nic.Port != "" {
		return s.Cloud.TakePort(ctx, nic.Port, it.uuid(), it.zone())
	}
	wanted, err := plan.NewPort(it.planned, nic, s.Snapshot)
	if err != nil {
		return cloud.Port{}, fmt.Errorf("%w: %w", ErrNotPlanned, err)
	}
	wanted.Zone = it.zone()
	return s.Cloud.CreatePort(ctx, wanted)
}

// look finds out which ports the instance has, before any is given back: a run
// that was stopped in the middle of making them has not noted all, and one that
// is stopped while it frees them leaves some that have no device any more.
func (s portsStep) look(ctx context.Context, b batch) error {
	b = b.withSide()
	found, err := portsOf(ctx, s.Cloud, b)
	if err != nil {
		return err
	}
	for _, it := range b {
		it.learn(found[it.uuid()])
		it.side.ports = found[it.uuid()] // with those that the plan does not know
	}
	return nil
}

// undo deletes what was made and gives back what was taken. A port that was
// the instance's before, or that somebody has attached since, stays.
func (s portsStep) undo(ctx context.Context, b batch) error {
	return b.withSide().each(ctx, func(ctx context.Context, it *item) error {
		ctx, cancel := context.WithTimeout(ctx, sideTimeout)
		defer cancel()
		ids := portIDs(it.planned) // One that is nobody's, or gone, is left alone.
		for _, p := range it.side.ports {
			switch {
			case it.names(p.ID) || slices.Contains(it.side.kept, p.ID):
			case p.Ours():
				ids = append(ids, p.ID)
			default:
				it.warnings = append(it.warnings, fmt.Sprintf("port %s (%s) stays, with the instance as its device: it was not made by the import", p.ID, p.MAC))
			}
		}
		var errs []error
		for _, id := range ids {
			if !slices.Contains(it.side.kept, id) {
				errs = append(errs, s.Cloud.FreePort(ctx, id, it.uuid()))
			}
		}
		for _, id := range it.side.loose {
			errs = append(errs, s.Cloud.UnbindPort(ctx, id, it.uuid()))
		}
		return errors.Join(errs...)
	})
}
