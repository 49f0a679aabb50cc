package journal

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"time"
)

// How long the server waits for a word on the connection of a lock before it
// ends it, and how often one is said. A machine that has lost its power says
// nothing, and its lock would stay for hours; and what stands between here and
// the server cuts a connection on which nothing is said, however long a guest
// takes to restart.
const lockIdle = time.Minute

var lockBeat = lockIdle / 6

// A liveLock is GET_LOCK on a connection of its own, with a heartbeat. The
// server frees it when that connection ends, whatever ended it.
type liveLock struct {
	name string

	mu   sync.Mutex // of conn: the heartbeat asks, and several threads of a run
	conn *sql.Conn  // nil while it is not held
	stop context.CancelFunc
	done chan struct{}
}

// limitedConn is a connection that the server ends after lockIdle.
func limitedConn(ctx context.Context, pool *sql.DB) (*sql.Conn, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "SET SESSION wait_timeout = ?", int(lockIdle.Seconds())); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// begin takes over a connection that has the lock of that name.
func (l *liveLock) begin(ctx context.Context, conn *sql.Conn, name string) {
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.name, l.conn, l.stop, l.done = name, conn, stop, make(chan struct{})
	go l.beat(alive, time.NewTicker(lockBeat))
}

// beat says a word now and then, until stop is called or the connection fails.
func (l *liveLock) beat(alive context.Context, tick *time.Ticker) {
	defer close(l.done)
	defer tick.Stop()
	for {
		select {
		case <-alive.Done():
			return
		case <-tick.C:
			// A question that is cut short would end the connection.
			ask, cancel := context.WithTimeout(context.WithoutCancel(alive), lockIdle/2)
			err := l.held(ask)
			cancel()
			if err != nil {
				return // Whoever writes next finds out, too.
			}
		}
	}
}

// held asks the server on the very connection that took the lock.
func (l *liveLock) held(ctx context.Context) error {
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

func (l *liveLock) release() error {
	if l.conn == nil {
		return nil
	}
	l.stop()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	conn := l.conn
	l.conn = nil
	return giveBack(conn, l.name)
}

// giveBack frees a lock, if conn has it, and lets the pool have the connection
// without its time limit. Where that fails the connection is ended, and the lock
// with it.
func giveBack(conn *sql.Conn, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()
	_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK(?)", name)
	if err == nil {
		_, err = conn.ExecContext(ctx, "SET SESSION wait_timeout = DEFAULT")
	}
	if err != nil {
		_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // or it had ended before
		return err
	}
	return conn.Close()
}
