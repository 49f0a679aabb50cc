// Package report prints what the commands found: tables for people, JSON and
// CSV for programs. It decides nothing.
package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
)

// A View says what the table of an audit shows, and in which order.
type View struct {
	Style
	Wide    bool   // everything whole, and more columns, however long the lines become
	GroupBy string // one of GroupWords; "" for one table
	Order   Order
}

// AuditTable prints one line a domain, what could not be read, the hosts that
// failed, and the totals.
func AuditTable(w io.Writer, r audit.Report, v View) error {
	lines := auditLines(r)
	v.Order.sort(lines)
	if err := printLines(w, lines, v); err != nil {
		return err
	}
	Failures(w, r)
	auditTotals(w, r)
	printReasons(w, lines, v)
	return nil
}

// printLines prints the table, or a part of it for each group with all columns
// below each other.
func printLines(w io.Writer, lines []auditLine, v View) error {
	if len(lines) == 0 {
		return nil
	}
	style := v.Style
	if v.Wide {
		style.Width = 0
	}
	f := fit(auditColumns(v.Wide), lines, style)
	if v.GroupBy == "" {
		return f.print(w, lines, true)
	}
	err := f.print(w, nil, true)
	for _, g := range groups(lines, v.GroupBy) {
		if err == nil {
			_, err = fmt.Fprintf(w, "\n%s\n", style.sentence(g.title()))
		}
		if err == nil {
			err = f.print(w, g.lines, false)
		}
	}
	return err
}

// Failures lists the hosts that could not be read at all, those whose files
// could not be looked at, and the domains that did not answer.
func Failures(w io.Writer, r audit.Report) {
	hostFailures(w, r)
	blind := map[string][]string{}
	var why []string
	for _, h := range r.Hosts {
		if h.Err != nil || h.FilesErr == "" {
			continue
		}
		if blind[h.FilesErr] == nil {
			why = append(why, h.FilesErr)
		}
		blind[h.FilesErr] = append(blind[h.FilesErr], h.Host.Name)
	}
	for _, err := range why {
		if hosts := blind[err]; len(hosts) == 1 {
			fmt.Fprintf(w, "\nhost %s: its files were not looked at: %s\n", Line(hosts[0]), Line(err))
		} else {
			fmt.Fprintf(w, "\n%d hosts (%s): their files were not looked at: %s\n", len(hosts), Line(list(hosts, 5)), Line(err))
		}
	}
}

// hostError is what happened to a host whose name has been said.
func hostError(h audit.Host) string {
	return Line(strings.TrimPrefix(h.Err.Error(), "host "+h.Host.Name+": "))
}

// hostFailures are those that leave domains unseen, or unasked.
func hostFailures(w io.Writer, r audit.Report) {
	for _, h := range r.Hosts {
		switch {
		case h.Err != nil && h.Found > 0:
			fmt.Fprintf(w, "\nhost %s was read in part, %s: %s\n", Line(h.Host.Name), Count(h.Found, "domain"), hostError(h))
		case h.Err != nil:
			fmt.Fprintf(w, "\nhost %s was not read: %s\n", Line(h.Host.Name), hostError(h))
		}
		for _, q := range h.Silent {
			fmt.Fprintf(w, "\nhost %s: domain %s runs, but its QEMU did not answer: %s\n", Line(h.Host.Name), Line(q.Name), Line(q.Err.Error()))
		}
	}
}

func auditTotals(w io.Writer, r audit.Report) {
	t := r.Totals()
	fmt.Fprintf(w, "\n%s found on %s = %d ready + %d attention + %d blocked + %d managed + %d unreadable",
		Count(t.Found, "domain"), Count(t.Hosts, "host"), t.Ready, t.Attention, t.Blocked, t.Managed, t.Unreadable)
	if t.Filtered > 0 {
		fmt.Fprintf(w, " + %d left out by --only/--skip", t.Filtered)
	}
	fmt.Fprintln(w)
	if t.HostsFailed > 0 {
		fmt.Fprintf(w, "%d of %s could not be read whole; what was not seen there is not counted\n", t.HostsFailed, Count(t.Hosts, "host"))
	}
}

// titles are what the rules are about, by code.
func titles() map[string]string {
	out := map[string]string{}
	for _, rule := range check.Rules() {
		out[rule.Code] = rule.Title
	}
	return out
}

// AuditExplain prints every finding that keeps a domain from being ready: what
// would happen, and what to do; and of every domain what a rebuild changes.
func AuditExplain(w io.Writer, r audit.Report) {
	for d := range r.Domains() {
		if countSerious(d.Findings) == 0 && len(d.Rebuild) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s / %s: %s\n", Line(d.Host), Line(d.Name), d.Verdict)
		explainFindings(w, d.Findings)
		rebuilds(w, d.Rebuild)
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

// disks counts a domain's disks and adds up their sizes.
func disks(d audit.Domain) string {
	var unknown bool
	n := 0
	for _, k := range d.Disks {
		if !stores(k) {
			continue
		}
		n++
		unknown = unknown || k.CapacityBytes == 0
	}
	gib := diskGiB(d.Disks)
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

// stores reports whether a disk is one, and no drive for a medium.
func stores(k discover.Disk) bool { return k.Device == "disk" || k.Device == "lun" }

// diskGiB is what the disks have of room that is known, each rounded up.
func diskGiB(disks []discover.Disk) (gib uint64) {
	for _, k := range disks {
		if stores(k) {
			gib += (k.CapacityBytes + 1<<30 - 1) >> 30
		}
	}
	return gib
}

// addresses are those that others can reach the guest by.
func addresses(d audit.Domain) (out []string) {
	for _, a := range d.Addresses {
		if !a.IP.IsLinkLocalUnicast() && !a.IP.IsLoopback() {
			out = append(out, a.IP.String())
		}
	}
	return out
}

// list joins the first n values and says how many more there are.
func list(values []string, n int) string {
	if len(values) <= n {
		return strings.Join(values, " ")
	}
	return fmt.Sprintf("%s +%d", strings.Join(values[:n], " "), len(values)-n)
}
