package nova

import (
	"fmt"
	"slices"

	"gorm.io/gorm"
)

// Bounds of one multi-row INSERT: MySQL takes 65,535 placeholders and SQLite
// 32,766; a packet is 4 MiB at least in every server of these releases.
const (
	maxPlaceholders = 16000
	maxStatement    = 1 << 20
)

// groupRows puts the rows of one table together, tables in the order of their
// first row: parents stay before children.
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

// insertRows writes the rows with as few statements as the bounds allow.
func insertRows(tx *gorm.DB, rows []Row) error {
	for _, group := range groupRows(rows) {
		for part := range chunks(group) {
			values := make([]map[string]any, len(part))
			for i, r := range part {
				values[i] = make(map[string]any, len(r.Columns))
				for _, c := range r.Columns {
					values[i][c.Name] = c.Value
				}
			}
			if err := tx.Table(part[0].Table).Create(values).Error; err != nil {
				return fmt.Errorf("insert %d rows into %s: %w", len(part), part[0].Table, err)
			}
		}
	}
	return nil
}

// chunks cuts rows of one table into statements that stay within the bounds.
func chunks(rows []Row) func(yield func([]Row) bool) {
	return func(yield func([]Row) bool) {
		begin, placeholders, bytes := 0, 0, 0
		for i, r := range rows {
			size := r.size()
			if i > begin && (placeholders+len(r.Columns) > maxPlaceholders || bytes+size > maxStatement) {
				if !yield(rows[begin:i]) {
					return
				}
				begin, placeholders, bytes = i, 0, 0
			}
			placeholders += len(r.Columns)
			bytes += size
		}
		if begin < len(rows) {
			yield(rows[begin:])
		}
	}
}

// size is about how many bytes the row takes in a statement.
func (r Row) size() int {
	n := 0
	for _, c := range r.Columns {
		n += 8
		if s, ok := c.Value.(string); ok {
			n += len(s)
		}
	}
	return n
}

// byBatch cuts a list into the batches of one transaction each.
func byBatch[T any](list []T) func(yield func([]T) bool) { return slices.Chunk(list, batchSize) }

// batchSize is how many instances one transaction writes. More would hold
// locks longer and make Galera's write sets large, and gain nothing.
const batchSize = 50
