//go:build lab

package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "github.com/go-sql-driver/mysql"
)

// A cloudDump is every row of the databases that an adoption touches, but for
// what moves by itself.
type cloudDump map[string]bool

// moves are the columns that change without anybody's doing, and why. "" is a
// whole table.
var moves = map[string]string{
	"nova_cell1.services":                     "heartbeats of Nova's services",
	"nova_cell1.compute_nodes":                "usage that nova-compute reports every minute",
	"neutron.agents":                          "heartbeats of Neutron's agents",
	"neutron.quotausages":                     "counters that Neutron brings up to date when it is asked next",
	"neutron.reservations":                    "of quota; those of a Neutron that was killed are left to expire",
	"neutron.resourcedeltas":                  "go with the reservations",
	"neutron.subnets.in_use":                  "set when the first port takes an address of it, and never cleared",
	"placement.resource_providers.generation": "counts the changes of allocations, up only",
	"placement.resource_providers.updated_at": "goes with the generation",
	"placement.inventories.updated_at":        "nova-compute writes its inventory anew",
	"placement.inventories.total":             "the machine's memory, which varies on a virtual one",
	"placement.inventories.max_unit":          "goes with the total",
	"placement.projects":                      "Placement keeps every project that ever had an allocation",
	"placement.users":                         "likewise every user",
	"placement.consumer_types":                "likewise every type of consumer",
}

// dumpCloud reads the databases of Nova, Neutron, Placement and Glance.
func (l *lab) dumpCloud() cloudDump {
	l.t.Helper()
	dump := cloudDump{}
	for _, name := range []string{"nova_api", "nova_cell0", "nova_cell1", "neutron", "placement", "glance"} {
		db := l.database(name)
		for _, table := range l.tables(db) {
			if moves[name+"."+table] != "" {
				continue
			}
			for _, row := range l.rows(db, name, table) {
				if !history(name, row) {
					dump[name+"."+table+": "+row] = true
				}
			}
		}
	}
	if len(dump) < 100 {
		l.t.Fatalf("the databases have %d rows in all; this test no longer sees them", len(dump))
	}
	return dump
}

// history: Glance never removes the rows of an image, it marks them deleted.
// In Nova's databases such a row would be the end of a guest, so there none is
// let through.
func history(database, row string) bool {
	return database == "glance" && strings.Contains(row, `deleted="1";`)
}

func (l *lab) database(name string) *sql.DB {
	l.t.Helper()
	dsn := os.Getenv("K2O_LAB_MYSQL")
	if dsn == "" {
		l.t.Fatal("K2O_LAB_MYSQL is not set; run make lab-test")
	}
	db, err := sql.Open("mysql", dsn+name)
	l.must(err)
	l.t.Cleanup(func() { db.Close() })
	return db
}

func (l *lab) tables(db *sql.DB) (names []string) {
	l.t.Helper()
	rows, err := db.Query("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
	l.must(err)
	defer rows.Close()
	for rows.Next() {
		var name string
		l.must(rows.Scan(&name))
		names = append(names, name)
	}
	l.must(rows.Err())
	return names
}

func (l *lab) rows(db *sql.DB, database, table string) (lines []string) {
	l.t.Helper()
	rows, err := db.Query("SELECT * FROM `" + table + "`")
	l.must(err)
	defer rows.Close()
	names, err := rows.Columns()
	l.must(err)
	for rows.Next() {
		values := make([]sql.NullString, len(names))
		into := make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		l.must(rows.Scan(into...))
		var b strings.Builder
		for i, v := range values {
			if moves[database+"."+table+"."+names[i]] == "" {
				fmt.Fprintf(&b, "%s=%q;", names[i], v.String)
			}
		}
		lines = append(lines, b.String())
	}
	l.must(rows.Err())
	return lines
}

// without is the dump but for a table.
func (d cloudDump) without(table string) cloudDump {
	rest := maps.Clone(d)
	maps.DeleteFunc(rest, func(row string, _ bool) bool { return strings.HasPrefix(row, table+": ") })
	return rest
}

// diff is what two dumps do not have in common.
func (d cloudDump) diff(after cloudDump) string {
	var lines []string
	for row := range d {
		if !after[row] {
			lines = append(lines, "- "+row)
		}
	}
	for row := range after {
		if !d[row] {
			lines = append(lines, "+ "+row)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// nothingLinked: no instance directory of the fleet is left, and no port of it in
// the switch.
func (l *lab) nothingLinked() {
	l.t.Helper()
	plugged := ""
	if release(l.t).switched {
		plugged = l.output("ovs-vsctl", "--columns=name,external_ids", "find", "Interface", `external_ids:vm-uuid!=""`)
	}
	for _, g := range l.fleet {
		dir := filepath.Join("/var/lib/nova/instances", g.uuid)
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			l.t.Errorf("%s is left of %s (%v)", dir, g.name, err)
		}
		if strings.Contains(plugged, g.uuid) {
			l.t.Errorf("Open vSwitch has a port of %s:\n%s", g.name, plugged)
		}
	}
}
