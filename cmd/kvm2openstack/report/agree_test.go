package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
)

// A figures is what one form of an audit says when its own numbers are added
// up. The table has no sizes that can be added.
type figures struct {
	Found, Filtered  int
	Verdicts         map[string]int
	Hosts            map[string]int // domains that are shown
	VCPUs, MiB, GiB  int
	Domains, Blocked []string // host/name, sorted
}

func (f *figures) add(host, name, verdict string, sizes ...int) {
	f.Verdicts[verdict]++
	f.Hosts[host]++
	f.Domains = append(f.Domains, host+"/"+name)
	if verdict == "blocked" {
		f.Blocked = append(f.Blocked, host+"/"+name)
	}
	if len(sizes) == 3 {
		f.VCPUs, f.MiB, f.GiB = f.VCPUs+sizes[0], f.MiB+sizes[1], f.GiB+sizes[2]
	}
}

func newFigures() figures { return figures{Verdicts: map[string]int{}, Hosts: map[string]int{}} }

// Whoever adds up one form must come to what every other form says.
func TestFormsAgree(t *testing.T) {
	for name, keep := range map[string]func(discover.Domain) bool{
		"all": nil, "filtered": func(d discover.Domain) bool { return d.Name != "hopeless" && d.VCPUs < 64 },
	} {
		t.Run(name, func(t *testing.T) {
			r, err := audit.Run(context.Background(), audit.Input{Source: withSizes(folder(t, variety())), Nova: smallNova{}, Keep: keep})
			if err != nil {
				t.Fatal(err)
			}
			want := ofJSON(t, r)
			if want.Found != len(want.Domains)+want.Filtered || want.VCPUs == 0 || want.GiB == 0 || len(want.Blocked) == 0 || want.Verdicts["unreadable"] == 0 {
				t.Fatalf("the JSON does not add up, or the fleet has too little: %+v", want)
			}
			for form, got := range map[string]figures{"csv": ofCSV(t, r), "page": ofPage(t, r)} {
				if form == "csv" { // which has domains only
					got.Found, got.Filtered = want.Found, want.Filtered
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s says other than the JSON (-json +%s):\n%s", form, form, diff)
				}
			}
			want.Domains, want.Blocked, want.VCPUs, want.MiB, want.GiB = nil, nil, 0, 0, 0
			if diff := cmp.Diff(want, ofTable(t, r)); diff != "" {
				t.Errorf("the table says other than the JSON (-json +table):\n%s", diff)
			}
		})
	}
}

// withSizes gives each disk another size, none of them whole GiB.
func withSizes(hosts []discover.Host) discover.Source {
	return func(yield func(discover.Inventory) bool) {
		for inv := range discover.Scan(context.Background(), hosts, discover.Options{}) {
			for i := range inv.Domains {
				for j := range inv.Domains[i].Disks {
					inv.Domains[i].Disks[j].CapacityBytes = uint64(i+j+1)<<33 + 1
				}
			}
			if !yield(inv) {
				return
			}
		}
	}
}

func sorted(f figures) figures {
	slices.Sort(f.Domains)
	slices.Sort(f.Blocked)
	return f
}

