package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A serverLock is the run lock on a server. On Galera such a lock is known to
// one node only, so all runs must name the same node (or a proxy that sends
// all writes to one).
type serverLock struct {
	pool   *sql.DB
	schema string
	liveLock
}

// lockPatience covers the moment in which a server still sees the connection
// of a run that has just been killed.
const lockPatience = 2 * time.Second

// whole is the lock's name; the server allows 64 characters.
func (l *serverLock) whole() string {
	n := "kvm2openstack:" + l.schema
	return n[:min(len(n), 64)]
}

func (l *serverLock) acquire(ctx context.Context, _ Holder) error {
	conn, err := limitedConn(ctx, l.pool)
	if err != nil {
		return fmt.Errorf("take the run lock: %w", err)
	}
	if err := l.take(ctx, conn); err != nil {
		return errors.Join(err, giveBack(conn, l.whole()))
	}
	l.begin(ctx, conn, l.whole())
	return nil
}

// take gets the lock on conn, unless a part of it is taken: a process that
// takes a part looks for the whole after it has its part, so that of two that
// come at the same moment at least one sees the other.
func (l *serverLock) take(ctx context.Context, conn *sql.Conn) error {
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?)", l.whole(), lockPatience.Seconds()).Scan(&got); err != nil {
		return fmt.Errorf("take the run lock: %w", err)
	}
	if got.Int64 != 1 {
		return &HeldError{Holder: l.holder(ctx)}
	}
	switch taken, err := l.partsTaken(ctx); {
	case err != nil:
		return fmt.Errorf("take the run lock: %w", err)
	case taken > 0:
		return &HeldError{Holder: l.holder(ctx)}
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
