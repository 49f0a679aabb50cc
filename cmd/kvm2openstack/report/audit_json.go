package report

import (
	"encoding/csv"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
)

// AuditSchema names the shape that AuditJSON prints. Fields are only added
// within a version.
const AuditSchema = "kvm2openstack.audit/1"

// AuditJSON prints the whole audit, one domain at a time: the output does not
// have to fit into memory a second time.
func AuditJSON(w io.Writer, r audit.Report) error {
	j := jsonStream{w: w}
	j.print("{\n")
	j.field("schema", AuditSchema)
	j.field("release", r.Release)
	array(&j, "hosts", slices.Values(r.Hosts), func(h audit.Host) any { return newHostJSON(h) })
	array(&j, "domains", r.Domains(), func(d audit.Domain) any { return d })
	array(&j, "unreadable", slices.Values(r.Unreadable), func(u discover.Unreadable) any {
		return unreadableJSON{u.Host, u.Name, u.UUID, check.VerdictUnreadable, u.Err.Error()}
	})
	j.last("totals", r.Totals())
	return j.err
}

type hostJSON struct {
	Name           string `json:"name"`
	URI            string `json:"uri"`
	Hostname       string `json:"hostname"`
	ComputeHost    string `json:"compute_host,omitempty"`
	LibvirtVersion string `json:"libvirt_version"`
	QEMUVersion    string `json:"qemu_version"`
	CPUs           int    `json:"cpus"`
	MemoryKiB      uint64 `json:"memory_kib"`
	ReadOnly       bool   `json:"read_only"`
	Found          int    `json:"found"`
	FilesError     string `json:"files_error,omitempty"`
	Error          string `json:"error,omitempty"`
	TookMS         int64  `json:"took_ms"`

	Silent []silentJSON `json:"silent,omitempty"`
}

func newHostJSON(h audit.Host) hostJSON {
	out := hostJSON{
		Name: h.Host.Name, URI: h.Host.URI, Hostname: h.Hostname,
		LibvirtVersion: h.LibvirtVersion, QEMUVersion: h.QEMUVersion,
		CPUs: h.CPUs, MemoryKiB: h.MemoryKiB, ReadOnly: h.ReadOnly,
		Found: h.Found, FilesError: h.FilesErr, TookMS: h.Took.Milliseconds(),
	}
	if h.Compute != nil {
		out.ComputeHost = h.Compute.Host
	}
	if h.Err != nil {
		out.Error = h.Err.Error()
	}
	for _, q := range h.Silent {
		out.Silent = append(out.Silent, silentJSON{q.Name, q.UUID, q.Err.Error()})
	}
	return out
}

// silentJSON is a running domain whose QEMU process did not answer.
type silentJSON struct {
	Name  string `json:"name"`
	UUID  string `json:"uuid"`
	Error string `json:"error"`
}

type unreadableJSON struct {
	Host    string        `json:"host"`
	Name    string        `json:"name"`
	UUID    string        `json:"uuid"`
	Verdict check.Verdict `json:"verdict"`
	Error   string        `json:"error"`
}

// A jsonStream prints one object field by field and keeps its first error.
type jsonStream struct {
	w   io.Writer
	err error
}

func (j *jsonStream) print(s string) {
	if j.err == nil {
		_, j.err = io.WriteString(j.w, s)
	}
}

func (j *jsonStream) value(v any) {
	text, err := marshal(v, "")
	if j.err == nil {
		j.err = err
	}
	j.print(string(text))
}

func (j *jsonStream) field(name string, v any) {
	j.print("  " + strconv.Quote(name) + ": ")
	j.value(v)
	j.print(",\n")
}

func (j *jsonStream) last(name string, v any) {
	j.print("  " + strconv.Quote(name) + ": ")
	j.value(v)
	j.print("\n}\n")
}

func array[T any](j *jsonStream, name string, items iter.Seq[T], shape func(T) any) {
	j.print("  " + strconv.Quote(name) + ": [")
	first := true
	for item := range items {
		if !first {
			j.print(",")
		}
		first = false
		j.print("\n    ")
		j.value(shape(item))
	}
	j.print("\n  ],\n")
}

// AuditCSV prints one line a domain for a spreadsheet.
func AuditCSV(w io.Writer, r audit.Report) error {
	c := csv.NewWriter(w)
	c.Write([]string{"host", "domain", "uuid", "state", "vcpus", "memory_mib", "disks", "addresses", "os", "confidence", "verdict", "code", "reason", "action"})
	for d := range r.Domains() {
		code, why, action := "", "", ""
		if len(d.Findings) > 0 {
			code, why, action = d.Findings[0].Code, d.Findings[0].Text, d.Findings[0].Action
		}
		name := d.Guest.Name
		if name == "" {
			name = d.Guest.Family
		}
		c.Write(cells(d.Host, d.Name, d.UUID, string(d.State), strconv.Itoa(int(d.VCPUs)),
			strconv.FormatUint(d.MemMaxKiB>>10, 10), disks(d), list(addresses(d), 2), name, d.Guest.Confidence,
			string(d.Verdict), code, why, action))
	}
	for _, u := range r.Unreadable {
		c.Write(cells(u.Host, u.Name, u.UUID, "", "", "", "", "", "", "", string(check.VerdictUnreadable), "", u.Err.Error(), ""))
	}
	c.Flush()
	return c.Error()
}

// cells makes values safe for a spreadsheet: one that begins like a formula
// is quoted, for a domain's name comes from whoever made it.
func cells(values ...string) []string {
	for i, v := range values {
		v = Line(v)
		if v != "" && (v[0] == '=' || v[0] == '+' || v[0] == '-' || v[0] == '@') {
			v = "'" + v
		}
		values[i] = v
	}
	return values
}
