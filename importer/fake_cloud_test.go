package importer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/nova"
)

// A fakeCloud behaves like Nova's API, Glance, Neutron and Placement: it
// refuses a MAC address twice on a network, keeps flavors where Nova's
// database shows them, and answers nothing while it is down.
type fakeCloud struct {
	switched    map[string]any // binding:vif_details of Open vSwitch, which binds the ports then
	mu          sync.Mutex
	nova        *fakeNova
	networks    []cloud.Network
	projects    []cloud.Project
	ports       map[string]cloud.Port
	allocations map[string]cloud.Allocation
	images      map[string]string // project by id
	ours        map[string]bool   // flavors and images that were made here
	last        int

	unprotected bool // the images

	calls  map[string]int
	refuse map[string]error // by "Method key": before it takes effect
	broken map[string]error // likewise, after it took effect
	down   error
	left   int  // effects until it goes down by itself; 0: it does not
	after  bool // it goes down right after the effect and not before it
}

var errDown = errors.New("connection refused")

func newFakeCloud(n *fakeNova) *fakeCloud {
	subnet := func(id, cidr string) []cloud.Subnet {
		return []cloud.Subnet{{ID: id, Name: id, CIDR: netip.MustParsePrefix(cidr)}}
	}
	return &fakeCloud{
		nova: n, calls: map[string]int{}, refuse: map[string]error{}, broken: map[string]error{},
		projects: []cloud.Project{{ID: strings.Repeat("a", 32), Name: "legacy"}},
		ports:    map[string]cloud.Port{}, allocations: map[string]cloud.Allocation{}, images: map[string]string{}, ours: map[string]bool{},
		networks: []cloud.Network{
			{ID: idOf(1), Name: "public", ProjectID: "admin", Shared: true, Subnets: subnet(idOf(11), "192.0.2.0/24")},
			{ID: idOf(2), Name: "private", ProjectID: "admin", Shared: true, Subnets: subnet(idOf(12), "10.0.0.0/8")},
		},
	}
}

func idOf(n int) string { return fmt.Sprintf("c10d0000-0000-4000-8000-%012d", n) }

func (f *fakeCloud) newID() string { f.last++; return idOf(1000 + f.last) }

// snapshot is what a run reads when it begins.
func (f *fakeCloud) snapshot() *cloud.Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &cloud.Snapshot{Live: true, Networks: slices.Clone(f.networks), Ports: slices.Collect(maps.Values(f.ports)), Images: []cloud.Image{},
		Projects: slices.Clone(f.projects), Users: []cloud.User{{ID: strings.Repeat("b", 32), Name: "admin"}}}
	for id, project := range f.images {
		s.Images = append(s.Images, cloud.Image{ID: id, Name: cloud.PlaceholderName, Owner: project, Status: "active", Protected: !f.unprotected})
	}
	return s
}

// read is a question.
func (f *fakeCloud) read(method, key string) error {
	f.calls[method]++
	return errors.Join(f.down, f.refuse[method+" "+key])
}

// effect is a request that changes something.
func (f *fakeCloud) effect(method, key string, do func() error) error {
	f.calls[method]++
	if err := errors.Join(f.down, f.refuse[method+" "+key]); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if f.left--; f.left == 0 {
		f.down = errDown
		if f.after {
			_ = do() // Its answer is lost.
		}
		return fmt.Errorf("%s: %w", method, errDown)
	}
	return errors.Join(do(), f.broken[method+" "+key])
}

func (f *fakeCloud) PortsOf(_ context.Context, instances []string) (found []cloud.Port, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.ports {
		if slices.Contains(instances, p.DeviceID) {
			found = append(found, p)
		}
	}
	return found, f.read("PortsOf", "")
}

func (f *fakeCloud) Port(_ context.Context, id string) (cloud.Port, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.read("Port", id); err != nil {
		return cloud.Port{}, err
	}
	return f.port(id)
}

func (f *fakeCloud) port(id string) (cloud.Port, error) {
	p, ok := f.ports[id]
	if !ok {
		return p, fmt.Errorf("port %s: %w", id, cloud.ErrNotFound)
	}
	return p, nil
}

func (f *fakeCloud) CreatePort(_ context.Context, n cloud.NewPort) (p cloud.Port, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return p, f.effect("CreatePort", n.Instance, func() error {
		if !slices.ContainsFunc(f.networks, func(w cloud.Network) bool { return w.ID == n.NetworkID }) {
			return fmt.Errorf("network %s: %w", n.NetworkID, cloud.ErrNotFound)
		}
		for _, other := range f.ports {
			if other.NetworkID == n.NetworkID && strings.EqualFold(other.MAC, n.MAC) {
				if other.Ours() && other.DeviceID == n.Instance {
					p = other
					return nil
				}
				return fmt.Errorf("port %s: %w", other.ID, cloud.ErrTaken)
			}
		}
		p = cloud.Port{ID: f.newID(), Name: n.Name, MAC: n.MAC, NetworkID: n.NetworkID, ProjectID: n.ProjectID, DeviceID: n.Instance,
			DeviceOwner: "compute:" + n.Zone, VIFType: "unbound", Status: "DOWN", FixedIPs: n.FixedIPs, Description: cloud.Mark + n.Comment}
		f.ports[p.ID] = p
		return nil
	})
}

