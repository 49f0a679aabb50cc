package nova

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// A fixture is a seeded cloud of one cell in SQLite files.
type fixture struct {
	t         *testing.T
	config    Config
	api, cell *sql.DB // for what a test wants to be otherwise
	second    *sql.DB // cell2, where a test has added it
}

// newFixture makes the databases of a release; change may alter the seed.
func newFixture(t *testing.T, release string, change func(*schema.Seed)) *fixture {
	t.Helper()
	f := &fixture{t: t}
	var cellURL string
	f.api, f.config.APIDatabase = newDatabase(t, release, schema.API)
	f.cell, cellURL = newDatabase(t, release, schema.Cell)
	seed := schema.Plausible(release, schema.CellSeed{DB: f.cell, URL: cellURL})
	if change != nil {
		change(&seed)
	}
	if err := seed.Insert(context.Background(), f.api); err != nil {
		t.Fatal(err)
	}
	return f
}

// emptyDatabases are the files of databases without rows, by release and part:
// making a hundred tables takes longer than most tests.
var emptyDatabases sync.Map

// newDatabase makes an empty database of a release, with its SQLAlchemy URL. It
// is a variable so that the same tests can run on a real server.
var newDatabase = newFile

func newFile(t *testing.T, release, part string) (db *sql.DB, address string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), part+".db")
	empty, known := emptyDatabases.Load(release + part)
	if known {
		if err := os.WriteFile(file, empty.([]byte), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)&_pragma=synchronous(0)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if known {
		return db, "sqlite:///" + file
	}
	if err := schema.Create(db, schema.SQLite, release, part); err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	emptyDatabases.Store(release+part, made)
	return db, "sqlite:///" + file
}

// open opens the cloud as it is now.
func (f *fixture) open() *Cloud {
	f.t.Helper()
	f.config.ConnectTimeout = time.Minute
	c, err := Open(context.Background(), f.config)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	return c
}

// exec changes a database behind the cloud's back.
func (f *fixture) exec(db *sql.DB, statement string, values ...any) {
	f.t.Helper()
	if _, err := db.Exec(statement, values...); err != nil {
		f.t.Fatalf("%s: %v", statement, err)
	}
}

// insert writes one row.
func (f *fixture) insert(db *sql.DB, table string, values map[string]any) int64 {
	f.t.Helper()
	id, err := schema.Insert(context.Background(), db, table, values)
	if err != nil {
		f.t.Fatal(err)
	}
	return id
}
