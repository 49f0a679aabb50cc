package restart

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// looker is what a check asks of a domain and its host.
type looker interface {
	asked
	Stat(ctx context.Context, path string) (rename.File, error)
}

// asked is what its host is asked before a restart.
type asked interface {
	CheckShutdown(ctx context.Context, how rename.Shutdown) error
	Idle(ctx context.Context) error
	FreeName(ctx context.Context, name string) error
	CheckMachine(ctx context.Context, definition string) error
}

// A check finds out whether a domain may be restarted, before anything of it is
// touched: what would fail in the middle shall fail here.
type check struct {
	job   Job
	opt   Options
	was   recorded
	saved rename.Saved
	look  looker
}

// domain looks at the domain itself.
func (c check) domain(ctx context.Context) error {
	if c.saved.Name != c.was.Domain.Domain {
		return fmt.Errorf("%w: it is %q, planned as %q", ErrStranger, c.saved.Name, c.was.Domain.Domain)
	}
	if err := c.saved.Restartable(); err != nil {
		return err
	}
	now, err := discover.Parse([]byte(c.saved.Definition), nil)
	if err != nil {
		return fmt.Errorf("read the definition: %w", err)
	}
	if changes := plan.Changed(c.job.Plan, now); len(changes) > 0 {
		return fmt.Errorf("%w: %s; plan it anew", ErrChanged, strings.Join(changes, "; "))
	}
	for _, k := range c.was.Domain.Disks {
		if !slices.Contains(c.saved.Disks, k.Path) {
			return fmt.Errorf("%w: it runs on %s, and its definition names %s (a snapshot?)", ErrChanged, strings.Join(c.saved.Disks, ", "), k.Path)
		}
	}
	if err := c.look.CheckShutdown(ctx, howToStop(c.job, c.opt)); err != nil {
		return err
	}
	if err := c.look.Idle(ctx); err != nil {
		return err
	}
	if err := c.look.FreeName(ctx, c.job.instanceName()); err != nil {
		return err
	}
	return c.startable(ctx, now)
}

// startable looks for what no start would succeed without, neither the new nor
// the old way: a running guest does not miss an ISO that somebody has deleted,
// nor the QEMU that it was started with.
func (c check) startable(ctx context.Context, now discover.Domain) error {
	if err := c.look.CheckMachine(ctx, c.saved.Definition); err != nil {
		return err
	}
	var paths []string
	for _, k := range now.Disks {
		if k.Type == "file" || k.Type == "block" {
			paths = append(paths, k.Path)
		}
	}
	for _, p := range append(paths, now.DirectKernel, now.Firmware.Loader) {
		if !path.IsAbs(p) { // an empty drive
			continue
		}
		if _, err := c.look.Stat(ctx, p); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s is gone; put it back, or take it out of the definition (virsh change-media --eject --config) and plan anew", ErrMissing, p)
		} else if err != nil {
			return away(err)
		}
	}
	return nil
}

// disks looks whether Nova would find the very files that the domain runs on.
func (c check) disks(ctx context.Context) error {
	for _, k := range c.was.Domain.Disks {
		legacy, err := c.look.Stat(ctx, k.Path)
		if err != nil {
			return away(err)
		}
		linked, err := c.look.Stat(ctx, c.was.disk(k))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%w: %s is missing; import it again", ErrUnlinked, c.was.disk(k))
		case err != nil:
			return away(err)
		case !legacy.Same(linked):
			return fmt.Errorf("%w: %s has inode %d and %s inode %d", ErrUnlinked, k.Path, legacy.Inode, c.was.disk(k), linked.Inode)
		}
	}
	return nil
}

// restartable are states of an instance in Nova that a restart can begin from.
var restartable = map[string]bool{"active": true, "stopped": true, "paused": true}

// row judges Nova's row.
func (c check) row(r nova.Restart) error {
	switch {
	case r.Host != c.job.Compute.Host:
		return fmt.Errorf("%w: it is on %q, not on %q", nova.ErrMoved, r.Host, c.job.Compute.Host)
	case r.TaskState != "" && !r.Held:
		return fmt.Errorf("%w: its task is %s", nova.ErrBusy, r.TaskState)
	case !restartable[r.VMState]:
		return fmt.Errorf("%w: it is %s; bring it back to active or stopped there first", ErrInNova, r.VMState)
	}
	return nil
}

// compute makes sure that Nova's order would be carried out, where one is to
// be given.
func (c check) compute(ctx context.Context, n Records) error {
	if !c.byNova() && !c.proves() {
		return nil
	}
	return computeUp(ctx, n, c.job)
}

// computeUp reads it anew: a window is long, and Nova takes an order whether
// anybody is there to carry it out or not.
func computeUp(ctx context.Context, n Records, j Job) error {
	up, err := n.ComputeUp(ctx, j.Compute.Cell, j.Compute.Host)
	if err == nil && !up {
		err = fmt.Errorf("%w: nova-compute on %s is down, and is to start it", ErrInNova, j.Compute.Host)
	}
	return err
}

func (c check) byNova() bool { return c.opt.StartBy == ByNova && !c.saved.Off() }

func (c check) proves() bool { return c.opt.Prove && !c.saved.Off() }

// options refuses what the configuration cannot do.
func (c check) options(servers bool) error {
	if !servers && (c.byNova() || c.proves()) {
		return ErrNoServers
	}
	return nil
}
