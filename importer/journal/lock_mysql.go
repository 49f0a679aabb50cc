package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A serverLock is GET_LOCK on a connection of its own: the server frees it when
// that connection ends, whatever ended it. On Galera such a lock is known to
// one node only, so all runs must name the same node (or a proxy that sends
// all writes to one).
type serverLock struct {
	pool   *sql.DB
	schema string
	mu     sync.Mutex // of conn: several threads of a run write
	conn   *sql.Conn
}

// lockPatience covers the moment in which a server still sees the connection
// of a run that has just been killed.
const lockPatience = 2 * time.Second

// name is the lock's; the server allows 64 characters.
func (l *serverLock) name() string {
	n := "kvm2openstack:" + l.schema
	if len(n) > 64 {
		n = n[:64]
	}
	return n
}

func (l *serverLock) acquire(ctx context.Context, _ Holder) error {
	conn, err := l.pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("take the run lock: %w", err)
	}
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?)", l.name(), lockPatience.Seconds()).Scan(&got); err != nil {
		_ = conn.Close()
		return fmt.Errorf("take the run lock: %w", err)
	}
	if got.Int64 != 1 {
		_ = conn.Close()
		return &HeldError{Holder: l.holder(ctx)}
	}
	l.conn = conn
	// A process that takes a part looks for the whole after it has its part, so
	// that of two that come at the same moment at least one sees the other.
	switch taken, err := l.partsTaken(ctx); {
	case err != nil:
		return errors.Join(fmt.Errorf("take the run lock: %w", err), l.release())
	case taken > 0:
		return errors.Join(&HeldError{Holder: l.holder(ctx)}, l.release())
	}
	return nil
}

// holder is the youngest run without an end. There is one unless the holder
// has only just begun.
func (l *serverLock) holder(ctx context.Context) (h Holder) {
	row := l.pool.QueryRowContext(ctx, "SELECT who, host, pid, started, command FROM "+Run{}.TableName()+
		" WHERE ended IS NULL ORDER BY id DESC LIMIT 1")
	if err := row.Scan(&h.User, &h.Host, &h.PID, &h.Since, &h.Command); err != nil {
		return Holder{} // Who it is does not change that the lock is taken.
	}
	return h
}

// held asks the server on the very connection that took the lock. An idle
// connection that a firewall has dropped would otherwise go unnoticed.
func (l *serverLock) held(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn == nil {
		return ErrLockLost
	}
	var mine sql.NullBool
	err := l.conn.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?) = CONNECTION_ID()", l.name()).Scan(&mine)
	if err != nil {
		return errors.Join(ErrLockLost, err)
	}
	if !mine.Bool {
		return ErrLockLost
	}
	return nil
}

func (l *serverLock) release() error {
	if l.conn == nil {
		return nil
	}
	conn := l.conn
	l.conn = nil
	var freed sql.NullInt64
	err := conn.QueryRowContext(context.Background(), "SELECT RELEASE_LOCK(?)", l.name()).Scan(&freed)
	return errors.Join(err, conn.Close())
}
