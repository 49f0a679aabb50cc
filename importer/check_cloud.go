package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
)

// readPorts asks Placement whether it is there, and Neutron for the ports of the items: those that are the
// instances' already, and those that their plans name. A look taken when the
// run began may be an hour old by now.
func (c checker) readPorts(ctx context.Context, items batch) {
	if c.cloud == nil {
		return
	}
	var undone, asked batch
	for _, it := range items {
		if it.complete() {
			continue
		}
		undone = append(undone, it)
		if it.wantsPorts() || it.side.made {
			asked = append(asked, it)
		}
	}
	// Whether Placement answers is better known before there are rows.
	if _, err := allocationsOf(ctx, c.cloud, undone[:min(1, len(undone))]); err != nil {
		for _, it := range undone {
			it.side.problem = err
		}
		return
	}
	ports, err := portsOf(ctx, c.cloud, asked)
	for _, it := range asked {
		it.side.problem = err
		if err == nil {
			it.found(ports[it.uuid()])
		}
	}
	if err != nil {
		return
	}
	failed := perDomain{}
	_ = errors.As(asked.each(ctx, c.readPlanned), &failed) // It is nothing else.
	for _, it := range asked {
		if err := failed[it.uuid()]; err != nil {
			it.side.problem = err
		}
	}
}

// found takes down the ports that are the instance's when the run comes to it.
// Those that are not ours stay with it when it is released.
func (it *item) found(ports []cloud.Port) {
	it.side.ports = ports
	if it.side.made {
		return // An earlier run has taken it down.
	}
	for _, p := range ports {
		if p.Ours() {
			continue
		}
		it.side.kept = append(it.side.kept, p.ID)
		if p.HostID == "" {
			it.side.loose = append(it.side.loose, p.ID)
		}
	}
}

// readPlanned adds the ports that the plan, or an earlier run, names and that
// are not the instance's yet.
func (c checker) readPlanned(ctx context.Context, it *item) error {
	for n, nic := range it.planned.NICs {
		has := slices.ContainsFunc(it.side.ports, func(p cloud.Port) bool { return p.ID == nic.Port })
		if nic.Port == "" || has {
			continue
		}
		if err := c.readPort(ctx, it, n); err != nil {
			return fmt.Errorf("interface %s: %w", nic.MAC, err)
		}
	}
	return nil
}

// readPort asks for the port that one interface is to get.
func (c checker) readPort(ctx context.Context, it *item, n int) error {
	nic, asPlanned := &it.planned.NICs[n], it.side.asPlanned[n].Port
	p, err := c.cloud.Port(ctx, nic.Port)
	mine := p.Ours() || strings.EqualFold(p.DeviceID, it.uuid())
	switch {
	case err == nil && (mine || nic.Port == asPlanned || it.stage != nova.Unwritten):
		it.side.ports = append(it.side.ports, p)
		return nil
	case err == nil: // An earlier run would have taken it, and the plan names another by now.
	case !errors.Is(err, cloud.ErrNotFound):
		return fmt.Errorf("%w: port %s: %w", ErrCloudUnread, nic.Port, err)
	case it.stage != nova.Unwritten:
		return fmt.Errorf("%w: port %s", ErrPortGone, nic.Port)
	case nic.Port == asPlanned:
		return fmt.Errorf("%w: port %s is gone", ErrNotPlanned, nic.Port)
	}
	nic.Port = asPlanned // An earlier run made the other, and it was taken back.
	if asPlanned == "" {
		return nil
	}
	return c.readPort(ctx, it, n)
}

