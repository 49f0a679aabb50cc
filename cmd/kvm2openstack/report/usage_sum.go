package report

import (
	"strconv"
	"strings"

	"github.com/lightcloud/kvm2openstack/importer/usage"
)

// lacks tells that something of a kind was not measured, so that a sum of the
// rest would be too small.
func lacks(u *usage.Usage, kind string) bool {
	for _, g := range u.NotMeasured {
		if g.What == "all" || strings.HasPrefix(g.What, kind) { // disks, disk vda
			return true
		}
	}
	return false
}

func sumDisks(u *usage.Usage) (sum usage.IO, ok bool) {
	for _, k := range u.Disks {
		if r := k.Rates; r != nil {
			sum.ReadBytes += r.ReadBytes
			sum.WriteBytes += r.WriteBytes
			sum.ReadRequests += r.ReadRequests
			sum.WriteRequests += r.WriteRequests
		}
	}
	return sum, !lacks(u, "disk")
}

func sumInterfaces(u *usage.Usage) (sum usage.Interface, ok bool) {
	for _, i := range u.Interfaces {
		sum.RxBytes += i.RxBytes
		sum.TxBytes += i.TxBytes
		sum.RxDropped += i.RxDropped
		sum.TxDropped += i.TxDropped
		sum.RxErrors += i.RxErrors
		sum.TxErrors += i.TxErrors
	}
	return sum, !lacks(u, "interface")
}

// fullest is the fill of the fullest disk of which it is known.
func fullest(u *usage.Usage) (full float64, ok bool) {
	for _, k := range u.Disks {
		if k.FillPercent != nil {
			full, ok = max(full, *k.FillPercent), true
		}
	}
	return full, ok
}

// usageTitles are the columns that a sample adds to the CSV.
var usageTitles = []string{
	"watched_seconds", "cpu_percent_of_one", "cpu_percent_of_vcpus", "memory_used_mib", "memory_percent", "memory_source",
	"disk_read_bytes_per_s", "disk_write_bytes_per_s", "disk_read_requests_per_s", "disk_write_requests_per_s", "disk_fullest_percent",
	"net_rx_bytes_per_s", "net_tx_bytes_per_s", "net_dropped_and_errors", "idle", "oversized", "suggested_vcpus", "suggested_memory_mib", "not_measured",
}

// usageCells are empty where there is nothing to say.
func usageCells(u *usage.Usage) []string {
	out := make([]string, len(usageTitles))
	if u == nil {
		return out
	}
	number := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	whole := func(n uint64) string { return strconv.FormatUint(n, 10) }
	out[0] = number(u.Seconds)
	if u.CPU != nil {
		out[1], out[2] = number(u.CPU.PercentOfOne), number(u.CPU.PercentOfVCPUs)
	}
	if m := u.Memory; m != nil {
		out[3], out[4], out[5] = whole(m.UsedKiB>>10), number(m.Percent), m.Source
	}
	if io, ok := sumDisks(u); ok {
		out[6], out[7], out[8], out[9] = number(io.ReadBytes), number(io.WriteBytes), number(io.ReadRequests), number(io.WriteRequests)
	}
	if full, ok := fullest(u); ok {
		out[10] = number(full)
	}
	if n, ok := sumInterfaces(u); ok {
		out[11], out[12], out[13] = number(n.RxBytes), number(n.TxBytes), whole(lost(n))
	}
	out[14], out[15] = strconv.FormatBool(u.Idle), strconv.FormatBool(u.Oversized)
	if s := u.Suggestion; s != nil {
		out[16], out[17] = strconv.FormatUint(uint64(s.VCPUs), 10), whole(s.MemoryMB)
	}
	var gaps []string
	for _, g := range u.NotMeasured {
		gaps = append(gaps, g.What+": "+g.Why)
	}
	out[18] = strings.Join(gaps, "; ")
	return out
}
