package nova

import (
	"fmt"
	"strings"

	"gorm.io/gorm"
)

// readColumns lists every table's columns, so that a writer can leave out what
// a release does not have (compute_id before 28, encrypted before 26).
func readColumns(db *gorm.DB) (map[string]map[string]bool, error) {
	query := `SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = DATABASE()`
	if db.Name() == "sqlite" {
		query = `SELECT m.name AS t, p.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table'`
	}
	var rows []struct{ T, C string }
	if err := db.Raw(query).Scan(&rows).Error; err != nil {
		return nil, err
	}
	columns := map[string]map[string]bool{}
	for _, r := range rows {
		t := strings.ToLower(r.T)
		if columns[t] == nil {
			columns[t] = map[string]bool{}
		}
		columns[t][strings.ToLower(r.C)] = true
	}
	return columns, nil
}

// requireTables tells a Nova database from any other, in the operator's words.
func (d *database) requireTables(kind string, tables ...string) error {
	for _, t := range tables {
		if d.columns[t] == nil {
			return fmt.Errorf("this database is no %s database: it has no table %s", kind, t)
		}
	}
	return nil
}

// revision reads what the schema is at. Where there is an alembic_version, it
// alone counts, even when it is empty: a cloud upgraded from Wallaby or earlier
// keeps migrate_version beside it until 2023.2, and that one no longer moves.
func (d *database) revision(db *gorm.DB, repository string) (string, error) {
	var found []string
	if d.columns["alembic_version"] != nil {
		if err := db.Raw("SELECT version_num FROM alembic_version ORDER BY version_num").Scan(&found).Error; err != nil {
			return "", fmt.Errorf("read alembic_version of %s: %w", d.label, err)
		}
	} else if d.columns["migrate_version"] != nil {
		query := "SELECT CAST(version AS CHAR(16)) FROM migrate_version WHERE repository_id = ?"
		if err := db.Raw(query, repository).Scan(&found).Error; err != nil {
			return "", fmt.Errorf("read migrate_version of %s: %w", d.label, err)
		}
	}
	return strings.Join(found, "+"), nil
}
