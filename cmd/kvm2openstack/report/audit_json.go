package report

import (
	"io"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
	"github.com/lightcloud/kvm2openstack/nova"
)

// AuditSchema names the shape that AuditJSON prints. Fields are only added
// within a version; testdata/audit.schema.json describes every one.
const AuditSchema = "kvm2openstack.audit/1"

// An auditJSON is the shape of what AuditJSON prints piece by piece.
type auditJSON struct {
	Schema     string             `json:"schema"`             // name and version of this shape; within a version fields are only added
	At         time.Time          `json:"at"`                 // when the hosts had been read
	By         string             `json:"by"`                 // what made it
	Release    *releaseJSON       `json:"release"`            // of the Nova that was looked at, null without its databases
	Hosts      []hostJSON         `json:"hosts"`              // in the order they were given
	Domains    []audit.Domain     `json:"domains"`            // of all hosts that the filters took, host by host
	Unreadable []unreadableJSON   `json:"unreadable"`         // domains that are there but could not be read
	NotSeen    []audit.LastSeen   `json:"not_seen,omitempty"` // of the baseline that this audit was compared with and saved after, what was on hosts that could not be read; not in the totals
	Usage      *audit.UsageTotals `json:"usage,omitempty"`    // of all running domains, where a sample was taken
	Totals     audit.Totals       `json:"totals"`             // found = ready + attention + blocked + managed + unreadable + filtered
}

// AuditJSON prints the whole audit, one domain at a time: the output does not
// have to fit into memory a second time. By names the program and its version.
func AuditJSON(w io.Writer, r audit.Report, by string) error {
	return SaveAudit(w, r, nil, by)
}

// SaveAudit prints what AuditJSON does, and what the baseline knew of hosts
// that could not be read, for the next comparison.
func SaveAudit(w io.Writer, r audit.Report, last []audit.LastSeen, by string) error {
	j := jsonStream{w: w}
	j.print("{\n")
	j.field("schema", AuditSchema)
	j.field("at", r.At)
	j.field("by", by)
	j.field("release", newReleaseJSON(r.Release))
	array(&j, "hosts", slices.Values(r.Hosts), func(h audit.Host) any { return newHostJSON(h) })
	array(&j, "domains", r.Domains(), func(d audit.Domain) any { return withoutNulls(d) })
	array(&j, "unreadable", slices.Values(r.Unreadable), func(u discover.Unreadable) any {
		return unreadableJSON{u.Host, u.Name, u.UUID, check.VerdictUnreadable, u.Err.Error()}
	})
	if len(last) > 0 {
		array(&j, "not_seen", slices.Values(last), func(l audit.LastSeen) any { return l })
	}
	if totals, sampled := r.Usage(); sampled {
		j.field("usage", totals)
	}
	j.last("totals", r.Totals())
	return j.err
}

// releaseJSON is the release of a Nova.
type releaseJSON struct {
	Name     string `json:"name"`      // Zed, 2025.1; "" when it is not known
	Major    int    `json:"major"`     // 26, 31; 0 when it is not known
	API      string `json:"api"`       // revision of the API database
	Cell     string `json:"cell"`      // revision of the cell databases
	Services int    `json:"services"`  // the lowest version among the services
	ReadOnly string `json:"read_only"` // why nothing may be written, "" when writing is fine
}

func newReleaseJSON(r nova.Release) *releaseJSON {
	if r == (nova.Release{}) {
		return nil
	}
	out := releaseJSON(r)
	return &out
}

// hostJSON is one host.
type hostJSON struct {
	Name           string `json:"name"`                   // unique in an audit
	URI            string `json:"uri"`                    // libvirt's, or dir:// for a folder of definitions
	Hostname       string `json:"hostname"`               // as libvirt reports it
	ComputeHost    string `json:"compute_host,omitempty"` // as Nova calls it; absent when Nova does not know it
	LibvirtVersion string `json:"libvirt_version"`        // 9.0.0
	QEMUVersion    string `json:"qemu_version"`           // 7.2.0
	CPUs           int    `json:"cpus"`                   // logical processors
	MemoryKiB      uint64 `json:"memory_kib"`             // of the host
	ReadOnly       bool   `json:"read_only"`              // read through libvirt's read-only socket
	Found          int    `json:"found"`                  // domains that it listed, readable or not, filtered or not
	FilesError     string `json:"files_error,omitempty"`  // why its files could not be looked at
	Error          string `json:"error,omitempty"`        // why it could not be read, or not whole
	TookMS         int64  `json:"took_ms"`                // how long reading it took

	Silent   []silentJSON  `json:"silent,omitempty"`   // running domains whose QEMU did not answer
	Capacity *capacityJSON `json:"capacity,omitempty"` // what Nova may place there; absent when that is not known
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
	if c := h.Capacity; c != nil {
		out.Capacity = &capacityJSON{classJSON(c.VCPUs), classJSON(c.MemoryMB), classJSON(c.DiskGB), c.Placement}
	}
	return out
}

// silentJSON is a running domain whose QEMU process did not answer.
type silentJSON struct {
	Name  string `json:"name"`  // of the domain
	UUID  string `json:"uuid"`  // of the domain
	Error string `json:"error"` // what happened instead of an answer
}

// capacityJSON is what a host may hold, before anything is adopted.
type capacityJSON struct {
	VCPUs     classJSON `json:"vcpus"`     // VCPU
	MemoryMB  classJSON `json:"memory_mb"` // MEMORY_MB
	DiskGB    classJSON `json:"disk_gb"`   // DISK_GB
	Placement bool      `json:"placement"` // Placement's own figures; otherwise made of Nova's databases
}

// classJSON is one resource class of a host.
type classJSON struct {
	Total int     `json:"total"` // what the host has
	Ratio float64 `json:"ratio"` // allocation_ratio
	Limit int     `json:"limit"` // what instances may have: (total - reserved) * ratio
	Used  int     `json:"used"`  // what they have
}

// unreadableJSON is a domain that could not be read.
type unreadableJSON struct {
	Host    string        `json:"host"`    // name of its host
	Name    string        `json:"name"`    // of the domain, or of its file
	UUID    string        `json:"uuid"`    // "" when not known
	Verdict check.Verdict `json:"verdict"` // always unreadable
	Error   string        `json:"error"`   // why
}

// withoutNulls gives empty lists for those that are nil, so that programs find
// a list where the schema promises one. The report keeps its own.
func withoutNulls(d audit.Domain) audit.Domain {
	fillLists(reflect.ValueOf(&d).Elem())
	return d
}

func fillLists(of reflect.Value) {
	for i := range of.NumField() {
		f := of.Field(i)
		switch optional := strings.HasSuffix(of.Type().Field(i).Tag.Get("json"), ",omitempty"); {
		case optional || !f.CanSet():
		case f.Kind() == reflect.Struct:
			fillLists(f)
		case f.Kind() != reflect.Slice:
		case f.IsNil():
			f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		case f.Type().Elem().Kind() == reflect.Struct:
			f.Set(reflect.AppendSlice(reflect.MakeSlice(f.Type(), 0, f.Len()), f))
			for k := range f.Len() {
				fillLists(f.Index(k))
			}
		}
	}
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
