package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/lightcloud/kvm2openstack/importer/onboard"
)

// OnboardSchema names the shape that OnboardJSON prints.
const OnboardSchema = "kvm2openstack.onboard/1"

// Onboard prints what nova-compute will do with each host, why, and with which
// commands a person makes it otherwise.
func Onboard(w io.Writer, all []onboard.Assessment, s Style) {
	for i, a := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		onboardHost(w, a, s)
	}
	fmt.Fprintf(w, "\n%s\n", OnboardTotals(all))
}

func onboardHost(w io.Writer, a onboard.Assessment, s Style) {
	fmt.Fprintf(w, "%s: %s\n", Line(a.Host.Name), answer(a.Verdict.Answer, s.Colour))
	p := prose{w: w, width: s.Width}
	if a.Host.Libvirt != "" {
		p.say("host", fmt.Sprintf("%s to Nova, %s to libvirt; %s, %d running", a.Host.ComputeHost(), a.Host.Libvirt, Count(a.Host.Domains, "domain"), a.Host.Running))
	}
	if len(a.Verdict.Problems) == 0 {
		p.say("why", a.Verdict.Reason)
	}
	for _, problem := range a.Verdict.Problems {
		p.say("why", problem.Reason)
		p.say("remedy", problem.Remedy)
		for _, line := range problem.Commands {
			p.command("", line)
		}
	}
	for _, note := range a.Verdict.Notes {
		p.say("note", note)
	}
	manuals(p, a.Manuals)
}

// manuals prints commands under the place where they are given.
func manuals(p prose, list []onboard.Manual) {
	where := ""
	for i, m := range list {
		if m.Where != where {
			where = m.Where
			p.command([]string{"by hand", ""}[min(i, 1)], "# "+where)
		}
		p.command("", m.Line)
		if m.Until != "" {
			p.command("", "# until "+m.Until)
		}
	}
}

func answer(a onboard.Answer, colour bool) string {
	if !colour {
		return string(a)
	}
	if a == onboard.Accepted {
		return text.FgGreen.Sprint(a)
	}
	return text.FgRed.Sprint(a)
}

// OnboardTotals counts the answers.
func OnboardTotals(all []onboard.Assessment) string {
	counts := map[onboard.Answer]int{}
	for _, a := range all {
		counts[a.Verdict.Answer]++
	}
	var parts []string
	for _, a := range []onboard.Answer{onboard.Accepted, onboard.Harmful, onboard.Refused, onboard.Useless, onboard.Uncertain} {
		if counts[a] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[a], a))
		}
	}
	return Count(len(all), "host") + ": " + strings.Join(parts, ", ")
}

// An judgedHost is one of the JSON.
type judgedHost struct {
	Name        string `json:"name"`
	ComputeHost string `json:"compute_host"`
	Node        string `json:"node"`
	Domains     int    `json:"domains"`
	Running     int    `json:"running"`
	onboard.Verdict
	Ours     bool             `json:"ours"`
	Empty    []onboard.Drive  `json:"empty_drives"`
	Bases    []onboard.Drive  `json:"on_image_cache"`
	Commands []onboard.Manual `json:"commands"`
}

// OnboardJSON prints the same for programs. Lists are never null.
func OnboardJSON(w io.Writer, all []onboard.Assessment) error {
	return indented(w, struct {
		Schema string       `json:"schema"`
		Hosts  []judgedHost `json:"hosts"`
	}{OnboardSchema, judgedHosts(all)})
}

func judgedHosts(all []onboard.Assessment) []judgedHost {
	hosts := make([]judgedHost, len(all))
	for i, a := range all {
		v := a.Verdict
		v.Problems = append([]onboard.Problem{}, v.Problems...)
		hosts[i] = judgedHost{
			Name: a.Host.Name, ComputeHost: a.Host.ComputeHost(), Node: a.Host.Libvirt, Domains: a.Host.Domains, Running: a.Host.Running,
			Verdict: v, Ours: a.Verdict.Ours(), Commands: a.Manuals,
			Empty: append([]onboard.Drive{}, a.Host.Empty...), Bases: append([]onboard.Drive{}, a.Host.Bases...),
		}
	}
	return hosts
}
