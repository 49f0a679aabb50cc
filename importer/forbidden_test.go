package importer_test

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestForbidden holds what no review should have to look for: calls after
// which a guest, or Nova's record of it, is gone.
func TestForbidden(t *testing.T) {
	for _, s := range sources(t) {
		for _, problem := range forbidden(s) {
			t.Errorf("%s: %s", s.path, problem)
		}
	}
}

// forbidden says what is wrong with a file.
func forbidden(s source) (problems []string) {
	complain := func(node ast.Node, rule rule) {
		if problem := rule(s, node); problem != "" {
			problems = append(problems, problem)
		}
	}
	ast.Inspect(s.file, func(node ast.Node) bool {
		for _, r := range []rule{undefines, migrates, softDeletes, buildsSQL} {
			complain(node, r)
		}
		return true
	})
	return problems
}

// A rule says what is wrong with one node of a file, "" for nothing.
type rule func(source, ast.Node) string

// undefines: between undefining a domain and defining it anew it does not
// exist, and its TPM, snapshots and variables are gone for good. Tests may
// clear away what they defined in a daemon of their own.
func undefines(s source, node ast.Node) string {
	if id, ok := node.(*ast.Ident); ok && !s.isTest() && strings.HasPrefix(id.Name, "DomainUndefine") {
		return id.Name + ": a domain is never undefined"
	}
	return ""
}

// migrates: Nova's schema is Nova's.
func migrates(s source, node ast.Node) string {
	if id, ok := node.(*ast.Ident); ok && id.Name == "AutoMigrate" && below(s.pkg(), "nova") {
		return "AutoMigrate: the schema is Nova's"
	}
	return ""
}

// softDeletes: nova-compute destroys a running guest whose row was
// soft-deleted, and these make gorm do that behind an ordinary Delete.
func softDeletes(_ source, node ast.Node) string {
	switch n := node.(type) {
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && x.Name == "gorm" && n.Sel.Name == "DeletedAt" {
			return "gorm.DeletedAt turns a Delete into a soft delete"
		}
	case *ast.ImportSpec:
		if strings.HasPrefix(n.Path.Value, `"gorm.io/plugin/soft_delete`) {
			return "gorm's soft_delete turns a Delete into a soft delete"
		}
	}
	return ""
}

var statement = regexp.MustCompile(`(?is)^\s*(select\s.*\sfrom|insert\s+into|update\s.*\sset|delete\s+from|replace\s+into|alter\s+table|drop\s+table|truncate)\b`)

// buildsSQL: values belong into placeholders. This sees SQL that is formatted
// or put together from pieces, not every way to do it.
func buildsSQL(s source, node ast.Node) string {
	if !below(s.pkg(), "nova") || s.isTest() {
		return ""
	}
	switch n := node.(type) {
	case *ast.CallExpr:
		f, ok := n.Fun.(*ast.SelectorExpr)
		if ok && f.Sel.Name == "Sprintf" && len(n.Args) > 1 && isSQL(n.Args[0]) {
			return "SQL made by Sprintf"
		}
	case *ast.BinaryExpr:
		if n.Op == token.ADD && isSQL(n.X) && !isFixed(n.Y) {
			return "SQL put together with +"
		}
	}
	return ""
}

// isSQL reports whether a literal, or the leftmost of added ones, begins a
// statement.
func isSQL(e ast.Expr) bool {
	if sum, ok := e.(*ast.BinaryExpr); ok {
		return isSQL(sum.X)
	}
	literal, ok := e.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return false
	}
	text, err := strconv.Unquote(literal.Value)
	return err == nil && statement.MatchString(text)
}

// isFixed reports whether a piece is not a value: a literal, the quoting of a
// column whose name is a literal, or the name of a table, for which there are
// no placeholders.
func isFixed(e ast.Expr) bool {
	switch n := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		return n.Name == "table"
	case *ast.SelectorExpr:
		return n.Sel.Name == "Table"
	case *ast.CallExpr:
		f, ok := n.Fun.(*ast.Ident)
		return ok && f.Name == "quoted" && len(n.Args) == 2 && isFixed(n.Args[1])
	}
	return false
}

// TestForbiddenIsSeen shows each rule what it must refuse, and what it must
// let pass.
func TestForbiddenIsSeen(t *testing.T) {
	for _, c := range []struct {
		path, text string
		bad        bool
	}{
		{"rename/a.go", `func f() { l.DomainUndefine(d) }`, true},
		{"discover/a.go", `func f() { l.DomainUndefineFlags(d, 0) }`, true},
		{"discover/a_test.go", `func f() { l.DomainUndefineFlags(d, 0) }`, false},
		{"discover/a.go", `type rpc interface { DomainUndefine(d Domain) error }`, true},
		{"discover/a.go", `func f() { l.DomainGetState(d) }`, false},
		{"nova/a.go", `func f() { db.AutoMigrate(&Instance{}) }`, true},
		{"nova/a_test.go", `func f() { db.AutoMigrate(&Instance{}) }`, true},
		{"importer/journal/a.go", `func f() { db.AutoMigrate(&Entry{}) }`, false}, // its own tables
		{"nova/a.go", `type t struct { DeletedAt gorm.DeletedAt }`, true},
		{"importer/journal/a.go", `type t struct { gorm.DeletedAt }`, true},
		{"nova/a.go", `type t struct { DeletedAt *time.Time }`, false},
		{"nova/a.go", `import "gorm.io/plugin/soft_delete"`, true},
		{"nova/a.go", `func f() { db.Raw(fmt.Sprintf("SELECT id FROM instances WHERE uuid = '%s'", uuid)) }`, true},
		{"nova/a.go", "func f() { fmt.Sprintf(`\n  DELETE FROM %s`, t) }", true},
		{"nova/a.go", `func f() { db.Raw("SELECT id FROM instances WHERE uuid = '" + uuid + "'") }`, true},
		{"nova/a.go", `func f() { db.Raw("SELECT id FROM instances " + "WHERE uuid = ?", uuid) }`, false},
		{"nova/a.go", "func f() { db.Raw(`SELECT id FROM i WHERE i.` + quoted(db, \"key\") + ` = ?`) }", false},
		{"nova/a.go", "func f() { db.Raw(`DELETE FROM i WHERE ` + quoted(db, column)) }", true},
		{"nova/a.go", `func f() { db.Raw("DELETE FROM " + table + " WHERE uuid = ?", uuid) }`, false},
		{"nova/a.go", `func f() { db.Raw("DELETE FROM " + table + " WHERE uuid = " + uuid) }`, true},
		{"nova/a.go", `func f() { fmt.Errorf("update of %s: %w", uuid, err) }`, false},
		{"importer/a.go", `func f() { fmt.Sprintf("select one from %s", names) }`, false}, // no database there
	} {
		problems := forbidden(parse(t, c.path, "package p\n"+c.text+"\n"))
		if got := len(problems) > 0; got != c.bad {
			t.Errorf("%s: %s\nproblems %q, want some: %v", c.path, c.text, problems, c.bad)
		}
	}
}
