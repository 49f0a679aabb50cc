package report

import (
	"cmp"
	"strings"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
)

// An auditLine is what a person sees of one domain. It is much smaller than
// the domain, so that sorting and grouping large fleets costs little.
type auditLine struct {
	hostRank int // the host's place in the order that the hosts were given in

	host, name, uuid, state string
	vcpus                   uint
	memoryMiB               uint64
	disks                   string
	diskGiB                 uint64
	addresses               []string
	machine, nics           string
	os, sure                string // sure is how sure, "" where nothing is known
	verdict                 check.Verdict

	blockers  []string // codes of what blocks, each once
	attention []string // codes of what needs a person's eye, each once
	serious   int      // findings of both
	err       string   // why it could not be read
}

// auditLines takes from a report what the table shows, in the order of the
// hosts. Domains that could not be read come last.
func auditLines(r audit.Report) []auditLine {
	ranks := map[string]int{}
	for i, h := range r.Hosts {
		ranks[h.Host.Name] = i
	}
	var lines []auditLine
	for d := range r.Domains() {
		l := newAuditLine(d)
		l.hostRank = ranks[d.Host]
		lines = append(lines, l)
	}
	for _, u := range r.Unreadable {
		lines = append(lines, auditLine{
			hostRank: ranks[u.Host], host: Line(u.Host), name: Line(u.Name), uuid: u.UUID,
			verdict: check.VerdictUnreadable, err: Line(u.Err.Error()),
		})
	}
	return lines
}

func newAuditLine(d audit.Domain) auditLine {
	l := auditLine{
		host: Line(d.Host), name: Line(d.Name), uuid: d.UUID, state: string(d.State),
		vcpus: d.VCPUs, memoryMiB: d.MemMaxKiB >> 10,
		disks: disks(d), diskGiB: diskGiB(d.Disks), addresses: addresses(d),
		machine: Line(d.MachineType), nics: nics(d.Interfaces),
		os: Line(cmp.Or(d.Guest.Name, d.Guest.Family)), verdict: d.Verdict,
	}
	if d.Guest.Confidence != "none" {
		l.sure = d.Guest.Confidence
	}
	for _, f := range d.Findings {
		switch f.Severity {
		case check.Blocked:
			l.blockers = appendNew(l.blockers, f.Code)
		case check.Attention:
			l.attention = appendNew(l.attention, f.Code)
		default:
			continue
		}
		l.serious++
	}
	return l
}

// appendNew adds to sorted values one that is not their last.
func appendNew(sorted []string, value string) []string {
	if n := len(sorted); n > 0 && sorted[n-1] == value {
		return sorted
	}
	return append(sorted, value)
}

// first is the code of the worst that was found, "" without.
func (l auditLine) first() string {
	switch {
	case len(l.blockers) > 0:
		return l.blockers[0]
	case len(l.attention) > 0:
		return l.attention[0]
	}
	return ""
}

// nics are the models of the interfaces and what they are plugged into.
func nics(of []discover.Interface) string {
	var out []string
	for _, n := range of {
		to := cmp.Or(n.Bridge, n.Network, n.SourceDev, n.Type)
		out = append(out, Line(cmp.Or(n.Model, "default")+" "+to))
	}
	return strings.Join(out, ", ")
}
