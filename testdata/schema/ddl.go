package schema

import (
	"fmt"
	"regexp"
	"strings"
)

// mariaDB writes a table as Nova's migrations made it.
func mariaDB(t *table) []string {
	var parts []string
	for _, c := range t.columns {
		s := "`" + c.name + "` " + c.kind
		if c.collation != "" {
			set, _, _ := strings.Cut(c.collation, "_")
			s += " CHARACTER SET " + set + " COLLATE " + c.collation
		}
		s += nullability(c)
		if c.increments {
			s += " AUTO_INCREMENT"
		}
		parts = append(parts, s)
	}
	for _, k := range t.keys {
		switch {
		case k.kind == "check":
			parts = append(parts, fmt.Sprintf("CONSTRAINT `%s` CHECK (%s)", k.name, k.columns))
		case k.kind == "foreign":
			parts = append(parts, fmt.Sprintf("CONSTRAINT `%s` FOREIGN KEY (%s) REFERENCES %s", k.name, quoted(k.columns), target(k)))
		case k.name == "PRIMARY":
			parts = append(parts, "PRIMARY KEY ("+quoted(k.columns)+")")
		case k.unique:
			parts = append(parts, fmt.Sprintf("UNIQUE KEY `%s` (%s)", k.name, quoted(k.columns)))
		default:
			parts = append(parts, fmt.Sprintf("KEY `%s` (%s)", k.name, quoted(k.columns)))
		}
	}
	return []string{fmt.Sprintf("CREATE TABLE `%s` (\n  %s\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3",
		t.name, strings.Join(parts, ",\n  "))}
}

// sqlite writes the nearest that SQLite has: NOT NULL, unique and foreign
// keys and ids that count up hold; lengths do not.
func sqlite(t *table) []string {
	var parts, indexes []string
	counts := false
	for _, c := range t.columns {
		s := "`" + c.name + "` " + sqliteType(c)
		if c.increments {
			s += " PRIMARY KEY AUTOINCREMENT"
			counts = true
		}
		parts = append(parts, s+nullability(c))
	}
	for _, k := range t.keys {
		columns := quoted(prefix.ReplaceAllString(k.columns, ""))
		switch {
		case k.kind == "check":
			parts = append(parts, "CHECK ("+k.columns+")")
		case k.kind == "foreign":
			parts = append(parts, fmt.Sprintf("FOREIGN KEY (%s) REFERENCES %s", columns, target(k)))
		case k.name == "PRIMARY" && counts: // said with the column
		case k.name == "PRIMARY":
			parts = append(parts, "PRIMARY KEY ("+columns+")")
		case k.unique:
			parts = append(parts, "UNIQUE ("+columns+")")
		default: // index names are the database's there, not the table's
			indexes = append(indexes, fmt.Sprintf("CREATE INDEX `%s.%s` ON `%s` (%s)", t.name, k.name, t.name, columns))
		}
	}
	create := fmt.Sprintf("CREATE TABLE `%s` (\n  %s\n)", t.name, strings.Join(parts, ",\n  "))
	return append([]string{create}, indexes...)
}

// prefix is the length of an index on the beginning of a text.
var prefix = regexp.MustCompile(`\(\d+\)`)

// sqliteType maps a type. Strings compare as Nova's collation does, without
// regard to case; booleans stay numbers.
func sqliteType(c column) string {
	kind, _, _ := strings.Cut(c.kind, "(")
	switch kind {
	case "int", "bigint", "tinyint":
		return "INTEGER"
	case "float":
		return "REAL"
	case "datetime":
		return "DATETIME"
	case "enum":
		return fmt.Sprintf("TEXT CHECK (`%s` IN %s)", c.name, strings.TrimPrefix(c.kind, "enum"))
	}
	if strings.HasSuffix(c.collation, "_ci") {
		return "TEXT COLLATE NOCASE"
	}
	return "TEXT"
}

func nullability(c column) string {
	s := ""
	if !c.null {
		s = " NOT NULL"
	}
	if c.fallback != "" {
		s += " DEFAULT " + c.fallback
	}
	return s
}

// quoted quotes every name of a list, leaving a prefix length outside.
func quoted(columns string) string {
	names := strings.Split(columns, ",")
	for i, n := range names {
		length := prefix.FindString(n)
		names[i] = "`" + strings.TrimSuffix(n, length) + "`" + length
	}
	return strings.Join(names, ", ")
}

// target quotes table(columns).
func target(k key) string {
	name, columns, _ := strings.Cut(strings.TrimSuffix(k.references, ")"), "(")
	return fmt.Sprintf("`%s` (%s)", name, quoted(columns))
}
