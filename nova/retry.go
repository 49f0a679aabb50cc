package nova

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/go-sql-driver/mysql"
)

// Bounds of one transaction's repetitions. A deadlock is over after one; a
// proxy that moves to another node takes seconds.
const (
	maxTries   = 8
	maxElapsed = 2 * time.Minute
)

// mysqlTransient are the server's errors after which a whole transaction may
// simply be repeated: 1020 record has changed (Galera, and MariaDB with
// snapshot isolation), 1205 lock wait timeout, 1213 deadlock (Galera's answer
// to a conflict at COMMIT too), 1053 shutdown in progress, 1317 interrupted,
// 1927 connection killed, 2006 and 2013 connection lost, 1047 the Galera node
// is not ready.
var mysqlTransient = []uint16{1020, 1047, 1053, 1205, 1213, 1317, 1927, 2006, 2013}

// transient reports whether the error is one that goes away by itself.
func transient(err error) bool {
	var fromServer *mysql.MySQLError
	if errors.As(err, &fromServer) {
		return slices.Contains(mysqlTransient, fromServer.Number)
	}
	return lostConnection(err) || strings.Contains(err.Error(), "database is locked") // SQLITE_BUSY
}

// lostConnection: nobody knows what became of a COMMIT that ends in it.
func lostConnection(err error) bool {
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNREFUSED) ||
		errors.As(err, &network)
}

// repeat runs one transaction until it succeeds, fails for good, or has been
// tried often enough. Before each try the lock must still be held. again is
// set from the second try on: then the first may have been committed without
// our being told, and the transaction must look before it writes.
func (w *Writer) repeat(ctx context.Context, transaction func(ctx context.Context, again bool) error) error {
	again := false
	once := func() (struct{}, error) {
		attempt, cancel := context.WithTimeout(ctx, 2*w.cloud.config.QueryTimeout)
		defer cancel()
		err := w.lock.held(attempt)
		if err == nil {
			err = transaction(attempt, again)
		}
		again = true
		switch {
		case err == nil:
			return struct{}{}, nil
		case ctx.Err() != nil, errors.Is(err, ErrLockLost), !transient(err):
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 50*time.Millisecond, 5*time.Second
	_, err := backoff.Retry(ctx, once, backoff.WithBackOff(wait), backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(maxElapsed))
	if err != nil && transient(err) {
		return fmt.Errorf("given up after several tries: %w", err)
	}
	return err
}
