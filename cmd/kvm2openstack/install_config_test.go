package main

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// option is a line of the example that "#" keeps from being one; "##" is prose.
var option = regexp.MustCompile(`(?m)^#([^#\n])`)

var prose = regexp.MustCompile(`(?m)^##.*\n`)

// example is the configuration that the packages ship.
func example(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("install/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestExampleConfig: as it is shipped it only says where the journal is, and
// with all its options it loads.
func TestExampleConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	load := func(text string) config {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(file)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		c.file = ""
		return c
	}
	shipped := load(example(t))
	want := config{Journal: "/var/lib/kvm2openstack/state/kvm2openstack.db"}.withDefaults("")
	if diff := cmp.Diff(want, shipped, cmp.AllowUnexported(config{})); diff != "" {
		t.Errorf("as shipped (-want +got):\n%s", diff)
	}

	t.Setenv("NOVA_DB_PASSWORD", "secret")
	t.Setenv("CHAT_TOKEN", "secret")
	t.Setenv("CHAT_SECRET", "secret")
	whole := option.ReplaceAllString(prose.ReplaceAllString(example(t), ""), "$1")
	for _, instead := range [][2]string{{"cloud", "nova_conf"}, {"cloud_file", "nova_conf"}} {
		c := load(without(whole, instead[:]...))
		if len(c.Hosts) != 3 || len(c.Rules) != 3 || len(c.Networks) != 2 || c.Nova.Cells["cell1"] == "" {
			t.Errorf("without %v: %+v", instead, c)
		}
		hosts, err := c.hosts()
		if err != nil {
			t.Errorf("hosts: %v", err)
		}
		for _, h := range hosts {
			if err := h.Check(); err != nil {
				t.Errorf("host %s: %v", h.Name, err)
			}
		}
	}
}

// without leaves lines out that only make sense instead of others.
func without(text string, options ...string) string {
	for _, o := range options {
		text = regexp.MustCompile(`(?m)^ *`+o+`:.*\n`).ReplaceAllString(text, "")
	}
	return text
}

// TestExampleIsWhole: an option that is not in the example is one that nobody
// finds.
func TestExampleIsWhole(t *testing.T) {
	var shown map[string]any
	whole := option.ReplaceAllString(prose.ReplaceAllString(example(t), ""), "$1")
	if err := yaml.Unmarshal([]byte(whole), &shown); err != nil {
		t.Fatal(err)
	}
	for _, name := range missing(reflect.TypeFor[config](), shown, "") {
		t.Errorf("install/config.yaml has no %s", name)
	}
}

// missing are the options of a configuration's type that the example does not
// show. What a rule or a mapping may say stands elsewhere.
func missing(of reflect.Type, shown any, path string) (names []string) {
	switch of.Kind() {
	case reflect.Slice:
		if !strings.HasPrefix(path, ".hosts") {
			return nil
		}
		all := map[string]any{}
		for _, one := range asList(shown) {
			for k, v := range asMap(one) {
				all[k] = v
			}
		}
		return missing(of.Elem(), all, path+"[]")
	case reflect.Struct:
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("yaml"), ",")
			if name == "" {
				continue
			}
			value, ok := asMap(shown)[name]
			if !ok {
				names = append(names, path+"."+name)
				continue
			}
			names = append(names, missing(of.Field(i).Type, value, path+"."+name)...)
		}
	}
	return names
}

func asList(v any) []any         { l, _ := v.([]any); return l }
func asMap(v any) map[string]any { m, _ := v.(map[string]any); return m }

// TestReadmeConfig: the configuration in README loads as it stands there.
func TestReadmeConfig(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(text), "\n## Configuration\n")
	_, part, _ = strings.Cut(part, "```yaml\n")
	part, _, _ = strings.Cut(part, "```")
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(part), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOVA_DB_PASSWORD", "secret")
	t.Setenv("CHAT_TOKEN", "secret")
	t.Setenv("CHAT_SECRET", "secret")
	c, err := loadConfig(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, part)
	}
	if c.Cloud != "mycloud" || len(c.Hosts) != 1 || len(c.Rules) != 3 {
		t.Errorf("README's configuration is %+v", c)
	}
}
