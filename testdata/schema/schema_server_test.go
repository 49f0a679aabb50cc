//go:build integration

package schema

import (
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
)

// What MariaDB says of the databases made here is what it said of those that
// Nova's own commands had made.
func TestCreateMariaDB(t *testing.T) {
	dsn := os.Getenv("K2O_TEST_MYSQL")
	if dsn == "" {
		t.Fatal("K2O_TEST_MYSQL is not set; testdata/services/mariadb-up.sh DIR starts a server and writes it into DIR/env")
	}
	server, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal("K2O_TEST_MYSQL is not a DSN of the driver")
	}
	defer server.Close()
	for _, r := range Releases {
		if r.Upgraded {
			continue // nobody has read the facts of one
		}
		for _, part := range []string{API, Cell} {
			t.Run(r.Name+" "+part, func(t *testing.T) {
				name := fmt.Sprintf("k2o_schema_%d_%d", os.Getpid(), time.Now().UnixNano())
				if _, err := server.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb3"); err != nil {
					t.Fatal(err)
				}
				defer server.Exec("DROP DATABASE " + name)
				db, err := sql.Open("mysql", dsn+name)
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				if err := Create(db, MariaDB, r.Name, part); err != nil {
					t.Fatal(err)
				}
				compare(t, db, r.Name+"/"+part+".tsv", 8, `SELECT CONCAT_WS('\t', table_name, ordinal_position, column_name, column_type, is_nullable,
					COALESCE(column_default, '-'), IF(extra = '', '-', extra), COALESCE(collation_name, '-')) FROM information_schema.columns WHERE table_schema = DATABASE()`)
				compare(t, db, r.Name+"/"+part+"-keys.tsv", 7, `SELECT CONCAT_WS('\t', table_name, index_name, 'key', IF(MAX(non_unique), 'no', 'yes'),
					GROUP_CONCAT(column_name, IF(sub_part IS NULL, '', CONCAT('(', sub_part, ')')) ORDER BY seq_in_index), '-', '-')
					FROM information_schema.statistics WHERE table_schema = DATABASE() GROUP BY table_name, index_name
					UNION ALL SELECT CONCAT_WS('\t', k.table_name, k.constraint_name, 'foreign', '-', GROUP_CONCAT(k.column_name ORDER BY k.ordinal_position),
					CONCAT(k.referenced_table_name, '(', GROUP_CONCAT(k.referenced_column_name ORDER BY k.ordinal_position), ')'),
					CONCAT(r.update_rule, '/', r.delete_rule)) FROM information_schema.key_column_usage k
					JOIN information_schema.referential_constraints r ON r.constraint_schema = k.table_schema AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name
					WHERE k.table_schema = DATABASE() GROUP BY k.table_name, k.constraint_name, k.referenced_table_name, r.update_rule, r.delete_rule
					UNION ALL SELECT CONCAT_WS('\t', table_name, constraint_name, 'check', '-', check_clause, '-', '-')
					FROM information_schema.check_constraints WHERE constraint_schema = DATABASE()`)
			})
		}
	}
}

// compare wants the query's lines to be those of the file, in any order.
func compare(t *testing.T, db *sql.DB, file string, width int, query string) {
	t.Helper()
	fields, err := lines(file, width)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, f := range fields {
		want = append(want, strings.Join(f, "\t"))
	}
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		got = append(got, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	slices.Sort(got)
	for _, line := range want {
		if _, found := slices.BinarySearch(got, line); !found {
			t.Errorf("%s: missing %q", file, line)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d lines, want %d", file, len(got), len(want))
	}
}
