//go:build integration

package restart

import (
	"context"
	"os"
	"syscall"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/rename"
)

// A killer ends its own process before or after an effect, or does something
// else after one.
type killer struct {
	at, n    int
	then     map[string]func() // by the effect
	patience time.Duration     // with a host that is away
}

func (k *killer) point() {
	if k.n++; k.n == k.at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (k *killer) effect(name string, f func() error) error {
	k.point()
	err := f()
	if then := k.then[name]; then != nil {
		delete(k.then, name)
		then()
	}
	k.point()
	return err
}

type killHosts struct {
	*Libvirt
	k *killer
}

func (h killHosts) Domain(ctx context.Context, host discover.Host, uuid string) (Domain, error) {
	d, err := h.Libvirt.Domain(ctx, host, uuid)
	return killDomain{d, h.k}, err
}

func (h killHosts) Files(ctx context.Context, host discover.Host) (Files, error) {
	f, err := h.Libvirt.Files(ctx, host)
	return killFiles{f, h.k}, err
}

type killDomain struct {
	Domain
	k *killer
}

func (d killDomain) Define(ctx context.Context, want rename.Definition) error {
	return d.k.effect("define", func() error { return d.Domain.Define(ctx, want) })
}

func (d killDomain) Rename(ctx context.Context, to string) error {
	return d.k.effect("rename", func() error { return d.Domain.Rename(ctx, to) })
}

func (d killDomain) Restore(ctx context.Context, saved rename.Saved, same func(string, string) error) error {
	return d.k.effect("restore", func() error { return d.Domain.Restore(ctx, saved, same) })
}

func (d killDomain) SetAutostart(ctx context.Context, on bool) error {
	return d.k.effect("autostart", func() error { return d.Domain.SetAutostart(ctx, on) })
}

func (d killDomain) Shutdown(ctx context.Context, how rename.Shutdown) (s rename.Stopped, err error) {
	err = d.k.effect("shutdown", func() (err error) { s, err = d.Domain.Shutdown(ctx, how); return err })
	return s, err
}

func (d killDomain) Start(ctx context.Context, paused bool) (s rename.Started, err error) {
	err = d.k.effect("start", func() (err error) { s, err = d.Domain.Start(ctx, paused); return err })
	return s, err
}

func (d killDomain) StartOnce(ctx context.Context, text string, paused bool) (s rename.Started, err error) {
	err = d.k.effect("start once", func() (err error) { s, err = d.Domain.StartOnce(ctx, text, paused); return err })
	return s, err
}

type killFiles struct {
	Files
	k *killer
}

func (f killFiles) Copy(ctx context.Context, from, to string) error {
	return f.k.effect("copy", func() error { return f.Files.Copy(ctx, from, to) })
}

func (f killFiles) WriteKept(ctx context.Context, path string, text []byte) error {
	return f.k.effect("keep", func() error { return f.Files.WriteKept(ctx, path, text) })
}

func (f killFiles) RemoveKept(ctx context.Context, dir string, names ...string) error {
	return f.k.effect("forget", func() error { return f.Files.RemoveKept(ctx, dir, names...) })
}

func (f killFiles) Remove(ctx context.Context, path string) error {
	return f.k.effect("remove", func() error { return f.Files.Remove(ctx, path) })
}

type killLedger struct {
	*journal.Recorder
	k *killer
}

func (l killLedger) Write(ctx context.Context, f func(*journal.Tx) error) error {
	return l.k.effect("journal", func() error { return l.Recorder.Write(ctx, f) })
}
