package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"sync"
	"time"

	"gorm.io/gorm"
)

// writeTimeout bounds one transaction of the journal.
const writeTimeout = 60 * time.Second

// A Recorder writes the journal of one run. It holds the run lock, alone or
// with others.
type Recorder struct {
	j      *Journal
	run    Run
	lock   locker
	shared bool

	claiming sync.Mutex  // whoever has it claims for all that wait
	queueing sync.Mutex  // of claims
	claims   []*claimant // of those that wait
}

// Start takes the run lock and notes the run. Of run, Command, Version and
// PlanDigest are the caller's; Command must hold no secret. The error is a
// *HeldError while another run is under way.
func (j *Journal) Start(ctx context.Context, run Run) (*Recorder, error) {
	return j.start(ctx, run, j.lock, false)
}

// StartShared is Start for a run that works with others of its kind on the same
// rounds. It takes a part of the run lock: any other run is kept out, and
// refused for as long as one has a part. Only a journal on a server has parts.
func (j *Journal) StartShared(ctx context.Context, run Run) (*Recorder, error) {
	whole, ok := j.lock.(*serverLock)
	if !ok {
		return nil, fmt.Errorf("journal %s: %w", j.label, ErrNotShared)
	}
	return j.start(ctx, run, &partLock{of: whole}, true)
}

func (j *Journal) start(ctx context.Context, run Run, lock locker, shared bool) (*Recorder, error) {
	run.Started, run.Ended, run.Command = j.now(), nil, plainText(run.Command)
	run.User, run.Host, run.PID = whoami()
	h := Holder{User: run.User, Host: run.Host, PID: run.PID, Since: run.Started, Command: run.Command}
	if err := lock.acquire(ctx, h); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err := j.db.WithContext(ctx).Create(&run).Error; err != nil {
		return nil, errors.Join(fmt.Errorf("note the run in the journal: %w", err), lock.release())
	}
	return &Recorder{j: j, run: run, lock: lock, shared: shared}, nil
}

// RunID is the number of this run, as status prints it.
func (r *Recorder) RunID() int64 { return r.run.ID }

// Holder is this run as a second one is told of it.
func (r *Recorder) Holder() Holder {
	return Holder{User: r.run.User, Host: r.run.Host, PID: r.run.PID, Since: r.run.Started, Command: r.run.Command}
}

// End notes how the run went and frees the lock. It works after ctx was
// cancelled, for that is when it matters.
func (r *Recorder) End(ctx context.Context, outcome string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	err := r.j.db.WithContext(ctx).Model(&r.run).
		Updates(map[string]any{"ended": r.j.now(), "outcome": plainText(outcome)}).Error
	if err != nil {
		err = fmt.Errorf("note the end of the run in the journal: %w", err)
	}
	return errors.Join(err, r.lock.release())
}

// Write runs f in one transaction: one commit, however many domains it is
// about. It fails with ErrLockLost once another run could have begun.
func (r *Recorder) Write(ctx context.Context, f func(*Tx) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	if err := r.lock.held(ctx); err != nil {
		return err
	}
	err := r.j.db.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		return f(&Tx{db: db, j: r.j, run: r.run.ID, now: r.j.now()})
	})
	if err != nil {
		return fmt.Errorf("write journal %s: %w", r.j.label, err)
	}
	return nil
}

// whoami is for people; what is not known is left open.
func whoami() (name, host string, pid int) {
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, _ = os.Hostname()
	return name, host, os.Getpid()
}
