package schema

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

// row is one row by column. created_at is added by itself.
type row map[string]any

// An inserter writes rows until the first error, which it keeps.
type inserter struct {
	ctx context.Context
	db  *sql.DB
	now time.Time
	err error
}

// Insert writes one row and returns its id. It is what tests build their own
// situations from; created_at is the present unless the row says otherwise.
func Insert(ctx context.Context, db *sql.DB, table string, values map[string]any) (int64, error) {
	a := &inserter{ctx: ctx, db: db, now: time.Now().UTC()}
	id := a.insert(table, values)
	return id, a.err
}

func (a *inserter) insert(table string, r row) int64 {
	if a.err != nil {
		return 0
	}
	r = withCreated(table, r, a.now)
	var names, marks []string
	var values []any
	for name := range r {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		marks = append(marks, "?")
		values = append(values, r[name])
	}
	query := fmt.Sprintf("INSERT INTO `%s` (`%s`) VALUES (%s)", table, strings.Join(names, "`, `"), strings.Join(marks, ", "))
	result, err := a.db.ExecContext(a.ctx, query, values...)
	if err != nil {
		a.err = fmt.Errorf("insert into %s: %w", table, err)
		return 0
	}
	id, err := result.LastInsertId()
	if err != nil {
		a.err = fmt.Errorf("read the id of a row of %s: %w", table, err)
	}
	return id
}

// withCreated adds created_at; tags is the one table without it.
func withCreated(table string, r row, now time.Time) row {
	if _, said := r["created_at"]; said || table == "tags" {
		return r
	}
	whole := row{"created_at": stamp(now)}
	for k, v := range r {
		whole[k] = v
	}
	return whole
}

// stamp is a DATETIME as both dialects read it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
