package importer

import (
	"context"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/importer/restart"
)

// Libvirt asks real hosts. Its zero value has discover's own bounds.
type Libvirt struct{ Options discover.Options }

// Scan reads hosts anew, with definitions and without what an import does not
// look at: guests are not asked for addresses, and disks are looked at when
// they are linked.
func (l Libvirt) Scan(ctx context.Context, hosts []discover.Host) discover.Source {
	opt := l.Options
	opt.KeepXML, opt.SkipFiles, opt.SkipGuest, opt.Progress = true, true, true, nil
	return discover.Scan(ctx, hosts, opt)
}

// States asks what every domain of a host is doing right now.
func (l Libvirt) States(ctx context.Context, h discover.Host) (map[string]discover.State, error) {
	return discover.States(ctx, h, l.Options)
}

// Files opens the file tree of a host.
func (l Libvirt) Files(ctx context.Context, h discover.Host) (Files, error) {
	return instancedir.Open(ctx, h, discover.DialSSH)
}

// Shell logs in at a host, or is this machine where that is the host.
func (l Libvirt) Shell(ctx context.Context, h discover.Host) (sh Shell, end func(), err error) {
	return restart.Shell(ctx, h)
}

// Look opens the file tree of a host for reading only.
func (l Libvirt) Look(ctx context.Context, h discover.Host) (View, error) {
	return instancedir.OpenView(ctx, h, discover.DialSSH)
}

// ReachPlanned is a host as the plan alone says. Keys and known_hosts are the
// defaults then.
func ReachPlanned(h plan.Host) discover.Host {
	return discover.Host{Name: h.Name, URI: h.URI, Files: h.Files, Insecure: h.Insecure, ComputeHost: h.ComputeHost}
}
