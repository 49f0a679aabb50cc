package report

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/lightcloud/kvm2openstack/importer/onboard"
)

// OnboardedSchema names the shape that OnboardedJSON prints.
const OnboardedSchema = "kvm2openstack.onboarded/1"

// An OnboardEnd is how a run ended that has onboarded hosts, or taken that back.
type OnboardEnd struct {
	Results []onboard.Result
	Judged  []onboard.Assessment // what was known of the hosts before
	Others  []onboard.Assessment // hosts for which there was nothing to do
	Touched []string             // guests that are not as they were
}

// Onboarded prints what became of hosts, and how they stand.
func Onboarded(w io.Writer, end OnboardEnd, s Style) {
	for i, r := range end.Results {
		if i > 0 {
			fmt.Fprintln(w)
		}
		onboardedResult(w, r, end.notes(r), s)
	}
	for _, a := range end.Others {
		fmt.Fprintln(w)
		onboardHost(w, a, s)
	}
	fmt.Fprintln(w)
	for _, line := range end.Touched {
		fmt.Fprintf(w, "warning: %s\n", Line(line))
	}
	if len(end.Touched) == 0 {
		fmt.Fprintln(w, "all guests are as they were")
	}
	fmt.Fprintln(w, onboard.Outcomes(end.Results))
}

// notes are what was worth knowing of a host before it was onboarded.
func (end OnboardEnd) notes(r onboard.Result) []string {
	for _, a := range end.Judged {
		if a.Host.Name == r.Host {
			return append([]string{}, a.Verdict.Notes...)
		}
	}
	return []string{}
}

func onboardedResult(w io.Writer, r onboard.Result, notes []string, s Style) {
	fmt.Fprintf(w, "%s: %s\n", Line(r.Host), onboardOutcome(r.Outcome, s.Colour))
	p := prose{w: w, width: s.Width}
	if r.Step != "" {
		p.say("step", r.Step)
	}
	if r.Err != nil {
		p.say("why", r.Err.Error())
	}
	for i, line := range logOf(r.Err) {
		p.command([]string{"its log", ""}[min(i, 1)], line)
	}
	for _, c := range r.Checks {
		word := "ok"
		if !c.OK {
			word = "NOT SO"
		}
		p.say(word, strings.TrimSuffix(c.What+": "+c.Seen, ": "))
	}
	for _, left := range r.Left {
		p.say("left", left)
	}
	for _, note := range notes {
		p.say("note", note)
	}
	switch r.Outcome {
	case onboard.Half:
		p.say("next", "the same command goes on from here; with --undo it takes back what was made")
	case onboard.Onboarded, onboard.Already:
		p.say("next", "audit, plan and import its guests; the scheduler leaves the host alone until then. Once they are adopted:")
		p.command("", onboard.EnableCommand(r.Name))
	}
}

// logOf is the end of nova-compute's log, where its failure is the error.
func logOf(err error) []string {
	var f *onboard.Failure
	if errors.As(err, &f) {
		return f.Log
	}
	return nil
}

func onboardOutcome(o onboard.Outcome, colour bool) string {
	if !colour {
		return string(o)
	}
	switch o {
	case onboard.Onboarded, onboard.Already, onboard.Undone:
		return text.FgGreen.Sprint(o)
	case onboard.NotTried:
		return text.FgYellow.Sprint(o)
	}
	return text.FgRed.Sprint(o)
}

// An onboardedJSON is one host of the JSON.
type onboardedJSON struct {
	Host        string          `json:"host"`
	ComputeHost string          `json:"compute_host"`
	Outcome     onboard.Outcome `json:"outcome"`
	Step        string          `json:"step,omitempty"`
	Reason      string          `json:"reason,omitempty"`
	Log         []string        `json:"log,omitempty"` // the end of nova-compute's, where that failed
	Checks      []onboard.Check `json:"checks"`
	Left        []string        `json:"left"` // by an undo
	Notes       []string        `json:"notes"`
}

// OnboardedJSON prints the same for programs. Lists are never null.
func OnboardedJSON(w io.Writer, end OnboardEnd) error {
	results := make([]onboardedJSON, len(end.Results))
	for i, r := range end.Results {
		results[i] = onboardedJSON{Host: r.Host, ComputeHost: r.Name, Outcome: r.Outcome, Step: r.Step, Notes: end.notes(r), Checks: append([]onboard.Check{}, r.Checks...), Left: append([]string{}, r.Left...)}
		if r.Err != nil {
			results[i].Reason, results[i].Log = r.Err.Error(), logOf(r.Err)
		}
	}
	return indented(w, struct {
		Schema  string          `json:"schema"`
		Results []onboardedJSON `json:"results"`
		Others  []judgedHost    `json:"others"`
		Touched []string        `json:"touched"`
	}{OnboardedSchema, results, judgedHosts(end.Others), append([]string{}, end.Touched...)})
}
