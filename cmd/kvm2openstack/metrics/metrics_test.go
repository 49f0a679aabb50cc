package metrics

import (
	"flag"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lightcloud/kvm2openstack/discover"
	"github.com/lightcloud/kvm2openstack/importer/audit"
	"github.com/lightcloud/kvm2openstack/importer/sync"
	"github.com/lightcloud/kvm2openstack/importer/usage"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// filled are the metrics of a run with a bit of everything. Names come from
// hosts, and may hold anything.
func filled() *Metrics {
	m := New("1.2.3")
	m.Set(sync.Result{
		At: noon, Took: 90 * time.Second, Failed: 1,
		Hosts: []sync.HostResult{
			{Host: "kvm01", Verdicts: map[string]int{"ready": 2, "managed": 7}, Adopted: 6, Locked: 5},
			{Host: `kvm"02\`, Err: "no route to host", Verdicts: map[string]int{}},
		},
		Drifts: []sync.Drift{{Code: sync.PowerDiffers, Healed: true}, {Code: sync.PowerDiffers}, {Code: sync.HostUnread}},
	}, noon.Add(-time.Hour))
	m.SetUsage(slices.Values([]audit.Domain{
		{Domain: discover.Domain{Host: "kvm01", Name: "web-\n1\xff", UUID: "u1"}, Usage: &usage.Usage{
			CPU: &usage.CPU{PercentOfOne: 250}, Memory: &usage.Memory{GivenKiB: 4, UsedKiB: 3},
			Disks:      []usage.Disk{{Rates: &usage.IO{ReadBytes: 10, WriteBytes: 20}}, {Rates: &usage.IO{ReadBytes: 1}}, {}},
			Interfaces: []usage.Interface{{RxBytes: 5, TxBytes: 6}},
		}},
		{Domain: discover.Domain{Host: "kvm01", Name: "off", UUID: "u2"}},
	}))
	return m
}

func TestWriteFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sync.prom")
	if err := os.WriteFile(file, []byte("of an earlier run"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := filled().WriteFile(file); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/sync.prom"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	// node_exporter runs as somebody else.
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v, want 0644", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(left) != 1 {
		t.Errorf("files %v, want one", left)
	}
	if err := filled().WriteFile(filepath.Join(t.TempDir(), "none", "sync.prom")); err == nil {
		t.Error("a file in a folder that is not there was written")
	}
}

// The next run forgets hosts and domains that are gone.
func TestSetForgets(t *testing.T) {
	m := filled()
	m.Set(sync.Result{At: noon, Hosts: []sync.HostResult{{Host: "kvm09"}}}, noon)
	m.SetUsage(slices.Values([]audit.Domain(nil)))
	got := answer(t, m)
	if strings.Contains(got, "kvm01") || !strings.Contains(got, `kvm2openstack_host_up{host="kvm09"} 1`) || !strings.Contains(got, `kvm2openstack_drift{code="D10"} 0`) {
		t.Errorf("after the next run:\n%s", got)
	}
}

// A run that failed leaves what the one before has found.
func TestFailed(t *testing.T) {
	m := filled()
	m.Failed(noon.Add(time.Minute))
	got := answer(t, m)
	for _, want := range []string{"kvm2openstack_sync_last_run_success 0", "kvm2openstack_sync_last_success_timestamp_seconds 1.7954316e+09", `kvm2openstack_drift{code="D10"} 1`} {
		if !strings.Contains(got, want) {
			t.Errorf("after a failure there is no %q:\n%s", want, got)
		}
	}
}

// answer is what a scrape gets.
func answer(t *testing.T, m *Metrics) string {
	t.Helper()
	s := httptest.NewServer(m.Handler())
	defer s.Close()
	resp, err := s.Client().Get(s.URL + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("GET /metrics = %s, %v", resp.Status, err)
	}
	if resp, err := s.Client().Get(s.URL + "/"); err != nil || resp.StatusCode != 404 {
		t.Errorf("GET / = %v, %v, want nothing there", resp.Status, err)
	}
	return string(text)
}
