package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxParts is how many processes may share a run.
const maxParts = 64

// MinLease is the shortest lease that a round may use. It lasts longer than the
// server waits for a word of whoever has it, so that nobody whose lease has run
// out can still write.
const MinLease = lockIdle + 15*time.Second

// A partLock is one part of a serverLock.
type partLock struct {
	of *serverLock
	liveLock
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
	conn, err := limitedConn(ctx, l.of.pool)
	if err != nil {
		return fmt.Errorf("share the run lock: %w", err)
	}
	name, err := l.take(ctx, conn)
	if err != nil {
		return errors.Join(err, giveBack(conn, name))
	}
	l.begin(ctx, conn, name)
	return nil
}

// take gets the first part that is free, unless somebody has the whole.
func (l *partLock) take(ctx context.Context, conn *sql.Conn) (name string, err error) {
	for n := range maxParts {
		name = l.of.part(n)
		var got, whole sql.NullInt64
		if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", name).Scan(&got); err != nil {
			return name, fmt.Errorf("share the run lock: %w", err)
		}
		if got.Int64 != 1 {
			continue
		}
		if err := conn.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?)", l.of.whole()).Scan(&whole); err != nil {
			return name, fmt.Errorf("share the run lock: %w", err)
		}
		if whole.Valid {
			return name, &HeldError{Holder: l.of.holder(ctx)}
		}
		return name, nil
	}
	return name, fmt.Errorf("share the run lock: %d processes share it already", maxParts)
}
