package main

import (
	"context"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/onboard"
)

// chosen are the hosts that the arguments name.
func (o *onboardOptions) chosen(c config, args []string) (hosts []discover.Host, err error) {
	known, err := c.hosts()
	if err == nil && o.inventory != "" {
		known, err = discover.ReadInventory(o.inventory)
		err = usageOf(err)
	}
	if err != nil {
		return nil, err
	}
	for _, arg := range args {
		h, err := findHost(known, arg)
		if err != nil {
			return nil, err
		}
		h.Insecure = h.Insecure || o.insecure
		if err := h.Check(); err != nil {
			return nil, usage(err)
		}
		if i := slices.IndexFunc(hosts, func(other discover.Host) bool { return other.URI == h.URI || other.Name == h.Name }); i < 0 {
			hosts = append(hosts, h)
		}
	}
	return hosts, nil
}

func usageOf(err error) error {
	if err != nil {
		return usage(err)
	}
	return nil
}

// findHost finds a host by its name, by Nova's name of it, or by its URI.
func findHost(known []discover.Host, arg string) (discover.Host, error) {
	uri := arg
	var given discover.Host
	if strings.Contains(arg, "://") {
		var err error
		if given, err = discover.ParseHost(arg); err != nil {
			return given, usage(err)
		}
		uri = given.URI
	}
	var names []string
	for _, h := range known {
		if h.Name == arg || h.ComputeHost == arg || h.URI == uri {
			return h, nil
		}
		names = append(names, h.Name)
	}
	if given.URI != "" {
		return given, nil
	}
	if len(names) == 0 {
		return given, usagef("no host is known, so none is %s: name hosts in the configuration or in --inventory FILE, or give a URI (qemu+ssh://root@%s/system)", arg, arg)
	}
	return given, usagef("no host is %s; known are %s", arg, strings.Join(names, ", "))
}

// survey reads hosts.
func (o *onboardOptions) survey(c config, hosts []discover.Host) onboard.Survey {
	return onboard.Survey{Hosts: discover.Hosts(hosts), Scan: c.scanOptions(), Places: c.Onboard.Places(), Open: onboard.OpenFiles}
}

// assess reads hosts and cloud, and judges.
func (o *onboardOptions) assess(ctx context.Context, a *app, c config, hosts []discover.Host) (all []onboard.Assessment, in onboard.Cloud, err error) {
	db, err := c.requireNova(ctx, a)
	if err != nil {
		return nil, in, err
	}
	defer closeNova(db)
	in = onboard.Cloud{Release: db.Release(), Open: db.OpenCells(), Closed: db.ClosedCells(), Cell: o.cell}
	if err := o.knowsCell(in); err != nil {
		return nil, in, err
	}
	found := o.survey(c, hosts).Run(ctx)
	if err := ctx.Err(); err != nil {
		return nil, in, err
	}
	if in.Records, err = db.HostRecords(ctx); err != nil {
		return nil, in, err
	}
	if in.Presence, err = db.Presence(ctx, onboard.GuestIDs(found)); err != nil {
		return nil, in, err
	}
	if in.Providers, err = c.hostProviders(ctx, a, onboard.Nodes(found)); err != nil {
		return nil, in, err
	}
	return onboard.Assess(found, in, c.Onboard, onboard.Way(o.way)), in, nil
}

// knowsCell refuses a --cell that no host can be in.
func (o *onboardOptions) knowsCell(in onboard.Cloud) error {
	var names []string
	for _, open := range in.Open {
		if o.cell == "" || o.cell == open.Name || o.cell == open.UUID {
			return nil
		}
		names = append(names, open.Name)
	}
	for _, closed := range in.Closed {
		if o.cell != closed.Name && o.cell != closed.UUID {
			continue
		}
		if closed.Disabled {
			return usagef("--cell %s: that cell is disabled: enable it while hosts are onboarded (nova-manage cell_v2 update_cell --enable --cell_uuid %s)", o.cell, closed.UUID)
		}
		return usagef("--cell %s: that cell could not be read: %s", o.cell, closed.Reason)
	}
	return usagef("--cell %s: there is no such cell; there are %s", o.cell, strings.Join(names, ", "))
}

// hostProviders are those of Placement; nil without its API.
func (c config) hostProviders(ctx context.Context, a *app, names []string) ([]cloud.Provider, error) {
	side, err := c.openCloud(ctx, a)
	if err != nil || side.api == nil {
		return nil, err
	}
	found, err := side.api.HostProviders(ctx, names...)
	if err != nil {
		return nil, refused(err)
	}
	return found, nil
}
