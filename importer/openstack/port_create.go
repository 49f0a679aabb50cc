package openstack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/portsecurity"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// maxDescription is what Neutron keeps of a description
// (neutron_lib/db/constants.py, DESCRIPTION_FIELD_SIZE).
const maxDescription = 255

// CreatePort makes a port for an instance: with exactly these addresses, none
// if there are none, and not bound to a host. A port that an earlier call
// made for this instance and MAC address is returned as it is.
//
// cloud.ErrTaken names the port that has the MAC address or a fixed IP, and
// its user; cloud.ErrNotFound says that the network, a subnet or a security
// group is gone.
func (c *Cloud) CreatePort(ctx context.Context, p cloud.NewPort) (cloud.Port, error) {
	w, err := c.createPort(ctx, p)
	if err != nil {
		return cloud.Port{}, fmt.Errorf("make port %s of instance %s on network %s: %w", p.MAC, p.Instance, p.NetworkID, err)
	}
	return w.port()
}

func (c *Cloud) createPort(ctx context.Context, p cloud.NewPort) (made wirePort, err error) {
	has, found, err := c.portWithMAC(ctx, p)
	if found || err != nil {
		return has, err
	}
	err = c.ask(ctx, neutron, "create it", func(ctx context.Context) error {
		return extractPort(ports.Create(ctx, c.network, createOpts(p)), &made)
	})
	switch {
	case err == nil:
		return made, nil
	case doubtful(err), kindOf(err) == "MacAddressInUse":
		// Neutron may have made it although the answer is lost, and another
		// run may have been quicker.
		has, found, lookErr := c.portWithMAC(ctx, p)
		if found || errors.Is(lookErr, cloud.ErrTaken) {
			return has, lookErr
		}
	}
	return made, c.portRefused(ctx, p, err)
}

// portWithMAC finds the port that has the MAC address on the network, where
// Neutron lets it occur once: cloud.ErrTaken if it is not the one that
// CreatePort made for this instance.
func (c *Cloud) portWithMAC(ctx context.Context, p cloud.NewPort) (w wirePort, found bool, err error) {
	filter := url.Values{"network_id": {p.NetworkID}, "mac_address": {strings.ToLower(p.MAC)}}
	has, err := c.listPorts(ctx, "look for the MAC address", filter)
	if err != nil || len(has) == 0 {
		return w, false, err
	}
	if w = has[0]; w.ours() && w.DeviceID == p.Instance {
		return w, true, nil
	}
	return w, false, fmt.Errorf("the MAC address: %w: it is that of %s", cloud.ErrTaken, w.who())
}

func createOpts(p cloud.NewPort) ports.CreateOptsBuilder {
	up, fixed := true, []ports.IP{} // never nil: Neutron would choose addresses
	for _, ip := range p.FixedIPs {
		fixed = append(fixed, ports.IP{SubnetID: ip.SubnetID, IPAddress: ip.Address.String()})
	}
	opts := ports.CreateOpts{
		NetworkID: p.NetworkID, ProjectID: p.ProjectID, Name: p.Name, MACAddress: p.MAC, FixedIPs: fixed, AdminStateUp: &up,
		DeviceID: p.Instance, DeviceOwner: computeOwner + p.Zone, Description: marked(p.Comment),
	}
	// Without port security Neutron refuses any list of security groups; with
	// it and no list it takes the project's default one.
	if p.PortSecurity && len(p.SecurityGroups) > 0 {
		opts.SecurityGroups = &p.SecurityGroups
	}
	return portsecurity.PortCreateOptsExt{CreateOptsBuilder: opts, PortSecurityEnabled: &p.PortSecurity}
}

// marked is a description with cloud.Mark.
func marked(comment string) string {
	text := []rune(cloud.Mark + comment)
	return string(text[:min(len(text), maxDescription)])
}

// portRefused says what an operator needs to know of a refusal.
func (c *Cloud) portRefused(ctx context.Context, p cloud.NewPort, err error) error {
	switch kind := kindOf(err); {
	case kind == "IpAddressAlreadyAllocated" || kind == "IpAddressInUse":
		return fmt.Errorf("the address: %w: %s (%w)", cloud.ErrTaken, c.addressUsers(ctx, p), err)
	case kind == "InvalidIpForSubnet" || kind == "InvalidIpForNetwork":
		return fmt.Errorf("an address is not in its subnet; correct it in the plan: %w", err)
	case kind == "OverQuota":
		return fmt.Errorf("project %s may have no more ports; raise its quota (openstack quota set --ports N %s): %w", p.ProjectID, p.ProjectID, err)
	case isAbsent(err):
		return fmt.Errorf("something that the plan names: %w; make the plan anew: %w", cloud.ErrNotFound, err)
	}
	return err
}

// addressUsers names the ports that have the addresses. What cannot be read
// does not hide the refusal itself.
func (c *Cloud) addressUsers(ctx context.Context, p cloud.NewPort) string {
	var users []string
	for _, ip := range p.FixedIPs {
		filter := url.Values{"network_id": {p.NetworkID}, "fixed_ips": {"ip_address=" + ip.Address.String()}}
		has, err := c.listPorts(ctx, "look for the address", filter)
		if err != nil {
			users = append(users, err.Error())
		}
		for _, w := range has {
			users = append(users, ip.Address.String()+" is that of "+w.who())
		}
	}
	if len(users) == 0 {
		return "by now no port has it, try again"
	}
	return strings.Join(users, "; ")
}
