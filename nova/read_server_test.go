//go:build integration

package nova

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/lightcloud/kvm2openstack/testdata/schema"
)

// The tests of SQLite, on a real server with the true schemas.
func TestOnServer(t *testing.T) {
	pool := &serverPool{t: t, dsn: serverDSN(t)}
	newDatabase = pool.database
	t.Cleanup(func() { newDatabase = newFile })
	for name, test := range map[string]func(*testing.T){
		"OpenReleases": TestOpenReleases, "UpgradedUnknown": TestUpgradedUnknown, "MarkerIgnored": TestMarkerIgnored, "OpenReadOnly": TestOpenReadOnly,
		"OpenIgnoresGoneServices": TestOpenIgnoresGoneServices, "OpenRefuses": TestOpenRefuses, "OpenBadCells": TestOpenBadCells,
		"Computes": TestComputes, "ComputeProblems": TestComputeProblems, "Flavors": TestFlavors, "Presence": TestPresence,
		"HostnamesInUse": TestHostnamesInUse, "QuotaLeft": TestQuotaLeft, "Rooms": TestRooms, "InstanceNames": TestInstanceNames,
		"Servers": TestServers, "VerifySound": TestVerifySound, "VerifyFinds": TestVerifyFinds, "VerifySecondCell": TestVerifySecondCell,
		"VerifyLeftovers": TestVerifyLeftovers, "VerifyUniqueNames": TestVerifyUniqueNames,
		"VerifyAdopted": TestVerifyAdopted, "Repower": TestRepower, "RepowerRefuses": TestRepowerRefuses, "SetFlavor": TestSetFlavor,
		"SetFlavorLeavesAResizeAlone": TestSetFlavorLeavesAResizeAlone, "SetPorts": TestSetPorts, "ServersUpdated": TestServersUpdated,
		"HostRecords": TestHostRecords, "HostRecordsOf": TestHostRecordsOf, "HostService": TestHostService, "RemoveHostInUse": TestRemoveHostInUse, "MapHost": TestMapHost,
	} {
		t.Run(name, test)
	}
}

// A serverPool keeps databases from one test to the next, emptied: making a
// hundred tables takes seconds on a durable server.
type serverPool struct {
	t    *testing.T
	dsn  string
	made []*serverDatabase
}

type serverDatabase struct {
	release, part, address string
	db                     *sql.DB
	taken                  bool
}

func (p *serverPool) database(t *testing.T, release, part string) (*sql.DB, string) {
	t.Helper()
	i := slices.IndexFunc(p.made, func(d *serverDatabase) bool { return d.release == release && d.part == part && !d.taken })
	if i < 0 {
		i = len(p.made)
		d := &serverDatabase{release: release, part: part}
		d.db, d.address = newServerDatabase(p.t, p.dsn, fmt.Sprintf("k2o_read_%d_%d", os.Getpid(), time.Now().UnixNano()))
		if err := schema.Create(d.db, schema.MariaDB, release, part); err != nil {
			t.Fatal(err)
		}
		p.made = append(p.made, d)
	} else if err := p.made[i].empty(); err != nil {
		t.Fatal(err)
	}
	d := p.made[i]
	d.taken = true
	t.Cleanup(func() { d.taken = false })
	return d.db, d.address
}

