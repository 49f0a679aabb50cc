package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/portsbinding"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// portTries bounds how often a port that others change is looked at anew.
const portTries = 5

// TakePort makes an unused port the instance's: it gets its device_id and
// device_owner. One that is the instance's already is returned as it is.
// cloud.ErrTaken names the user of a port that has one, or a host.
func (c *Cloud) TakePort(ctx context.Context, id, instance, zone string) (cloud.Port, error) {
	w, err := c.changePort(ctx, id, func(w wirePort) (*portsbinding.UpdateOptsExt, error) {
		owner := computeOwner + zone
		switch {
		case w.DeviceID == instance && strings.HasPrefix(w.DeviceOwner, computeOwner):
			return nil, nil
		case w.DeviceID != "" && w.DeviceID != instance, w.DeviceOwner != "", w.DeviceID == "" && w.HostID != "":
			return nil, fmt.Errorf("%w: it is %s", cloud.ErrTaken, w.who())
		}
		return &portsbinding.UpdateOptsExt{UpdateOptsBuilder: ports.UpdateOpts{DeviceID: &instance, DeviceOwner: &owner}}, nil
	})
	if err != nil {
		return cloud.Port{}, fmt.Errorf("take port %s for instance %s: %w", id, instance, err)
	}
	return w.port()
}

// FreePort gives an instance's port back: it has no host and no device any
// more, and one with cloud.Mark is deleted. A port of another instance is left
// alone, and gone already is fine.
//
// The device goes first: Neutron tells Nova of the end of an instance's port,
// and Nova would unplug the interface from a guest that it still knows
// (neutron/notifiers/nova.py, network-vif-deleted).
func (c *Cloud) FreePort(ctx context.Context, id, instance string) error {
	var err error
	for range portTries {
		if err = c.freePort(ctx, id, instance); !answered(err, http.StatusPreconditionFailed) {
			break
		}
	}
	if err != nil && !isAbsent(err) {
		return fmt.Errorf("free port %s of instance %s: %w", id, instance, err)
	}
	return nil
}

func (c *Cloud) freePort(ctx context.Context, id, instance string) error {
	nobody := ""
	w, err := c.changePort(ctx, id, func(w wirePort) (*portsbinding.UpdateOptsExt, error) {
		if w.DeviceID != instance {
			return nil, nil
		}
		return &portsbinding.UpdateOptsExt{
			UpdateOptsBuilder: ports.UpdateOpts{DeviceID: &nobody, DeviceOwner: &nobody}, HostID: &nobody,
		}, nil
	})
	// One of ours without a device was left by a call that was interrupted, or
	// by Nova when the instance was deleted there.
	if err != nil || !w.ours() || w.DeviceID != "" {
		return err
	}
	return c.ask(ctx, neutron, "delete it", func(ctx context.Context) error {
		_, err := c.network.Delete(ctx, c.network.ServiceURL("ports", w.ID), &gophercloud.RequestOpts{MoreHeaders: unchanged(w)})
		return err
	})
}

// changePort reads a port, has decide say what to change, and changes just
// what was read: after somebody else's change it asks again. decide returns
// nil to leave the port as it is.
func (c *Cloud) changePort(ctx context.Context, id string, decide func(wirePort) (*portsbinding.UpdateOptsExt, error)) (w wirePort, err error) {
	for range portTries {
		if w, err = c.readPort(ctx, id); err != nil {
			return w, err
		}
		change, err := decide(w)
		if change == nil || err != nil {
			return w, err
		}
		w, err = c.updatePort(ctx, w, *change)
		if !answered(err, http.StatusPreconditionFailed) {
			return w, orNotFound(err)
		}
	}
	return w, fmt.Errorf("%w: the port changed %d times", cloud.ErrConflict, portTries)
}

// updatePort changes the port if it is still as w.
func (c *Cloud) updatePort(ctx context.Context, w wirePort, change portsbinding.UpdateOptsExt) (now wirePort, err error) {
	err = c.ask(ctx, neutron, "change port "+w.ID, func(ctx context.Context) error {
		body, err := change.ToPortUpdateMap()
		if err != nil {
			return err
		}
		var answer struct {
			Port *wirePort `json:"port"`
		}
		_, err = c.network.Put(ctx, c.network.ServiceURL("ports", w.ID), body, &answer,
			&gophercloud.RequestOpts{MoreHeaders: unchanged(w), OkCodes: []int{http.StatusOK}})
		if err == nil && (answer.Port == nil || answer.Port.ID != w.ID) {
			err = errors.New("the answer is not this port")
		}
		if err == nil {
			now = *answer.Port
		}
		return err
	})
	return now, err
}

// unchanged makes Neutron refuse with 412 if the port is not as w any more
// (api-ref, "Revisions"). gophercloud's own option is lost when options for
// bindings are put around it.
func unchanged(w wirePort) map[string]string {
	if w.Revision == nil {
		return nil
	}
	return map[string]string{"If-Match": fmt.Sprintf("revision_number=%d", *w.Revision)}
}
