package nova

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// inLimit is how many values one IN list gets. Some thousands make MariaDB
// give up on the index (eq_range_index_dive_limit is the first step there).
const inLimit = 500

// readRows runs one SELECT and returns all its rows. what names them in errors.
func readRows[T any](ctx context.Context, d *database, what, query string, values ...any) ([]T, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	var rows []T
	if err := d.WithContext(ctx).Raw(query, values...).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("read %s of the %s: %w", what, d.label, err)
	}
	return rows, nil
}

// readFor runs a SELECT whose only placeholder is an IN list, in as many
// statements as the keys need.
func readFor[T any](ctx context.Context, d *database, what, query string, keys []string) ([]T, error) {
	var rows []T
	for chunk := range slices.Chunk(keys, inLimit) {
		some, err := readRows[T](ctx, d, what, query, chunk)
		if err != nil {
			return nil, err
		}
		rows = append(rows, some...)
	}
	return rows, nil
}

// unique sorts keys and drops those that occur twice or are empty.
func unique(keys []string) []string {
	keys = slices.Compact(slices.Sorted(slices.Values(keys)))
	return slices.DeleteFunc(keys, func(k string) bool { return k == "" })
}

// byLower maps the lower form of every key to the key as the caller has it:
// the databases compare without regard to case.
func byLower(keys []string) map[string]string {
	m := make(map[string]string, len(keys))
	for _, k := range keys {
		m[strings.ToLower(k)] = k
	}
	return m
}
