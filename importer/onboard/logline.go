package onboard

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// A LogLine is something that nova-compute writes where it refuses a host, or
// shares it with guests that are not Nova's.
type LogLine struct {
	Title    string
	Meaning  string
	Fact     string // what that rests on
	Remedy   string
	Commands []string

	says *regexp.Regexp // what the line has, with one blank between words
}

// A Seen is a LogLine and where a log has it.
type Seen struct {
	LogLine
	First int // number of the line
	Times int
}

// longest is how much of one line is looked at, in bytes. nova-compute says
// what it means at the beginning.
const longest = 64 << 10

// Read returns what is known of the lines of a log, each thing once, in the
// order of the log, and how many lines that has.
func Read(log io.Reader) (found []Seen, lines int, err error) {
	r := bufio.NewReaderSize(log, longest)
	for {
		line, cut, err := r.ReadLine()
		if errors.Is(err, io.EOF) {
			return found, lines, nil
		}
		if err != nil {
			return found, lines, fmt.Errorf("read line %d of the log: %w", lines+1, err)
		}
		lines++
		if l, ok := Recognise(string(line)); ok {
			found = count(found, l, lines)
		}
		for cut && err == nil {
			_, cut, err = r.ReadLine()
		}
	}
}

// Text is Read for what somebody has copied: a line that was wrapped on the way
// is known, too.
func Text(text string) []Seen {
	found, _, _ := Read(strings.NewReader(text)) // a string can always be read
	if l, ok := Recognise(text); ok && len(found) == 0 {
		return []Seen{{LogLine: l, First: 1, Times: 1}}
	}
	return found
}

func count(found []Seen, l LogLine, line int) []Seen {
	if i := slices.IndexFunc(found, func(s Seen) bool { return s.Title == l.Title }); i >= 0 {
		found[i].Times++
		return found
	}
	return append(found, Seen{LogLine: l, First: line, Times: 1})
}

// Recognise returns what is known of a line of nova-compute's log, or of its
// message alone.
func Recognise(line string) (LogLine, bool) {
	line = plain(line)
	if i := slices.IndexFunc(LogLines, func(l LogLine) bool { return l.says.MatchString(line) }); i >= 0 {
		return LogLines[i], true
	}
	return LogLine{}, false
}

// colour is what a terminal is told of colours, by Nova itself or by grep; a
// syslog daemon writes the byte before it in octal.
var colour = regexp.MustCompile(`(?:\x1b|#033)\[[0-9;]*[A-Za-z]`)

// plain is a line without colours and with one blank between words, however
// somebody has wrapped it.
func plain(line string) string {
	return strings.Join(strings.Fields(colour.ReplaceAllString(line, "")), " ")
}

// logged is what lines of a log have after their time: a level and the name of
// who says it, or an exception of Nova's.
var logged = regexp.MustCompile(`(?:^| )(?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL|TRACE) (?:[a-z_]+(?:\.\w+)+ |nova \[)|nova\.exception\.\w+: )`)

// LooksLogged reports whether text is a line of a log rather than a name.
func LooksLogged(text string) bool { return logged.MatchString(plain(text)) }
