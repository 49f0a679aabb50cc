package sync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// A fakeAPI is Neutron and Placement: ports and allocations in maps. It makes
// no flavors and no images.
type fakeAPI struct {
	mu          sync.Mutex
	ports       map[string]cloud.Port
	allocations map[string]cloud.Allocation
	down        error
	made        int
}

var _ importer.API = (*fakeAPI)(nil)

func newFakeAPI(s *cloud.Snapshot) *fakeAPI {
	f := &fakeAPI{ports: map[string]cloud.Port{}, allocations: map[string]cloud.Allocation{}}
	for _, p := range s.Ports {
		f.ports[p.ID] = p
	}
	return f
}

func (f *fakeAPI) all() []cloud.Port {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.ports))
}

func (f *fakeAPI) PortsOf(_ context.Context, instances []string) (found []cloud.Port, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.ports {
		if slices.Contains(instances, p.DeviceID) {
			found = append(found, p)
		}
	}
	return found, f.down
}

func (f *fakeAPI) Port(_ context.Context, id string) (cloud.Port, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.ports[id]
	if !ok {
		return p, errors.Join(f.down, fmt.Errorf("port %s: %w", id, cloud.ErrNotFound))
	}
	return p, f.down
}

func (f *fakeAPI) CreatePort(_ context.Context, n cloud.NewPort) (cloud.Port, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.ports {
		if p.MAC == n.MAC && p.NetworkID == n.NetworkID {
			if p.Ours() && p.DeviceID == n.Instance {
				return p, f.down
			}
			return p, fmt.Errorf("port %s: %w", p.ID, cloud.ErrTaken)
		}
	}
	f.made++
	p := cloud.Port{ID: fmt.Sprintf("c10d0000-0000-4000-8000-%012d", f.made), Name: n.Name, MAC: n.MAC, NetworkID: n.NetworkID, ProjectID: n.ProjectID,
		DeviceID: n.Instance, DeviceOwner: "compute:" + n.Zone, VIFType: "unbound", FixedIPs: n.FixedIPs, Description: cloud.Mark + n.Comment}
	if f.down == nil {
		f.ports[p.ID] = p
	}
	return p, f.down
}

func (f *fakeAPI) TakePort(_ context.Context, id, instance, zone string) (cloud.Port, error) {
	return f.change(id, func(p *cloud.Port) { p.DeviceID, p.DeviceOwner = instance, "compute:"+zone })
}

func (f *fakeAPI) BindPort(_ context.Context, id, host string) (cloud.Port, error) {
	return f.change(id, func(p *cloud.Port) { p.HostID, p.VIFType = host, "bridge" })
}

func (f *fakeAPI) UnbindPort(_ context.Context, id, instance string) error {
	_, err := f.change(id, func(p *cloud.Port) { p.HostID, p.VIFType = "", "unbound" })
	return err
}

func (f *fakeAPI) FreePort(_ context.Context, id, instance string) error {
	_, err := f.change(id, func(p *cloud.Port) { p.DeviceID, p.HostID, p.VIFType = "", "", "unbound" })
	return err
}

func (f *fakeAPI) change(id string, change func(*cloud.Port)) (cloud.Port, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.ports[id]
	if !ok || f.down != nil {
		return p, errors.Join(f.down, cloud.ErrNotFound)
	}
	change(&p)
	f.ports[id] = p
	return p, nil
}

func (f *fakeAPI) Allocations(_ context.Context, instances []string) (map[string]cloud.Allocation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := map[string]cloud.Allocation{}
	for _, u := range instances {
		if a, ok := f.allocations[u]; ok {
			found[u] = a
		}
	}
	return found, f.down
}

func (f *fakeAPI) Allocate(_ context.Context, a cloud.Allocation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.allocations[a.Instance] = a
	return f.down
}

func (f *fakeAPI) Deallocate(_ context.Context, instance string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.allocations, instance)
	return f.down
}

var errNotHere = errors.New("this cloud makes no flavors and no images")

func (*fakeAPI) EnsureFlavor(context.Context, cloud.NewFlavor) (string, bool, error) {
	return "", false, errNotHere
}
func (*fakeAPI) DeleteFlavor(context.Context, string) error { return errNotHere }
func (*fakeAPI) EnsurePlaceholder(context.Context, string) (string, bool, error) {
	return "", false, errNotHere
}
func (*fakeAPI) DeletePlaceholder(context.Context, string) error { return errNotHere }
