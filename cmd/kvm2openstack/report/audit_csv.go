package report

import (
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/check"
)

// csvTitles are the columns of AuditCSV. New ones are added at the end.
var csvTitles = []string{
	"host", "domain", "uuid", "state", "vcpus", "memory_mib", "disks", "disk_gib", "addresses", "os", "confidence",
	"verdict", "code", "title", "reason", "action", "other_codes",
}

// AuditCSV prints one line a domain for a spreadsheet, whatever is a number as
// a number. What keeps a domain from being ready is the worst that was found,
// with the codes of everything else that does.
func AuditCSV(w io.Writer, r audit.Report) error {
	c := csv.NewWriter(w)
	titles := titles()
	columns := slices.Clone(csvTitles)
	_, sampled := r.Usage()
	if sampled {
		columns = append(columns, usageTitles...)
	}
	err := c.Write(columns)
	for d := range r.Domains() {
		if err != nil {
			return err
		}
		line := csvLine(d, titles)
		if sampled {
			line = append(line, spreadsheet(usageCells(d.Usage))...)
		}
		err = c.Write(line)
	}
	for _, u := range r.Unreadable {
		line := make([]string, len(columns))
		line[0], line[1], line[2], line[11], line[14] = u.Host, u.Name, u.UUID, string(check.VerdictUnreadable), u.Err.Error()
		if err == nil {
			err = c.Write(spreadsheet(line))
		}
	}
	if err != nil {
		return err
	}
	c.Flush()
	return c.Error()
}

func csvLine(d audit.Domain, titles map[string]string) []string {
	count := 0
	for _, k := range d.Disks {
		if stores(k) {
			count++
		}
	}
	var worst check.Finding
	var others []string
	for i, f := range d.Findings {
		switch {
		case f.Severity == check.Info:
		case i == 0:
			worst = f
		case f.Code != worst.Code:
			others = appendNew(others, f.Code)
		}
	}
	return spreadsheet([]string{
		d.Host, d.Name, d.UUID, string(d.State), strconv.FormatUint(uint64(d.VCPUs), 10), strconv.FormatUint(d.MemMaxKiB>>10, 10),
		strconv.Itoa(count), strconv.FormatUint(diskGiB(d.Disks), 10), strings.Join(addresses(d), " "),
		cmp.Or(d.Guest.Name, d.Guest.Family), d.Guest.Confidence, string(d.Verdict),
		worst.Code, titles[worst.Code], worst.Text, worst.Action, strings.Join(others, " "),
	})
}

// spreadsheet makes values safe for one: what begins like a formula is quoted,
// for a domain's name comes from whoever made it.
func spreadsheet(values []string) []string {
	for i, v := range values {
		v = Line(v)
		if v != "" && (v[0] == '=' || v[0] == '+' || v[0] == '-' || v[0] == '@') {
			v = "'" + v
		}
		values[i] = v
	}
	return values
}
