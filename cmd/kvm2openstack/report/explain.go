package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/lightcloud/kvm2openstack/importer"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/onboard"
	"github.com/lightcloud/kvm2openstack/importer/sync"
)

// consequences are what a finding of each severity means for the adoption.
var consequences = map[check.Severity]string{
	check.Blocked:   "Blocked: a domain of which this is found is not adopted until it is mended.",
	check.Attention: "Attention: the domain can be adopted, but somebody should have read this first.",
	check.Info:      "Info: worth knowing; it leaves the domain ready.",
}

// ExplainCheck prints what a check means, what it rests on, and what to do.
func ExplainCheck(w io.Writer, r check.Rule, s Style) {
	example := r.Example()
	fmt.Fprintf(w, "%s: %s\n", r.Code, r.Title)
	p := prose{w: w, width: s.Width}
	p.say("meaning", consequences[r.Severity])
	if r.AlsoManaged() {
		p.say("", "It is asked of domains, too, that Nova has already.")
	}
	if example.Text != "" {
		p.say("for example", example.Text)
	}
	p.say("evidence", r.Fact)
	p.say("remedy", cmp.Or(r.Action, "Nothing."))
	if example.Action != "" && example.Action != r.Action {
		p.command("for example", example.Action)
	}
	p.say("chapter", r.Chapter())
}

// ExplainCode prints the same of a code of verify.
func ExplainCode(w io.Writer, c importer.Code, s Style) {
	fmt.Fprintf(w, "%s: %s\n", c.Code, c.Holds)
	p := prose{w: w, width: s.Width}
	p.say("meaning", "Verify names it where this does not hold.")
	p.say("remedy", c.Action)
}

// ExplainDrift prints the same of a code of sync.
func ExplainDrift(w io.Writer, c sync.Code, s Style) {
	fmt.Fprintf(w, "%s: %s\n", c, c.Title())
	p := prose{w: w, width: s.Width}
	p.say("meaning", "Sync names it where it finds this.")
	p.say("remedy", c.Action())
}

// ExplainLogLine prints the same of a line of nova-compute's log.
func ExplainLogLine(w io.Writer, l onboard.Seen, s Style) {
	fmt.Fprintln(w, l.Title)
	p := prose{w: w, width: s.Width}
	switch {
	case l.Times > 1:
		p.say("said", fmt.Sprintf("%d times, first on line %d", l.Times, l.First))
	case l.First > 1:
		p.say("said", fmt.Sprintf("on line %d", l.First))
	}
	p.say("meaning", l.Meaning)
	p.say("evidence", l.Fact)
	p.say("remedy", l.Remedy)
	for i, command := range l.Commands {
		p.command([]string{"commands", ""}[min(i, 1)], command)
	}
}

// A prose prints paragraphs below each other with a word to the left of each.
type prose struct {
	w     io.Writer
	width int // columns; 0 = 100
}

// left is the room for the words.
const left = 13

// say prints one paragraph. Where there is no room for the word beside it, it
// stands above, and the terminal wraps.
func (p prose) say(word, paragraph string) {
	columns := cmp.Or(max(p.width, 0), 100)
	if columns < 60 {
		p.command(word, paragraph)
		return
	}
	for _, line := range strings.Split(text.WrapSoft(Line(paragraph), columns-left-2), "\n") {
		p.command(word, line)
		word = ""
	}
}

// command prints what must not be broken, for it is made to be copied.
func (p prose) command(word, line string) {
	if p.width > 0 && p.width < 60 {
		fmt.Fprintln(p.w, strings.TrimSpace(word+" "+Line(line)))
		return
	}
	fmt.Fprintf(p.w, "  %-*s%s\n", left, word, Line(strings.TrimRight(line, " ")))
}
