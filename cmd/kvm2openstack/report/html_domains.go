package report

import (
	"cmp"
	"iter"
	"strconv"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/importer/cloud"
	"github.com/lightcloud/kvm2openstack/importer/usage"
)

// chunkSize is how many domains are written at a time.
const chunkSize = 200

// A chunk is some domains of one host, in their order: the rows of the table,
// and what a row unfolds to, which the page reads only when it does.
type chunk struct {
	Host    string
	Rows    []row
	Details []detail
}

// chunks goes through the domains, and last through those without a record.
func chunks(r audit.Report, domains iter.Seq[audit.Domain], networks cloud.Mapping) iter.Seq[chunk] {
	around := surroundings{networks: networks, instances: map[string]*discover.File{}}
	for _, h := range r.Hosts {
		around.instances[h.Host.Name] = h.InstancesDir
	}
	return func(yield func(chunk) bool) {
		var c chunk
		flush := func(host string) bool {
			if host == c.Host && len(c.Rows) < chunkSize {
				return true
			}
			full := c
			c = chunk{Host: host}
			return len(full.Rows) == 0 || yield(full)
		}
		for d := range domains {
			if !flush(Line(d.Host)) {
				return
			}
			c.Rows, c.Details = append(c.Rows, newRow(d)), append(c.Details, newDetail(d, around))
		}
		for _, u := range r.Unreadable {
			if !flush(Line(u.Host)) {
				return
			}
			c.Rows, c.Details = append(c.Rows, unreadableRow(u)), append(c.Details, unreadableDetail(u))
		}
		flush("") // whatever is left; nothing follows
	}
}

// A row is one line of the table of domains. Every text of it has gone through
// Line.
type row struct {
	Host      string   `json:"host"`
	Name      string   `json:"name"`
	UUID      string   `json:"uuid"`
	State     string   `json:"state"`
	VCPUs     uint     `json:"vcpus"`
	MemoryMB  uint64   `json:"mb"`
	Memory    string   `json:"ram"`
	DiskGB    uint64   `json:"gb"`
	Disk      string   `json:"disk"`
	Disks     int      `json:"disks"`
	Addresses []string `json:"ips,omitempty"`
	MACs      []string `json:"macs,omitempty"`
	OS        string   `json:"os"`
	Family    string   `json:"family"`
	Sure      string   `json:"sure,omitempty"`
	Title     string   `json:"title,omitempty"` // to be found by it
	Verdict   string   `json:"verdict"`
	Codes     []string `json:"codes,omitempty"` // worst first
	Why       string   `json:"why,omitempty"`   // where no code says it

	CPU   *float64 `json:"cpu,omitempty"`  // percent of its vCPUs
	Used  *float64 `json:"used,omitempty"` // percent of its memory
	Marks []string `json:"marks,omitempty"`
}

func newRow(d audit.Domain) row {
	w := row{
		Host: Line(d.Host), Name: Line(d.Name), UUID: Line(d.UUID), State: string(d.State),
		VCPUs: d.VCPUs, MemoryMB: d.MemMaxKiB >> 10, Memory: inMB(int(d.MemMaxKiB >> 10)),
		OS: Line(cmp.Or(d.Guest.Name, d.Guest.Family)), Family: d.Guest.Family, Title: Line(d.Title),
		Verdict: string(d.Verdict), Codes: findingCodes(d.Findings),
	}
	w.DiskGB, w.Disk, w.Disks = diskSum(d)
	if d.Guest.Confidence != "none" {
		w.Sure = d.Guest.Confidence
	}
	for _, a := range d.Addresses {
		if !a.IP.IsLinkLocalUnicast() && !a.IP.IsLoopback() {
			w.Addresses = append(w.Addresses, a.IP.String())
		}
	}
	for _, n := range d.Interfaces {
		w.MACs = append(w.MACs, Line(n.MAC))
	}
	w.addUsage(d.Usage)
	return w
}

func (w *row) addUsage(u *usage.Usage) {
	if u == nil {
		return
	}
	if u.CPU != nil {
		w.CPU = &u.CPU.PercentOfVCPUs
	}
	if u.Memory != nil {
		w.Used = &u.Memory.Percent
	}
	w.Marks = marksOf(u)
}

// Reason is the rule of the worst finding, for who cannot unfold the row.
func (w row) Reason() string {
	if len(w.Codes) == 0 || w.Verdict == string(check.VerdictReady) {
		return w.Why
	}
	more := -1
	for _, code := range w.Codes {
		if knownRules[code].Severity != check.Info {
			more++
		}
	}
	out := w.Codes[0] + " " + knownRules[w.Codes[0]].Title
	if more > 0 {
		out += " (+" + strconv.Itoa(more) + ")"
	}
	return out
}

// knownRules are the rules by code.
var knownRules = func() map[string]check.Rule {
	out := map[string]check.Rule{}
	for _, rule := range check.Rules() {
		out[rule.Code] = rule
	}
	return out
}()

func unreadableRow(u discover.Unreadable) row {
	return row{Host: Line(u.Host), Name: Line(u.Name), UUID: Line(u.UUID), Verdict: string(check.VerdictUnreadable), Why: Line(u.Err.Error())}
}
