package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/gofrs/flock"
)

// A locker lets one run at a time through. The operating system or the server
// frees it when its holder dies, so nobody ever has to remove a stale lock.
type locker interface {
	acquire(ctx context.Context, h Holder) error // *HeldError when taken
	held(ctx context.Context) error              // ErrLockLost
	release() error
}

// A fileLock is a lock on a file beside the journal, which also says who
// holds it. The file stays: removing it would let two runs lock two files.
type fileLock struct{ *flock.Flock }

func newFileLock(path string) *fileLock {
	return &fileLock{flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))}
}

func (l *fileLock) acquire(_ context.Context, h Holder) error {
	ok, err := l.TryLock()
	if err != nil {
		return fmt.Errorf("lock %s: %w", l.Path(), err)
	}
	if !ok {
		return &HeldError{Holder: l.holder()}
	}
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("write holder of %s: %w", l.Path(), err)
	}
	if err := os.WriteFile(l.Path(), text, 0o600); err != nil {
		return fmt.Errorf("write holder of %s: %w", l.Path(), err)
	}
	return nil
}

// holder reads who holds the lock. What cannot be read is simply not known:
// the holder may be just about to write it.
func (l *fileLock) holder() (h Holder) {
	text, err := os.ReadFile(l.Path())
	if err != nil {
		return Holder{}
	}
	if json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}

func (l *fileLock) held(context.Context) error { return nil }

func (l *fileLock) release() error {
	_ = os.Truncate(l.Path(), 0) // Only spares the next reader a name that no longer matters.
	return l.Unlock()
}
