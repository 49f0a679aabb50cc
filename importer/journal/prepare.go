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
	if err := readShape(db); err != nil {
		return err
	}
	return j.claim(db)
}

// create makes the tables in one go; the shape's row comes last, so that a
// crash in between leaves something that create completes.
func (j *Journal) create(db *gorm.DB) error {
	if db.Name() == "mysql" {
		db = db.Set("gorm:table_options", "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin")
	}
	if err := db.AutoMigrate(&Run{}, &Adoption{}, &Step{}); err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	if err := db.AutoMigrate(&shape{}); err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	return writeShape(db)
}

func writeShape(db *gorm.DB) error {
	row := shape{ID: 1, Version: version}
	if err := db.FirstOrCreate(&row, shape{ID: 1}).Error; err != nil {
		return fmt.Errorf("write version of the tables: %w", err)
	}
	return nil
}

// check is prepare for those who only look.
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
	return readShape(db)
}

func readShape(db *gorm.DB) error {
	var rows []shape
	if err := db.Limit(1).Find(&rows).Error; err != nil {
		return fmt.Errorf("read version of the tables: %w", err)
	}
	if len(rows) == 0 {
		return writeShape(db) // A crash between the table and its row.
	}
	if v := rows[0].Version; v > version {
		return fmt.Errorf("%w: its tables have version %d, this program knows %d", ErrNewer, v, version)
	}
	return nil
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
