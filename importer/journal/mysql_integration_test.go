//go:build integration

package journal

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"
)

// schema makes an empty schema on the server that K2O_TEST_MYSQL names
// (user:password@tcp(host:port)/) and returns the journal's URL for it.
func schema(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("K2O_TEST_MYSQL")
	if dsn == "" {
		t.Fatal("K2O_TEST_MYSQL is not set; testdata/services/mariadb-up.sh DIR starts a server and prints it")
	}
	c, err := driver.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ToLower("k2o_journal_" + strings.ReplaceAll(t.Name(), "/", "_"))
	exec := func(q string) {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	exec("DROP DATABASE IF EXISTS " + name)
	exec("CREATE DATABASE " + name)
	t.Cleanup(func() { exec("DROP DATABASE " + name); _ = db.Close() })
	return fmt.Sprintf("mysql://%s@%s/%s", url.UserPassword(c.User, c.Passwd), c.Addr, name)
}

func TestServer(t *testing.T) { suite(t, schema(t)) }

func TestServerReasonOfAnyText(t *testing.T) { reasonSuite(t, schema(t)) }

func TestServerUpgrade(t *testing.T) {
	for from := 1; from < version; from++ {
		t.Run(fmt.Sprint("from", from), func(t *testing.T) {
			location := schema(t)
			j, err := connectMySQL(location)
			if err != nil {
				t.Fatal(err)
			}
			load(t, j.db, from, "mariadb")
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			upgradeSuite(t, location, from)
		})
	}
}

func TestServerLock(t *testing.T) {
	location := schema(t)
	r := start(t, open(t, location))
	second := open(t, location)
	_, err := second.Start(t.Context(), Run{Command: "second"})
	var held *HeldError
	if !errors.As(err, &held) || held.Holder.PID != os.Getpid() || !strings.Contains(err.Error(), "import plan.yaml") {
		t.Fatalf("Start of a second run = %v, want the first one named", err)
	}
	// The server ends the connection: the lock is free, and the first run must
	// find out before it writes again.
	var id int64
	lock := r.j.lock.(*serverLock)
	if err := lock.conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	if err := second.db.Exec(fmt.Sprintf("KILL CONNECTION %d", id)).Error; err != nil {
		t.Fatal(err)
	}
	if err := r.Write(t.Context(), func(tx *Tx) error { return tx.Begin("records", "u1") }); !errors.Is(err, ErrLockLost) {
		t.Errorf("Write without the lock = %v, want %v", err, ErrLockLost)
	}
	if _, err := second.Start(t.Context(), Run{Command: "second"}); err != nil {
		t.Errorf("Start after the first lost its lock = %v", err)
	}
}

func TestServerForeign(t *testing.T) {
	location := schema(t)
	j, err := connectMySQL(location)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.db.Exec("CREATE TABLE instances (id int)").Error; err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), location); !errors.Is(err, ErrForeign) {
		t.Errorf("Open in a schema of Nova = %v, want %v", err, ErrForeign)
	}
}

// limitOf is how far from the server's the time limit of a connection is that
// lies in the pool.
func limitOf(t *testing.T, j *Journal, id int64) (over int64) {
	t.Helper()
	pool, err := j.db.DB()
	for range 10 {
		if err != nil {
			break
		}
		var conn *sql.Conn
		if conn, err = pool.Conn(t.Context()); err != nil {
			break
		}
		defer conn.Close()
		var got int64
		err = conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID(), CAST(@@SESSION.wait_timeout AS SIGNED) - CAST(@@GLOBAL.wait_timeout AS SIGNED)").Scan(&got, &over)
		if err == nil && got == id {
			return over
		}
	}
	t.Fatalf("connection %d is not in the pool: %v", id, err)
	return 0
}

// A lock says a word on its connection now and then, however long nothing is
// written, and one that is given back has no time limit any more.
func TestServerLockBeats(t *testing.T) {
	usual := lockBeat
	t.Cleanup(func() { lockBeat = usual })
	lockBeat = 20 * time.Millisecond
	for name, begin := range map[string]func(*Journal) (*Recorder, *liveLock){
		"whole": func(j *Journal) (*Recorder, *liveLock) { r := start(t, j); return r, &r.lock.(*serverLock).liveLock },
		"part": func(j *Journal) (*Recorder, *liveLock) {
			r := startShared(t, j)
			return r, &r.lock.(*partLock).liveLock
		},
	} {
		t.Run(name, func(t *testing.T) {
			location := schema(t)
			j, other := open(t, location), open(t, location)
			r, lock := begin(j)
			var id, idle int64
			lock.mu.Lock()
			err := lock.conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID(), @@SESSION.wait_timeout").Scan(&id, &idle)
			lock.mu.Unlock()
			if err != nil || idle != int64(lockIdle.Seconds()) {
				t.Errorf("the server waits %d s, %v, want %v", idle, err, lockIdle)
			}
			statements := map[int64]bool{}
			for deadline := time.Now().Add(time.Minute); len(statements) < 4; {
				var n int64
				err := other.db.Raw("SELECT query_id FROM information_schema.processlist WHERE id = ?", id).Scan(&n).Error
				if err != nil || time.Now().After(deadline) {
					t.Fatalf("%d statements seen on the lock's connection, %v, want one after the other", len(statements), err)
				}
				statements[n] = true
				time.Sleep(time.Millisecond)
			}
			if err := r.End(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			if over := limitOf(t, j, id); over != 0 {
				t.Errorf("the connection was given back with a time limit that is %d s from the server's", over)
			}
			if _, err := other.Start(t.Context(), Run{Command: "next"}); err != nil {
				t.Errorf("Start after it = %v", err)
			}
		})
	}
}
