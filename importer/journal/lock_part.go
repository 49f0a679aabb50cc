package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// maxParts is how many processes may share a run.
const maxParts = 64

// partIdle is how long the server waits for a word on a part's connection
// before it ends it, and the part with it: a machine that has lost its power
// says nothing. A lease must last longer, so that nobody whose lease has run
// out can still write.
const partIdle = time.Minute

// MinLease is the shortest lease that a round may use.
const MinLease = partIdle + 15*time.Second

// A partLock is one part of a serverLock.
type partLock struct {
	whole *serverLock
	name  string

	mu   sync.Mutex // of conn: the heartbeat asks too
	conn *sql.Conn
	stop context.CancelFunc
	done chan struct{}
}

// part is the name of a part; the server allows 64 characters.
func (l *serverLock) part(n int) string {
	name := fmt.Sprintf("kvm2openstack/%d:%s", n, l.schema)
	return name[:min(len(name), 64)]
}

// partsTaken counts the parts that some connection has.
func (l *serverLock) partsTaken(ctx context.Context) (n int, err error) {
	terms, names := make([]string, maxParts), make([]any, maxParts)
	for i := range maxParts {
		terms[i], names[i] = "(IS_USED_LOCK(?) IS NOT NULL)", l.part(i)
	}
	err = l.pool.QueryRowContext(ctx, "SELECT "+strings.Join(terms, " + "), names...).Scan(&n)
	return n, err
}

func (l *partLock) acquire(ctx context.Context, _ Holder) error {
	conn, err := l.whole.pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("share the run lock: %w", err)
	}
	if err := l.take(ctx, conn); err != nil {
		return errors.Join(err, conn.Close())
	}
	l.conn = conn
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop, l.done = stop, make(chan struct{})
	go l.beat(alive)
	return nil
}

// take gets the first part that is free, and gives it back if somebody has the
// whole.
func (l *partLock) take(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "SET SESSION wait_timeout = ?", int(partIdle.Seconds())); err != nil {
		return fmt.Errorf("share the run lock: %w", err)
	}
	for n := range maxParts {
		l.name = l.whole.part(n)
		var got, whole sql.NullInt64
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", l.name).Scan(&got); err != nil {
			return fmt.Errorf("share the run lock: %w", err)
		}
		if got.Int64 != 1 {
			continue
		}
		if err := conn.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?)", l.whole.name()).Scan(&whole); err != nil {
			return fmt.Errorf("share the run lock: %w", err)
		}
		if !whole.Valid {
			return nil
		}
		_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK(?)", l.name)
		return errors.Join(&HeldError{Holder: l.whole.holder(ctx)}, err)
	}
	return fmt.Errorf("share the run lock: %d processes share it already", maxParts)
}

// beat says a word now and then, until stop is called or the connection fails.
func (l *partLock) beat(alive context.Context) {
	defer close(l.done)
	for tick := time.NewTicker(partIdle / 6); ; {
		select {
		case <-alive.Done():
			tick.Stop()
			return
		case <-tick.C:
			// A question that is cut short would end the connection.
			ask, cancel := context.WithTimeout(context.WithoutCancel(alive), partIdle/2)
			err := l.held(ask)
			cancel()
			if err != nil {
				return // Whoever writes next finds out, too.
			}
		}
	}
}

// held asks the server on the very connection that took the part.
func (l *partLock) held(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		return ErrLockLost
	}
	var mine sql.NullBool
	if err := l.conn.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?) = CONNECTION_ID()", l.name).Scan(&mine); err != nil {
		return errors.Join(ErrLockLost, err)
	}
	if !mine.Bool {
		return ErrLockLost
	}
	return nil
}

func (l *partLock) release() error {
	if l.conn == nil {
		return nil
	}
	l.stop()
	<-l.done
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	// The connection goes back to the pool: without its own time limit again.
	_, err := l.conn.ExecContext(ctx, "DO RELEASE_LOCK(?)", l.name)
	_, back := l.conn.ExecContext(ctx, "SET SESSION wait_timeout = DEFAULT")
	err = errors.Join(err, back, l.conn.Close())
	l.conn = nil
	return err
}
