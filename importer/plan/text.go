package plan

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxGroup bounds the name of a group of domains. It is for people.
const maxGroup = 64

// maxName is what instances.display_name and hostname hold, in characters.
const maxName = 255

// textProblem says why a column of Nova's cannot hold s: they are utf8mb3,
// which ends at U+FFFF (nova/db/main/models.py, mysql_charset utf8).
func textProblem(s string, limit int) string {
	switch {
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case utf8.RuneCountInString(s) > limit:
		return fmt.Sprintf("has %d characters, %d fit", utf8.RuneCountInString(s), limit)
	}
	for _, r := range s {
		if r > 0xFFFF {
			return fmt.Sprintf("has %q, which Nova's columns (utf8mb3) cannot hold", r)
		}
		if unicode.IsControl(r) {
			return fmt.Sprintf("has the control character %q", r)
		}
	}
	return ""
}

// fitText returns s where Nova can hold it, and else what is left of it: each
// character that cannot be held becomes an underscore, and the end is cut. So
// does one that cannot be seen, for Nova's API takes no such name
// (nova/api/validation/parameter_types.py, _is_printable), and in a plan it
// could turn the line round that a person reads.
func fitText(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s { // a byte that is no UTF-8 comes as U+FFFD
		if n == limit {
			break
		}
		if r > 0xFFFF || r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			r = '_'
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
