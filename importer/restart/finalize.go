package restart

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/lightcloud/kvm2openstack/importer/journal"
	"github.com/lightcloud/kvm2openstack/importer/plan"
	"github.com/lightcloud/kvm2openstack/rename"
)

// Finalize removes the legacy names of a renamed domain's disks. Until then a
// delete in Nova cannot take the data; after it, the names in the instance's
// directory are the only ones. Back still works: it gives the names back.
//
// Nothing is removed but a second name of a file that is proven to have the
// first one, and that the domain is defined with.
func (r *Restarter) Finalize(ctx context.Context, j Job) Result {
	w := r.walk(j, Options{})
	defer w.close()
	w.tell(stepFinalize)
	if err := interrupted(ctx); err != nil {
		return w.end(Refused, err)
	}
	ctx = context.WithoutCancel(ctx)
	if err := w.open(ctx); err != nil {
		return w.end(w.unmoved(), err)
	}
	switch w.state {
	case journal.StateFinalized:
		return w.end(Already, nil)
	case journal.StateRenamed:
	default:
		return w.end(w.unmoved(), fmt.Errorf("%w: the journal says %s, not %s", ErrState, w.state, journal.StateRenamed))
	}
	if err := w.remember(ctx); err != nil {
		return w.end(Refused, err)
	}
	if err := w.checkFinal(ctx); err != nil {
		return w.end(Refused, err)
	}
	err := w.note(ctx, w.begun(stepFinalize))
	for _, k := range w.was.Domain.Disks {
		if err == nil {
			err = away(w.files.Unlink(ctx, k.Path, w.was.disk(k)))
		}
	}
	if err == nil {
		err = w.toState(ctx, journal.StateFinalized, "", w.ended(stepFinalize, "", nil))
	}
	if err != nil {
		return w.end(Half, err)
	}
	return w.end(Finalized, nil)
}

// checkFinal makes sure that the domain no longer uses the names that go.
func (w *walk) checkFinal(ctx context.Context) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	switch {
	case w.here.gone:
		return rename.ErrGone
	case !w.named():
		return fmt.Errorf("%w: it is %q, not %q", ErrStranger, w.here.Name, w.job.instanceName())
	}
	for _, k := range w.was.Domain.Disks {
		if err := w.checkName(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) checkName(ctx context.Context, k plan.Disk) error {
	at := w.was.disk(k)
	if !slices.Contains(w.here.Disks, at) || slices.Contains(w.here.Disks, k.Path) {
		return fmt.Errorf("%w: it does not run on %s", ErrChanged, at)
	}
	linked, err := w.files.Stat(ctx, at)
	if err != nil {
		return away(err)
	}
	legacy, err := w.files.Stat(ctx, k.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // An earlier call has removed it.
	case err != nil:
		return away(err)
	case !legacy.Same(linked):
		return fmt.Errorf("%w: %s is no longer %s, so it may be the only copy of what was there before a resize or a rebuild", ErrUnlinked, k.Path, at)
	}
	return nil
}
