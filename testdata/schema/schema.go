// Package schema holds the true schemas of four Nova releases, as facts, and
// makes empty databases of them: in MariaDB with Nova's own types, keys and
// collations, in SQLite with the nearest there is. Tests and the demonstration
// use it; nothing that touches a cloud does.
//
// The facts are in RELEASE/{api,cell}.tsv, one line a column, and in
// RELEASE/{api,cell}-keys.tsv, one line a key. They were read from
// information_schema after Nova's own commands had made the databases. A dash
// absent.
//
// Two of them there are twice: as Nova makes them anew, and as they are in a
// cloud that began as Victoria and was upgraded since.
package schema

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"fmt"
	"strings"
)

//go:embed victoria zed epoxy hibiscus
var files embed.FS

// Dialects that DDL speaks.
const (
	MariaDB = "mysql"
	SQLite  = "sqlite"
)

// The two databases of a cloud.
const (
	API  = "api"
	Cell = "cell"
)

// A Release is one set of schemas with what its databases say of themselves.
type Release struct {
	Name    string
	Facts   string // the directory, where it is not the name
	API     string // revision of the API database
	Cell    string // revision of a cell database
	Service int    // services.version of nova-compute and nova-conductor
	Alembic bool   // revisions are in alembic_version, else in migrate_version

	// Upgraded is a cloud that was Victoria once: beside alembic_version stands
	// migrate_version, which no longer moves, Victoria's CHECK constraints are
	// there, and among the instances is the marker of an online migration.
	Upgraded bool
}

// Releases are the sets there are, oldest first.
var Releases = []Release{
	{Name: "victoria", API: "77", Cell: "412", Service: 53},
	{Name: "zed", API: "b30f573d3377", Cell: "ccb0fa1a2252", Service: 64, Alembic: true},
	{Name: "epoxy", API: "cdeec0c85668", Cell: "2903cd72dc14", Service: 68, Alembic: true},
	{Name: "hibiscus", API: "cdeec0c85668", Cell: "ab450ba04102", Service: 73, Alembic: true},
	{Name: "zed-upgraded", Facts: "zed", API: "b30f573d3377", Cell: "ccb0fa1a2252", Service: 64, Alembic: true, Upgraded: true},
	// Nova drops migrate_version on the way to 2023.2, so that this one is worse
	// than life: a cloud where somebody has put it back.
	{Name: "epoxy-upgraded", Facts: "epoxy", API: "cdeec0c85668", Cell: "2903cd72dc14", Service: 68, Alembic: true, Upgraded: true},
}

// Find returns the release of that name.
func Find(name string) (Release, error) {
	for _, r := range Releases {
		if r.Name == name {
			return r, nil
		}
	}
	return Release{}, fmt.Errorf("there is no schema of release %q", name)
}

// Create makes all tables of one database in db, which must be empty, and
// writes its revision. All statements go through one connection.
func Create(db *sql.DB, dialect, release, part string) error {
	statements, err := DDL(dialect, release, part)
	if err != nil {
		return err
	}
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("create the %s database of %s: %w", part, release, err)
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			first, _, _ := strings.Cut(s, "\n")
			return fmt.Errorf("create the %s database of %s: %s: %w", part, release, first, err)
		}
	}
	return nil
}

// DDL returns the statements that make one database, the revision's INSERT
// last.
func DDL(dialect, release, part string) ([]string, error) {
	r, err := Find(release)
	if err != nil {
		return nil, err
	}
	tables, err := r.tables(part)
	if err != nil {
		return nil, err
	}
	begin, end := "SET FOREIGN_KEY_CHECKS = 0", "SET FOREIGN_KEY_CHECKS = 1"
	write := mariaDB
	if dialect == SQLite {
		// One transaction: a thousand synchronous writes become one.
		begin, end, write = "BEGIN", "COMMIT", sqlite
	}
	statements := []string{begin}
	for _, t := range tables {
		statements = append(statements, write(t)...)
	}
	return append(append(statements, r.revisions(part)...), end), nil
}

// tables are those of the facts, and what an upgrade leaves with them.
func (r Release) tables(part string) ([]*table, error) {
	tables, err := load(cmp.Or(r.Facts, r.Name), part)
	if err != nil || !r.Upgraded {
		return tables, err
	}
	first, err := load("victoria", part)
	if err != nil {
		return nil, err
	}
	return upgraded(first, tables), nil
}

// Revisions by which sqlalchemy-migrate's table names the last of its steps, as
// Xena leaves it; alembic goes on from there.
const lastMigrateAPI, lastMigrateCell = "87", "422"

// revisions are the rows by which a database says how old it is.
func (r Release) revisions(part string) []string {
	revision, repository, last := r.API, "nova_api", lastMigrateAPI
	if part == Cell {
		revision, repository, last = r.Cell, "nova", lastMigrateCell
	}
	var rows []string
	if r.Alembic {
		rows = append(rows, fmt.Sprintf("INSERT INTO alembic_version (version_num) VALUES ('%s')", revision))
		revision = last
	}
	if r.Upgraded || !r.Alembic {
		rows = append(rows, fmt.Sprintf("INSERT INTO migrate_version (repository_id, repository_path, version) VALUES ('%s', '/usr/lib/python3/dist-packages/nova', %s)",
			repository, revision))
	}
	return rows
}
