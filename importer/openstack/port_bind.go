package openstack

import (
	"context"
	"fmt"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/portsbinding"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// BindPort binds a port to a compute host and returns it as it is then. When
// no mechanism driver could, the port is unbound again and cloud.ErrUnbound
// says what there is to look at on that host. A port that is bound to another
// host is cloud.ErrTaken: an instance may run behind it.
func (c *Cloud) BindPort(ctx context.Context, id, host string) (cloud.Port, error) {
	w, err := c.bindPort(ctx, id, host)
	if err != nil {
		return cloud.Port{}, fmt.Errorf("bind port %s to host %s: %w", id, host, err)
	}
	return w.port()
}

func (c *Cloud) bindPort(ctx context.Context, id, host string) (wirePort, error) {
	w, err := c.changePort(ctx, id, func(w wirePort) (*portsbinding.UpdateOptsExt, error) {
		switch {
		case w.HostID == host && isBound(w):
			return nil, nil
		case w.HostID != "" && w.HostID != host && isBound(w):
			return nil, fmt.Errorf("it is bound already: %w: it is %s", cloud.ErrTaken, w.who())
		}
		return hostChange(host), nil
	})
	if err != nil || isBound(w) {
		return w, err
	}
	reason := fmt.Errorf("%w (binding:vif_type is %q): %s", cloud.ErrUnbound, w.VIFType, c.whyUnbound(ctx, w, host))
	if err := c.unbindPort(ctx, id, host); err != nil {
		return w, fmt.Errorf("%w; and it could not be unbound again: %w", reason, err)
	}
	return w, reason
}

// UnbindPort takes the host from an instance's port, which stays the
// instance's. A port of another instance is left alone, and gone already is
// fine.
func (c *Cloud) UnbindPort(ctx context.Context, id, instance string) error {
	_, err := c.changePort(ctx, id, func(w wirePort) (*portsbinding.UpdateOptsExt, error) {
		if w.DeviceID != instance || w.HostID == "" {
			return nil, nil
		}
		return hostChange(""), nil
	})
	if err != nil && !isAbsent(err) {
		return fmt.Errorf("unbind port %s of instance %s: %w", id, instance, err)
	}
	return nil
}

// unbindPort takes back a binding that failed. The port is read again for it:
// binding goes on behind Neutron's answer and makes a revision of its own.
func (c *Cloud) unbindPort(ctx context.Context, id, host string) error {
	_, err := c.changePort(ctx, id, func(w wirePort) (*portsbinding.UpdateOptsExt, error) {
		if w.HostID != host || isBound(w) {
			return nil, nil
		}
		return hostChange(""), nil
	})
	return err
}

// isBound reports whether a driver has said how to plug the port in.
func isBound(w wirePort) bool {
	switch w.VIFType {
	case "", "unbound", "binding_failed":
		return false
	}
	return true
}

func hostChange(host string) *portsbinding.UpdateOptsExt {
	return &portsbinding.UpdateOptsExt{UpdateOptsBuilder: ports.UpdateOpts{}, HostID: &host}
}
