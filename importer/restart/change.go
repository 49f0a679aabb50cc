package restart

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/rename"
)

// An edit is what libvirt is to start a domain with, and what is to be said of
// it. Nova makes its own out of the same records.
type edit struct {
	change   keptChange
	warnings []string
}

// An editor works out what is to be different in a domain's definition.
type editor struct {
	job   Job
	was   recorded
	saved rename.Saved
	now   discover.Domain // of saved.Definition

	bridges interface {
		IsBridge(ctx context.Context, name string) (bool, error)
	}
	stat func(ctx context.Context, path string) (rename.File, error)
}

func newEditor(j Job, was recorded, saved rename.Saved) (*editor, error) {
	now, err := discover.Parse([]byte(saved.Definition), nil)
	if err != nil {
		return nil, fmt.Errorf("read the definition: %w", err)
	}
	return &editor{job: j, was: was, saved: saved, now: now}, nil
}

// edit works out the change, and proves on the text that it can be made. An
// interface that cannot be plugged anew stays where it is: it is the only way
// to the guest.
func (e *editor) edit(ctx context.Context, ports []cloud.Port) (edit, error) {
	found := edit{change: keptChange{Disks: map[string]string{}, NICs: map[string]rename.NIC{}}}
	for _, k := range e.was.Domain.Disks {
		found.change.Disks[k.Target] = e.was.disk(k)
	}
	path, implicit, err := rename.NVRAM(e.saved.Definition)
	if err != nil {
		return found, err
	}
	if implicit {
		// Under Nova's name libvirt would make new, empty variables.
		found.change.NVRAM = cmp.Or(e.saved.NVRAM, path, rename.DefaultNVRAM(e.saved.Name))
	}
	for _, nic := range e.now.Interfaces {
		if err := e.nic(ctx, nic, ports, &found); err != nil {
			return found, err
		}
	}
	_, err = rename.Apply(e.saved.Definition, found.change.under(e.job.instanceName()))
	return found, err
}

// nic adds what is to be different in one interface.
func (e *editor) nic(ctx context.Context, nic discover.Interface, ports []cloud.Port, found *edit) error {
	want := rename.NIC{}
	if e.swaps(nic) {
		want.Model = e.job.Plan.NICModel
	}
	plugged, why, err := e.plug(ctx, nic, ports)
	if err != nil {
		return err
	}
	if why == "" {
		plugged.Model = want.Model
		_, err := rename.Apply(e.saved.Definition, rename.Change{NICs: map[string]rename.NIC{nic.MAC: plugged}})
		if err == nil {
			want = plugged
		} else if why = err.Error(); !errors.Is(err, rename.ErrRefused) && !errors.Is(err, rename.ErrDevice) {
			return err
		}
	}
	if why != "" {
		found.warnings = append(found.warnings, fmt.Sprintf("interface %s stays plugged where it is until Nova makes the definition anew: %s", nic.MAC, why))
	}
	if want != (rename.NIC{}) {
		found.change.NICs[nic.MAC] = want
	}
	return nil
}

// swaps: the plan gives the interface another model. Nova has one for all
// interfaces of an instance.
func (e *editor) swaps(nic discover.Interface) bool {
	want := e.job.Plan.NICModel
	switch {
	case want == "" || nic.Model == want || nic.Type == "hostdev" || nic.Type == "vdpa":
		return false
	case strings.HasPrefix(nic.Model, "virtio") && want == "virtio":
		return false // virtio-transitional is one, in another slot
	}
	return true
}

// plug says where Neutron expects the interface, or why it stays where it is.
func (e *editor) plug(ctx context.Context, nic discover.Interface, ports []cloud.Port) (want rename.NIC, why string, err error) {
	p, ok := e.port(nic, ports)
	switch {
	case ports == nil:
		return want, "how its port is bound is not known without the cloud", nil
	case !ok:
		return want, "it has no port", nil
	case p.HostID != e.job.Compute.Host:
		return want, fmt.Sprintf("its port %s is bound to host %q, not to %q", p.ID, p.HostID, e.job.Compute.Host), nil
	}
	want.Target = p.Device("tap")
	switch p.VIFType {
	case "bridge":
		want.Bridge = p.Bridge(cloud.DeviceName("brq", p.NetworkID))
		is, err := e.bridges.IsBridge(ctx, want.Bridge)
		if err == nil && !is {
			// Neutron's agent makes it with the first tap that it finds. A tap of
			// that name in a bridge of ours would have it move the host's uplink.
			why = fmt.Sprintf("the host has no bridge %s yet", want.Bridge)
		}
		return want, why, away(err)
	case "ovs":
		want.Bridge, want.OVSPort = p.Bridge("br-int"), p.ID
		if p.IsHybrid() {
			return want, fmt.Sprintf("its port %s is filtered by iptables (ovs_hybrid_plug), on a bridge between guest and Open vSwitch that only Nova makes", p.ID), nil
		}
		_, err := e.stat(ctx, "/sys/class/net/"+want.Bridge)
		if errors.Is(err, fs.ErrNotExist) {
			return want, fmt.Sprintf("the host has no bridge %s", want.Bridge), nil
		}
		return want, "", away(err)
	}
	return want, fmt.Sprintf("its port %s is bound as %q, which only Nova plugs", p.ID, p.VIFType), nil
}

// port is that of an interface: the one that the import took or made.
func (e *editor) port(nic discover.Interface, ports []cloud.Port) (cloud.Port, bool) {
	n := slices.IndexFunc(e.was.Domain.NICs, func(n plan.NIC) bool { return strings.EqualFold(n.MAC, nic.MAC) })
	if n < 0 {
		return cloud.Port{}, false
	}
	planned := e.was.Domain.NICs[n]
	i := slices.IndexFunc(ports, func(p cloud.Port) bool {
		return p.ID == planned.Port || planned.Port == "" && strings.EqualFold(p.MAC, nic.MAC)
	})
	if i < 0 {
		return cloud.Port{}, false
	}
	return ports[i], true
}
