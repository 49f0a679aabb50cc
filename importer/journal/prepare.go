package journal

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"gorm.io/gorm"
)

// openTimeout bounds looking at the tables and making them.
const openTimeout = 60 * time.Second

// prepare makes missing tables, or refuses what is no journal.
func (j *Journal) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	db := j.db.WithContext(ctx)
	found, err := tables(db)
	if err != nil {
		return err
	}
	if !found[shape{}.TableName()] {
		if err := refuseForeign(found); err != nil {
			return err
		}
		if err := j.claim(db); err != nil {
			return err
		}
		return j.create(db)
	}
	is, err := readShape(db)
	if err != nil {
		return err
	}
	if err := j.claim(db); err != nil {
		return err
	}
	switch is {
	case 0:
		return j.create(db)
	case version:
		return nil
	}
	return upgrade(db)
}

// The tables, but for the shape's, and those that an earlier version lacks.
var (
	since4 = []any{&Sighting{}, &Place{}, &Noted{}, &Round{}, &Lease{}}
	since2 = append([]any{&Shared{}}, since4...)
	all    = append([]any{&Run{}, &Adoption{}, &Step{}}, since2...)
)

// create makes the tables in one go: in a file in one transaction, which is one
// wait for the disk and not thirty. On a server each table is a transaction of
// its own; there the shape's row comes last, so that a crash in between leaves
// something that create completes.
func (j *Journal) create(db *gorm.DB) error {
	if db.Name() == "sqlite" {
		return db.Transaction(createAll)
	}
	return createAll(db)
}

func createAll(db *gorm.DB) error {
	if err := withOptions(db).AutoMigrate(all...); err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	if err := withOptions(db).AutoMigrate(&shape{}); err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	return writeShape(db)
}

func withOptions(db *gorm.DB) *gorm.DB {
	if db.Name() == "mysql" {
		return db.Set("gorm:table_options", "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin")
	}
	return db
}

// upgrade makes what the journal of an earlier version lacks. Its own tables
// stay as they are. As in create, the version comes last.
func upgrade(db *gorm.DB) error {
	if err := withOptions(db).AutoMigrate(since2...); err != nil {
		return fmt.Errorf("upgrade its tables to version %d: %w", version, err)
	}
	if err := db.Model(&shape{}).Where("id = 1 AND version < ?", version).Update("version", version).Error; err != nil {
		return fmt.Errorf("upgrade its tables to version %d: %w", version, err)
	}
	return nil
}

func writeShape(db *gorm.DB) error {
	row := shape{ID: 1, Version: version}
	if err := db.FirstOrCreate(&row, shape{ID: 1}).Error; err != nil {
		return fmt.Errorf("write version of the tables: %w", err)
	}
	return nil
}

// check is prepare for those who only look. What an earlier version wrote
// reads like our own.
func (j *Journal) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	db := j.db.WithContext(ctx)
	found, err := tables(db)
	if err != nil {
		return err
	}
	if !found[shape{}.TableName()] {
		return ErrForeign
	}
	_, err = readShape(db)
	return err
}

// readShape is the version of the tables, 0 after a crash between the table
// and its row.
func readShape(db *gorm.DB) (int, error) {
	var rows []shape
	if err := db.Limit(1).Find(&rows).Error; err != nil {
		return 0, fmt.Errorf("read version of the tables: %w", err)
	}
	if len(rows) == 0 {
		return 0, nil
	}
	v := rows[0].Version
	if v > version {
		return 0, fmt.Errorf("%w: its tables have version %d, this program knows %d", ErrNewer, v, version)
	}
	return v, nil
}

func tables(db *gorm.DB) (map[string]bool, error) {
	names, err := db.Migrator().GetTables()
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	found := make(map[string]bool, len(names))
	for _, n := range names {
		found[n] = true
	}
	return found, nil
}

// refuseForeign keeps our tables out of Nova's own schema and out of other
// programs' files. Tables of ours without a shape are a creation cut short.
func refuseForeign(found map[string]bool) error {
	for name := range found {
		if !strings.HasPrefix(name, tablePrefix) && !strings.HasPrefix(name, "sqlite_") {
			return fmt.Errorf("%w: it has a table %q", ErrForeign, name)
		}
	}
	return nil
}

// label names a location for people, without its password.
func label(location string) string {
	if !isURL(location) {
		return location
	}
	u, err := url.Parse(location)
	if err != nil {
		return "mysql://…"
	}
	return "mysql://" + u.Host + u.Path
}
