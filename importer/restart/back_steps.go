package restart

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/nova"
	"github.com/lightcloud/kvm2openstack/rename"
)

// heldDone: Nova keeps its hands off. Until the instance is handed over or
// settled it does so since the beginning, whether its database answers now or
// not: a guest must not stay off for that.
func (w *walk) heldDone(ctx context.Context) (bool, error) {
	row, err := w.row(ctx)
	if err == nil {
		return row.Held, nil
	}
	if errors.Is(err, nova.ErrNotOurs) || w.handed {
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

// stopDone: the domain is off, or runs as it always did and goes on.
func (w *walk) stopDone(context.Context) (bool, error) {
	return !w.here.active() || w.asBefore() && !w.asked(), nil
}

// asBefore: the domain's process is the legacy one, or was started by somebody
// else while it was to be off.
func (w *walk) asBefore() bool { return w.legacy() && (w.kept.off() || w.untouched()) }

// asked: a call that was killed was about to have the guest shut down, and no
// more is known. One that was asked goes off when it is ready, so that is
// brought about now, for there is nobody later to start it again.
func (w *walk) asked() bool {
	s, begun := w.steps[w.shelf.prefix+stepShutdown]
	return begun && s.Ended == nil && !w.pressed
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

// stop shuts it down. A guest that somebody has started under its legacy name
// runs on if it does not hear: its definition goes back all the same.
func (w *walk) stop(ctx context.Context) error {
	err := w.shutdown(ctx)
	if err == nil || !w.legacy() || errors.Is(err, ErrAway) || errors.Is(err, rename.ErrElsewhere) {
		return err
	}
	w.warn("until its next start the guest runs on the disks and interfaces of the restart, which is the same data: %v", err)
	return nil
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
// text, and says so: the order of things, and what it has learnt to fill in since
// the domain was defined last. A guest is not left off for that.
func (w *walk) restored(saved, present string) error {
	if err := sameDefinition(saved, present); err != nil {
		added, unmeant := rename.CheckDefined(saved, present, rename.Change{})
		if unmeant != nil {
			return err
		}
		w.warn("libvirt has added to the definition what it did not have when it was saved: %s", list(added))
		return nil
	}
	if saved != present {
		w.warn("libvirt has written the definition in another order than it was; nothing in it is different")
	}
	return nil
}

// againDone: it runs as it always did.
func (w *walk) againDone(ctx context.Context) (bool, error) {
	stays, err := w.stopDone(ctx)
	return stays && w.here.active(), err
}

// startAgain ends the time in which the guest was down: from its first end in
// this call, for one that was started under Nova's name in between did not work.
func (w *walk) startAgain(ctx context.Context, paused bool) error {
	if err := w.startAsItWas(ctx, paused); err != nil || w.off.IsZero() {
		return err
	}
	t := &w.result.Times
	t.Gap, t.Start, t.Boot = w.started.Gap(w.stopped), w.started.Took, 0
	t.Down = w.started.Issued.Add(w.started.Took).Sub(w.off)
	return nil
}

// startOnceMore is for a guest that went off when the way back was all but done:
// libvirt may end the new process in the place of the old one (see
// startPatience), and a call that was killed may have asked for an end that
// comes only now.
func (w *walk) startOnceMore(ctx context.Context, paused bool) error {
	w.warn("it went off right after it was back, and was started once more")
	return w.startAsItWas(ctx, paused)
}

// startAsItWas ends with the guest running, whatever was taken from it in the
// moment that it was off: what it can do without, it does without for now.
func (w *walk) startAsItWas(ctx context.Context, paused bool) error {
	err := w.startDomain(ctx, paused, min(startPatience, w.opt.Patience))
	if err == nil || errors.Is(err, ErrAway) {
		return err
	}
	if w.startWithLess(ctx, paused, err) == nil {
		return nil
	}
	w.warnOfStart(err)
	return w.startDomain(ctx, paused, w.opt.Patience)
}

// startWithLess starts the guest without what its definition insists on and
// another may have. The definition stays as it was saved, for the next start.
func (w *walk) startWithLess(ctx context.Context, paused bool, refused error) error {
	text, gave, err := rename.Yielding(w.kept.Saved.Definition)
	if err != nil || len(gave) == 0 {
		return cmp.Or(err, refused)
	}
	err = w.insist(ctx, func(ctx context.Context) (err error) {
		w.started, err = w.domain.StartOnce(ctx, text, paused)
		return err
	})
	if err == nil {
		w.warn("libvirt refused to start it as it was (%v), so until its next start it does not insist on %s; its definition does", refused, strings.Join(gave, ", "))
	}
	return err
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
