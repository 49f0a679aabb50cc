// Package report prints what the commands found: tables for people, JSON and
// CSV for programs. It decides nothing.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
)

// Style says how a table is printed.
type Style struct {
	Colour bool
	Width  int // columns; 0 = do not cut
}

// AuditTable prints one line a domain, then what could not be read, the hosts
// that failed, and the totals.
func AuditTable(w io.Writer, r audit.Report, s Style) {
	t := newTable(w, s, "HOST", "DOMAIN", "STATE", "VCPU", "RAM", "DISKS", "ADDRESSES", "OS", "VERDICT", "WHY")
	titles := titles()
	for d := range r.Domains() {
		t.AppendRow(table.Row{
			Line(d.Host), short(d.Name, 24), string(d.State), d.VCPUs, Memory(d.MemMaxKiB >> 10), disks(d),
			addresses(d), guest(d), verdict(d.Verdict, s.Colour), reason(d.Assessment, titles),
		})
	}
	for _, u := range r.Unreadable {
		t.AppendRow(table.Row{Line(u.Host), short(u.Name, 24), "", "", "", "", "", "", verdict(check.VerdictUnreadable, s.Colour), Line(u.Err.Error())})
	}
	t.Render()
	Failures(w, r)
	auditTotals(w, r)
}

// Failures lists the hosts that could not be read at all, and those whose
// files could not be looked at.
func Failures(w io.Writer, r audit.Report) {
	for _, h := range r.Hosts {
		switch {
		case h.Err != nil && h.Found > 0:
			fmt.Fprintf(w, "\nhost %s was read in part, %d domains: %s\n", h.Host.Name, h.Found, Line(h.Err.Error()))
		case h.Err != nil:
			fmt.Fprintf(w, "\nhost %s was not read: %s\n", h.Host.Name, Line(h.Err.Error()))
		case h.FilesErr != "":
			fmt.Fprintf(w, "\nhost %s: its files were not looked at: %s\n", h.Host.Name, Line(h.FilesErr))
		}
		for _, q := range h.Silent {
			fmt.Fprintf(w, "\nhost %s: domain %s runs, but its QEMU did not answer: %s\n", h.Host.Name, Line(q.Name), Line(q.Err.Error()))
		}
	}
}

func auditTotals(w io.Writer, r audit.Report) {
	t := r.Totals()
	fmt.Fprintf(w, "\n%d domains found on %d hosts = %d ready + %d attention + %d blocked + %d managed + %d unreadable",
		t.Found, t.Hosts, t.Ready, t.Attention, t.Blocked, t.Managed, t.Unreadable)
	if t.Filtered > 0 {
		fmt.Fprintf(w, " + %d left out by --only/--skip", t.Filtered)
	}
	fmt.Fprintln(w)
	if t.HostsFailed > 0 {
		fmt.Fprintf(w, "%d of %d hosts could not be read whole; what was not seen there is not counted\n", t.HostsFailed, t.Hosts)
	}
	for _, line := range reasonCounts(r) {
		fmt.Fprintln(w, line)
	}
}

// reasonCounts says how often each blocking rule applies, most often first.
func reasonCounts(r audit.Report) []string {
	type count struct{ n, only int }
	counts := map[string]*count{}
	for d := range r.Domains() {
		blockers := 0
		seen := map[string]bool{}
		for _, f := range d.Findings {
			if f.Severity == check.Blocked {
				blockers++
				seen[f.Code] = true
			}
		}
		for code := range seen {
			if counts[code] == nil {
				counts[code] = &count{}
			}
			counts[code].n++
			if blockers == 1 {
				counts[code].only++
			}
		}
	}
	titles := titles()
	codes := sortedKeys(counts, func(a, b string) bool {
		if counts[a].n != counts[b].n {
			return counts[a].n > counts[b].n
		}
		return a < b
	})
	var lines []string
	for _, code := range codes {
		lines = append(lines, fmt.Sprintf("  blocked by %s: %d (%d by nothing else)  %s", code, counts[code].n, counts[code].only, titles[code]))
	}
	return lines
}

// reason is the rule of the first finding, the worst, and how many more there
// are. The finding itself, with the domain's own facts, is Explain's.
func reason(a check.Assessment, titles map[string]string) string {
	if len(a.Findings) == 0 || a.Verdict == check.VerdictReady {
		return ""
	}
	code := a.Findings[0].Code
	out := code + " " + titles[code]
	if more := countSerious(a.Findings) - 1; more > 0 {
		out += fmt.Sprintf(" (+%d)", more)
	}
	return out
}

// titles are what the rules are about, by code.
func titles() map[string]string {
	out := map[string]string{}
	for _, rule := range check.Rules() {
		out[rule.Code] = rule.Title
	}
	return out
}

// AuditExplain prints every finding that keeps a domain from being ready:
// what would happen, and what to do.
func AuditExplain(w io.Writer, r audit.Report) {
	for d := range r.Domains() {
		if countSerious(d.Findings) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s / %s: %s\n", Line(d.Host), Line(d.Name), d.Verdict)
		for _, f := range d.Findings {
			if f.Severity != check.Info {
				fmt.Fprintf(w, "  %s %s: %s\n      do: %s\n", f.Code, f.Severity, Line(f.Text), Line(f.Action))
			}
		}
	}
}

func countSerious(findings []check.Finding) int {
	n := 0
	for _, f := range findings {
		if f.Severity != check.Info {
			n++
		}
	}
	return n
}

func disks(d audit.Domain) string {
	var gib uint64
	var unknown bool
	n := 0
	for _, k := range d.Disks {
		if k.Device != "disk" && k.Device != "lun" {
			continue
		}
		n++
		gib += (k.CapacityBytes + 1<<30 - 1) >> 30
		unknown = unknown || k.CapacityBytes == 0
	}
	switch {
	case n == 0:
		return "none"
	case unknown && gib == 0:
		return fmt.Sprintf("%d", n)
	case unknown:
		return fmt.Sprintf("%d, >%dGB", n, gib)
	}
	return fmt.Sprintf("%d, %dGB", n, gib)
}

func addresses(d audit.Domain) string {
	var out []string
	for _, a := range d.Addresses {
		if !a.IP.IsLinkLocalUnicast() && !a.IP.IsLoopback() {
			out = append(out, a.IP.String())
		}
	}
	return list(out, 2)
}

func guest(d audit.Domain) string {
	name := d.Guest.Name
	if name == "" {
		name = d.Guest.Family
	}
	if d.Guest.Confidence == "" || d.Guest.Confidence == "none" {
		return short(name, 18)
	}
	return short(name, 18) + " (" + d.Guest.Confidence + ")"
}

// list joins the first n values and says how many more there are.
func list(values []string, n int) string {
	if len(values) <= n {
		return strings.Join(values, " ")
	}
	return fmt.Sprintf("%s +%d", strings.Join(values[:n], " "), len(values)-n)
}

func verdict(v check.Verdict, colour bool) string {
	if !colour {
		return string(v)
	}
	switch v {
	case check.VerdictReady, check.VerdictManaged:
		return text.FgGreen.Sprint(v)
	case check.VerdictAttention:
		return text.FgYellow.Sprint(v)
	}
	return text.FgRed.Sprint(v)
}
