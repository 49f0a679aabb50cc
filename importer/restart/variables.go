package restart

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/lightcloud/kvm2openstack/rename"
)

// maxVariables is how much of EFI variables is compared; larger ones are
// copied without.
const maxVariables = 8 << 20

// findVariables is where the EFI variables of a domain are, "" where it has
// none, or never started so that there are none yet.
func findVariables(ctx context.Context, stat func(context.Context, string) (rename.File, error), s rename.Saved) (string, error) {
	path, implicit, err := rename.NVRAM(s.Definition)
	if err != nil || path == "" && !implicit {
		return "", err
	}
	path = cmp.Or(s.NVRAM, path, rename.DefaultNVRAM(s.Name))
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
		same, err := w.sameContent(ctx, w.kept.Variables, to)
		if err == nil && !same {
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
		same, err := w.sameContent(ctx, w.kept.Variables, to)
		if err != nil || !same {
			return false, away(err)
		}
	}
	return true, nil
}

// returnVariables brings back what Nova's undefine has removed.
func (w *walk) returnVariables(ctx context.Context) error {
	if w.kept.Variables == "" {
		return nil
	}
	_, err := w.files.Stat(ctx, w.kept.Variables)
	if errors.Is(err, fs.ErrNotExist) {
		err = w.files.Copy(ctx, w.shelf.variables(w.job.uuid()), w.kept.Variables)
	}
	if err != nil {
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

// warnOfVariables says it of a call that was killed after it had kept them, too.
func (w *walk) warnOfVariables(ctx context.Context) {
	if _, err := w.files.Stat(ctx, w.laterVariables()); err == nil {
		w.warn("its EFI variables are those from before its rename; what the guest has changed since is kept as %s: where it needs that, copy it over them while the guest is off", w.laterVariables())
	}
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