func (f *fakeCloud) TakePort(_ context.Context, id, instance, zone string) (p cloud.Port, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err = f.effect("TakePort", instance, func() error {
		if p, err = f.port(id); err != nil {
			return err
		}
		if p.DeviceID != "" && p.DeviceID != instance {
			return fmt.Errorf("by %s: %w", p.DeviceID, cloud.ErrTaken)
		}
		p.DeviceID, p.DeviceOwner = instance, "compute:"+zone
		f.ports[id] = p
		return nil
	})
	return p, err
}

func (f *fakeCloud) BindPort(_ context.Context, id, host string) (p cloud.Port, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err = f.effect("BindPort", f.ports[id].DeviceID, func() error {
		if p, err = f.port(id); err != nil {
			return err
		}
		p.HostID, p.VIFType, p.VIFDetails = host, "bridge", map[string]any{"port_filter": true}
		if f.switched != nil {
			p.VIFType, p.VIFDetails = "ovs", f.switched
		}
		f.ports[id] = p
		return nil
	})
	return p, err
}

// FreePort has two effects: somebody may be stopped in between.
func (f *fakeCloud) FreePort(_ context.Context, id, instance string) error {
	if err := f.clearPort(id, instance); err != nil {
		return err
	}
	return f.deletePort(id, instance)
}

func (f *fakeCloud) UnbindPort(_ context.Context, id, instance string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.ports[id]
	if !ok || p.DeviceID != instance || p.HostID == "" {
		return f.read("UnbindPort", instance)
	}
	return f.effect("UnbindPort", instance, func() error {
		p.HostID, p.VIFType, p.VIFDetails = "", "unbound", nil
		f.ports[id] = p
		return nil
	})
}

func (f *fakeCloud) clearPort(id, instance string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p, ok := f.ports[id]; !ok || p.DeviceID != instance {
		return f.read("FreePort", instance)
	}
	return f.effect("FreePort", instance, func() error {
		p := f.ports[id]
		p.DeviceID, p.DeviceOwner, p.HostID, p.VIFType, p.VIFDetails = "", "", "", "unbound", nil
		f.ports[id] = p
		return nil
	})
}

func (f *fakeCloud) deletePort(id, instance string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p, ok := f.ports[id]; !ok || !p.Ours() || p.DeviceID != "" {
		return f.read("FreePort", instance)
	}
	return f.effect("FreePort", instance, func() error { delete(f.ports, id); return nil })
}

func (f *fakeCloud) Allocations(_ context.Context, instances []string) (map[string]cloud.Allocation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found := map[string]cloud.Allocation{}
	for _, u := range instances {
		if a, ok := f.allocations[u]; ok {
			found[u] = a
		}
	}
	return found, f.read("Allocations", "")
}

func (f *fakeCloud) Allocate(_ context.Context, a cloud.Allocation) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.effect("Allocate", a.Instance, func() error { f.allocations[a.Instance] = a; return nil })
}

func (f *fakeCloud) Deallocate(_ context.Context, instance string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.effect("Deallocate", instance, func() error { delete(f.allocations, instance); return nil })
}

func (f *fakeCloud) EnsureFlavor(_ context.Context, n cloud.NewFlavor) (id string, made bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nova.mu.Lock()
	defer f.nova.mu.Unlock()
	err = f.effect("EnsureFlavor", n.Name, func() error {
		for i, x := range f.nova.flavors {
			if x.Name == n.Name {
				id = x.FlavorID
				if f.ours[id] && !slices.Contains(x.Projects, n.ProjectID) {
					f.nova.flavors[i].Projects = append(x.Projects, n.ProjectID)
				}
				return nil
			}
		}
		id, made = f.newID(), true
		f.ours[id] = true
		f.nova.flavors = append(f.nova.flavors, nova.Flavor{ID: int64(100 + f.last), FlavorID: id, Name: n.Name, VCPUs: n.VCPUs,
			MemoryMB: n.MemoryMB, RootGB: n.RootGB, EphemeralGB: n.EphemeralGB, ExtraSpecs: n.ExtraSpecs, Projects: []string{n.ProjectID}})
		return nil
	})
	return id, made, err
}

func (f *fakeCloud) DeleteFlavor(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nova.mu.Lock()
	defer f.nova.mu.Unlock()
	return f.effect("DeleteFlavor", id, func() error {
		for _, r := range f.nova.rows {
			for _, x := range f.nova.flavors {
				if x.FlavorID == id && x.ID == r.flavor {
					panic("a flavor is deleted that " + r.display + " has")
				}
			}
		}
		f.nova.flavors = slices.DeleteFunc(f.nova.flavors, func(x nova.Flavor) bool { return x.FlavorID == id && f.ours[id] })
		return nil
	})
}

