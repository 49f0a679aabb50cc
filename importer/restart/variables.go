package restart

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/lightcloud/kvm2openstack/importer/instancedir"
	"github.com/lightcloud/kvm2openstack/rename"
)

// maxVariables is how much of EFI variables is compared; larger ones are
// copied without.
const maxVariables = 8 << 20

// findVariables is where the EFI variables of a domain are, "" where it has
// none, or never started so that there are none yet.
func findVariables(ctx context.Context, stat func(context.Context, string) (rename.File, error), s rename.Saved) (string, error) {
	path, err := rename.NVRAMInUse(s.Definition, s.NVRAM, s.Name)
	if err != nil || path == "" {
		return "", err
	}
	_, err = stat(ctx, path)
	if errors.Is(err, fs.ErrNotExist) && s.Off() {
		return "", nil
	}
	return path, err
}

// novaVariables is where Nova will look for the EFI variables. What it finds
// there at the first time it keeps; without it, the guest would begin with
// empty ones (measured with Nova 26 and 31).
func (w *walk) novaVariables() string { return rename.DefaultNVRAM(w.job.instanceName()) }

// placeVariables brings the copies of the EFI variables up to date: the one
// that is kept, and the one that Nova will find. The original is still the
// guest's, for Nova has not been at work yet.
func (w *walk) placeVariables(ctx context.Context) error {
	if w.kept.Variables == "" {
		return nil
	}
	for _, to := range []string{w.shelf.variables(w.job.uuid()), w.novaVariables()} {
		placed, err := w.placed(ctx, to)
		if err == nil && !placed {
			err = w.files.Copy(ctx, w.kept.Variables, to)
		}
		if err != nil {
			return fmt.Errorf("copy the EFI variables: %w", away(err))
		}
	}
	return nil
}

// variablesPlaced reports whether placeVariables has nothing to do.
func (w *walk) variablesPlaced(ctx context.Context) (bool, error) {
	if w.kept.Variables == "" {
		return true, nil
	}
	for _, to := range []string{w.shelf.variables(w.job.uuid()), w.novaVariables()} {
		placed, err := w.placed(ctx, to)
		if err != nil || !placed {
			return false, away(err)
		}
	}
	return true, nil
}

// placed reports whether a copy is up to date. The second name that the import
// has given the file is so at any time, and is not to become a copy.
func (w *walk) placed(ctx context.Context, to string) (bool, error) {
	one, err := w.oneFile(ctx, w.kept.Variables, to)
	if err != nil || one {
		return one, err
	}
	return w.sameContent(ctx, w.kept.Variables, to)
}

// returnedDone: the domain has its file. Where it is one with Nova's, as the
// import links them, and Nova has run the guest on it and left both names, what
// was saved has to come back into the legacy one.
func (w *walk) returnedDone(ctx context.Context) (bool, error) {
	if w.kept.Variables == "" {
		return true, nil
	}
	_, err := w.files.Stat(ctx, w.kept.Variables)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, away(err)
	case w.shelf != renameShelf || w.kept.Variables == w.novaVariables() || !w.regenerated():
		return true, nil
	}
	one, err := w.oneFile(ctx, w.kept.Variables, w.novaVariables())
	if err != nil || !one {
		return err == nil, away(err)
	}
	same, err := w.sameContent(ctx, w.kept.Variables, w.shelf.variables(w.job.uuid()))
	return same, away(err)
}

// returnVariables brings back what was saved: Nova's undefine has removed it, or
// its guest has changed it. A file with a second name is not written to.
func (w *walk) returnVariables(ctx context.Context) error {
	if err := w.files.Copy(ctx, w.shelf.variables(w.job.uuid()), w.kept.Variables); err != nil {
		return fmt.Errorf("bring the EFI variables back: %w", away(err))
	}
	return nil
}

