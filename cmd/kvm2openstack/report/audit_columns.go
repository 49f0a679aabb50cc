package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/lightcloud/kvm2openstack/importer/check"
)

// auditColumns are the columns of the audit's table. STATE follows DOMAIN, for
// a name that is written from right to left would take digits after it to its
// other side. On 20 columns DOMAIN and VERDICT are left.
func auditColumns(wide bool) []column[auditLine] {
	titles := titles()
	plain := func(of func(auditLine) string) func(auditLine, int) string {
		return func(l auditLine, _ int) string { return of(l) }
	}
	columns := []column[auditLine]{
		{title: "HOST", keep: 8, most: 24, fair: 8, least: 5, cell: plain(func(l auditLine) string { return l.host })},
		{title: "DOMAIN", keep: 10, most: 40, fair: 18, least: 9, cell: plain(func(l auditLine) string { return l.name })},
		{title: "STATE", keep: 7, fair: 7, least: 5, cell: plain(func(l auditLine) string { return l.state })},
		{title: "VCPU", keep: 3, least: 4, cell: plain(auditLine.vcpuCell)},
		{title: "RAM", keep: 4, least: 5, cell: plain(auditLine.memoryCell)},
		{title: "DISKS", keep: 5, fair: 9, least: 8, cell: plain(func(l auditLine) string { return l.disks })},
		{title: "ADDRESSES", keep: 1, fair: 15, least: 15, cell: auditLine.addressCell},
		{title: "OS", keep: 2, fair: 13, least: 9, most: 36, cell: auditLine.osCell},
		{title: "VERDICT", keep: 9, least: 10, cell: plain(func(l auditLine) string { return string(l.verdict) }), paint: auditLine.colour},
		{title: "WHY", keep: 6, fair: 32, tight: 12, least: 7, cell: func(l auditLine, n int) string { return l.why(titles, n) }},
	}
	if !wide {
		return columns
	}
	for i := range columns {
		columns[i].most = 0
	}
	columns[6].cell = func(l auditLine, _ int) string { return strings.Join(l.addresses, " ") }
	columns[9].cell = func(l auditLine, _ int) string { return l.allReasons(titles) }
	return append(columns,
		column[auditLine]{title: "MACHINE", cell: plain(func(l auditLine) string { return l.machine })},
		column[auditLine]{title: "NICS", cell: plain(func(l auditLine) string { return l.nics })},
		column[auditLine]{title: "UUID", cell: plain(func(l auditLine) string { return l.uuid })},
	)
}

func (l auditLine) vcpuCell() string {
	if l.verdict == check.VerdictUnreadable {
		return ""
	}
	return strconv.FormatUint(uint64(l.vcpus), 10)
}

func (l auditLine) memoryCell() string {
	if l.verdict == check.VerdictUnreadable {
		return ""
	}
	return Memory(l.memoryMiB)
}

// addressCell names as many addresses as fit, two at most, and counts the
// others.
func (l auditLine) addressCell(n int) string {
	for k := min(2, len(l.addresses)); k > 0; k-- {
		if s := list(l.addresses, k); width(s) <= n || k == 1 && len(l.addresses) == 1 {
			return s
		}
	}
	if len(l.addresses) == 0 {
		return ""
	}
	more := fmt.Sprintf(" +%d", len(l.addresses)-1)
	return text.Snip(l.addresses[0], max(n-len(more), 1), "…") + more
}

// osCell is the operating system and how sure that is. Where there is no room
// for the word, a question mark stands for what is less than sure.
func (l auditLine) osCell(n int) string {
	mark, doubt := "", ""
	if l.os != "" && l.sure != "" {
		mark = " (" + l.sure + ")"
	}
	if mark != "" && l.sure != "agent" && l.sure != "high" {
		doubt = "?"
	}
	short := shortOS(l.os)
	for _, s := range []string{l.os + mark, short + mark, l.os + doubt, short + doubt} {
		if width(s) <= n {
			return s
		}
	}
	short = strings.Replace(short, " Server", "", 1)
	return text.Snip(short, max(n-len(doubt), 1), "…") + doubt
}

// shortOS leaves out of a system's own name what does not tell it from others.
func shortOS(name string) string {
	name, _, _ = strings.Cut(name, " (")
	return wordsOfNoWeight.Replace(name)
}

var wordsOfNoWeight = strings.NewReplacer(" GNU/Linux", "", " Linux", "", " release", "", "Microsoft ", "", " LTS", "")

// why is the worst that was found and how many more there are. What it means
// for the domain is said by --explain.
func (l auditLine) why(titles map[string]string, n int) string {
	if l.verdict == check.VerdictUnreadable {
		return l.err
	}
	code := l.first()
	if code == "" {
		return ""
	}
	more := ""
	if l.serious > 1 {
		more = fmt.Sprintf(" (+%d)", l.serious-1)
	}
	switch {
	case n < len(code)+len(more):
		return code
	case n < 20:
		return code + more
	}
	return text.Snip(code+" "+titles[code], n-len(more), "…") + more
}

func (l auditLine) allReasons(titles map[string]string) string {
	if l.verdict == check.VerdictUnreadable {
		return l.err
	}
	if l.first() == "" {
		return ""
	}
	var out []string
	for _, codes := range [][]string{l.blockers, l.attention} {
		for _, code := range codes {
			out = append(out, code+" "+titles[code])
		}
	}
	return strings.Join(out, "; ")
}

func (l auditLine) colour(cell string) string {
	switch l.verdict {
	case check.VerdictReady, check.VerdictManaged:
		return text.FgGreen.Sprint(cell)
	case check.VerdictAttention:
		return text.FgYellow.Sprint(cell)
	}
	return text.FgRed.Sprint(cell)
}
