package plan

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// checkShape compares the file with the Plan type: keys that there are none
// of, keys twice, lists and mappings where others belong. The decoder's own
// KnownFields does a part of this, but stops knowing lines and domains.
func (f *file) checkShape() {
	f.plain(f.root)
	if len(f.problems) == 0 {
		f.shape(f.root, reflect.TypeFor[Plan](), "")
	}
}

// plain refuses anchors, aliases and tags: Write makes none, and a few lines
// of them can stand for gigabytes. !!binary is how YAML writes a string that
// is not UTF-8.
func (f *file) plain(n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode:
		f.fail(n, "", "*%s: a plan has no aliases", n.Value)
		return
	case n.Anchor != "":
		f.fail(n, "", "&%s: a plan has no anchors", n.Anchor)
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		f.fail(n, "", "%s: a plan has no tags", n.Tag)
	}
	for _, child := range n.Content {
		f.plain(child)
	}
}

// shape compares n with a type. Scalars are compared by what YAML takes them
// for, so that vcpus: "two" is told apart from vcpus: 2.
func (f *file) shape(n *yaml.Node, t reflect.Type, field string) {
	tag := n.ShortTag()
	switch {
	case t == reflect.TypeFor[time.Time]():
		f.want(n, field, tag == "!!timestamp", "a time such as 2026-08-21T10:00:00Z")
	case n.Kind == yaml.ScalarNode && tag == "!!null":
		// key: with nothing after it leaves the field empty.
	case t.Kind() == reflect.Struct:
		f.structShape(n, t, field)
	case t.Kind() == reflect.Slice:
		f.listShape(n, t.Elem(), field)
	case t.Kind() == reflect.Map:
		f.mapShape(n, t.Elem(), field)
	case t.Kind() == reflect.Bool:
		f.want(n, field, tag == "!!bool", "true or false")
	case t.Kind() == reflect.Int:
		f.want(n, field, tag == "!!int", "a whole number")
	default:
		f.want(n, field, n.Kind == yaml.ScalarNode, "a text")
	}
}

func (f *file) want(n *yaml.Node, field string, ok bool, what string) {
	if !ok {
		f.fail(n, field, "%s, want %s", describe(n), what)
	}
}

// describe says in a word what stands there.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "is a mapping"
	case yaml.SequenceNode:
		return "is a list"
	}
	return "is " + quotedShort(n.Value)
}

func quotedShort(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		s = string(runes[:60]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

func (f *file) structShape(n *yaml.Node, t reflect.Type, field string) {
	if n.Kind != yaml.MappingNode {
		f.fail(n, field, "%s, want keys such as %s", describe(n), strings.Join(keysOf(t)[:1], ""))
		return
	}
	if t == reflect.TypeFor[Domain]() {
		f.domain = labelOf(n)
		defer func() { f.domain = "" }()
	}
	seen := map[string]int{}
	for key, value := range pairs(n) {
		name := join(field, key.Value)
		if t == reflect.TypeFor[Domain]() {
			name = key.Value
		}
		if line, twice := seen[key.Value]; twice {
			f.fail(key, name, "is there twice, first in line %d", line)
			continue
		}
		seen[key.Value] = key.Line
		if ft, ok := fieldOf(t, key.Value); ok {
			f.shape(value, ft, name)
		} else {
			f.fail(key, name, "unknown key%s", didYouMean(key.Value, keysOf(t)))
		}
	}
}

func (f *file) listShape(n *yaml.Node, elem reflect.Type, field string) {
	if n.Kind != yaml.SequenceNode {
		f.fail(n, field, "%s, want a list", describe(n))
		return
	}
	for i, item := range n.Content {
		if item.ShortTag() == "!!null" {
			f.fail(item, fmt.Sprintf("%s[%d]", field, i), "is empty")
			continue
		}
		f.shape(item, elem, fmt.Sprintf("%s[%d]", field, i))
	}
}

func (f *file) mapShape(n *yaml.Node, elem reflect.Type, field string) {
	if n.Kind != yaml.MappingNode {
		f.fail(n, field, "%s, want keys with values", describe(n))
		return
	}
	seen := map[string]int{}
	for key, value := range pairs(n) {
		name := join(field, key.Value)
		if line, twice := seen[key.Value]; twice {
			f.fail(key, name, "is there twice, first in line %d", line)
		}
		seen[key.Value] = key.Line
		if key.Kind != yaml.ScalarNode {
			f.fail(key, field, "a key is %s", strings.TrimPrefix(describe(key), "is "))
			continue
		}
		f.shape(value, elem, name)
	}
}

// labelOf names a domain's entry by what it says of itself.
func labelOf(n *yaml.Node) string {
	label := ""
	for _, key := range []string{"host", "domain"} {
		if v := valueOf(n, key); v != nil && v.Kind == yaml.ScalarNode && v.Value != "" {
			label += "/" + quoted(v.Value)
		}
	}
	return strings.TrimPrefix(label, "/")
}

func join(field, key string) string {
	if field == "" {
		return quotedKey(key)
	}
	return field + "." + quotedKey(key)
}

// quotedKey keeps a hostile key on one line.
func quotedKey(key string) string { return quoted(key) }

func fieldOf(t reflect.Type, key string) (reflect.Type, bool) {
	for i := range t.NumField() {
		if yamlName(t.Field(i)) == key {
			return t.Field(i).Type, true
		}
	}
	return nil, false
}

func keysOf(t reflect.Type) []string {
	var keys []string
	for i := range t.NumField() {
		keys = append(keys, yamlName(t.Field(i)))
	}
	return keys
}

func yamlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}

// didYouMean names the key that differs in a letter or two.
func didYouMean(key string, keys []string) string {
	for _, k := range keys {
		if distance(key, k) <= 2 {
			return fmt.Sprintf("; did you mean %s?", k)
		}
	}
	return ""
}

// distance is the number of letters to add, drop or change (Levenshtein).
func distance(a, b string) int {
	if len(a) > 40 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
