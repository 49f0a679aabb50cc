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