// laterVariables is where those that a guest has changed under Nova's name are
// kept after its release. Nova gives an instance's name once.
func (w *walk) laterVariables() string {
	return path.Join(keptDir(w.job.uuid()), path.Base(w.novaVariables()))
}

// keepVariables keeps those that Nova's definition had, if the guest has changed
// them since its restart. The legacy ones come back all the same: Nova may have
// begun with empty ones meanwhile, and nothing in the legacy definition is of a
// later day either.
func (w *walk) keepVariables(ctx context.Context) error {
	same, err := w.sameContent(ctx, w.novaVariables(), w.shelf.variables(w.job.uuid()))
	if err != nil || same {
		return err
	}
	return w.files.Copy(ctx, w.novaVariables(), w.laterVariables())
}

// clearDone: under Nova's name there is what the import has left there: the
// domain's own file, or nothing.
func (w *walk) clearDone(ctx context.Context) (bool, error) {
	if w.kept.Variables == "" || w.kept.Variables == w.novaVariables() {
		return true, nil
	}
	linked := w.was.Variables != ""
	_, err := w.files.Stat(ctx, w.novaVariables())
	if errors.Is(err, fs.ErrNotExist) {
		return !linked, nil
	}
	if err != nil || !linked {
		return false, away(err)
	}
	one, err := w.oneFile(ctx, w.kept.Variables, w.novaVariables())
	return one, away(err)
}

// clear removes the copy that Nova would have found, or has used, and links the
// domain's own file again where the import had. It keeps those of a released
// guest first: it may have lived with them for months. After a failure they are
// those of one start that was no good.
func (w *walk) clear(ctx context.Context, r returning) error {
	_, err := w.files.Stat(ctx, w.novaVariables())
	there := !errors.Is(err, fs.ErrNotExist)
	if there && r.released() {
		switch err := away(w.keepVariables(ctx)); {
		case errors.Is(err, ErrAway):
			return err
		case err != nil:
			w.warn("what the guest has changed of its EFI variables under Nova's name stays where Nova had it, %s, for it could not be kept: %v", w.novaVariables(), err)
			return nil
		}
	}
	if there {
		if err := away(w.files.Remove(ctx, w.novaVariables())); err != nil {
			return err
		}
	}
	return w.linkVariables(ctx)
}

// linkVariables is the import's part, once more. Where that could not link them
// either, it has said so.
func (w *walk) linkVariables(ctx context.Context) error {
	if w.was.Variables == "" {
		return nil
	}
	err := away(w.files.Link(ctx, w.kept.Variables, w.novaVariables()))
	switch {
	case err == nil || errors.Is(err, ErrAway):
		return err
	case errors.Is(err, instancedir.ErrOtherFileSystem):
		return nil
	}
	w.warn("its EFI variables have no second name under Nova's: %v; the next rename copies them, but a hard reboot by Nova before that begins them anew", err)
	return nil
}

// warnOfVariables says it of a call that was killed after it had kept them, too.
func (w *walk) warnOfVariables(ctx context.Context) {
	if _, err := w.files.Stat(ctx, w.laterVariables()); err == nil {
		w.warn("its EFI variables are those from before its rename; what the guest has changed since is kept as %s: where it needs that, copy it over them while the guest is off", w.laterVariables())
	}
}

// oneFile reports whether two names are those of one file; one that is missing
// is another one.
func (w *walk) oneFile(ctx context.Context, a, b string) (bool, error) {
	first, err := w.files.Stat(ctx, a)
	if err != nil {
		return false, err
	}
	second, err := w.files.Stat(ctx, b)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && first.Same(second), err
}

// sameContent compares two small files; one that is missing is another one.
func (w *walk) sameContent(ctx context.Context, a, b string) (bool, error) {
	first, err := w.files.Read(ctx, a, 0, maxVariables+1)
	if err != nil {
		return false, err
	}
	second, err := w.files.Read(ctx, b, 0, maxVariables+1)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return len(first) <= maxVariables && bytes.Equal(first, second), err
}
