package plan

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// nodeOf is v as YAML. The package's own encoder writes a text with line
// breaks as a block, which it gets wrong where a line is "---"; here each text
// stays on its line.
func nodeOf(v reflect.Value) *yaml.Node {
	if t, ok := v.Interface().(time.Time); ok {
		return scalar("!!timestamp", t.Format(time.RFC3339Nano))
	}
	switch v.Kind() {
	case reflect.Struct:
		return structNode(v)
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if v.Len() == 0 {
			n.Style = yaml.FlowStyle
		}
		for i := range v.Len() {
			n.Content = append(n.Content, nodeOf(v.Index(i)))
		}
		return n
	case reflect.Map:
		return mapNode(v)
	case reflect.Bool:
		return scalar("!!bool", strconv.FormatBool(v.Bool()))
	case reflect.Int:
		return scalar("!!int", strconv.FormatInt(v.Int(), 10))
	case reflect.String:
		return textNode(v.String())
	}
	panic(fmt.Sprintf("plan: a field of type %s has no form in YAML", v.Type())) // a mistake in Plan, which every test would show
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

func structNode(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if strings.HasSuffix(f.Tag.Get("yaml"), ",omitempty") && isEmpty(v.Field(i)) {
			continue
		}
		n.Content = append(n.Content, scalar("!!str", yamlName(f)), nodeOf(v.Field(i)))
	}
	return n
}

func isEmpty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		return v.Len() == 0
	}
	return v.IsZero()
}

func mapNode(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	if v.Len() == 0 {
		n.Style = yaml.FlowStyle
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(x, y reflect.Value) int { return strings.Compare(x.String(), y.String()) })
	for _, k := range keys {
		n.Content = append(n.Content, textNode(k.String()), nodeOf(v.MapIndex(k)))
	}
	return n
}

// otherwise are texts that readers of YAML 1.1 take for a truth or for a
// number of minutes and seconds; MAC addresses are among them.
var otherwise = regexp.MustCompile(`^(?i:y|n|yes|no|on|off)$|^[-+]?[0-9][0-9_]*(:[0-9a-fA-F]+)+`)

func textNode(s string) *yaml.Node {
	if !utf8.ValidString(s) {
		return scalar("!!binary", base64.StdEncoding.EncodeToString([]byte(s)))
	}
	n := scalar("!!str", s)
	if strings.ContainsAny(s, "\n\r\u0085\u2028\u2029") || otherwise.MatchString(s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
