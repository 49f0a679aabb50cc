package nova

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Print writes the rows as a person reads them, in the order in which they are
// inserted: the table, then a column a line. It is what a dry run shows.
func (s RowSet) Print(w io.Writer) error {
	var text strings.Builder
	print := func(database string, rows []Row) {
		for _, r := range rows {
			fmt.Fprintf(&text, "%s: insert into %s\n", database, r.Table)
			for _, c := range r.Columns {
				fmt.Fprintf(&text, "  %-22s %s\n", c.Name, c.text())
			}
		}
	}
	print("cell", s.Cell)
	print("api", s.API)
	_, err := io.WriteString(w, text.String())
	return err
}

// text quotes strings, so that an empty one, a NULL and one with a newline
// can be told apart.
func (c Column) text() string {
	switch v := c.Value.(type) {
	case nil:
		return "NULL"
	case string:
		if (strings.HasPrefix(v, "{") || strings.HasPrefix(v, "[")) && json.Valid([]byte(v)) {
			return v // ASCII in one line: quoting would only make it unreadable
		}
		return strconv.Quote(v)
	default:
		return fmt.Sprint(v)
	}
}

// Limit leaves out the columns that the tables of a release lack; has says
// which there are. A column that every known release has and this one lacks is
// an error: then the schema is not what its revision says.
func (s RowSet) Limit(cell, api func(table, column string) bool) (RowSet, error) {
	var err error
	limited := RowSet{UUID: s.UUID}
	if limited.Cell, err = limitRows(s.Cell, cell); err != nil {
		return RowSet{}, err
	}
	limited.API, err = limitRows(s.API, api)
	return limited, err
}

func limitRows(rows []Row, has func(table, column string) bool) ([]Row, error) {
	limited := make([]Row, 0, len(rows))
	for _, r := range rows {
		kept := Row{Table: r.Table, Columns: make([]Column, 0, len(r.Columns))}
		for _, c := range r.Columns {
			switch {
			case has(r.Table, c.Name):
				kept.Columns = append(kept.Columns, c)
			case !c.newer:
				return nil, fmt.Errorf("table %s has no column %s: this is not the schema of a known release", r.Table, c.Name)
			}
		}
		limited = append(limited, kept)
	}
	return limited, nil
}
