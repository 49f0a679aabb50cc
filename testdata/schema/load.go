package schema

import (
	"fmt"
	"slices"
	"strings"
)

// A table is one table as the facts describe it.
type table struct {
	name    string
	columns []column
	keys    []key
}

type column struct {
	name, kind, collation string
	null, increments      bool
	fallback              string // "" without, else NULL or a literal
}

type key struct {
	name, kind string // kind is key, foreign or check
	unique     bool
	columns    string // in order, with commas; the clause of a check
	references string // table(columns)
}

// load reads the facts of one database, tables in the order of the file.
func load(release, part string) ([]*table, error) {
	columns, err := lines(release+"/"+part+".tsv", 8)
	if err != nil {
		return nil, err
	}
	keys, err := lines(release+"/"+part+"-keys.tsv", 7)
	if err != nil {
		return nil, err
	}
	var tables []*table
	byName := map[string]*table{}
	for _, f := range columns {
		t := byName[f[0]]
		if t == nil {
			t = &table{name: f[0]}
			byName[f[0]] = t
			tables = append(tables, t)
		}
		t.columns = append(t.columns, column{
			name: f[2], kind: f[3], null: f[4] == "YES", fallback: absent(f[5]),
			increments: f[6] == "auto_increment", collation: absent(f[7]),
		})
	}
	for _, f := range keys {
		t := byName[f[0]]
		if t == nil {
			return nil, fmt.Errorf("%s of %s: key %s of unknown table %s", part, release, f[1], f[0])
		}
		t.keys = append(t.keys, key{name: f[1], kind: f[2], unique: f[3] == "yes", columns: f[4], references: absent(f[5])})
	}
	return tables, nil
}

// upgraded adds what a database has kept of the first Nova that made it: the
// table of sqlalchemy-migrate, and the CHECK constraints of tables that are
// still there.
func upgraded(first, tables []*table) []*table {
	byName := map[string]*table{}
	for _, t := range tables {
		byName[t.name] = t
	}
	for _, old := range first {
		if old.name == "migrate_version" {
			tables = append(tables, old)
			continue
		}
		now := byName[old.name]
		if now == nil {
			continue
		}
		for _, k := range old.keys {
			if k.kind == "check" && now.has(strings.Trim(strings.Fields(k.columns)[0], "`")) && !slices.Contains(now.keys, k) {
				now.keys = append(now.keys, k)
			}
		}
	}
	return tables
}

// has reports whether there is such a column.
func (t *table) has(name string) bool {
	return slices.ContainsFunc(t.columns, func(c column) bool { return c.name == name })
}

func absent(field string) string {
	if field == "-" {
		return ""
	}
	return field
}

// lines splits one file, without the line that names the fields.
func lines(file string, width int) ([][]string, error) {
	text, err := files.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	var all [][]string
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) != width {
			return nil, fmt.Errorf("%s:%d: %d fields, want %d", file, i+1, len(fields), width)
		}
		if i > 0 {
			all = append(all, fields)
		}
	}
	return all, nil
}
