package journal

import (
	"errors"
	"fmt"
	"time"
)

// ErrNewer says that the journal was extended by a newer kvm2openstack.
var ErrNewer = errors.New("the journal was written by a newer version of kvm2openstack")

// ErrForeign says that the file or schema holds something else.
var ErrForeign = errors.New("this is not a journal of kvm2openstack")

// ErrHeld says that another run is under way; the error is a *HeldError.
var ErrHeld = errors.New("another run is under way")

// ErrLockLost says that the connection which holds the run lock is gone, so
// that another run may begin. Nothing more may be changed.
var ErrLockLost = errors.New("the run lock was lost")

// ErrNotShared: the journal is a file, whose lock one run has alone.
var ErrNotShared = errors.New("several processes can share a run only through a journal on a server (mysql://)")

// A Holder is who holds the run lock.
type Holder struct {
	User    string    `json:"user"`
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
	Command string    `json:"command"`
}

// String is for people: root@admin1, pid 4711, since 2026-08-21 10:00:00 UTC: kvm2openstack import plan.yaml.
func (h Holder) String() string {
	if h.PID == 0 {
		return "a run that has not said yet who it is"
	}
	return fmt.Sprintf("%s@%s, pid %d, since %s: %s", h.User, h.Host, h.PID,
		h.Since.UTC().Format("2006-01-02 15:04:05 MST"), h.Command)
}

// A HeldError names the run that holds the lock.
type HeldError struct{ Holder Holder }

func (e *HeldError) Error() string { return fmt.Sprintf("%v (%s)", ErrHeld, e.Holder) }

// Unwrap makes errors.Is(err, ErrHeld) true.
func (e *HeldError) Unwrap() error { return ErrHeld }
