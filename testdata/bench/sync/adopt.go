package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/testdata/libvirtd"
)

// adopt has the domains of the first hosts adopted, but for the last of each
// host: those of one host by the program itself, the others after its likeness.
func (w *world) adopt(ctx context.Context, hosts int) error {
	if w.adopted == 0 {
		if err := w.adoptFirst(ctx); err != nil {
			return err
		}
		w.adopted = 1
	}
	if err := w.tellApart(ctx, w.adopted, hosts); err != nil {
		return err
	}
	for _, t := range []struct {
		db    *sql.DB
		table string
		uuid  string
	}{
		{w.cell, "instances", "uuid"}, {w.cell, "instance_extra", "instance_uuid"}, {w.cell, "instance_info_caches", "instance_uuid"},
		{w.cell, "instance_system_metadata", "instance_uuid"}, {w.cell, "block_device_mapping", "instance_uuid"},
		{w.cell, "virtual_interfaces", "instance_uuid"}, {w.cell, "instance_actions", "instance_uuid"},
		{w.api, "instance_mappings", "instance_uuid"}, {w.api, "request_specs", "instance_uuid"},
		{w.journal, "k2o_adoptions", "uuid"},
	} {
		if err := w.multiply(ctx, t.db, t.table, t.uuid); err != nil {
			return fmt.Errorf("multiply %s: %w", t.table, err)
		}
	}
	w.adopted = hosts
	return nil
}

func (w *world) adoptFirst(ctx context.Context) error {
	config, err := w.configure(1)
	if err != nil {
		return err
	}
	plan := filepath.Join(w.dir, "plan.yaml")
	for _, args := range [][]string{
		{"plan", "-O", plan, "--skip", libvirtd.Domain(0, w.fleet.Domains-1)},
		{"import", plan, "--yes"},
	} {
		if _, _, err := w.command(ctx, 1, append(args, "--config", config)...); err != nil {
			return err
		}
	}
	return nil
}

// perHost is how far the numbers of one host's instances are from the next's.
const perHost = 1000

// tellApart writes down what is different from host to host, and the digests
// of definitions, which no database can make.
func (w *world) tellApart(ctx context.Context, from, to int) error {
	for _, q := range []string{
		"DROP TABLE IF EXISTS bench_hosts, bench_digests",
		"CREATE TABLE bench_hosts (h int PRIMARY KEY, mark varchar(8), name varchar(16), guest varchar(16), mac varchar(16))",
		"CREATE TABLE bench_digests (uuid varchar(36) PRIMARY KEY, digest varchar(80))",
	} {
		if _, err := w.journal.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	digests := []any{}
	for _, h := range append([]int{0}, numbers(from, to)...) {
		for d := range w.fleet.Domains - w.strays {
			digest, err := w.digest(h, d)
			if err != nil {
				return err
			}
			digests = append(digests, libvirtd.UUID(h, d), digest)
		}
	}
	hosts := []any{}
	for _, h := range numbers(from, to) {
		guest, mac := libvirtd.Domain(h, 0), libvirtd.MAC(h, 0)
		hosts = append(hosts, h, libvirtd.Mark(h), libvirtd.Name(h), guest[:len(guest)-2], mac[:len(mac)-5])
	}
	if err := w.fill(ctx, "bench_digests", 2, digests); err != nil {
		return err
	}
	return w.fill(ctx, "bench_hosts", 5, hosts)
}

func numbers(from, to int) (all []int) {
	for n := from; n < to; n++ {
		all = append(all, n)
	}
	return all
}

func (w *world) digest(host, domain int) (string, error) {
	text := []byte(w.fleet.Definition(host, domain))
	live := text
	if !libvirtd.Runs(domain) {
		live = nil
	}
	d, err := discover.Parse(text, live)
	return d.Digest, err
}

// fill inserts rows of so many columns.
func (w *world) fill(ctx context.Context, table string, columns int, values []any) error {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + ")"
	for some := range slices.Chunk(values, 500*columns) {
		query := "INSERT INTO " + table + " VALUES " + strings.TrimSuffix(strings.Repeat(row+",", len(some)/columns), ",")
		if _, err := w.journal.ExecContext(ctx, query, some...); err != nil {
			return err
		}
	}
	return nil
}

// multiply writes the rows of the first host's domains for the hosts that
// tellApart has noted.
func (w *world) multiply(ctx context.Context, db *sql.DB, table, uuid string) error {
	rows, err := db.QueryContext(ctx, "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?", table)
	if err != nil {
		return err
	}
	defer rows.Close()
	var into, from []string
	for rows.Next() {
		var column, kind string
		if err := rows.Scan(&column, &kind); err != nil {
			return err
		}
		if value := otherwise(table, column, kind); value != "" {
			into, from = append(into, "`"+column+"`"), append(from, value)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	aside := w.names[2] // the journal's database
	_, err = db.ExecContext(ctx, fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM %[1]s t JOIN %[4]s.bench_hosts b"+
		" JOIN %[4]s.bench_digests g0 ON g0.uuid = t.%[5]s JOIN %[4]s.bench_digests g ON g.uuid = CONCAT(b.mark, SUBSTR(t.%[5]s, 9)) WHERE t.%[5]s LIKE '%[6]s-%%'",
		table, strings.Join(into, ", "), strings.Join(from, ", "), aside, uuid, libvirtd.Mark(0)))
	return err
}

// otherwise is what a column has for another host, as SQL; "" where the
// database numbers the rows.
func otherwise(table, column, kind string) string {
	shifted := fmt.Sprintf("t.`%s` + %d * b.h", column, perHost)
	switch {
	case table == "instances" && column == "id", column == "instance_id":
		return shifted
	case column == "id":
		return ""
	case column == "uuid" && table != "instances" && table != "k2o_adoptions":
		return "UUID()"
	case column == "instance_name":
		return fmt.Sprintf("CONCAT('instance-', LPAD(LOWER(HEX(t.instance_id + %d * b.h)), 8, '0'))", perHost)
	}
	value := "t.`" + column + "`"
	if !strings.Contains(kind, "char") && !strings.Contains(kind, "text") {
		return value
	}
	for _, r := range [][2]string{
		{libvirtd.Mark(0), "b.mark"}, {libvirtd.Name(0), "b.name"}, {"guest-0000-", "b.guest"}, {"52:54:00:00:", "b.mac"},
	} {
		value = fmt.Sprintf("REPLACE(%s, '%s', %s)", value, r[0], r[1])
	}
	if column == "plan" {
		value = "REPLACE(" + value + ", g0.digest, g.digest)"
	}
	return value
}
