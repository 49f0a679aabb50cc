package nova

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// hostnameLimit is what dnsmasq takes, the least of all.
const hostnameLimit = 63

// SanitizeHostname makes an instance's host name from its display name as Nova
// does from Wallaby on (nova/utils.py, sanitize_hostname): characters beyond
// Latin-1 go, what is left is cut to 63 characters, and only then blanks,
// underscores and dots become hyphens and all else that is no letter or digit
// goes. Nova's own name for an empty result is "Server-" and the uuid; def is
// used for it, or "" is returned when def is empty.
//
// Victoria keeps dots; a name without them is as good there.
func SanitizeHostname(name, def string) string {
	var kept []rune
	for _, r := range name {
		if r > unicode.MaxLatin1 { // and what is no UTF-8, which ranges as U+FFFD
			continue
		}
		if kept = append(kept, r); len(kept) == hostnameLimit {
			break
		}
	}
	var b strings.Builder
	for _, r := range kept {
		switch {
		case r == ' ' || r == '_' || r == '.':
			b.WriteByte('-')
		case r == '-' || unicode.IsLetter(r) || unicode.IsNumber(r): // \w of Python's re, on Latin-1
			b.WriteRune(unicode.ToLower(r))
		}
	}
	if host := strings.Trim(b.String(), "-"); host != "" {
		return host
	}
	runes := []rune(def)
	return string(runes[:min(len(runes), hostnameLimit)])
}

// FitsUTF8MB3 reports whether Nova's text columns can hold s: their character
// set ends with the Basic Multilingual Plane, which leaves out emoji and rare
// Chinese characters. What is no UTF-8 does not fit either.
func FitsUTF8MB3(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r > 0xFFFF {
			return false
		}
	}
	return true
}
