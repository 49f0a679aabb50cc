package restart

import (
	"context"
	"sync"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/rename"
)

// Libvirt reaches real hosts. It hears of the events of each host over one
// connection, from the first domain of that host until Close.
type Libvirt struct {
	Options rename.Options

	mu    sync.Mutex
	heard map[string]*heard // by Host.Name
}

// heard are the events of one host. Hosts are dialled at the same time, and
// each once.
type heard struct {
	mu     sync.Mutex
	events *rename.Events // nil until they can be heard
}

// Close ends all listening. It comes after the last domain.
func (l *Libvirt) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.heard {
		if h.events != nil {
			h.events.Close()
		}
	}
	l.heard = nil
}

// Domain opens a domain on a connection of its own.
func (l *Libvirt) Domain(ctx context.Context, h discover.Host, uuid string) (Domain, error) {
	d, err := rename.Open(ctx, discover.Dialer(h), uuid, l.Options)
	if err != nil {
		return nil, err
	}
	return hearing{d, l.events(ctx, h)}, nil
}

// events are those of a host. Without them a restart goes by looking, which
// only takes longer.
func (l *Libvirt) events(ctx context.Context, h discover.Host) *rename.Events {
	of := l.ofHost(h.Name)
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.events != nil {
		return of.events
	}
	e, err := rename.Watch(ctx, discover.Dialer(h), l.Options)
	if err != nil {
		if l.Options.Log != nil {
			l.Options.Log.Warn("events of the host cannot be heard; its domains are looked at instead", "host", h.Name, "err", err)
		}
		return nil
	}
	of.events = e
	return e
}

func (l *Libvirt) ofHost(name string) *heard {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heard == nil {
		l.heard = map[string]*heard{}
	}
	if l.heard[name] == nil {
		l.heard[name] = &heard{}
	}
	return l.heard[name]
}

// Files opens the files of a host.
func (l *Libvirt) Files(ctx context.Context, h discover.Host) (Files, error) {
	f, err := instancedir.OpenFiles(ctx, h, discover.DialSSH)
	if err != nil {
		return nil, err
	}
	return hostFiles{f}, nil
}

// Look opens a domain and its host's files for looking.
func (l *Libvirt) Look(ctx context.Context, h discover.Host, uuid string) (View, error) {
	d, err := rename.Open(ctx, discover.Dialer(h), uuid, l.Options)
	if err != nil {
		return nil, err
	}
	f, err := instancedir.OpenFiles(ctx, h, discover.DialSSH)
	if err != nil {
		d.Close()
		return nil, err
	}
	return view{d, hostFiles{f}}, nil
}

// hearing is a domain with the events of its host.
type hearing struct {
	*rename.Domain
	heard *rename.Events
}

func (d hearing) Shutdown(ctx context.Context, how rename.Shutdown) (rename.Stopped, error) {
	return d.Domain.Shutdown(ctx, how, d.heard)
}

func (d hearing) CheckHealth(ctx context.Context, h rename.Health, since time.Time) (rename.Report, error) {
	return d.Domain.CheckHealth(ctx, h, since, d.heard)
}

// hostFiles are a host's files in rename's words.
type hostFiles struct{ *instancedir.Files }

func (f hostFiles) Stat(ctx context.Context, path string) (rename.File, error) {
	id, err := f.Files.Stat(ctx, path)
	return rename.File{Path: path, Device: id.Device, Inode: id.Inode, Bytes: id.Bytes}, err
}

// view is a domain and files of which only what looks is told.
type view struct {
	*rename.Domain
	files hostFiles
}

func (v view) Stat(ctx context.Context, path string) (rename.File, error) {
	return v.files.Stat(ctx, path)
}

func (v view) IsBridge(ctx context.Context, name string) (bool, error) {
	return v.files.IsBridge(ctx, name)
}

func (v view) Close() error {
	v.Domain.Close()
	return v.files.Close()
}
