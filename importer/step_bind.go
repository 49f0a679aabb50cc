package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// bindStep binds the ports to the host that their instance is about to be on,
// and writes the info cache in full. Without it a hard reboot would bring the
// guest up with no interface, and no Nova from 31 on looks for one later.
type bindStep struct{ *Importer }

func (bindStep) name() string { return stepBind }

func (s bindStep) done(ctx context.Context, b batch) (map[string]bool, error) {
	done := b.set()
	asked := b.inCloud().wantingPorts()
	if len(asked) == 0 {
		return done, nil
	}
	found, err := portsOf(ctx, s.Cloud, asked)
	if err != nil {
		return nil, errAsk{err}
	}
	servers, err := s.Nova.Servers(ctx, asked.uuids())
	if err != nil {
		return nil, err
	}
	cached := map[string][]nova.ServerNetwork{}
	for _, one := range servers {
		cached[strings.ToLower(one.UUID)] = one.Networks
	}
	for _, it := range asked {
		err := it.equipAll(found[it.uuid()])
		done[it.uuid()] = err == nil && it.bound() && it.cachedIn(cached[it.uuid()])
	}
	return done, nil
}

// cachedIn reports whether an info cache has the instance's ports as they are.
func (it *item) cachedIn(networks []nova.ServerNetwork) bool {
	return slices.EqualFunc(it.instance.Ports, networks, func(p nova.Port, n nova.ServerNetwork) bool {
		return p.ID == n.PortID && p.VIFType == n.VIFType
	})
}

func (s bindStep) do(ctx context.Context, b batch) error {
	failed := perDomain{}
	_ = errors.As(b.each(ctx, s.bind), &failed) // It is nothing else.
	for _, it := range b.without(failed.set()) {
		err := s.Writer.SetInfoCache(ctx, it.compute.Cell, it.uuid(), it.instance.Ports)
		if errors.Is(err, nova.ErrLockLost) {
			return err
		}
		if err != nil {
			failed[it.uuid()] = err
		}
	}
	return failed.orNil()
}

func (s bindStep) bind(ctx context.Context, it *item) error {
	ctx, cancel := context.WithTimeout(ctx, sideTimeout)
	defer cancel()
	if err := it.equipAll(it.side.ports); err != nil {
		return err
	}
	ports := make([]cloud.Port, len(it.side.ports))
	for n, p := range it.side.ports {
		bound, err := s.Cloud.BindPort(ctx, p.ID, it.compute.Host)
		if err != nil {
			return fmt.Errorf("interface %s: %w", p.MAC, err)
		}
		ports[n] = bound
	}
	if err := it.equipAll(ports); err != nil {
		return err
	}
	if !it.bound() {
		return fmt.Errorf("%w to host %s, and did not say why", cloud.ErrUnbound, it.compute.Host)
	}
	return nil
}

// undo does nothing: the ports are unbound when they are given back, after the
// rows that name them.
func (bindStep) undo(context.Context, batch) error { return nil }
