package importer_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/lightcloud/kvm2openstack/"

// arrows are the directions in which packages may know each other: cmd knows
// importer, importer knows discover and nova, and those know nothing of ours.
// A new package needs a line here. A line covers the folders below it, unless
// they have one of their own.
var arrows = map[string][]string{
	"discover": {},
	"nova":     {},
	"rename":   {},

	"importer/cloud":       {"discover"},
	"importer/openstack":   {"importer/cloud"},
	"importer/journal":     {},
	"importer/instancedir": {"discover"},
	"importer/check":       {"importer/cloud", "discover", "nova"},
	"importer/rebuild":     {"discover", "nova"},
	"importer/usage":       {"discover"},
	"importer/plan":        {"importer/rebuild", "importer/check", "importer/cloud", "discover", "nova"},
	"importer/audit":       {"importer/plan", "importer/rebuild", "importer/check", "importer/cloud", "importer/usage", "discover", "nova"},
	"importer/restart":     {"importer/plan", "importer/cloud", "importer/check", "importer/journal", "importer/instancedir", "discover", "nova", "rename"},
	"importer/onboard":     {"importer/check", "importer/cloud", "importer/journal", "importer/instancedir", "discover", "nova"},
	"importer/sync":        {"importer", "importer/audit", "importer/plan", "importer/cloud", "importer/check", "importer/journal", "discover", "nova"},
	"importer": {
		"importer/audit", "importer/plan", "importer/check", "importer/cloud", "importer/usage",
		"importer/journal", "importer/instancedir", "importer/restart", "discover", "nova", "rename",
	},

	"cmd": {"cmd", "importer", "discover", "nova", "rename", "testdata/demo"},

	"testdata/schema":   {},
	"testdata/libvirtd": {},
	"testdata/demo":     {"testdata/schema"},
	"testdata/bench":    {"importer", "discover", "nova", "testdata/schema", "testdata/libvirtd"}, // measures from outside
}

// holders are the packages that may use what changes or reads the world, so
// that a reader knows where to look for it.
var holders = map[string][]string{
	"gorm.io/":                           {"nova", "importer/journal"},
	"github.com/glebarez/sqlite":         {"nova", "importer/journal"},
	"github.com/digitalocean/go-libvirt": {"discover", "rename"},
	"libvirt.org/go/":                    {"discover", "rename"},
	"github.com/pkg/sftp":                {"discover", "importer/instancedir"},
	"github.com/gophercloud/":            {"importer/openstack"},
	"github.com/schollz/progressbar":     {"cmd"},
	"github.com/spf13/cobra":             {"cmd"},
	"github.com/prometheus/":             {"cmd"},
}

// A source is one parsed file of the module.
type source struct {
	path string // from the module's root, with slashes
	file *ast.File
}

func (s source) pkg() string  { return path.Dir(s.path) }
func (s source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// TestArrows looks at every file of the module, whatever its build tags.
func TestArrows(t *testing.T) {
	for _, s := range sources(t) {
		for _, problem := range badImports(s) {
			t.Errorf("%s: %s", s.path, problem)
		}
	}
}

// badImports are the imports of a file that go against the direction.
func badImports(s source) (problems []string) {
	for _, spec := range s.file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return append(problems, err.Error())
		}
		if ours, is := strings.CutPrefix(name, module); is {
			if problem := badArrow(s, ours); problem != "" {
				problems = append(problems, problem)
			}
			continue
		}
		for prefix, allowed := range holders {
			// Tests look at the world from outside with whatever they like.
			if strings.HasPrefix(name, prefix) && !s.isTest() && !slices.ContainsFunc(allowed, func(p string) bool { return below(s.pkg(), p) }) {
				problems = append(problems, "imports "+name+", which is for "+strings.Join(allowed, " and "))
			}
		}
	}
	return problems
}

func badArrow(s source, to string) string {
	if s.isTest() && below(to, "testdata") {
		return ""
	}
	from := line(s.pkg())
	switch {
	case from == "":
		return "package " + s.pkg() + " has no line among the arrows"
	case s.pkg() == to: // its own external test
		return ""
	case !slices.ContainsFunc(arrows[from], func(p string) bool { return line(to) == p || p == "importer" && below(to, p) }):
		return from + " must not know " + to
	}
	return ""
}

// line is the longest line of arrows that covers the package, "" for none.
func line(pkg string) string {
	for p := pkg; p != "."; p = path.Dir(p) {
		if _, ok := arrows[p]; ok {
			return p
		}
	}
	return ""
}

func below(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

// TestArrowsAreSeen shows the check what it must refuse.
func TestArrowsAreSeen(t *testing.T) {
	for _, c := range []struct {
		path, imports string
		bad           bool
	}{
		{"discover/a.go", module + "nova", true},
		{"discover/a.go", module + "importer/check", true},
		{"nova/a.go", module + "discover", true},
		{"nova/a_test.go", module + "discover", true},
		{"nova/a_test.go", module + "testdata/schema", false},
		{"nova/a.go", module + "testdata/schema", true},
		{"importer/check/a.go", module + "importer/plan", true},
		{"importer/check/a.go", module + "importer", true},
		{"importer/check/a.go", module + "importer/cloud", false},
		{"importer/a.go", module + "importer/plan", false},
		{"importer/a.go", module + "cmd/kvm2openstack", true},
		{"importer/a_test.go", module + "importer", false},
		{"importer/common/a.go", module + "importer/plan", false}, // as importer itself
		{"cmd/kvm2openstack/a.go", module + "importer/plan", false},
		{"cmd/kvm2openstack/a.go", module + "testdata/schema", true},
		{"utils/a.go", module + "nova", true},
		{"importer/a.go", "gorm.io/gorm", true},
		{"importer/journal/a.go", "gorm.io/gorm", false},
		{"importer/plan/a.go", "github.com/digitalocean/go-libvirt", true},
		{"discover/a.go", "github.com/digitalocean/go-libvirt", false},
		{"nova/a.go", "github.com/schollz/progressbar/v3", true},
		{"nova/a_test.go", "libvirt.org/go/libvirtxml", false},
	} {
		problems := badImports(parse(t, c.path, "package p\nimport _ \""+c.imports+"\"\n"))
		if got := len(problems) > 0; got != c.bad {
			t.Errorf("%s importing %s: problems %q, want some: %v", c.path, c.imports, problems, c.bad)
		}
	}
}

// sources parses the whole module.
func sources(t *testing.T) []source {
	t.Helper()
	const root = ".."
	var all []source
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		all = append(all, source{filepath.ToSlash(rel), file})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("found %d files; this test no longer sees the module", len(all))
	}
	return all
}

func parse(t *testing.T, path, text string) source {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{path, file}
}
