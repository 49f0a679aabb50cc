package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// devicesPerList bounds how many instances are asked for at a time: each is 47
// bytes of a URL, of which servers take 8 KiB.
const devicesPerList = 100

// computeOwner begins the device_owner of an instance's port; the availability
// zone follows.
const computeOwner = "compute:"

// A wirePort is a port in Neutron's own words, with what its extension
// standard-attr-revisions adds.
type wirePort struct {
	cloud.APIPort
	Revision *int `json:"revision_number"`
}

// ours reports whether the port was made for an adoption.
func (w wirePort) ours() bool { return isMarked(w.Description) }

// port is w as the rest of the program knows it.
func (w wirePort) port() (cloud.Port, error) {
	p, err := w.Port()
	if err != nil {
		return p, fmt.Errorf("port %s: %w", w.ID, err)
	}
	return p, nil
}

// who says whose a port is, so that an operator can find it and its user.
func (w wirePort) who() string {
	text := "port " + w.ID
	if w.Name != "" {
		text += fmt.Sprintf(" (%q)", w.Name)
	}
	text += " of project " + w.ProjectID
	switch {
	case w.DeviceID != "" || w.DeviceOwner != "":
		text += fmt.Sprintf(", used by device_owner %q, device_id %q", w.DeviceOwner, w.DeviceID)
	default:
		text += ", which no device uses"
	}
	if w.HostID != "" {
		text += " on host " + w.HostID
	}
	if w.ours() {
		text += "; it was made for an adoption: " + strings.TrimPrefix(w.Description, cloud.Mark)
	}
	return text
}

// Port returns one port; cloud.ErrNotFound when there is none.
func (c *Cloud) Port(ctx context.Context, id string) (cloud.Port, error) {
	w, err := c.readPort(ctx, id)
	if err != nil {
		return cloud.Port{}, err
	}
	return w.port()
}

// PortsOf returns the ports whose device is one of these instances, with the
// floating IPs that lead to them now.
func (c *Cloud) PortsOf(ctx context.Context, instances []string) ([]cloud.Port, error) {
	var all []cloud.Port
	for some := range slices.Chunk(instances, devicesPerList) {
		theirs, err := c.listPorts(ctx, "list the ports of instances", url.Values{"device_id": some})
		if err != nil {
			return nil, err
		}
		for _, w := range theirs {
			p, err := w.port()
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
	}
	return all, c.addFloating(ctx, all)
}

// addFloating tells ports of the floating IPs that lead to them.
func (c *Cloud) addFloating(ctx context.Context, all []cloud.Port) error {
	for some := range slices.Chunk(all, devicesPerList) {
		query := fields("id floating_ip_address fixed_ip_address port_id")
		at := map[string]*cloud.Port{}
		for n := range some {
			p := &some[n]
			at[p.ID], p.Floating = p, []cloud.FloatingIP{}
			query.Add("port_id", p.ID)
		}
		l := listing{service: neutron, client: c.network, path: "floatingips", key: "floatingips", query: query}
		found, err := list[cloud.APIFloating](ctx, c, "list the floating IPs of ports", l)
		if isAbsent(err) {
			continue // the extension is not loaded
		}
		if err != nil {
			return err
		}
		for _, f := range found {
			ip, err := f.Leads()
			if err != nil {
				return fmt.Errorf("floating IP %s: %w", f.ID, err)
			}
			if p := at[f.PortID]; p != nil {
				p.Floating = append(p.Floating, ip)
			}
		}
	}
	return nil
}

// readPort wraps cloud.ErrNotFound when there is no such port.
func (c *Cloud) readPort(ctx context.Context, id string) (w wirePort, err error) {
	err = c.ask(ctx, neutron, "read port "+id, func(ctx context.Context) error {
		return extractPort(ports.Get(ctx, c.network, id), &w)
	})
	return w, orNotFound(err)
}

// extractPort refuses an answer without a port in it.
func extractPort(answer interface{ ExtractInto(any) error }, into *wirePort) error {
	*into = wirePort{}
	if err := answer.ExtractInto(into); err != nil {
		return err
	}
	if into.ID == "" || into.NetworkID == "" {
		return errors.New("the answer has no port")
	}
	return nil
}

// orNotFound adds cloud.ErrNotFound to a 404.
func orNotFound(err error) error {
	if isAbsent(err) {
		return fmt.Errorf("%w: %w", cloud.ErrNotFound, err)
	}
	return err
}

func (c *Cloud) listPorts(ctx context.Context, act string, filter url.Values) ([]wirePort, error) {
	return list[wirePort](ctx, c, act, listing{service: neutron, client: c.network, path: "ports", key: "ports", query: filter})
}
