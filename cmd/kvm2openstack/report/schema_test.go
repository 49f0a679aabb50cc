package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/rebuild"
)

// The schemas are made of the types that are printed and of the comments on
// their fields, so that a field that is added is described, or seen here.
func TestSchemas(t *testing.T) {
	for name, shape := range map[string]any{AuditSchema: auditJSON{}, ChangesSchema: changesJSON{}} {
		s := newSchemas(t)
		text := s.document(name, shape)
		path := schemaFile(name)
		if *update {
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), string(got)); diff != "" {
			t.Errorf("%s is not what is printed; go test ./cmd/kvm2openstack/report -update rewrites it:\n%s", path, diff)
		}
		for _, field := range s.undescribed {
			t.Errorf("%s: %s has no comment that says what it is", name, field)
		}
	}
}

// A schema is as much of JSON Schema as is needed here.
type schema struct {
	ID          string             `json:"$id,omitempty"`
	Draft       string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Type        any                `json:"type,omitempty"`
	Description string             `json:"description,omitempty"`
	Const       string             `json:"const,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Format      string             `json:"format,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	AnyOf       []*schema          `json:"anyOf,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Defs        map[string]*schema `json:"$defs,omitempty"`
}

// words are what a field of such a type can hold.
var words = map[reflect.Type][]string{
	reflect.TypeFor[check.Verdict]():  {"ready", "attention", "blocked", "managed", "unreadable"},
	reflect.TypeFor[check.Severity](): {"blocked", "attention", "info"},
	reflect.TypeFor[rebuild.Kind]():   {"lost", "changed", "added"},
	reflect.TypeFor[discover.State](): {"nostate", "running", "blocked", "paused", "shutdown", "shutoff", "crashed", "pmsuspended", ""},
}

type schemas struct {
	defs        map[string]*schema
	comments    map[string]string // by package.Type.Field
	undescribed []string
}

func newSchemas(t *testing.T) *schemas {
	t.Helper()
	s := &schemas{defs: map[string]*schema{}, comments: map[string]string{}}
	for _, dir := range []string{".", "../../../discover", "../../../importer/check", "../../../importer/rebuild", "../../../importer/usage", "../../../importer/audit"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			file, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool { return s.note(file.Name.Name, n) })
		}
	}
	return s
}

// note keeps the comments on the fields of a struct type.
func (s *schemas) note(pkg string, n ast.Node) bool {
	spec, ok := n.(*ast.TypeSpec)
	if !ok {
		return true
	}
	if st, ok := spec.Type.(*ast.StructType); ok {
		for _, f := range st.Fields.List {
			for _, name := range f.Names {
				text := f.Comment.Text()
				if text == "" {
					text = f.Doc.Text()
				}
				s.comments[pkg+"."+spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(text), " ")
			}
		}
	}
	return true
}

// schemaFile is where the schema of kvm2openstack.audit/1 is: audit.schema.json.
func schemaFile(name string) string {
	name, _, _ = strings.Cut(strings.TrimPrefix(name, "kvm2openstack."), "/")
	return filepath.Join("testdata", name+".schema.json")
}

func (s *schemas) document(name string, shape any) []byte {
	root := s.object(reflect.TypeOf(shape))
	root.Draft, root.ID, root.Title, root.Defs = "https://json-schema.org/draft/2020-12/schema", "urn:"+strings.ReplaceAll(name, "/", ":"), name, s.defs
	root.Properties["schema"].Const = name
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func (s *schemas) object(t reflect.Type) *schema {
	out := &schema{Type: "object", Properties: map[string]*schema{}}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
			continue
		case f.Anonymous && name == "":
			embedded := s.object(f.Type)
			out.Required = append(out.Required, embedded.Required...)
			for n, p := range embedded.Properties {
				out.Properties[n] = p
			}
			continue
		}
		optional := strings.Contains(options, "omitempty")
		if !optional {
			out.Required = append(out.Required, name)
		}
		out.Properties[name] = s.property(f, optional)
		out.Properties[name].Description = s.describe(t, f, name)
	}
	slices.Sort(out.Required)
	return out
}

// property is what the field holds. A pointer that is always printed may be null.
func (s *schemas) property(f reflect.StructField, optional bool) *schema {
	p := s.value(f.Type)
	if f.Type.Kind() == reflect.Pointer && !optional {
		return &schema{AnyOf: []*schema{p, {Type: "null"}}}
	}
	return p
}

func (s *schemas) value(t reflect.Type) *schema {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case t == reflect.TypeFor[netip.Addr]():
		return &schema{Type: "string"}
	case words[t] != nil:
		return &schema{Type: "string", Enum: words[t]}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.value(t.Elem())
	case reflect.Slice:
		return &schema{Type: "array", Items: s.value(t.Elem())}
	case reflect.Struct:
		name := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(t.PkgPath())+"."+t.Name(), "JSON"), "report.")
		if s.defs[name] == nil {
			s.defs[name] = &schema{} // a type that holds itself ends here
			*s.defs[name] = *s.object(t)
		}
		return &schema{Ref: "#/$defs/" + name}
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Float64:
		return &schema{Type: "number"}
	}
	return &schema{Type: "integer"}
}

func (s *schemas) describe(t reflect.Type, f reflect.StructField, name string) string {
	key := filepath.Base(t.PkgPath()) + "." + t.Name() + "."
	text := s.comments[key+f.Name]
	if text == "" {
		text = obvious[key+name]
	}
	if text == "" {
		s.undescribed = append(s.undescribed, fmt.Sprintf("%s%s", key, name))
	}
	return text
}
