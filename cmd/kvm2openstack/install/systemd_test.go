package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSystemd: systemd itself understands the units, and finds little that the
// service may do. What is left is the network and, on a libvirt host, its disks.
func TestSystemd(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze")
	}
	local := nightly
	local.At, local.Every, local.Local, local.User = "", time.Hour, true, "root"
	for name, c := range map[string]struct {
		timer    Timer
		exposure string // in tenths, of 100
	}{"nightly": {nightly, "15"}, "local": {local, "30"}} {
		t.Run(name, func(t *testing.T) {
			c.timer.Program = "/bin/true" // must be there
			files, err := c.timer.Files()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for _, name := range []string{Service, TimerSet} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(files[name]), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			service := filepath.Join(dir, Service)
			for _, args := range [][]string{
				{"verify", "--man=no", service, filepath.Join(dir, TimerSet)},
				{"security", "--offline=true", "--threshold=" + c.exposure, service},
			} {
				out, err := exec.Command("systemd-analyze", args...).CombinedOutput()
				// It also speaks of the machine's other units.
				if err != nil || args[0] == "verify" && strings.Contains(string(out), "kvm2openstack") {
					t.Errorf("systemd-analyze %v: %v\n%s", args, err, out)
				}
			}
		})
	}
}
