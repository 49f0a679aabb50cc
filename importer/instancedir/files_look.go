package instancedir

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
)

// List names what is in a folder, sorted. A folder that is not there is
// fs.ErrNotExist.
func (f *Files) List(ctx context.Context, dir string) (names []string, err error) {
	err = f.do(ctx, fileTimeout, func(t *Tree, _ filer) error {
		real, err := t.place(dir)
		if err != nil {
			return err
		}
		names, err = t.list(real)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", dir, err)
	}
	slices.Sort(names)
	return names, nil
}

// Resolve follows all symbolic links of paths. One whose end is not there, or
// that is not followed, is given back as far as it leads.
func (f *Files) Resolve(ctx context.Context, paths ...string) (real []string, err error) {
	err = f.do(ctx, fileTimeout, func(t *Tree, _ filer) error {
		real = make([]string, len(paths))
		for i, p := range paths {
			at, err := t.place(p)
			switch {
			case errors.Is(err, ErrPath):
				at = path.Clean(p)
			case err != nil:
				return err
			}
			real[i] = at
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("follow the symbolic links of %d paths: %w", len(paths), err)
	}
	return real, nil
}
