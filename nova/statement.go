package nova

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"
)

// insertSizes are how many rows one INSERT has. A batch is cut into these few
// sizes, so that its statements are always the same ones: the server parses
// each once a connection, and not thousands of placeholders every time. A full
// batch has a multiple of batchSize rows in most tables.
var insertSizes = []int{8 * batchSize, 4 * batchSize, 2 * batchSize, batchSize, 16, 4, 1}

// Bounds of one INSERT: MySQL takes 65,535 placeholders and SQLite 32,766; a
// packet is 4 MiB at least in every server of these releases.
const (
	maxPlaceholders = 16000
	maxStatement    = 1 << 20
)

// batchSize is how many instances one transaction writes. More would hold
// locks longer and make Galera's write sets large, and gain nothing.
const batchSize = 50

// writers is how many batches are written at a time. It is below the limit of
// the pool, which the lock and its checks need too.
const writers = 4

// byBatch cuts a list into the batches of one transaction each.
func byBatch[T any](list []T) func(yield func([]T) bool) { return slices.Chunk(list, batchSize) }

// inParallel writes the batches of a list, a few at a time. After an error no
// further batch begins; those under way are finished.
func inParallel[T any](ctx context.Context, list []T, write func(batch []T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for batch := range byBatch(list) {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return write(batch)
		})
	}
	return group.Wait()
}

// An inserter writes rows of one database with prepared statements that it
// keeps. It may be used by several transactions at a time.
type inserter struct {
	pool *sql.DB
	mu   sync.Mutex
	kept map[string]*sql.Stmt
}

func newInserter(pool *sql.DB) *inserter { return &inserter{pool: pool, kept: map[string]*sql.Stmt{}} }

func (s *inserter) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, stmt := range s.kept {
		errs = append(errs, stmt.Close())
	}
	s.kept = map[string]*sql.Stmt{}
	return errors.Join(errs...)
}

// insert writes the rows within a gorm transaction, table by table in the
// order of their first row: parents stay before children.
func (s *inserter) insert(tx *gorm.DB, rows []Row) error {
	in, ok := tx.Statement.ConnPool.(*sql.Tx)
	if !ok {
		return fmt.Errorf("insert rows: %T is not a transaction", tx.Statement.ConnPool)
	}
	for _, group := range groupRows(rows) {
		for part := range chunks(group) {
			if err := s.insertPart(tx.Statement.Context, in, part); err != nil {
				return fmt.Errorf("insert %d rows into %s: %w", len(part), part[0].Table, err)
			}
		}
	}
	return nil
}

func (s *inserter) insertPart(ctx context.Context, tx *sql.Tx, part []Row) error {
	stmt, err := s.prepare(ctx, insertStatement(part))
	if err != nil {
		return err
	}
	values := make([]any, 0, len(part)*len(part[0].Columns))
	for _, r := range part {
		for _, c := range r.Columns {
			values = append(values, c.Value)
		}
	}
	_, err = tx.StmtContext(ctx, stmt).ExecContext(ctx, values...)
	return err
}

// prepare keeps the statement for the pool; database/sql prepares it anew on
// each connection that first uses it.
func (s *inserter) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.kept[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.pool.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	s.kept[query] = stmt
	return stmt, nil
}

// insertStatement is the INSERT for rows of one table and the same columns.
// Its names are constants of this package; the values are all placeholders.
func insertStatement(part []Row) string {
	columns := part[0].Columns
	var b strings.Builder
	b.WriteString("INSERT INTO `" + part[0].Table + "` (")
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("`" + c.Name + "`")
	}
	marks := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + ")"
	b.WriteString(") VALUES ")
	b.WriteString(strings.TrimSuffix(strings.Repeat(marks+", ", len(part)), ", "))
	return b.String()
}

// groupRows puts the rows of one table together, tables in the order of their
// first row.
func groupRows(rows []Row) [][]Row {
	var groups [][]Row
	at := map[string]int{}
	for _, r := range rows {
		i, ok := at[r.Table]
		if !ok {
			i = len(groups)
			at[r.Table] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], r)
	}
	return groups
}

// chunks cuts rows of one table into statements: of the largest size that is
// not more than what is left and stays within the bounds.
func chunks(rows []Row) func(yield func([]Row) bool) {
	return func(yield func([]Row) bool) {
		for len(rows) > 0 {
			n := 1
			for _, size := range insertSizes {
				if size <= len(rows) && size*len(rows[0].Columns) <= maxPlaceholders && sizeOf(rows[:size]) <= maxStatement {
					n = size
					break
				}
			}
			if !yield(rows[:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}

// sizeOf is about how many bytes the rows take in a statement.
func sizeOf(rows []Row) int {
	n := 0
	for _, r := range rows {
		for _, c := range r.Columns {
			n += 8
			if s, ok := c.Value.(string); ok {
				n += len(s)
			}
		}
	}
	return n
}
