package restart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
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
	// The records are to go after this restart. Where they cannot, it would be
	// for nothing, and an attached volume is not in the legacy definition.
	if err := w.Nova.Claimed(ctx, w.job.Compute.Cell, w.job.uuid()); err != nil {
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
	if err := w.domain.CheckMachine(ctx, w.kept.Saved.Definition); err != nil {
		return "", false, err
	}
	if err := w.checkDisks(ctx); err != nil {
		return "", false, err
	}
	w.warnOfLosses()
	return w.powerBack(), row.Locked, nil
}

// wasSwapped: its interfaces got another model since, or were about to.
func (w *walk) wasSwapped() bool {
	_, begun := w.steps[swapPrefix+stepSave]
	return begun
}

// powerBack is the state in which a renamed domain is to end: that of now, and
// in the middle of a later restart that from before it.
func (w *walk) powerBack() rename.State {
	var entry savedEntry
	if w.state == journal.StateSwapping && json.Unmarshal([]byte(w.steps[swapPrefix+stepSave].Made), &entry) == nil && entry.State != "" {
		return entry.State
	}
	return w.here.State
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
