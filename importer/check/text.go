package check

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shown is how much of one foreign string a sentence carries.
const shown = 200

// show makes a string from a host fit for a sentence: printable, on one line,
// quoted where it would otherwise run into the words around it, and cut when
// it is very long.
func show(s string) shownString { return shownString(s) }

type shownString string

func (from shownString) String() string {
	s, cut := string(from), false
	if len(s) > shown {
		s, cut = strings.ToValidUTF8(s[:shown], "?"), true
	}
	plain := s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsPrint(r) || strings.ContainsRune(" \"'`\\", r)
	})
	if !plain {
		s = strconv.Quote(s)
	}
	if cut {
		s += "…"
	}
	return s
}

// listed is how many items of a list a sentence names.
const listed = 5

// list shows the items, comma between, and counts what is too many to name.
func list(items []string) shownList { return shownList(items) }

type shownList []string

func (items shownList) String() string {
	var b strings.Builder
	for i, item := range items {
		if i == listed {
			fmt.Fprintf(&b, " and %d more", len(items)-listed)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(show(item).String())
	}
	return b.String()
}

var shellSafe = regexp.MustCompile(`^[A-Za-z0-9_./:,@%+=-]+$`)

// sh quotes s for a POSIX shell, or for bash where s has bytes that cannot be
// printed: a command in a finding is made to be copied, and a name must not
// be able to add to it.
func sh(s string) shellWord { return shellWord(s) }

// Shell quotes s for a shell as the commands in findings are quoted.
func Shell(s string) string { return sh(s).String() }

type shellWord string

func (word shellWord) String() string {
	s := string(word)
	if shellSafe.MatchString(s) {
		return s
	}
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i, size := 0, 0; i < len(s); i += size {
		var r rune
		r, size = utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r) && (r != utf8.RuneError || size > 1):
			b.WriteRune(r)
		default:
			for _, c := range []byte(s[i : i+size]) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		}
	}
	return b.String() + "'"
}

var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// virsh names the domain as virsh understands it without doubt. A name of
// digits would be taken for a run-time id and one of a UUID's shape for a
// UUID, so anything but a plain name gives way to the UUID.
func (s subject) virsh() domainWord { return domainWord{s.Name, s.UUID} }

type domainWord struct{ name, uuid string }

func (d domainWord) String() string {
	if d.uuid == "" || plainName.MatchString(d.name) && !isUUID(d.name) {
		return sh(d.name).String()
	}
	return sh(d.uuid).String()
}

// oneLine is the last guard: whatever a rule forgot to show or to quote, a
// finding stays one printable line.
func oneLine(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return utf8.RuneError
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// Plural counts: "1 disk", "3 disks".
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
