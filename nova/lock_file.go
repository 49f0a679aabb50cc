package nova

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gofrs/flock"
)

// A fileLock is the lock beside a SQLite database. The kernel gives it up with
// the process, and the file stays: removing it would let two runs hold two
// files of one name.
type fileLock struct{ file *flock.Flock }

func lockFile(ctx context.Context, api *database, holder string) (advisoryLock, error) {
	var path string
	err := api.WithContext(ctx).Raw("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path).Error
	if err != nil {
		return nil, fmt.Errorf("find the file of %s: %w", api.label, err)
	}
	if path == "" {
		return fileLock{}, nil // in memory: there is no second process that could see it
	}
	path += ".lock"
	lock := flock.New(path, flock.SetPermissions(0o644))
	taken, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !taken {
		text, _ := os.ReadFile(path) // who it is matters less than that there is one
		return nil, &LockedError{Holder: orElse(strings.TrimSpace(string(text)), "unknown, see "+path)}
	}
	if err := os.WriteFile(path, []byte(plainHolder(holder)+"\n"), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("write the holder into %s: %w", path, err), lock.Unlock())
	}
	return fileLock{lock}, nil
}

func (l fileLock) held(context.Context) error { return nil }

func (l fileLock) release() error {
	if l.file == nil {
		return nil
	}
	return l.file.Unlock()
}
