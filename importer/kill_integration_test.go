//go:build integration

package importer_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// TestKillOnServer is TestKill with the databases of an upgraded Nova, and the
// journal, on a real server, which may see a killed connection a moment longer
// than we do.
func TestKillOnServer(t *testing.T) {
	usual := newDatabase
	defer func() { newDatabase = usual }()
	newDatabase = newSchema
	p := newPlace(t, "zed-upgraded")
	s := newServer(t)
	s.exec("DROP DATABASE IF EXISTS k2o_kill_journal")
	s.exec("CREATE DATABASE k2o_kill_journal")
	t.Cleanup(func() { s.exec("DROP DATABASE k2o_kill_journal") })
	s.write(p, "journal.url", fmt.Sprintf("mysql://%s@%s/k2o_kill_journal", s.user(), s.config.Addr))
	killAtRandom(t, p, 32, 120)
}

// TestKillOnServerWithCloud is TestKillWithCloud likewise.
func TestKillOnServerWithCloud(t *testing.T) {
	usual := newDatabase
	defer func() { newDatabase = usual }()
	newDatabase = newSchema
	p := newPlace(t, "epoxy-upgraded").withCloud(t)
	s := newServer(t)
	s.exec("DROP DATABASE IF EXISTS k2o_kill_journal")
	s.exec("CREATE DATABASE k2o_kill_journal")
	t.Cleanup(func() { s.exec("DROP DATABASE k2o_kill_journal") })
	s.write(p, "journal.url", fmt.Sprintf("mysql://%s@%s/k2o_kill_journal", s.user(), s.config.Addr))
	killAtRandom(t, p, 32, 120)
}

// A server is the one that K2O_TEST_MYSQL names.
type server struct {
	t      *testing.T
	config *mysql.Config
	db     *sql.DB
}

func newServer(t *testing.T) server {
	t.Helper()
	dsn := os.Getenv("K2O_TEST_MYSQL")
	if dsn == "" {
		t.Fatal("K2O_TEST_MYSQL is not set; testdata/services/with.sh sets it")
	}
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	return server{t, c, db}
}

func (s server) user() *url.Userinfo { return url.UserPassword(s.config.User, s.config.Passwd) }

func (s server) exec(statement string) {
	s.t.Helper()
	if _, err := s.db.Exec(statement); err != nil {
		s.t.Fatal(err)
	}
}

func (s server) write(p place, name, text string) {
	s.t.Helper()
	if err := os.WriteFile(p.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// newSchema makes an empty database of a release on the server.
func newSchema(t *testing.T, p place, release, part string) *sql.DB {
	t.Helper()
	s := newServer(t)
	name := strings.ToLower("k2o_kill_" + part)
	s.exec("DROP DATABASE IF EXISTS " + name)
	s.exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb3")
	t.Cleanup(func() { s.exec("DROP DATABASE " + name) })
	c := s.config.Clone()
	c.DBName = name
	db, err := sql.Open("mysql", c.FormatDSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := schema.Create(db, schema.MariaDB, release, part); err != nil {
		t.Fatal(err)
	}
	s.write(p, part+".dsn", c.FormatDSN())
	s.write(p, part+".url", fmt.Sprintf("mysql+pymysql://%s@%s/%s?charset=utf8", s.user(), s.config.Addr, name))
	return db
}