func (f *fakeCloud) EnsurePlaceholder(_ context.Context, project string) (id string, made bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err = f.effect("EnsurePlaceholder", project, func() error {
		for is, of := range f.images {
			if of == project {
				id = is
				return nil
			}
		}
		id, made = f.newID(), true
		f.images[id], f.ours[id] = project, true
		return nil
	})
	return id, made, err
}

func (f *fakeCloud) DeletePlaceholder(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.effect("DeletePlaceholder", id, func() error {
		if f.ours[id] {
			delete(f.images, id)
		}
		return nil
	})
}

// dump is everything but Nova's records, without the ids, which differ from
// one run to the next.
func (f *fakeCloud) dump() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, p := range f.ports {
		lines = append(lines, fmt.Sprintf("port %s on %s: device %q %q, host %q, %s, ours %v", p.MAC, p.NetworkID, p.DeviceID, p.DeviceOwner, p.HostID, p.VIFType, p.Ours()))
	}
	for u, a := range f.allocations {
		lines = append(lines, fmt.Sprintf("allocation %s: %+v", u, a))
	}
	for _, project := range f.images {
		lines = append(lines, "image of "+project)
	}
	for _, x := range f.nova.flavors {
		lines = append(lines, "flavor "+x.Name)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n"
}

// plain replaces the ids of ports and images in a text by what they are of.
func (f *fakeCloud) plain(text string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, p := range f.ports {
		text = strings.ReplaceAll(text, id, p.MAC)
	}
	for id, project := range f.images {
		text = strings.ReplaceAll(text, id, "image of "+project)
	}
	return text
}

// dyingCloud is the cloud seen from a process that is about to be killed.
type dyingCloud struct {
	*fakeCloud
	fuse *fuse
}

func (d dyingCloud) PortsOf(ctx context.Context, u []string) ([]cloud.Port, error) {
	if err := d.fuse.read(); err != nil {
		return nil, err
	}
	return d.fakeCloud.PortsOf(ctx, u)
}
func (d dyingCloud) Port(ctx context.Context, id string) (cloud.Port, error) {
	if err := d.fuse.read(); err != nil {
		return cloud.Port{}, err
	}
	return d.fakeCloud.Port(ctx, id)
}
func (d dyingCloud) Allocations(ctx context.Context, u []string) (map[string]cloud.Allocation, error) {
	if err := d.fuse.read(); err != nil {
		return nil, err
	}
	return d.fakeCloud.Allocations(ctx, u)
}
func (d dyingCloud) CreatePort(ctx context.Context, n cloud.NewPort) (p cloud.Port, err error) {
	err = d.fuse.effect(func() error { p, err = d.fakeCloud.CreatePort(ctx, n); return err })
	return p, err
}
func (d dyingCloud) TakePort(ctx context.Context, id, instance, zone string) (p cloud.Port, err error) {
	err = d.fuse.effect(func() error { p, err = d.fakeCloud.TakePort(ctx, id, instance, zone); return err })
	return p, err
}
func (d dyingCloud) BindPort(ctx context.Context, id, host string) (p cloud.Port, err error) {
	err = d.fuse.effect(func() error { p, err = d.fakeCloud.BindPort(ctx, id, host); return err })
	return p, err
}
func (d dyingCloud) FreePort(ctx context.Context, id, instance string) error {
	if err := d.fuse.effect(func() error { return d.clearPort(id, instance) }); err != nil {
		return err
	}
	return d.fuse.effect(func() error { return d.deletePort(id, instance) })
}
func (d dyingCloud) UnbindPort(ctx context.Context, id, instance string) error {
	return d.fuse.effect(func() error { return d.fakeCloud.UnbindPort(ctx, id, instance) })
}
func (d dyingCloud) Allocate(ctx context.Context, a cloud.Allocation) error {
	return d.fuse.effect(func() error { return d.fakeCloud.Allocate(ctx, a) })
}
func (d dyingCloud) Deallocate(ctx context.Context, instance string) error {
	return d.fuse.effect(func() error { return d.fakeCloud.Deallocate(ctx, instance) })
}
func (d dyingCloud) EnsureFlavor(ctx context.Context, n cloud.NewFlavor) (id string, made bool, err error) {
	err = d.fuse.effect(func() error { id, made, err = d.fakeCloud.EnsureFlavor(ctx, n); return err })
	return id, made, err
}
func (d dyingCloud) DeleteFlavor(ctx context.Context, id string) error {
	return d.fuse.effect(func() error { return d.fakeCloud.DeleteFlavor(ctx, id) })
}
func (d dyingCloud) EnsurePlaceholder(ctx context.Context, project string) (id string, made bool, err error) {
	err = d.fuse.effect(func() error { id, made, err = d.fakeCloud.EnsurePlaceholder(ctx, project); return err })
	return id, made, err
}
func (d dyingCloud) DeletePlaceholder(ctx context.Context, id string) error {
	return d.fuse.effect(func() error { return d.fakeCloud.DeletePlaceholder(ctx, id) })
}
