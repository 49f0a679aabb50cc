package report

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/usage"
)

func someUsage() *usage.Usage {
	full, fuller := 25.0, 83.4
	return &usage.Usage{
		Seconds: 10, CPU: &usage.CPU{PercentOfOne: 153.2, PercentOfVCPUs: 38.3, VCPUs: 4},
		Memory: &usage.Memory{Source: "balloon", UsedKiB: 3 << 20, GivenKiB: 8 << 20, Percent: 37.5},
		Disks: []usage.Disk{
			{Target: "vda", Rates: &usage.IO{ReadBytes: 1 << 20, WriteBytes: 2000, ReadRequests: 10, WriteRequests: 3}, FillPercent: &full},
			{Target: "vdb", Rates: &usage.IO{ReadBytes: 1 << 19, WriteRequests: 4}, FillPercent: &fuller},
		},
		Interfaces: []usage.Interface{{RxBytes: 500, TxBytes: 30000, RxDropped: 1, TxErrors: 2}, {RxBytes: 250, TxDropped: 3, RxErrors: 4}},
	}
}

// rowOf is what the table shows of one domain.
func rowOf(u *usage.Usage) string {
	return strings.Join([]string{cpuCell(u), ofAllCell(u), memoryCell(u), ioCell(u), requestsCell(u), netCell(u), lostCell(u), fullCell(u), seen(u, false)}, " | ")
}

func TestUsageRow(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*usage.Usage)
		want   string
	}{
		{"whole", func(*usage.Usage) {}, "153% | 38% | 38% | 1.5M/2.0K | 10/7 | 750/29K | 10 | 83% | "},
		{"judged", func(u *usage.Usage) {
			u.Idle, u.Oversized, u.Suggestion = true, true, &usage.Size{VCPUs: 2, MemoryMB: 4096}
		}, "153% | 38% | 38% | 1.5M/2.0K | 10/7 | 750/29K | 10 | 83% | idle; oversized: 2 vCPU 4096 MB would do"},
		{"memory of the process", func(u *usage.Usage) { u.Memory.Source, u.Paused = "rss", true }, "153% | 38% | 38%r | 1.5M/2.0K | 10/7 | 750/29K | 10 | 83% | paused"},
		// A sum that one part is missing of would be too small.
		{"a disk without rates", func(u *usage.Usage) {
			u.Disks[1].Rates, u.NotMeasured = nil, []usage.Gap{{What: "disk vdb", Why: "attached meanwhile"}}
		}, "153% | 38% | 38% | - | - | 750/29K | 10 | 83% | disk vdb not measured: attached meanwhile"},
		{"an interface without counters", func(u *usage.Usage) {
			u.NotMeasured = []usage.Gap{{What: "interface vnet2", Why: "bad\x1b[2J"}}
		}, `153% | 38% | 38% | 1.5M/2.0K | 10/7 | - | - | 83% | interface vnet2 not measured: bad\x1b[2J`},
		{"nothing", func(u *usage.Usage) { *u = *usage.Unmeasured("restarted meanwhile") }, "- | - | - | - | - | - | - | - | all not measured: restarted meanwhile"},
	} {
		u := someUsage()
		c.change(u)
		if got := rowOf(u); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestUsageCells(t *testing.T) {
	u := someUsage()
	u.Idle, u.Suggestion = true, &usage.Size{VCPUs: 2, MemoryMB: 4096}
	got := map[string]string{}
	for i, cell := range usageCells(u) {
		got[usageTitles[i]] = cell
	}
	want := map[string]string{
		"watched_seconds": "10", "cpu_percent_of_one": "153.2", "cpu_percent_of_vcpus": "38.3", "memory_used_mib": "3072", "memory_percent": "37.5", "memory_source": "balloon",
		"disk_read_bytes_per_s": "1572864", "disk_write_bytes_per_s": "2000", "disk_read_requests_per_s": "10", "disk_write_requests_per_s": "7", "disk_fullest_percent": "83.4",
		"net_rx_bytes_per_s": "750", "net_tx_bytes_per_s": "30000", "net_dropped_and_errors": "10", "idle": "true", "oversized": "false", "suggested_vcpus": "2", "suggested_memory_mib": "4096", "not_measured": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if cells := usageCells(nil); len(cells) != len(usageTitles) || strings.Join(cells, "") != "" {
		t.Errorf("cells of a domain that is off: %q", cells)
	}
	nothing := usageCells(usage.Unmeasured("restarted meanwhile"))
	if got := strings.Join(nothing, ","); got != "0,,,,,,,,,,,,,,false,false,,,all: restarted meanwhile" {
		t.Errorf("cells of a domain that was not measured: %s", got)
	}
}

// Without a sample the output is what it was before there were any.
func TestNoSample(t *testing.T) {
	var out strings.Builder
	UsageTable(&out, audit.Report{}, Style{})
	if out.Len() > 0 {
		t.Errorf("a table without a sample: %s", out.String())
	}
	if err := AuditCSV(&out, audit.Report{}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || len(rows) != 1 || !slices.Equal(rows[0], csvTitles) {
		t.Errorf("CSV without a sample: %q (%v)", rows, err)
	}
}

func TestBrief(t *testing.T) {
	for bytes, want := range map[float64]string{
		0: "0", 0.4: "0", 5.4: "5", 999: "999", 1000: "1.0K", 1024: "1.0K", 10 << 10: "10K", 999 << 10: "999K", 1000 << 10: "1.0M",
		1.5 * (1 << 20): "1.5M", 700 << 30: "700G", 5 << 40: "5T",
	} {
		if got := brief(bytes); got != want {
			t.Errorf("brief(%v) = %s, want %s", bytes, got, want)
		}
	}
}

func TestUsageSum(t *testing.T) {
	got := usageSum(audit.UsageTotals{Seconds: 10, Measured: 40, NotMeasured: 2, Idle: 3, Oversized: 5, VCPUsTooMany: 12, MemoryTooMuch: 40960})
	want := "watched for 10 s: 42 running domains = 40 measured + 2 not, or not whole; 3 idle, 5 oversized by 12 vCPU and 40GB"
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
