package sync

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lightcloud/kvm2openstack/importer/journal"
)

// A piece is one piece of a round's work, while this process has it.
type piece struct {
	round int64
	lease journal.Lease
	name  string // without the beginning that its kind has in common
}

// A doer does one piece. It returns what is kept of it, and what else goes into
// the journal with it, in one commit.
type doer func(context.Context, piece) (any, func(*journal.Tx) error, error)

// work does the pieces of a round whose names begin so, several at a time, until
// all are done, be it by others. It returns how many this process has done.
func (r *Runner) work(ctx context.Context, round int64, prefix string, parallel int, do doer) (done int, err error) {
	for {
		n, left, err := r.sweep(ctx, round, prefix, parallel, do)
		done += n
		if err != nil || left == 0 {
			return done, err
		}
		// Others are at the rest, or are gone, and their time will be up.
		if err := sleep(ctx, poll); err != nil {
			return done, err
		}
	}
}

// sweep does pieces for as long as any is free. Left says how many are not done
// then.
func (r *Runner) sweep(ctx context.Context, round int64, prefix string, parallel int, do doer) (done, left int, err error) {
	var count, rest atomic.Int64
	workers, ctx := errgroup.WithContext(ctx)
	for range parallel {
		workers.Go(func() error {
			for {
				lease, left, err := r.Journal.Claim(ctx, round, prefix, r.Policy.Lease)
				rest.Store(int64(left))
				if err != nil || lease.Item == "" {
					return err
				}
				p := piece{round: round, lease: lease, name: strings.TrimPrefix(lease.Item, prefix)}
				r.Log.Info("begun", "item", lease.Item, "owner", lease.Owner, "try", lease.Tries)
				if err := r.finish(ctx, p, do); err != nil {
					return err
				}
				count.Add(1)
			}
		})
	}
	err = workers.Wait()
	return int(count.Load()), int(rest.Load()), err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// finish does one piece, renewing its lease meanwhile, and ends it. A piece
// whose lease was lost is another process's: what has come of it here is thrown
// away.
func (r *Runner) finish(ctx context.Context, p piece, do doer) error {
	held, release := r.hold(ctx, p)
	made, also, err := do(held, p)
	lost := context.Cause(held)
	release()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx) // What was read of a host by then is not the host.
	case errors.Is(lost, journal.ErrLeaseLost):
		r.Log.Warn("lost", "item", p.lease.Item, "err", lost)
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", p.lease.Item, err)
	}
	text, err := pack(made)
	if err != nil {
		return fmt.Errorf("%s: keep what was found: %w", p.lease.Item, err)
	}
	err = r.Journal.Write(ctx, func(tx *journal.Tx) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		return tx.Finish(p.lease, text)
	})
	if errors.Is(err, journal.ErrLeaseLost) {
		r.Log.Warn("lost", "item", p.lease.Item, "err", err)
		return nil
	}
	if err == nil {
		r.Log.Info("done", "item", p.lease.Item, "owner", p.lease.Owner)
	}
	return err
}

// hold renews a lease until release is called. The context ends with
// ErrLeaseLost as its cause when it cannot be renewed.
func (r *Runner) hold(ctx context.Context, p piece) (held context.Context, release func()) {
	held, cancel := context.WithCancelCause(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for sleep(held, r.Policy.Lease/3) == nil {
			if err := r.Journal.Renew(held, p.lease, r.Policy.Lease); err != nil {
				cancel(fmt.Errorf("%w: %w", journal.ErrLeaseLost, err))
				return
			}
		}
	}()
	return held, func() {
		cancel(nil)
		<-stopped
	}
}

// A leased ledger writes only while the lease is held, so that a process that
// was stopped for a while does nothing more once another has its work.
type leased struct {
	*journal.Recorder
	lease journal.Lease
}

func (l leased) Write(ctx context.Context, f func(*journal.Tx) error) error {
	return l.Recorder.Write(ctx, func(tx *journal.Tx) error {
		if err := tx.Hold(l.lease); err != nil {
			return err
		}
		return f(tx)
	})
}
