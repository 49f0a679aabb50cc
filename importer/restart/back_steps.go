package restart

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// checkRelease looks whether a renamed domain can be brought back, and how it
// is to end: running if it runs now, for Nova's users have had it since.
func (w *walk) checkRelease(ctx context.Context) (power rename.State, locked bool, err error) {
	row, err := w.row(ctx)
	if err != nil {
		return "", false, err
	}
	c := check{job: w.job, opt: Options{}, was: w.was}
	if err := c.row(row); err != nil {
		return "", false, err
	}
	if w.here.gone {
		return w.kept.Saved.State, row.Locked, nil // Nova has lost it; what was saved has not.
	}
	if err := w.here.Restartable(); err != nil {
		return "", false, err
	}
	if err := w.domain.CheckShutdown(ctx, howToStop(w.job, w.opt)); err != nil {
		return "", false, err
	}
	if err := w.checkDisks(ctx); err != nil {
		return "", false, err
	}
	w.warnOfLosses()
	return w.here.State, row.Locked, nil
}

// checkDisks makes sure that the legacy definition would run on what the guest
// has written. A resize or a rebuild in Nova makes new files: under the legacy
// names there would be the disks of that day.
func (w *walk) checkDisks(ctx context.Context) error {
	for _, k := range w.was.Domain.Disks {
		if err := w.checkDisk(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) checkDisk(ctx context.Context, k plan.Disk) error {
	at := w.was.disk(k)
	n := slices.IndexFunc(w.kept.Files, func(f rename.File) bool { return f.Path == k.Path })
	if n < 0 {
		return fmt.Errorf("%w: it has no word on %s", ErrKept, k.Path)
	}
	was := w.kept.Files[n]
	legacy, err := w.files.Stat(ctx, k.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return away(err)
	}
	if err == nil && !legacy.Same(was) {
		return fmt.Errorf("%w: %s", rename.ErrMoved, k.Path)
	}
	if err == nil && !w.named() {
		return nil
	}
	linked, err := w.files.Stat(ctx, at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s is gone", ErrUnlinked, at)
	case err != nil:
		return away(err)
	case !linked.Same(was):
		return fmt.Errorf("%w: %s is another file than %s was (inode %d, not %d); what the guest has written since is in the new one alone", ErrUnlinked, at, k.Path, linked.Inode, was.Inode)
	case w.named() && !slices.Contains(w.here.Disks, at) && !slices.Contains(w.here.Disks, k.Path):
		return fmt.Errorf("%w: it does not run on %s", ErrChanged, at)
	}
	return nil
}

// warnOfLosses names what was added since and is not in the legacy definition.
func (w *walk) warnOfLosses() {
	now, err := discover.Parse([]byte(w.here.Definition), nil)
	if err != nil {
		return // Nothing of it is needed to go back.
	}
	then, err := discover.Parse([]byte(w.kept.Saved.Definition), nil)
	if err != nil {
		return
	}
	if n := len(now.Interfaces) - len(then.Interfaces); n > 0 {
		w.warn("%d interfaces were attached since the restart, and are not in the legacy definition", n)
	}
	for _, p := range w.here.Disks {
		known := slices.Contains(w.kept.Saved.Disks, p) ||
			slices.ContainsFunc(w.was.Domain.Disks, func(k plan.Disk) bool { return w.was.disk(k) == p })
		if !known {
			w.warn("disk %s was attached since the restart, and is not in the legacy definition", p)
		}
	}
}

// heldDone: Nova keeps its hands off. While a restart by libvirt is not
// settled it does so since its beginning, whether its database answers now or
// not: a guest must not stay off for that.
func (w *walk) heldDone(ctx context.Context) (bool, error) {
	row, err := w.row(ctx)
	if err == nil {
		return row.Held, nil
	}
	_, settled := w.steps[prefix+stepSettle]
	if errors.Is(err, nova.ErrNotOurs) || w.kept.byNova() || settled {
		return false, err
	}
	w.warn("Nova's database did not answer on the way back: %v", err)
	return true, nil
}

// holdAgain waits for Nova to end what it does with the instance.
func (w *walk) holdAgain(ctx context.Context) error {
	deadline := w.now().Add(w.opt.Nova)
	for {
		err := w.Writer.Hold(ctx, w.job.Compute, w.job.uuid())
		if err == nil || errors.Is(err, nova.ErrMoved) || errors.Is(err, nova.ErrNotOurs) || w.now().After(deadline) {
			return err
		}
		select {
		case <-time.After(w.opt.Poll):
		case <-ctx.Done():
			return err
		}
	}
}

// stopDone: the domain is off, or runs as it always did, or was started by
// somebody else while it was to be off.
func (w *walk) stopDone(context.Context) (bool, error) {
	return !w.here.active() || w.legacy() && (w.kept.off() || w.untouched()), nil
}

// untouched reports whether the running process is the legacy one: of the
// legacy disks and interfaces. One that somebody has started from the staged
// definition is not.
func (w *walk) untouched() bool {
	if !slices.Equal(w.here.Disks, w.kept.Saved.Disks) {
		return false
	}
	then, err := discover.Parse([]byte(w.kept.Saved.Live), nil)
	if err != nil {
		return false
	}
	now, err := discover.Parse([]byte(w.here.Live), nil)
	if err != nil || len(now.Interfaces) != len(then.Interfaces) {
		return false
	}
	for i, nic := range then.Interfaces {
		if now.Interfaces[i].Model != nic.Model || now.Interfaces[i].Bridge != nic.Bridge && nic.Bridge != "" {
			return false
		}
	}
	return true
}

// namesDone: the disks have their legacy names.
func (w *walk) namesDone(ctx context.Context) (bool, error) {
	for _, k := range w.was.Domain.Disks {
		if _, err := w.files.Stat(ctx, k.Path); errors.Is(err, fs.ErrNotExist) {
			return false, nil
		} else if err != nil {
			return false, away(err)
		}
	}
	return true, nil
}

// linkNames gives disks back the names that were removed since. That they are
// the same files was looked at before.
func (w *walk) linkNames(ctx context.Context) error {
	for _, k := range w.was.Domain.Disks {
		if err := w.files.Link(ctx, w.was.disk(k), k.Path); err != nil && !errors.Is(err, fs.ErrExist) {
			return away(err)
		}
	}
	return nil
}

func (w *walk) returnedDone(ctx context.Context) (bool, error) {
	if w.kept.Variables == "" {
		return true, nil
	}
	_, err := w.files.Stat(ctx, w.kept.Variables)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, away(err)
}

// restoreDone: name, definition and autostart are to the byte what was saved.
func (w *walk) restoreDone(context.Context) (bool, error) {
	s := w.kept.Saved
	return !w.here.gone && w.here.Name == s.Name && w.here.Persistent && w.here.Autostart == s.Autostart && w.here.Definition == s.Definition, nil
}

func (w *walk) restore(ctx context.Context) error {
	return w.insist(ctx, func(ctx context.Context) error {
		return w.domain.Restore(ctx, w.kept.Saved, w.restored)
	})
}

// restored allows for what libvirt changes by itself when it is handed its own
// text, and says so.
func (w *walk) restored(saved, present string) error {
	if err := sameDefinition(saved, present); err != nil {
		return err
	}
	if saved != present {
		w.warn("libvirt has written the definition in another order than it was; nothing in it is different")
	}
	return nil
}

// clearDone: the copy of the EFI variables that Nova would have found, or has
// used, is gone.
func (w *walk) clearDone(ctx context.Context) (bool, error) {
	if w.kept.Variables == "" || w.kept.Variables == w.novaVariables() {
		return true, nil
	}
	_, err := w.files.Stat(ctx, w.novaVariables())
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return false, away(err)
}

func (w *walk) clear(ctx context.Context) error { return away(w.files.Remove(ctx, w.novaVariables())) }

func (w *walk) againDone(context.Context) (bool, error) { return w.here.active(), nil }

func (w *walk) startAgain(ctx context.Context, paused bool) error {
	return w.startDomain(ctx, paused, w.opt.Patience)
}

func (w *walk) returnModel(ctx context.Context) error {
	return w.Writer.SetNICModel(ctx, w.job.Compute, w.job.uuid(), w.kept.NICModel.Before)
}

// returnSettled: Nova's records say what the domain does now.
func (w *walk) returnSettled(ctx context.Context) (bool, error) {
	vmState, power, err := w.states()
	if err != nil {
		return false, err
	}
	row, err := w.row(ctx)
	return row.TaskState == "" && row.VMState == vmState && row.PowerState == power && row.Locked == w.kept.Row.Locked, err
}
