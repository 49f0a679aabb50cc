package onboard

import (
	"cmp"
	"context"
	"fmt"
	"strings"
)

// named fails where nova-compute will call itself something else: where its
// nova.conf says nothing it goes by the running system's name, whatever
// /etc/hostname says.
func (w *work) named(ctx context.Context) error {
	if w.Way == "" || w.finished || !w.host.Conf.Read() || w.host.Conf.Host != "" {
		return nil
	}
	name, err := w.run(ctx, "uname -n")
	if err == nil && !strings.EqualFold(name, w.ComputeHost) {
		err = fmt.Errorf("%w: its nova.conf has no [DEFAULT] host, so nova-compute will call itself %s (uname -n), and not %s: set [DEFAULT] host there, or make /etc/hostname and the system's name the same",
			ErrChanged, cmp.Or(name, "nothing"), w.ComputeHost)
	}
	return err
}

// others is the other host that Nova has this identity's node of, "" without one.
func (w *work) others(ctx context.Context, identity string) (string, error) {
	host, err := w.Nova.NodeHost(ctx, identity)
	if err != nil || strings.EqualFold(host, w.ComputeHost) {
		return "", err
	}
	return host, nil
}

// elsewhere reports whether Nova has got this host's node under another name. Its
// service is disabled: guests are not counted there either.
func (w *work) elsewhere(ctx context.Context, s standing) (bool, error) {
	if s.node.UUID != "" {
		return false, nil
	}
	id, err := w.identityNow(ctx)
	if err != nil || id == "" {
		return false, err
	}
	other, err := w.others(ctx, id)
	if err != nil || other == "" {
		return false, err
	}
	records, err := w.Nova.HostRecordsOf(ctx, other)
	if err != nil {
		return false, err
	}
	err = fmt.Errorf("%w: nova-compute calls itself %s, and was to be %s; set [DEFAULT] host in its nova.conf, and delete the service of %s (openstack compute service delete), which is disabled",
		ErrChanged, other, w.ComputeHost, other)
	service, known := Cloud{Records: records}.service(other)
	if !known {
		return true, err
	}
	if failed := w.API.DisableService(ctx, service.UUID, DisabledReason); failed != nil {
		err = fmt.Errorf("%w, but for this: %w", err, failed)
	}
	return true, err
}
