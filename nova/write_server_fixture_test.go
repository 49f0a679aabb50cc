//go:build integration

package nova

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// serverDSN is the MariaDB of the tests: the driver's DSN without a database,
// of a user who may create some.
func serverDSN(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("K2O_TEST_MYSQL")
	if dsn == "" {
		t.Fatal("K2O_TEST_MYSQL is not set; testdata/services/mariadb-up.sh DIR starts a server and writes it into DIR/env")
	}
	return dsn
}

// newServerFixture seeds a cloud in databases of its own on a real server.
func newServerFixture(t *testing.T, dsn, release string) *fixture {
	t.Helper()
	f := &fixture{t: t}
	name := serverName()
	var cellURL string
	f.api, f.config.APIDatabase = newServerDatabase(t, dsn, name+"_api")
	f.cell, cellURL = newServerDatabase(t, dsn, name+"_cell")
	for part, db := range map[string]*sql.DB{schema.API: f.api, schema.Cell: f.cell} {
		if err := schema.Create(db, schema.MariaDB, release, part); err != nil {
			t.Fatal(err)
		}
	}
	seed := schema.Plausible(release, schema.CellSeed{DB: f.cell, URL: cellURL})
	if err := seed.Insert(t.Context(), f.api); err != nil {
		t.Fatal(err)
	}
	return f
}

// serverName begins the names of databases that no other test has.
func serverName() string { return fmt.Sprintf("k2o_write_%d_%d", os.Getpid(), time.Now().UnixNano()) }

func newServerDatabase(t *testing.T, dsn, name string) (db *sql.DB, address string) {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal("K2O_TEST_MYSQL is not a DSN of the driver")
	}
	server, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb4"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = server.Exec("DROP DATABASE " + name) // the server of a crash test may be gone
		_ = server.Close()
	})
	address = "mysql+pymysql://" + url.UserPassword(config.User, config.Passwd).String() + "@" + config.Addr + "/" + name + "?charset=utf8"
	config.DBName = name
	db, err = sql.Open("mysql", config.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, address
}

// through sends what the cloud says to its cell over another address.
func (f *fixture) through(address string) {
	f.t.Helper()
	var direct string
	if err := f.api.QueryRow("SELECT database_connection FROM cell_mappings WHERE name = 'cell1'").Scan(&direct); err != nil {
		f.t.Fatal(err)
	}
	u, err := url.Parse(direct)
	if err != nil {
		f.t.Fatal(err)
	}
	f.exec(f.api, "UPDATE cell_mappings SET database_connection = ? WHERE name = 'cell1'", strings.Replace(direct, u.Host, address, 1))
}