// refuseSide says what of the cloud forbids the import.
func (c checker) refuseSide(it *item) error {
	switch {
	case c.cloud == nil:
		return it.needsCloud()
	case it.side.problem != nil:
		return it.side.problem
	case it.complete():
		return nil
	}
	_, projectErr := c.world.Cloud.Project(it.planned.ProjectID)
	_, userErr := c.world.Cloud.User(it.planned.UserID)
	errs := []error{projectErr, userErr, c.refuseOthers(it)}
	for _, nic := range it.planned.NICs {
		if _, has := portFor(nic, it.side.ports); nic.CreatePort && !has {
			errs = append(errs, c.refusePort(it, nic))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", ErrNotPlanned, err)
	}
	return nil
}

// refusePort says why a port could not be made.
func (c checker) refusePort(it *item, nic plan.NIC) error {
	if _, err := plan.NewPort(it.planned, nic, c.world.Cloud); err != nil {
		return err
	}
	if p, taken := c.world.Cloud.Port(nic.MAC, nic.NetworkID); taken {
		return fmt.Errorf("interface %s: port %s has this MAC address by now, device %q: plan again", nic.MAC, p.ID, p.DeviceID)
	}
	return nil
}

// needsCloud says what cannot be done on the databases alone.
func (it *item) needsCloud() error {
	switch {
	case it.begun():
		return fmt.Errorf("%w: an earlier run has begun to make its ports and its allocation", ErrNoCloud)
	case slices.ContainsFunc(it.planned.NICs, func(n plan.NIC) bool { return n.CreatePort }):
		return fmt.Errorf("%w: its plan has ports made", ErrNoCloud)
	case it.planned.Placeholder:
		return fmt.Errorf("%w: its plan has a placeholder image", ErrNoCloud)
	}
	return nil
}

// worldOf is what the item's instance is made from. Ports are made later.
func (c checker) worldOf(it *item) (plan.World, error) {
	w, d := c.world, it.planned
	w.Host, w.Compute, w.Ports, w.Unmade = it.place, it.compute, it.side.ports, c.cloud != nil
	if err := c.shared.failed[flavorKey(d)]; err != nil {
		return w, fmt.Errorf("%w: %w", ErrNotPlanned, err)
	}
	flavor, ok := c.known.flavors[d.Flavor.Name]
	if !ok && !(c.preview && w.Unmade && d.Flavor.Create) {
		return w, fmt.Errorf("%w: there is no flavor %q", ErrNotPlanned, d.Flavor.Name)
	}
	w.Flavor = flavor
	if !d.Placeholder {
		return w, nil
	}
	image := c.shared.images[d.ProjectID]
	if it.stage != nova.Unwritten && d.ImageRef != "" {
		image = d.ImageRef // as its records have it
	}
	if err := c.shared.failed[imageKey(d)]; err != nil && image == "" {
		return w, fmt.Errorf("%w: %w", ErrNotPlanned, err)
	}
	w.Images = map[string]string{d.ProjectID: image}
	return w, nil
}

// tryRows makes the rows of an instance, and those that it will have with the
// ports that are made later: one bad row would cost its whole batch then.
func (c checker) tryRows(it *item, w plan.World, in nova.Instance) error {
	w.Ports = slices.Clone(w.Ports)
	made := 0
	for _, nic := range it.planned.NICs {
		if _, has := portFor(nic, w.Ports); !has && nic.CreatePort && c.cloud != nil {
			p, err := plan.NewPort(it.planned, nic, w.Cloud)
			if err != nil {
				return err
			}
			made++
			w.Ports = append(w.Ports, cloud.Port{
				ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", made), MAC: p.MAC, NetworkID: p.NetworkID, ProjectID: p.ProjectID,
				DeviceID: p.Instance, VIFType: "unbound", FixedIPs: p.FixedIPs,
			})
		}
	}
	if made > 0 {
		var err error
		if in, err = plan.Instance(it.planned, w); err != nil {
			return err
		}
	}
	_, err := nova.Rows(in, w.Now)
	return err
}

// portsOf asks for the ports whose device is one of the batch's instances, by
// the instances' UUIDs.
func portsOf(ctx context.Context, api Lookup, b batch) (map[string][]cloud.Port, error) {
	if len(b) == 0 {
		return nil, nil
	}
	all, err := api.PortsOf(ctx, b.uuids())
	if err != nil {
		return nil, fmt.Errorf("%w: list ports: %w", ErrCloudUnread, err)
	}
	by := map[string][]cloud.Port{}
	for _, p := range all {
		device := strings.ToLower(p.DeviceID)
		by[device] = append(by[device], p)
	}
	return by, nil
}
