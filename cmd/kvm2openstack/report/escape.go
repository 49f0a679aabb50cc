package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"
	"unicode/utf16"
)

// marshal is JSON that is safe to look at, too: encoding/json leaves the
// controls above U+007F and those that turn text around as they are, and a
// terminal obeys them. Escaped they are the same JSON.
func marshal(v any, indent string) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", indent)
	if indent == "" {
		text, err = json.Marshal(v)
	}
	if err != nil {
		return nil, fmt.Errorf("print JSON: %w", err)
	}
	return escape(text), nil
}

// escape writes what is not printable as \uXXXX. Outside of strings JSON has
// nothing beyond ASCII, and inside encoding/json has escaped all below U+0020.
func escape(text []byte) []byte {
	odd := func(r rune) bool { return r > unicode.MaxASCII && !unicode.IsGraphic(r) || r == 0x7f }
	if bytes.IndexFunc(text, odd) < 0 {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case !odd(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}
