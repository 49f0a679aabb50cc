package report

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
)

// lead says in a few sentences what the whole page says.
func lead(t audit.Totals, freed freedView) string {
	n := func(n int) string { return humanize.Comma(int64(n)) }
	var s []string
	switch can := t.Ready + t.Attention; {
	case t.Found-t.Filtered == 0:
		return "No domain was found."
	case can == 0:
		s = append(s, fmt.Sprintf("None of %s domains can be adopted now.", n(t.Found-t.Filtered)))
	case t.Attention == 0:
		s = append(s, fmt.Sprintf("%s of %s domains can be adopted now, as they are.", n(can), n(t.Found-t.Filtered)))
	case t.Ready == 0:
		s = append(s, fmt.Sprintf("%s of %s domains can be adopted now, after a look at the reason.", n(can), n(t.Found-t.Filtered)))
	default:
		s = append(s, fmt.Sprintf("%s of %s domains can be adopted now: %s as they are, %s after a look at the reason.", n(can), n(t.Found-t.Filtered), n(t.Ready), n(t.Attention)))
	}
	if t.Managed > 0 {
		s = append(s, fmt.Sprintf("Nova has %s already.", n(t.Managed)))
	}
	switch {
	case t.Blocked == 0:
	case freed.Steps == 1:
		s = append(s, fmt.Sprintf("%s blocked; one step frees %s.", are(t.Blocked), n(freed.Domains)))
	default:
		s = append(s, fmt.Sprintf("%s blocked; the first %d steps free %s.", are(t.Blocked), freed.Steps, n(freed.Domains)))
	}
	if t.Unreadable > 0 {
		s = append(s, fmt.Sprintf("%s could not be read.", n(t.Unreadable)))
	}
	return strings.Join(s, " ")
}

// are counts subjects of a sentence.
func are(n int) string {
	if n == 1 {
		return "1 is"
	}
	return humanize.Comma(int64(n)) + " are"
}

// warnings are what to know before believing the page.
func warnings(r audit.Report) (out []string) {
	if t := r.Totals(); t.HostsFailed > 0 {
		out = append(out, fmt.Sprintf("%d of %d hosts could not be read whole; what was not seen there is not counted.", t.HostsFailed, t.Hosts))
	}
	if why := r.Release.ReadOnly; why != "" {
		out = append(out, "Nothing can be imported into this Nova: "+Line(why))
	}
	return out
}

// A verdictView is one verdict and how many domains have it.
type verdictView struct {
	Verdict string
	Domains int
	Means   string
}

func verdictViews(t audit.Totals) ([]verdictView, bar) {
	views := []verdictView{
		{string(check.VerdictReady), t.Ready, "can be adopted as they are"},
		{string(check.VerdictAttention), t.Attention, "can be adopted; read the reason first"},
		{string(check.VerdictBlocked), t.Blocked, "cannot be adopted before something is done"},
		{string(check.VerdictManaged), t.Managed, "Nova has them already"},
		{string(check.VerdictUnreadable), t.Unreadable, "could not be read"},
	}
	b := bar{of: float64(t.Found - t.Filtered)}
	for _, v := range views {
		b.add(v.Verdict, float64(v.Domains))
	}
	return views, b
}
