package nova

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// lockName is the advisory lock of all writing runs.
const lockName = "kvm2openstack"

// Sentinels of Cloud.Writer and of every writing call.
var (
	// ErrLocked: another run writes. The error is a *LockedError.
	ErrLocked = errors.New("another run is writing to these databases")
	// ErrLockLost: the connection that held the lock is gone. Nothing more is
	// written; a new run takes the lock anew and goes on.
	ErrLockLost = errors.New("the lock on Nova's databases was lost")
)

// A LockedError says who holds the lock.
type LockedError struct {
	Holder string // user@host, pid and since when, as far as it is known
}

// Error implements error.
func (e *LockedError) Error() string { return fmt.Sprintf("%v: %s", ErrLocked, e.Holder) }

// Is makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// An advisoryLock keeps a second run away. No table of Nova's is used for it.
type advisoryLock interface {
	held(ctx context.Context) error // nil, ErrLockLost, or why it cannot be told
	release() error
}

// takeLock takes the lock of the cloud's API database at once or fails.
func (c *Cloud) takeLock(ctx context.Context, holder string) (advisoryLock, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.ConnectTimeout+lockPatience)
	defer cancel()
	if c.api.Name() == "sqlite" {
		return lockFile(ctx, c.api, holder)
	}
	return lockServer(ctx, c.api, holder)
}

// lockPatience covers the moment in which a server still sees the connection
// of a run that has just been killed.
const lockPatience = 2 * time.Second

// plainHolder leaves of the holder's text what can stand inside a comment of
// an SQL statement and on one line of a file.
func plainHolder(holder string) string {
	keep := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(" .:@_-+,", r):
			return r
		}
		return '_'
	}
	text := strings.Map(keep, holder)
	return text[:min(len(text), 200)]
}
