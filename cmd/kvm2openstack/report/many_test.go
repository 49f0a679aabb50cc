package report

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
)

// awful is a domain with nearly everything that can be said against one.
//
//go:embed testdata/awful.xml
var awful string

// manyAwful is the audit of so many of them, a thousand a host.
func manyAwful(t testing.TB, n int) audit.Report {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		host := filepath.Join(dir, fmt.Sprintf("kvm%02d", i/1000))
		if err := os.MkdirAll(host, 0o755); err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("awful 00000", fmt.Sprintf("awful %05d", i), "b0000000-0000-4000-8000-000000000000", fmt.Sprintf("b0000000-0000-4000-8000-%012x", i)).Replace(awful)
		if err := os.WriteFile(filepath.Join(host, fmt.Sprintf("%05d.xml", i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	hosts, err := discover.HostsFromDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := audit.Run(context.Background(), audit.Input{Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	if totals := r.Totals(); totals.Blocked != n {
		t.Fatalf("%+v, want %d blocked", totals, n)
	}
	return r
}

// forms are all ways to print an audit.
var forms = map[string]func(io.Writer, audit.Report) error{
	"table":   func(w io.Writer, r audit.Report) error { return AuditTable(w, r, View{Style: Style{Width: 100}}) },
	"wide":    func(w io.Writer, r audit.Report) error { return AuditTable(w, r, View{Wide: true, GroupBy: "reason"}) },
	"json":    func(w io.Writer, r audit.Report) error { return AuditJSON(w, r, "test") },
	"csv":     AuditCSV,
	"explain": func(w io.Writer, r audit.Report) error { AuditExplain(w, r); return nil },
	"changes": func(w io.Writer, r audit.Report) error {
		return ChangesJSON(w, r, audit.Compare(r, audit.Baseline{}), "test")
	},
}

func TestAwful(t *testing.T) {
	for d := range manyAwful(t, 1).Domains() {
		codes := map[string]bool{}
		for _, f := range d.Findings {
			codes[f.Code] = true
		}
		if len(codes) < 50 {
			t.Errorf("%d checks find something, want 50 and more", len(codes))
		}
	}
}

// What printing needs of memory must not grow as what is printed does. A form
// that was kept whole before it is written would need all of its output. A
// table has its rows, which must be small beside the 40 KB that JSON has of
// each of these domains.
func TestPrintingIsBounded(t *testing.T) {
	const n = 200
	r := manyAwful(t, n)
	for name, print := range forms {
		peak, printed := heapOf(t, r, print)
		bound := uint64(1 << 20)
		if name == "table" || name == "wide" || name == "changes" {
			bound += n * 3000
		}
		if peak > bound {
			t.Errorf("%s needs %.2f MB beside the report to print %.2f MB, want at most %.2f", name, mb(peak), mb(printed), mb(bound))
		}
	}
}

// JSON of twice as many domains must not take twice the memory: it is the form
// that is kept of whole data centres.
func TestJSONStreams(t *testing.T) {
	var peaks, sizes [2]uint64
	for i, n := range []int{300, 600} {
		peaks[i], sizes[i] = heapOf(t, manyAwful(t, n), forms["json"])
	}
	t.Logf("%.1f and %.1f MB printed with %.2f and %.2f MB of memory", mb(sizes[0]), mb(sizes[1]), mb(peaks[0]), mb(peaks[1]))
	if float64(sizes[1]) < 1.9*float64(sizes[0]) {
		t.Errorf("twice the domains are %.1f MB after %.1f: some were left out", mb(sizes[1]), mb(sizes[0]))
	}
	// Little is taken at all, so that a few pages more are no growth.
	if few := uint64(256 << 10); peaks[1]+few > (peaks[0]+few)*3/2 {
		t.Errorf("twice the domains take %.2f MB to print after %.2f", mb(peaks[1]), mb(peaks[0]))
	}
}

func mb(n uint64) float64 { return float64(n) / (1 << 20) }

// heapOf is how much memory printing takes at most beside the report itself,
// and how much it prints.
func heapOf(t *testing.T, r audit.Report, print func(io.Writer, audit.Report) error) (peak, printed uint64) {
	t.Helper()
	w := &watcher{before: live()}
	if err := print(w, r); err != nil {
		t.Fatal(err)
	}
	w.look()
	runtime.KeepAlive(r)
	return w.peak, w.printed
}

// A watcher takes output and looks at what is alive every now and then.
type watcher struct{ before, peak, printed, next uint64 }

func (w *watcher) Write(p []byte) (int, error) {
	w.printed += uint64(len(p))
	if w.printed >= w.next {
		w.next = w.printed*2 + 256<<10
		w.look()
	}
	return len(p), nil
}

func (w *watcher) look() {
	if now := live(); now > w.before {
		w.peak = max(w.peak, now-w.before)
	}
}

func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
