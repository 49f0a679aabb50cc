package schema

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/glebarez/sqlite"
)

// counts are the numbers of tables and columns that were counted when the
// facts were taken.
var counts = map[string][4]int{
	"victoria": {32, 220, 110, 1314},
	"zed":      {32, 203, 110, 1318},
	"epoxy":    {32, 203, 111, 1333},
	"hibiscus": {32, 203, 111, 1333},

	"zed-upgraded":   {33, 206, 111, 1321},
	"epoxy-upgraded": {33, 206, 112, 1336},
}

func TestCreateSQLite(t *testing.T) {
	for _, r := range Releases {
		var got [4]int
		for i, part := range []string{API, Cell} {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "x.db")+"?_pragma=foreign_keys(1)")
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := Create(db, SQLite, r.Name, part); err != nil {
				t.Fatal(err)
			}
			query := `SELECT COUNT(DISTINCT m.name), COUNT(*) FROM sqlite_master m JOIN pragma_table_info(m.name) WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`
			if err := db.QueryRow(query).Scan(&got[2*i], &got[2*i+1]); err != nil {
				t.Fatal(err)
			}
			var bad int
			if err := db.QueryRow("SELECT COUNT(*) FROM pragma_foreign_key_check").Scan(&bad); err != nil || bad != 0 {
				t.Errorf("%s %s: %d foreign keys do not hold: %v", r.Name, part, bad, err)
			}
		}
		if got != counts[r.Name] {
			t.Errorf("%s: tables and columns of api and cell = %v, want %v", r.Name, got, counts[r.Name])
		}
	}
}
