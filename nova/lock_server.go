package nova

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// A serverLock is MySQL's GET_LOCK on a connection of its own. The server gives
// it up when that connection ends, so a killed run leaves nothing behind.
//
// The connection says all the time who it is: it runs one short SLEEP after
// the other with the holder in a comment, which the next run reads in the
// process list. Without a privilege that shows exactly the threads of the same
// database user, which is Nova's. It also keeps load balancers from cutting an
// idle connection, and shows at once when the connection is lost.
//
// With Galera the lock is one node's. Runs that reach different nodes do not
// see each other, and are kept apart by the unique keys and guarded updates
// alone.
type serverLock struct {
	pool *sql.DB
	conn *sql.Conn
	id   int64 // of the connection
	lost atomic.Pointer[error]
	stop context.CancelFunc
	done chan struct{}
}

// A lock belongs to the whole server, and one server may have the databases of
// several clouds: runs on different ones must not wait for each other. So the
// server makes the name, from ours and the database's. MySQL allows 64
// characters.
const (
	takeServerLock  = "SELECT GET_LOCK(CONCAT(?, '.', LEFT(SHA1(DATABASE()), 16)), ?), CONNECTION_ID()"
	askServerLock   = "SELECT IS_USED_LOCK(CONCAT(?, '.', LEFT(SHA1(DATABASE()), 16)))"
	freeServerLock  = "DO RELEASE_LOCK(CONCAT(?, '.', LEFT(SHA1(DATABASE()), 16)))"
	whoseServerLock = `SELECT id, user, host, info FROM information_schema.processlist
		WHERE id = (SELECT IS_USED_LOCK(CONCAT(?, '.', LEFT(SHA1(DATABASE()), 16))))`
)

const (
	holderIntro = "held by "
	heartbeat   = time.Second
)

// lockIdle is how long the server waits for the next heartbeat before it ends
// the connection. A machine that has lost its power says nothing, and its lock
// would stay for hours.
var lockIdle = time.Minute

func lockServer(ctx context.Context, api *database, holder string) (advisoryLock, error) {
	pool, err := api.DB.DB()
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect for the lock: %w", err)
	}
	l := &serverLock{pool: pool, conn: conn, done: make(chan struct{})}
	var got sql.NullInt64
	err = conn.QueryRowContext(ctx, takeServerLock, lockName, lockPatience.Seconds()).Scan(&got, &l.id)
	if err == nil && got.Int64 == 1 {
		_, err = conn.ExecContext(ctx, "SET SESSION wait_timeout = ?", int(lockIdle.Seconds()))
	}
	if err == nil && got.Int64 == 1 {
		alive, stop := context.WithCancel(context.WithoutCancel(ctx))
		l.stop = stop
		go l.beat(alive, "DO SLEEP(?) /* "+lockName+" "+holderIntro+plainHolder(holder)+" */")
		return l, nil
	}
	if err != nil {
		discard(conn)
		return nil, fmt.Errorf("take the lock: %w", err)
	}
	_ = conn.Close() // gives it back to the pool; it holds nothing
	return nil, &LockedError{Holder: whoHolds(ctx, pool)}
}

// discard ends a connection that would otherwise go back to the pool, and with
// it the lock that it may have.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn }) // or it had ended before
}

// beat runs until stop is called or the connection fails.
func (l *serverLock) beat(alive context.Context, statement string) {
	defer close(l.done)
	statement = strings.Replace(statement, "?", fmt.Sprint(heartbeat.Seconds()), 1) // a prepared statement would hide the comment's text
	for alive.Err() == nil {
		wait, cancel := context.WithTimeout(context.Background(), 30*heartbeat)
		_, err := l.conn.ExecContext(wait, statement)
		cancel()
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrLockLost, err)
			l.lost.Store(&err)
			return
		}
	}
}

// held asks the server through another connection who has the lock, so that a
// failover to another server is seen too.
func (l *serverLock) held(ctx context.Context) error {
	if lost := l.lost.Load(); lost != nil {
		return *lost
	}
	var owner sql.NullInt64
	if err := l.pool.QueryRowContext(ctx, askServerLock, lockName).Scan(&owner); err != nil {
		return fmt.Errorf("look after the lock: %w", err)
	}
	if !owner.Valid || owner.Int64 != l.id {
		return fmt.Errorf("%w: the server does not know it any more", ErrLockLost)
	}
	return nil
}

func (l *serverLock) release() error {
	l.stop()
	<-l.done
	if l.lost.Load() != nil {
		_ = l.conn.Close() // the lock is gone, and so is what there was to close
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*heartbeat)
	defer cancel()
	_, err := l.conn.ExecContext(ctx, freeServerLock, lockName)
	if err == nil {
		_, err = l.conn.ExecContext(ctx, "SET SESSION wait_timeout = DEFAULT") // It goes back to the pool.
	}
	if err != nil {
		discard(l.conn)
		return err
	}
	return l.conn.Close()
}

// whoHolds reads the holder's own words in the process list, or at least where
// its connection comes from. It looks a few times, for between two heartbeats
// there is nothing to read.
func whoHolds(ctx context.Context, pool *sql.DB) string {
	known := "unknown (the process list does not show its connection)"
	for range 10 {
		var id int64
		var user, host string
		var info sql.NullString
		if err := pool.QueryRowContext(ctx, whoseServerLock, lockName).Scan(&id, &user, &host, &info); err != nil {
			return known
		}
		if _, text, ok := strings.Cut(info.String, holderIntro); ok {
			return strings.TrimSuffix(strings.TrimSpace(text), " */") + fmt.Sprintf(" (connection %d from %s)", id, host)
		}
		known = fmt.Sprintf("database user %s from %s, connection %d", user, host, id)
		time.Sleep(20 * time.Millisecond)
	}
	return known
}
