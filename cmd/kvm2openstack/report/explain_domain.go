package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
)

// An Explanation is what a domain's verdict is explained with.
type Explanation struct {
	Style
	Networks cloud.Mapping
	NoNova   bool // Nova's databases were not asked
}

// ExplainDomains walks through the verdict of every domain of a report: what it
// is, what was looked at, what was found with what it rests on, and what Nova
// will make of it.
func ExplainDomains(w io.Writer, r audit.Report, e Explanation) {
	around := surroundings{networks: e.Networks, instances: map[string]*discover.File{}}
	for _, h := range r.Hosts {
		around.instances[h.Host.Name] = h.InstancesDir
	}
	first := true
	for d := range r.Domains() {
		if !first {
			fmt.Fprintln(w)
		}
		first = false
		e.domain(w, d, around)
	}
}

// ExplainUnreadable says why there is no verdict.
func ExplainUnreadable(w io.Writer, u discover.Unreadable, s Style) {
	fmt.Fprintf(w, "%s / %s: unreadable\n", Line(u.Host), Line(u.Name))
	prose{w, s.Width}.say("why", u.Err.Error())
}

func (e Explanation) domain(w io.Writer, d audit.Domain, around surroundings) {
	p := prose{w, e.Width}
	verdict := string(d.Verdict)
	if e.Colour {
		verdict = auditLine{verdict: d.Verdict}.colour(verdict)
	}
	fmt.Fprintf(w, "%s / %s: %s\n", Line(d.Host), Line(d.Name), verdict)
	p.say("in short", verdictReason(d))
	e.describe(w, d, newDetail(d, around))
	asked, found := e.findings(w, d)
	fmt.Fprintln(w)
	p.say("verdict", fmt.Sprintf("%s: %s asked, %d blocked, %d attention, %d info.", d.Verdict, Count(asked, "check"), found[check.Blocked], found[check.Attention], found[check.Info]))
	if e.NoNova {
		p.say("", "Nova's databases were not asked: the configuration names none. What only they can say is not among it.")
	}
	rebuilds(w, d.Rebuild)
}

// verdictReason says what the verdict comes from.
func verdictReason(d audit.Domain) string {
	blockers := map[string]bool{}
	for _, f := range d.Findings {
		if f.Severity == check.Blocked {
			blockers[f.Code] = true
		}
	}
	switch d.Verdict {
	case check.VerdictManaged:
		return "Nova has it already, so nearly no check is asked."
	case check.VerdictBlocked:
		return fmt.Sprintf("It is not adopted while %s. Everything else that is found is below as well.", these(len(blockers)))
	case check.VerdictAttention:
		return "It can be adopted. Read below what somebody should have seen first."
	}
	return "It can be adopted, and nothing speaks against it."
}

func these(n int) string {
	if n == 1 {
		return "one thing stands against it"
	}
	return fmt.Sprintf("%d things stand against it", n)
}

// describe says what the domain is.
func (e Explanation) describe(w io.Writer, d audit.Domain, x detail) {
	p := prose{w, e.Width}
	for _, f := range x.Facts {
		p.say(strings.ToLower(f[0]), f[1])
	}
	p.say("system", guestSentence(d.Guest))
	for _, evidence := range x.Evidence {
		p.say("", "- "+evidence)
	}
	for i, k := range x.Disks {
		p.say(onlyFirst(i, "disks"), joined(k.Target+" on "+k.Bus, k.Format, k.Size, k.Source, hardLink(k.Linkable), k.Notes))
	}
	for i, n := range x.NICs {
		network := "network " + n.Network
		if n.Network == notMapped {
			network = "no network by the configuration"
		}
		p.say(onlyFirst(i, "interfaces"), joined(n.MAC, n.Model, n.Plug, network, n.Addresses))
	}
}

func guestSentence(g discover.Guest) string {
	if g.Name == "" {
		return fmt.Sprintf("%s (%s)", g.Family, g.Confidence)
	}
	return fmt.Sprintf("%s, %s (%s)", g.Name, g.Family, g.Confidence)
}

// hardLink says whether the disk can have its second name.
func hardLink(linkable string) string {
	if linkable == "" {
		return ""
	}
	return "hard link: " + linkable
}

func onlyFirst(i int, word string) string {
	if i == 0 {
		return word
	}
	return ""
}

func joined(parts ...string) string {
	var out []string
	for _, part := range parts {
		if part != "" {
			out = append(out, part)
		}
	}
	return strings.Join(out, ", ")
}

// findings prints the chapters with how many checks each asked and what they
// found, and counts both.
func (e Explanation) findings(w io.Writer, d audit.Domain) (asked int, found map[check.Severity]int) {
	found = map[check.Severity]int{}
	for _, c := range chaptersOf(d) {
		fmt.Fprintf(w, "\n  %s: %s", c.title, Count(c.asked, "check"))
		if len(c.findings) == 0 {
			fmt.Fprint(w, ", nothing found")
		}
		fmt.Fprintln(w)
		for _, f := range c.findings {
			found[f.Severity]++
			e.finding(w, f)
		}
		asked += c.asked
	}
	return asked, found
}

func (e Explanation) finding(w io.Writer, f check.Finding) {
	p := prose{w, e.Width}
	p.say(f.Code, fmt.Sprintf("%s: %s", f.Severity, f.Text))
	p.command("", "do: "+f.Action)
	if r, ok := check.Find(f.Code); ok {
		p.say("", "rests on: "+r.Fact)
	}
}

// A chapter is the checks of one kind.
type chapter struct {
	title    string
	asked    int
	findings []check.Finding
}

// chaptersOf sorts the findings of a domain by what they are about.
func chaptersOf(d audit.Domain) []chapter {
	var out []chapter
	at := map[string]int{}
	for _, r := range check.Rules() {
		if d.Verdict == check.VerdictManaged && !r.AlsoManaged() {
			continue
		}
		title := r.Chapter()
		if _, known := at[title]; !known {
			at[title] = len(out)
			out = append(out, chapter{title: title})
		}
		out[at[title]].asked++
	}
	for _, f := range d.Findings {
		r, _ := check.Find(f.Code)
		if i, ok := at[r.Chapter()]; ok {
			out[i].findings = append(out[i].findings, f)
		}
	}
	return out
}
