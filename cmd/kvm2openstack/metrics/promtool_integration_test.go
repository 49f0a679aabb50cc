//go:build integration

package metrics

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Prometheus's own tool has nothing to say about the metrics.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is needed; testdata/services/install.sh installs it")
	}
	file := filepath.Join(t.TempDir(), "sync.prom")
	if err := filled().WriteFile(file); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = in
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics = %v:\n%s", err, out)
	}
}
