package nova

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
)

// checkText: Nova's columns are utf8mb3, which has no character beyond the
// Basic Multilingual Plane, and their lengths count characters. A server that
// is not strict would cut the text off without a word.
func checkText(s string, least, most int) error {
	if !utf8.ValidString(s) {
		return errors.New("is not UTF-8")
	}
	n := utf8.RuneCountInString(s)
	switch {
	case n < least:
		return errors.New("is empty")
	case n > most:
		return fmt.Errorf("is %d characters long, and its column holds %d", n, most)
	}
	for _, r := range s {
		if r > 0xffff {
			return fmt.Errorf("has the character %q (U+%X), which Nova's utf8mb3 columns cannot hold", r, r)
		}
		if unicode.IsControl(r) {
			return fmt.Errorf("has the control character U+%04X", r)
		}
	}
	return nil
}

func checkWithout(s, forbidden string) error {
	if i := strings.IndexAny(s, forbidden); i >= 0 {
		return fmt.Errorf("has the character %q", s[i])
	}
	return nil
}

// checkUUID wants the canonical form: Nova compares uuids as text.
func checkUUID(s string) error {
	u, err := uuid.Parse(s)
	if err != nil || u.String() != s {
		return fmt.Errorf("%q is not a uuid in its canonical form", s)
	}
	return nil
}

// checkHostname accepts what Nova's sanitize_hostname gives (nova/utils.py):
// letters, digits, dots, hyphens and underscores, at most 63.
func checkHostname(s string) error {
	if err := checkText(s, 1, 63); err != nil {
		return err
	}
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._", r) {
			return fmt.Errorf("%q has the character %q", s, r)
		}
	}
	if s != strings.Trim(s, ".-") {
		return fmt.Errorf("%q begins or ends with a dot or a hyphen", s)
	}
	return nil
}
