package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// portsCure gives the interfaces of an instance their ports back: those that
// were deleted are made anew with the same MAC and IP addresses, and those that
// are not bound to the instance's host are bound. Nova's records follow.
type portsCure struct{ *Importer }

func (portsCure) name() string { return curePrefix + string(CurePorts) }

// done: Neutron, the journal and Nova agree on the ports. A run that was killed
// right after it had made one has told nobody else.
func (s portsCure) done(ctx context.Context, b batch) (map[string]bool, error) {
	found, err := portsOf(ctx, s.Cloud, b)
	if err != nil {
		return nil, errAsk{err}
	}
	rows, err := s.rows(ctx, b)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for _, it := range b {
		ports := found[it.uuid()]
		done[it.uuid()] = len(ComparePorts(it.planned, ports, it.compute.Host)) == 0 && it.knows(ports, rows[it.uuid()])
	}
	return done, nil
}

// knows: the journal has the ids of these ports, and so has Nova's row.
func (it *item) knows(ports []cloud.Port, row nova.Server) bool {
	for _, nic := range it.planned.NICs {
		p, has := portFor(nic, ports)
		cached := slices.ContainsFunc(row.Networks, func(n nova.ServerNetwork) bool { return n.PortID == p.ID })
		if wantsPort(nic) && (!has || p.ID != nic.Port || !cached) {
			return false
		}
	}
	return true
}

func (s portsCure) do(ctx context.Context, b batch) error { return s.eachIdle(ctx, b, s.mend) }

// eachIdle works on the instances that Nova does nothing with, with the ports
// that they have.
func (s portsCure) eachIdle(ctx context.Context, b batch, work func(context.Context, *item, []cloud.Port) error) error {
	rows, err := s.rows(ctx, b)
	if err != nil {
		return err
	}
	found, err := portsOf(ctx, s.Cloud, b)
	if err != nil {
		return err
	}
	return b.each(ctx, func(ctx context.Context, it *item) error {
		ctx, cancel := context.WithTimeout(ctx, sideTimeout)
		defer cancel()
		row, there := rows[it.uuid()]
		if err := errors.Join(it.idle(row, there), it.refuseOthers(found[it.uuid()])); err != nil {
			return err
		}
		return work(ctx, it, found[it.uuid()])
	})
}

// refuseOthers names ports that somebody has attached since. Their place among
// the others is Nova's to know.
func (it *item) refuseOthers(ports []cloud.Port) error {
	for _, p := range ports {
		if !slices.ContainsFunc(it.planned.NICs, func(n plan.NIC) bool { return samePort(n, p) }) {
			return fmt.Errorf("%w: it has port %s (%s) as well, which the import does not know", ErrNotMine, p.ID, p.MAC)
		}
	}
	return nil
}

// samePort: the port is the interface's, or was made in its place.
func samePort(n plan.NIC, p cloud.Port) bool {
	if _, is := portFor(n, []cloud.Port{p}); is {
		return true
	}
	n.CreatePort = true
	_, is := portFor(n, []cloud.Port{p})
	return is && p.Ours()
}

func (s portsCure) mend(ctx context.Context, it *item, ports []cloud.Port) error {
	var has []cloud.Port
	var gone, made []string
	nics := slices.Clone(it.planned.NICs)
	for n, nic := range nics {
		if !wantsPort(nic) {
			continue
		}
		p, err := s.port(ctx, it, nic, ports)
		if err == nil {
			p, err = s.bound(ctx, p, it.compute.Host)
		}
		if err != nil {
			return fmt.Errorf("interface %s: %w", nic.MAC, err)
		}
		if nic.Port != p.ID {
			gone, made = append(gone, nic.Port), append(made, p.ID)
			nics[n].Port, nics[n].CreatePort = p.ID, true
		}
		has = append(has, p)
	}
	it.planned.NICs, it.side.learned = nics, len(made) > 0
	recorded, err := it.recordable(has)
	if err != nil {
		return err
	}
	if err := s.Writer.SetPorts(ctx, it.compute, it.uuid(), recorded, gone); err != nil {
		return err
	}
	return it.keep(map[string]any{"gone": gone, "made": made})
}

// port is that of an interface: the one it has, or one that is made in its
// place. One that is somebody else's by now is not taken away again.
func (s portsCure) port(ctx context.Context, it *item, nic plan.NIC, ports []cloud.Port) (cloud.Port, error) {
	if n := slices.IndexFunc(ports, func(p cloud.Port) bool { return samePort(nic, p) }); n >= 0 {
		return ports[n], nil
	}
	if nic.Port != "" {
		p, err := s.Cloud.Port(ctx, nic.Port)
		switch {
		case err == nil:
			return p, fmt.Errorf("%w: port %s belongs to device %q now", ErrNotMine, p.ID, p.DeviceID)
		case !errors.Is(err, cloud.ErrNotFound):
			return p, fmt.Errorf("%w: port %s: %w", ErrCloudUnread, nic.Port, err)
		}
	}
	wanted, err := plan.NewPort(it.planned, nic, s.Snapshot)
	if err != nil {
		return cloud.Port{}, fmt.Errorf("%w: %w", ErrNotPlanned, err)
	}
	wanted.Zone = it.zone()
	return s.Cloud.CreatePort(ctx, wanted)
}

func (s portsCure) bound(ctx context.Context, p cloud.Port, host string) (cloud.Port, error) {
	if p.HostID == host && !slices.Contains(unboundTypes, p.VIFType) {
		return p, nil
	}
	return s.Cloud.BindPort(ctx, p.ID, host)
}

// recordable are ports as Nova records them, in the order of the interfaces.
func (it *item) recordable(ports []cloud.Port) ([]nova.Port, error) {
	var recorded []nova.Port
	for _, nic := range it.planned.NICs {
		p, has := portFor(nic, ports)
		if !has {
			if wantsPort(nic) {
				return nil, fmt.Errorf("interface %s has no port", nic.MAC)
			}
			continue
		}
		one, err := plan.Port(it.side.world, it.planned, nic, p)
		if err == nil && one.VIFType == "" {
			err = fmt.Errorf("port %s is not bound to host %s", p.ID, it.compute.Host)
		}
		if err != nil {
			return nil, err
		}
		recorded = append(recorded, one)
	}
	return recorded, nil
}

// undo does nothing: the ports go with the instance.
func (portsCure) undo(context.Context, batch) error { return nil }

// cacheCure writes the ports as Neutron has them into Nova's info cache, for a
// hard reboot plugs what it finds there.
type cacheCure struct{ portsCure }

func (cacheCure) name() string { return curePrefix + string(CureInfoCache) }

func (s cacheCure) done(ctx context.Context, b batch) (map[string]bool, error) {
	found, err := portsOf(ctx, s.Cloud, b)
	if err != nil {
		return nil, errAsk{err}
	}
	rows, err := s.rows(ctx, b)
	if err != nil {
		return nil, err
	}
	done := map[string]bool{}
	for _, it := range b {
		ports, err := it.recordable(found[it.uuid()])
		row := rows[it.uuid()]
		done[it.uuid()] = err == nil && row.NetworksProblem == "" && len(CompareCache(row, ports)) == 0
	}
	return done, nil
}

func (s cacheCure) do(ctx context.Context, b batch) error {
	return s.eachIdle(ctx, b, func(ctx context.Context, it *item, ports []cloud.Port) error {
		recorded, err := it.recordable(ports)
		if err != nil {
			return err
		}
		return s.Writer.SetPorts(ctx, it.compute, it.uuid(), recorded, nil)
	})
}
