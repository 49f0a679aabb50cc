package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/openstack"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/restart"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// restarter is who restarts domains, with the writers of the change.
func (ch *change) restarter(run restarting, hosts *restart.Libvirt) *restart.Restarter {
	return &restart.Restarter{
		Nova: ch.db, Writer: ch.writer, Servers: run.side.servers(), Ports: run.side.ports(),
		Hosts: hosts, Journal: ch.record, Log: hosts.Options.Log, Progress: run.view.step,
	}
}

// servers is Nova's API: nil, and not a nil pointer, when there is none.
func (s cloudSide) servers() restart.Servers {
	if s.api == nil {
		return nil
	}
	return novaServers{s.api}
}

// novaServers is Nova's API in the words of package restart.
type novaServers struct{ *openstack.Cloud }

// Server is restart.Servers'.
func (s novaServers) Server(ctx context.Context, uuid string) (status, task, host, fault string, err error) {
	one, err := s.Cloud.Server(ctx, uuid)
	return one.Status, one.Task, one.Host, one.Fault, err
}

// ports is how Neutron has bound ports, as far as can be known.
func (s cloudSide) ports() restart.Ports {
	switch {
	case s.api != nil:
		return s.api
	case s.snapshot != nil:
		return restart.KnownPorts(s.snapshot.Ports)
	}
	return nil
}

// restartHosts is how domains and files are reached.
func (c config) restartHosts(log *slog.Logger) *restart.Libvirt {
	return &restart.Libvirt{Options: rename.Options{Call: c.Scan.CallTimeout, Log: log}}
}

// novaNames is what jobs asks of Nova's databases.
type novaNames interface {
	Computes(ctx context.Context) ([]nova.Compute, error)
	InstanceNames(ctx context.Context, uuids []string) (map[string]string, error)
}

// jobs are domains with all that a restart of each needs to know.
func jobs(ctx context.Context, db novaNames, p plan.Plan, domains []plan.Domain, known map[string]journal.Adoption, reach func(plan.Host) discover.Host) ([]restart.Job, error) {
	computes, err := db.Computes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read compute hosts: %w", err)
	}
	byHost := map[string]nova.Compute{}
	for _, one := range computes {
		byHost[one.Host] = one
	}
	uuids := make([]string, len(domains))
	for n, d := range domains {
		uuids[n] = d.UUID
	}
	names, err := db.InstanceNames(ctx, uuids)
	if err != nil {
		return nil, fmt.Errorf("read instance names: %w", err)
	}
	hosts := map[string]plan.Host{}
	for _, h := range p.Hosts {
		hosts[h.Name] = h
	}
	list := make([]restart.Job, len(domains))
	for n, d := range domains {
		h := hosts[d.Host]
		list[n] = restart.Job{
			Plan: d, Host: h, Reach: reach(h), Adoption: known[d.UUID],
			Compute: byHost[h.ComputeHost], InstanceName: names[d.UUID],
		}
	}
	return list, nil
}
