package install

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// nightly is what the packages ship.
var nightly = Timer{Program: "/usr/bin/kvm2openstack", Config: "/etc/kvm2openstack/config.yaml", User: "kvm2openstack", At: "02:17"}

func TestFiles(t *testing.T) {
	local := nightly
	local.At, local.Every, local.Apply, local.Local, local.User = "", 10*time.Minute, true, true, "root"
	for name, timer := range map[string]Timer{"nightly": nightly, "local": local} {
		t.Run(name, func(t *testing.T) {
			files, err := timer.Files()
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, name := range slices.Sorted(maps.Keys(files)) {
				b.WriteString("==== " + name + "\n" + files[name])
			}
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Timer)
		want   string // in the error, "" for none
	}{
		{"nightly", func(*Timer) {}, ""},
		{"every ten minutes", func(t *Timer) { t.At, t.Every = "", 10*time.Minute }, ""},
		{"every two hours", func(t *Timer) { t.At, t.Every = "", 2*time.Hour }, ""},
		{"every day", func(t *Timer) { t.At, t.Every = "", 24*time.Hour }, ""},
		{"every seven minutes", func(t *Timer) { t.At, t.Every = "", 7*time.Minute }, "7m0s is not"},
		{"every ninety minutes", func(t *Timer) { t.At, t.Every = "", 90*time.Minute }, "1h30m0s is not"},
		{"every second", func(t *Timer) { t.At, t.Every = "", time.Second }, "1s is not"},
		{"backwards", func(t *Timer) { t.At, t.Every = "", -time.Minute }, "-1m0s is not"},
		{"never", func(t *Timer) { t.At = "" }, "either"},
		{"twice", func(t *Timer) { t.Every = time.Hour }, "either"},
		{"no time", func(t *Timer) { t.At = "25:00" }, `"25:00" is not`},
		{"short time", func(t *Timer) { t.At = "2:17" }, `"2:17" is not`},
		{"relative program", func(t *Timer) { t.Program = "bin/kvm2openstack" }, "absolute path"},
		{"systemd's specifier", func(t *Timer) { t.Program = "/opt/%h/kvm2openstack" }, "absolute path"},
		{"shell", func(t *Timer) { t.Config = "/etc/$(reboot)" }, "absolute path"},
		{"line break", func(t *Timer) { t.Config = "/etc/a\nExecStart=/bin/b" }, "absolute path"},
		{"user with a blank", func(t *Timer) { t.User = "me too" }, "name of a user"},
		{"local as somebody", func(t *Timer) { t.Local = true }, "only root"},
	} {
		t.Run(c.name, func(t *testing.T) {
			timer := nightly
			c.change(&timer)
			err := timer.Check()
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("Check(%+v) = %v, want %q", timer, err, c.want)
			}
		})
	}
}