func printed(t *testing.T, print func(io.Writer, audit.Report) error, r audit.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := print(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func ofJSON(t *testing.T, r audit.Report) figures {
	t.Helper()
	var doc struct {
		Domains []struct {
			Host, Name, Verdict string
			VCPUs               int
			KiB                 int `json:"memory_max_kib"`
			Disks               []struct {
				Device string
				Bytes  int `json:"capacity_bytes"`
			}
		}
		Unreadable []struct{ Host, Name, Verdict string }
		Totals     map[string]int
	}
	if err := json.Unmarshal([]byte(printed(t, forms["json"], r)), &doc); err != nil {
		t.Fatal(err)
	}
	f := newFigures()
	for _, d := range doc.Domains {
		gib := 0
		for _, k := range d.Disks {
			if k.Device == "disk" {
				gib += (k.Bytes + 1<<30 - 1) >> 30
			}
		}
		f.add(d.Host, Line(d.Name), d.Verdict, d.VCPUs, d.KiB>>10, gib)
	}
	for _, u := range doc.Unreadable {
		f.add(u.Host, Line(u.Name), u.Verdict)
	}
	f.Found, f.Filtered = doc.Totals["found"], doc.Totals["filtered"]
	for verdict, n := range f.Verdicts {
		if doc.Totals[verdict] != n {
			t.Errorf("the JSON has %d %s, its totals say %d", n, verdict, doc.Totals[verdict])
		}
	}
	return sorted(f)
}

func ofCSV(t *testing.T, r audit.Report) figures {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(printed(t, AuditCSV, r))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	f := newFigures()
	for _, line := range lines[1:] {
		cell := func(title string) string { return line[slices.Index(lines[0], title)] }
		if cell("vcpus") == "" {
			f.add(cell("host"), cell("domain"), cell("verdict"))
			continue
		}
		f.add(cell("host"), cell("domain"), cell("verdict"), atoi(t, cell("vcpus")), atoi(t, cell("memory_mib")), atoi(t, cell("disk_gib")))
	}
	return sorted(f)
}

// ofPage adds up the rows, and takes the sums that a person reads.
func ofPage(t *testing.T, r audit.Report) figures {
	t.Helper()
	text := printed(t, func(w io.Writer, r audit.Report) error { return AuditHTML(w, r, testPage) }, r)
	f := newFigures()
	for _, d := range blocks[row](t, text, `class="rows"`) {
		f.add(d.Host, Line(d.Name), d.Verdict, int(d.VCPUs), int(d.MemoryMB), int(d.DiskGB))
	}
	sum := regexp.MustCompile(`<p class="sum">(.*)</p>`).FindStringSubmatch(text)
	if sum == nil {
		t.Fatal("the page has no sum")
	}
	f.Found, f.Filtered = readSum(t, sum[1], f.Verdicts)
	for verdict, n := range f.Verdicts {
		tile := regexp.MustCompile(`data-value="` + verdict + `"><span class="number">(\d+)</span>`).FindStringSubmatch(text)
		if tile == nil || atoi(t, tile[1]) != n {
			t.Errorf("the page's tile of %s is %v, and it has %d rows of them", verdict, tile, n)
		}
	}
	return sorted(f)
}

// ofTable takes the heads of its groups, and its last line.
func ofTable(t *testing.T, r audit.Report) figures {
	t.Helper()
	f := newFigures()
	head := regexp.MustCompile(`(?m)^([a-z0-9]+): (\d+) domains?\b`)
	for by, into := range map[string]map[string]int{"verdict": f.Verdicts, "host": f.Hosts} {
		text := printed(t, func(w io.Writer, r audit.Report) error { return AuditTable(w, r, View{GroupBy: by}) }, r)
		for _, m := range head.FindAllStringSubmatch(text, -1) {
			into[m[1]] += atoi(t, m[2])
		}
		sum := regexp.MustCompile(`(?m)^\d+ domains found on .*$`).FindString(text)
		f.Found, f.Filtered = readSum(t, sum, nil)
		if by == "verdict" {
			readSum(t, sum, f.Verdicts)
		}
	}
	return f
}

// readSum reads "7 domains found on … = 1 ready + 6 blocked + …"; verdicts,
// where they are given, must be its parts.
func readSum(t *testing.T, sum string, verdicts map[string]int) (found, filtered int) {
	t.Helper()
	parts := regexp.MustCompile(`(\d+) ([a-z]+)`).FindAllStringSubmatch(sum, -1)
	if len(parts) < 6 {
		t.Fatalf("%q is no sum", sum)
	}
	rest := maps.Clone(verdicts)
	all := 0
	for _, part := range parts {
		n := atoi(t, part[1])
		switch part[2] {
		case "domains", "found":
			found = n
		case "hosts":
		case "left":
			filtered = n
			all += n
		default:
			all += n
			if verdicts != nil && verdicts[part[2]] != n {
				t.Errorf("%q says %d %s, and there are %d", sum, n, part[2], verdicts[part[2]])
			}
			delete(rest, part[2])
		}
	}
	if all != found || len(rest) > 0 {
		t.Errorf("%q does not add up, or lacks %v", sum, rest)
	}
	return found, filtered
}

func atoi(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
