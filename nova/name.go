package nova

import (
	"fmt"
	"regexp"
	"strings"
)

// conversion is one specifier of Python's % operator: %(key)08x.
var conversion = regexp.MustCompile(`%(?:\(([^)]*)\))?([-+ #0]*)(\d*)(?:\.(\d+))?([a-zA-Z%]?)`)

// NameFor is an instance's name, which is the name of its domain: what
// [DEFAULT] instance_name_template makes of the row (nova/objects/instance.py,
// Instance.name). The template is one of Python's: instance-%08x, or with
// keys %(id)d, %(uuid)s, %(hostname)s. hostname is only needed for the last.
//
// A key that is another column is an error here, because the name would not be
// Nova's; so is a template on which Nova itself fails.
func NameFor(template string, id int64, uuid string, hostname ...string) (string, error) {
	values := map[string]any{"id": id, "uuid": uuid}
	if len(hostname) > 0 {
		values["hostname"] = hostname[0]
	}
	f := formatter{template: template, values: values, positional: id}
	return f.format()
}

// A formatter is one use of the % operator.
type formatter struct {
	template   string
	values     map[string]any
	positional int64
	keyed      bool
	used       int
	err        error
}

func (f *formatter) format() (string, error) {
	name := conversion.ReplaceAllStringFunc(f.template, f.one)
	if f.err == nil && (f.used > 1 || f.keyed && f.used > 0) {
		f.err = fmt.Errorf("it has more than one specifier without a key")
	}
	if f.err != nil {
		return "", fmt.Errorf("instance_name_template %q: %w", f.template, f.err)
	}
	return name, nil
}

// one expands a single specifier.
func (f *formatter) one(spec string) string {
	m := conversion.FindStringSubmatch(spec)
	key, verb := m[1], m[5]
	if verb == "%" {
		return "%"
	}
	var v any = f.positional
	if strings.HasPrefix(spec, "%(") {
		f.keyed = true
		var ok bool
		if v, ok = f.values[key]; !ok {
			return f.fail("%%(%s) is not supported; id, uuid and hostname are", key)
		}
	} else {
		f.used++
	}
	return f.convert(v, m)
}

func (f *formatter) fail(format string, values ...any) string {
	if f.err == nil {
		f.err = fmt.Errorf(format, values...)
	}
	return ""
}

// convert applies flags, width and precision where they mean the same in Go
// and Python. What differs (#, a precision of numbers) nobody names domains by.
func (f *formatter) convert(v any, m []string) string {
	flags, width, precision, verb := m[2], m[3], m[4], m[5]
	if verb == "s" {
		if precision != "" {
			precision = "." + precision
		}
		flags = strings.ReplaceAll(flags, "0", "") // Python pads text with blanks
		return fmt.Sprintf("%"+flags+width+precision+"s", fmt.Sprint(v))
	}
	if verb == "i" || verb == "u" {
		verb = "d"
	}
	if _, number := v.(int64); !number {
		return f.fail("%%%s is for numbers", m[5])
	}
	if !strings.Contains("d x X o", verb) || verb == "" || precision != "" || strings.Contains(flags, "#") {
		return f.fail("%s cannot be used", m[0])
	}
	return fmt.Sprintf("%"+flags+width+verb, v)
}