// empty takes out all rows, makes ids begin at 1 and restores the revision.
func (d *serverDatabase) empty() error {
	ctx := context.Background()
	conn, err := d.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	statements, err := schema.DDL(schema.MariaDB, d.release, d.part)
	if err != nil {
		return err
	}
	tables, err := tablesOf(ctx, conn)
	if err != nil {
		return err
	}
	// One transaction, hence one flush: TRUNCATE would make each table anew.
	clean := []string{"SET FOREIGN_KEY_CHECKS = 0", "BEGIN"}
	after := []string{"COMMIT"}
	for _, table := range tables {
		known := slices.ContainsFunc(statements, func(s string) bool { return strings.HasPrefix(s, "CREATE TABLE `"+table+"`") })
		if !known {
			after = append(after, "DROP TABLE `"+table+"`") // a test added it
			continue
		}
		clean = append(clean, "DELETE FROM `"+table+"`")
		if slices.Contains([]string{"cell_mappings", "compute_nodes", "flavors"}, table) {
			after = append(after, "ALTER TABLE `"+table+"` AUTO_INCREMENT = 1") // tests know their ids
		}
	}
	for _, s := range statements {
		if strings.HasPrefix(s, "INSERT") {
			after = append(after, s) // the revision
		}
	}
	for _, s := range append(append(clean, after...), "SET FOREIGN_KEY_CHECKS = 1") {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func tablesOf(ctx context.Context, conn *sql.Conn) (tables []string, err error) {
	rows, err := conn.QueryContext(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		tables = append(tables, name)
	}
	return tables, rows.Err()
}

// What a server says to a wrong password, a missing database and one that is
// no Nova, and that the password is in none of it.
func TestServerRefuses(t *testing.T) {
	dsn := serverDSN(t)
	config, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal("K2O_TEST_MYSQL is not a DSN of the driver")
	}
	db, address := newServerDatabase(t, dsn, fmt.Sprintf("k2o_empty_%d", os.Getpid()))
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, address, want string }{
		{"wrong password", "mysql+pymysql://root:sesame@" + config.Addr + "/mysql", "Access denied"},
		{"no such database", strings.Replace(address, "k2o_empty", "k2o_missing", 1), "Unknown database"},
		{"not Nova", address, "this database is no Nova API database: it has no table cell_mappings"},
	}
	for _, tt := range tests {
		c, err := Open(context.Background(), Config{APIDatabase: tt.address})
		if err == nil {
			_ = c.Close()
			t.Errorf("%s: Open succeeded", tt.name)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), config.Passwd) {
			t.Errorf("%s: %v, want %q and no password", tt.name, err, tt.want)
		}
	}
}

// A password of special characters, percent-encoded as Nova's documentation
// says, and a cell mapping that is a template of it.
func TestServerPasswordAndTemplate(t *testing.T) {
	const password = `p@ss:w/rd%?#&+ '"密`
	dsn := serverDSN(t)
	f := newServerFixture(t, dsn, "zed")
	user := fmt.Sprintf("k2o_%d", os.Getpid())
	quoted := strings.ReplaceAll(password, "'", "''")
	f.exec(f.api, "CREATE USER '"+user+"'@'127.0.0.1' IDENTIFIED BY '"+quoted+"'")
	t.Cleanup(func() { f.exec(f.api, "DROP USER '"+user+"'@'127.0.0.1'") })
	f.exec(f.api, "GRANT SELECT ON *.* TO '"+user+"'@'127.0.0.1'")

	cell := cellAddress(f)
	name := cell[strings.LastIndex(cell, "/")+1:]
	f.exec(f.api, "UPDATE cell_mappings SET database_connection = ? WHERE name = 'cell1'", "{scheme}://{username}:{password}@{hostname}:{port}/"+name)
	at := strings.LastIndex(f.config.APIDatabase, "@")
	encoded := strings.ReplaceAll(url.QueryEscape(password), "+", "%20") // as Python's quote writes it
	f.config.APIDatabase = "mysql+pymysql://" + user + ":" + encoded + f.config.APIDatabase[at:]
	if r := f.open().Release(); r.Major != 26 {
		t.Errorf("Release() = %+v", r)
	}
}

// A statement that waits for a lock ends with QueryTimeout.
func TestServerQueryTimeout(t *testing.T) {
	f := newServerFixture(t, serverDSN(t), "zed")
	c := f.open()
	for _, d := range []*database{c.api, c.cells[0].database} {
		d.timeout = time.Second
	}
	conn, err := f.cell.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(context.Background(), "LOCK TABLES instances WRITE"); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	_, err = c.Presence(context.Background(), []string{testUUID(1)})
	if err == nil || time.Since(begin) > 20*time.Second {
		t.Errorf("Presence behind a lock: %v after %v", err, time.Since(begin))
	}
	if _, err := conn.ExecContext(context.Background(), "UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
	c.cells[0].timeout = time.Minute
	if _, err := c.Presence(context.Background(), []string{testUUID(1)}); err != nil {
		t.Errorf("Presence after the lock: %v", err)
	}
}
